"""What another policy would have done, on artifacts that really went through the workflow.

Two of them: `plain` was published as low impact; `escalated` is of high impact, its first draft failed the quality gate, and
the second one, by the dearer model, waits for sign-off. Each test changes one thing in the policy.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from click.testing import CliRunner
from pytest_httpserver import HTTPServer

from finops_ai.artifacts import STEPS
from finops_ai.cli import main
from finops_ai.hindsight import Comparison
from finops_ai.orchestration.policy_diff import compare_policies
from finops_ai.policy import Policy, load_policy
from finops_ai.pricing import NANO
from finops_ai.store import preceding_month, tables, today
from finops_ai_tests.deployment import Deployment, deployment
from finops_ai_tests.peer import Peer, inventing, quoting

SMALL_CALL_NANO_USD = 500 * 250 + 400 * 25 + 100 * 2000  # uncached, cached and output tokens at the peer's price
LARGE_CALL_NANO_USD = 500 * 1000 + 400 * 100 + 100 * 8000


@dataclass(frozen=True)
class Past:
    """The deployment, and the policy under which its artifacts were made."""

    home: Deployment
    own: Mapping[str, Any]
    plain: str
    escalated: str

    def policy(self, changes: Mapping[str, Any]) -> Policy:
        file = self.home.folder / "other.yaml"
        file.write_text(yaml.safe_dump(dict(self.own) | dict(changes)))
        return load_policy(file)

    def against(self, **changes: Any) -> Comparison:
        """The policy as it was, against itself with these keys in their place."""
        bench = self.home.bench
        old, new = self.policy({}), self.policy(changes)
        return compare_policies(bench.database, bench.objects, old, new, month=f"{today():%Y-%m}")

    def booked_nano_usd(self, *conditions: sa.ColumnElement[bool]) -> int:
        """Read from the entries, without the code that is tested."""
        entry = tables.entry
        kinds = entry.c.kind.in_(("call", "compute", "review", "retrieval"))
        with self.home.bench.database.read() as connection:
            return int(
                connection.scalar(sa.select(sa.func.sum(entry.c.amount_nano_usd)).where(kinds, *conditions)) or 0
            )


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    writer = [quoting]
    with HTTPServer() as server, deployment(tmp_path_factory.mktemp("past")) as fresh:
        peer = Peer(server, {"small": lambda facts: writer[0](facts), "large": quoting})
        price = {"input_usd_per_mtok": 1.0, "cached_input_usd_per_mtok": 0.1, "output_usd_per_mtok": 8.0}
        own = {"tiers": {"economy": peer.tier("small"), "premium": peer.tier("large") | {"price": price}}}
        home = fresh.with_policy(own)
        plain = home.submit()
        home.run(plain)
        writer[0] = inventing
        escalated = home.submit(topic="Another topic", impact="high")
        home.run(escalated)
        assert (home.position(plain).state, home.position(escalated).state) == ("published", "awaiting_sign_off")
        yield Past(home, own, plain, escalated)


def cost(found: Comparison) -> tuple[int, int]:
    """Both sums, in nano-USD."""
    (sums,) = [(old, new) for name, old, new in found.sums if name == "cost USD"]
    old, new = (round(float(text) * NANO) for text in sums)
    return old, new


def told(found: Comparison, what: str) -> dict[str, tuple[str, str]]:
    return {d.artifact: (d.old, d.new) for d in found.differences if d.what == what}


def sums(found: Comparison, name: str) -> tuple[str, str]:
    return next((old, new) for figure, old, new in found.sums if figure == name)


def test_a_policy_against_itself_differs_in_nothing_and_costs_what_the_ledger_says(past: Past) -> None:
    """To the nano-dollar, which shows that every booking is found and priced as it was."""
    found = past.against()
    assert (found.artifacts, found.differences, found.limits_old) == (2, (), ())
    assert cost(found) == (past.booked_nano_usd(), past.booked_nano_usd())
    assert sums(found, "of that, USD of artifacts with an estimate") == ("0.00", "0.00")


def test_what_the_policy_gate_blocks_costs_only_what_came_before_it(past: Past) -> None:
    gates = {"policy": load_policy().gates.policy.model_dump(mode="json") | {"confirmed_facts_min": 99}}
    found = past.against(gates=gates)
    assert told(found, "policy gate").keys() == {past.plain, past.escalated}
    assert "fewer confirmed facts" in told(found, "policy gate")[past.plain][1]
    before = STEPS[: STEPS.index("risk_assessment") + 1]
    assert cost(found)[1] == past.booked_nano_usd(tables.entry.c.step.in_(before))
    assert sums(found, "approvals by persons") == ("2", "0")
    assert told(found, "approvals") == {
        past.plain: ("no person", "none: it is stopped"),
        past.escalated: ("business 1, legal 1", "none: it is stopped"),
    }


def test_the_quality_gate_judges_the_stored_drafts_again(past: Past) -> None:
    found = past.against(gates={"quality": {"sentences_min": 3, "sentence_characters_max": 60}})
    assert sums(found, "blocked by the quality gate") == ("0", "2")
    assert told(found, "quality gate")[past.plain][0] == "passed"
    assert told(found, "policy gate") == {}


def test_a_form_that_a_policy_asks_for_is_held_against_the_stored_drafts(past: Past) -> None:
    found = past.against(drafts={"briefing": {"sections": ["Outlook"]}})
    assert "Outlook" in told(found, "quality gate")[past.plain][1]


def test_a_routing_rule_moves_a_loop_and_its_tokens_are_an_estimate(past: Past) -> None:
    found = past.against(routing={"impacts": {"high": "premium"}})
    (route,) = told(found, "route").items()
    assert route[0] == past.escalated
    assert route[1][0] == "loop 0: economy small (standard), loop 1: premium large (standard)"
    assert route[1][1] == "loop 0: premium large (standard), loop 1: premium large (standard)"
    old, new = cost(found)
    assert new - old == LARGE_CALL_NANO_USD - SMALL_CALL_NANO_USD
    assert "estimate: tokens of small at the price of large" in told(found, "cost USD")[past.escalated][1]


def test_another_price_of_the_same_model_is_exact(past: Past) -> None:
    tiers = {name: dict(tier) for name, tier in past.own["tiers"].items()}
    tiers["economy"]["price"] = {name: 2 * usd for name, usd in tiers["economy"]["price"].items()}
    found = past.against(tiers=tiers)
    old, new = cost(found)
    assert new - old == 2 * SMALL_CALL_NANO_USD
    assert not [text for pair in told(found, "cost USD").values() for text in pair if "estimate" in text]


def test_without_a_model_no_call_is_paid(past: Past) -> None:
    found = past.against(tiers={"economy": {"engine": "extractive"}})
    calls = tables.entry.c.kind == "call"
    assert cost(found)[1] == past.booked_nano_usd(~calls)
    assert "no call where small was called" in told(found, "cost USD")[past.plain][1]
    assert past.booked_nano_usd(calls) == 2 * SMALL_CALL_NANO_USD + LARGE_CALL_NANO_USD


def test_a_model_without_a_price_blocks_and_is_named(past: Past) -> None:
    tier = past.own["tiers"]["economy"] | {"model": "secret-model", "price": None}
    found = past.against(tiers={"economy": tier})
    assert "unpriced_tiers" in told(found, "policy gate")[past.plain][1]


def test_rates_are_applied_to_what_was_measured(past: Past) -> None:
    rates = {"compute_usd_per_hour": "none", "review_usd_per_hour": "none", "retrieval_usd_per_gb": "none"}
    found = past.against(rates=rates)
    assert cost(found)[1] == past.booked_nano_usd(tables.entry.c.kind == "call")


def test_fewer_reworks_leave_later_loops_out(past: Past) -> None:
    found = past.against(profiles={"full": {"loops_max": 0}})
    assert told(found, "reworks refused") == {past.escalated: ("0", "1")}
    assert "blocked" in told(found, "quality gate")[past.escalated][1]  # the first draft was the one that invented
    assert cost(found)[1] == past.booked_nano_usd(tables.entry.c.loop == 0)


def test_another_quorum_needs_other_persons(past: Past) -> None:
    found = past.against(
        approvals={"high": {"quorum": {"legal": 2, "business": 1}}, "low": {"quorum": {"business": 1}}}
    )
    assert told(found, "approvals") == {
        past.plain: ("no person", "business 1"),
        past.escalated: ("business 1, legal 1", "business 1, legal 2"),
    }
    assert sums(found, "approvals by persons") == ("2", "4")


def test_limits_that_the_month_would_have_passed_are_named(past: Past) -> None:
    stages = {"pilot": {"artifacts_day_max": 1, "day_usd": 0.0005}, "limited": {}, "broad": {}}
    workloads = {"finance-briefings": {"month_usd": 0.001, "stage": "broad"}}
    found = past.against(rollout={"stages": stages}, budgets={"workloads": workloads})
    assert found.limits_old == ()
    day = today().isoformat()
    hits = {hit.id: (hit.limit, hit.found) for hit in found.limits_new}
    assert hits == {
        f"artifacts/finance-briefings/{day}": (1, 2),
        f"stage/finance-briefings/{day}": (500_000, past.booked_nano_usd()),
        f"workload/finance-briefings/{day[:7]}": (1_000_000, past.booked_nano_usd()),
    }


# --- the command


@pytest.fixture
def invoke(past: Past, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("FINOPS_AI_HOME", str(past.home.bench.settings.home))

    def call(*arguments: str | Path, code: int = 0) -> str:
        result = CliRunner().invoke(main, ["policy", "diff", *map(str, arguments)], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result.output

    return call


def test_the_command_shows_sums_limits_and_the_artifacts_that_differ(invoke: Any, past: Past, tmp_path: Path) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(yaml.safe_dump(dict(past.own)))
    new.write_text(yaml.safe_dump(dict(past.own) | {"approvals": {"low": {"quorum": {"business": 1}}}}))
    month = f"{today():%Y-%m}"
    text = invoke(old, new, "--month", month)
    for shown in (f"artifacts assessed in {month}: 2", "approvals by persons", past.plain, "no person", "business 1"):
        assert shown in text
    found = json.loads(invoke(old, new, "--month", month, "--json"))
    assert (found["artifacts"], found["sums"]["approvals by persons"]) == (2, {"old": "2", "new": "3"})
    assert [(d["artifact"], d["what"]) for d in found["differences"]] == [(past.plain, "approvals")]
    assert (found["old"], found["new"]) == (load_policy(old).sha256, load_policy(new).sha256)
    assert f"artifacts assessed in {preceding_month(month)}: 0" in invoke(old, new)


def test_a_wrong_policy_or_month_is_wrong_input(invoke: Any, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("{}")
    bad.write_text("colour: red")
    assert "bad.yaml: colour: unknown key" in invoke(good, bad, code=2)
    assert "nowhere.yaml" in invoke(tmp_path / "nowhere.yaml", good, code=2)
    assert "not a month" in invoke(good, good, "--month", "November", code=2)
