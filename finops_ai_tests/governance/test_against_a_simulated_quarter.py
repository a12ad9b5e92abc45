"""The figures of a quarter that an organisation lived through, against what the simulation knows to have happened.

Its truth comes from another hand and other arithmetic than ours, and it also says where `artifacts.position` sees each artifact.
The quarter is small here; `FINOPS_AI_TESTS_LONG=1` has the size of `bench.quarter`.
"""

import os
from collections import Counter
from pathlib import Path

import pytest

from bench.quarter import ARTIFACTS as ALL_OF_BENCH
from bench.quarter import Quarter, simulate
from bench.quarter_truth import Cost, Lived
from finops_ai.governance import Ratio, Review, Values, checks, economics_of, grouped, read_values, review_of
from finops_ai.governance.economics import bought

ARTIFACTS = ALL_OF_BENCH if os.environ.get("FINOPS_AI_TESTS_LONG") else 60


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Quarter:
    home: Path = tmp_path_factory.mktemp("quarter") / "home"
    return simulate(home, artifacts=ARTIFACTS, first_month="2026-06")


@pytest.fixture(scope="module")
def values(lived: Quarter) -> Values:
    return read_values(lived.database, lived.objects, lived.policy, month=lived.months[-1])


def costs(lived: Quarter, month: str) -> list[tuple[Lived, Cost]]:
    return [(one, cost) for one in lived.lived for cost in one.costs if cost.month == month]


def test_every_artifact_is_in_the_state_in_which_the_quarter_left_it(lived: Quarter, values: Values) -> None:
    found = {one.key: one.state for one in values.view.artifacts}
    known = ("published", "rejected", "held", "failed")
    assert found == {one.key: one.state if one.state in known else "open" for one in lived.lived}
    assert len(set(found.values())) >= 4, "a quarter in which only good things happen would prove little"


def test_costs_of_each_month_are_those_that_were_lived(lived: Quarter, values: Values) -> None:
    for view in values.months:
        found, booked = economics_of(view), costs(lived, view.month)
        kinds: Counter[str] = Counter()
        for _, cost in booked:
            kinds[cost.kind] += cost.amount_nano_usd
        assert dict(found.by_kind) == {kind: kinds[kind] for kind in found.by_kind}
        assert found.spend_nano_usd == sum(kinds.values()) > 0
        rework = [(one.key, cost) for one, cost in booked if cost.loop]
        assert found.rework_nano_usd == sum(cost.amount_nano_usd for _, cost in rework)
        tokens = [cost for _, cost in booked if cost.unit in ("input_tokens", "cached_input_tokens")]
        cached = sum(cost.quantity for cost in tokens if cost.unit == "cached_input_tokens")
        assert found.cached_input_share == Ratio(cached, sum(cost.quantity for cost in tokens))
        assert found.confirmed_nano_usd == sum(
            c.amount_nano_usd for _, c in booked if c.kind == "call" and not c.estimated
        )
        estimated = [
            c.amount_nano_usd for one in lived.lived for c in one.costs if c.estimated and c.month <= view.month
        ]
        assert found.estimated_nano_usd == sum(estimated) >= 0
        suspended = [c.amount_nano_usd for one in lived.lived for c in one.suspense if c.month <= view.month]
        assert found.suspense_nano_usd == sum(suspended)


def test_results_of_each_month_are_those_that_were_lived(lived: Quarter, values: Values) -> None:
    for view in values.months:
        found = economics_of(view)
        published = [one for one in lived.lived if (one.published_at or "")[:7] == view.month]
        assert found.published == len(published) > 0
        assert found.submitted == sum(one.created_at[:7] == view.month for one in lived.lived)
        assert found.first_pass == sum(one.loops == 1 for one in published)
        assert found.value_nano_usd == sum(one.value_usd for one in published) * 10**9


def test_each_workload_paid_what_it_lived(lived: Quarter, values: Values) -> None:
    spent: Counter[str] = Counter()
    for one, cost in costs(lived, values.view.month):
        spent[one.workload] += cost.amount_nano_usd
    found = {name: economics_of(view).spend_nano_usd for name, view in grouped(values.view, "workload").items()}
    assert {name: amount for name, amount in found.items() if amount} == dict(spent)


def test_exceptions_are_those_that_were_lived(lived: Quarter, values: Values) -> None:
    reasons = Counter(served.exception for one in lived.lived for served in one.tiers if served.exception)
    found = Counter(one.premium.reason for view in values.months for one in bought(view))
    assert found == reasons
    assert reasons.total() > 0


def test_its_review_is_ready_to_be_signed(values: Values) -> None:
    review: Review = review_of(values)
    assert [row for row in checks(review) if row["state"] != "ready"] == []
