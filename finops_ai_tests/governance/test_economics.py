"""Every figure of a month, recomputed in plain Python from the list of what was done."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from finops_ai.governance import Ratio, Values, View, economics_of, grouped, read_values, safeguards_of
from finops_ai.governance.economics import bought, percentile, rework_of
from finops_ai.store import Database, ObjectStore, simulated, tables
from finops_ai_tests.governance.ground import Ground
from finops_ai_tests.records import brief

DECEMBER = datetime(2026, 12, 3, tzinfo=UTC)
MONTHS = ("2026-09", "2026-10", "2026-11")


def read(ground: Ground, month: str = "2026-11") -> Values:
    with simulated(DECEMBER):
        return read_values(ground.database, ground.objects, ground.policy, month=month)


def view_of(values: Values, month: str) -> View:
    return next(view for view in values.months if view.month == month)


def outcome(ground: Ground, key: str, month: str) -> tuple[str, str] | None:
    """(state, month of the outcome) when a month had ended, from what was done until then; None: not submitted yet."""
    deeds = [deed for deed in ground.deeds if deed["artifact"] == key and deed["month"] <= month]
    loops_max = {"fast": 1, "full": 2}[ground.briefs[key].profile]
    if not deeds:
        return None
    for deed in deeds:
        if deed["what"] == "publish":
            return "published", deed["month"]
    for deed in deeds:
        if deed["what"] == "decide" and deed["verdict"] == "reject":
            return "rejected", deed["month"]
    last = deeds[-1]
    misses = [d for d in deeds if d["what"] == "judge" and not d["passed"]]
    if misses and misses[-1]["gate"] == "quality" and misses[-1]["loop"] == loops_max:
        return "held", misses[-1]["month"]
    if last["what"] == "fail":
        return ("held" if last["permanent"] else "failed"), last["month"]
    if misses and misses[-1]["gate"] == "policy":
        return "held", misses[-1]["month"]
    return "open", ""


def outcomes(ground: Ground, month: str) -> dict[str, tuple[str, str]]:
    return {key: found for key in ground.briefs if (found := outcome(ground, key, month))}


def costs(ground: Ground, month: str, **where: Any) -> int:
    return sum(deed["amount"] for deed in ground.all("cost", month, **where))


@pytest.mark.parametrize("month", MONTHS)
def test_counts_and_costs_are_those_of_what_was_done(ground: Ground, month: str) -> None:
    found = economics_of(view_of(read(ground), month))
    ended = {key: state for key, (state, when) in outcomes(ground, month).items() if when == month}
    states = Counter(ended.values())
    everything = outcomes(ground, month)
    assert (found.published, found.rejected, found.held, found.failed) == tuple(
        states[name] for name in ("published", "rejected", "held", "failed")
    )
    assert found.open == sum(state == "open" for state, _ in everything.values())
    assert found.held_at_end == sum(state == "held" for state, _ in everything.values())
    assert found.submitted == len(ground.all("submit", month))
    assert found.spend_nano_usd == costs(ground, month) > 0
    for kind in ("call", "compute", "review", "retrieval"):
        assert found.by_kind[kind] == costs(ground, month, kind=kind) > 0
    assert found.unit_cost == Ratio(costs(ground, month), states["published"])
    rework = [deed for deed in ground.all("cost", month) if deed["loop"]]
    assert found.rework_share == Ratio(sum(d["amount"] for d in rework), costs(ground, month))
    assert found.rework_loops == len({(d["artifact"], d["loop"]) for d in rework})
    first = [d for d in ground.all("publish", month) if d["loop"] == 0]
    assert found.first_pass_yield == Ratio(len(first), len(ended))
    standing = [d["amount"] for d in ground.all("cost", estimated=True) if d["month"] <= month]
    assert found.estimated_nano_usd == sum(standing) > 0


@pytest.mark.parametrize("month", MONTHS)
def test_what_was_never_approved_is_part_of_the_cost_and_a_figure_of_its_own(ground: Ground, month: str) -> None:
    found = economics_of(view_of(read(ground), month))
    states = {key: state for key, (state, _) in outcomes(ground, month).items()}
    by_state: Counter[str] = Counter()
    for deed in ground.all("cost", month):
        by_state[states[deed["artifact"]]] += deed["amount"]
    assert found.unapproved_nano_usd == by_state["rejected"] + by_state["held"] + by_state["failed"] > 0
    assert found.approved_nano_usd == by_state["published"]
    assert found.approved_nano_usd + found.unapproved_nano_usd + by_state["open"] == found.spend_nano_usd


def test_tokens_calls_and_overruns_are_those_that_were_made(ground: Ground) -> None:
    found = economics_of(read(ground).view)
    calls = ground.all("call", "2026-11")
    assert found.cached_input_share == Ratio(sum(c["cached"] for c in calls), sum(c["input"] for c in calls))
    assert (found.output_tokens, found.calls) == (sum(c["output"] for c in calls), len(calls))
    assert found.overrun_rate == Ratio(sum(c["over"] for c in calls), len(calls))
    assert found.overruns > 0
    assert found.unpriced_share == Ratio(0, len(calls))


def test_suspense_stands_until_a_provider_has_spoken(ground: Ground) -> None:
    """Each month loses one call; that of the month before is found."""
    values = read(ground)
    for month in MONTHS:
        standing = sum(d["amount"] for d in ground.all("lose") if d["month"] <= month)
        standing -= sum(d["amount"] for d in ground.all("find") if d["month"] <= month)
        found = economics_of(view_of(values, month))
        assert found.suspense_nano_usd == standing == 7_000_000
        counted = costs(ground, month, kind="call", estimated=False)
        estimated = sum(d["amount"] for d in ground.all("cost", estimated=True) if d["month"] <= month)
        assert found.reconciliation_gap == Ratio(standing + estimated, standing + estimated + counted)
        assert found.suspense_share == Ratio(standing, found.spend_nano_usd + standing)
    assert [(kind, amount) for _, kind, amount in values.books.resolved] == [("not_billed", 7_000_000)]


def test_rework_has_its_cause_and_an_exception_what_it_bought(ground: Ground) -> None:
    view = read(ground).view
    causes = Counter(one.cause for one in rework_of(view))
    assert causes == {"quality gate": 2, "changes asked for by business": 1}
    assert sum(one.cost_nano_usd for one in rework_of(view)) == sum(
        d["amount"] for d in ground.all("cost", "2026-11") if d["loop"]
    )
    exceptions = bought(view)
    assert sorted(one.passed is True for one in exceptions) == [False, True]
    premium = [d["amount"] for d in ground.all("cost", "2026-11", tier="premium")]
    assert sorted(one.cost_nano_usd for one in exceptions) == sorted(premium)
    worked = {d["artifact"] for d in ground.all("cost", "2026-11")}
    assert economics_of(view).exception_rate == Ratio(2, len(worked))


def test_cost_to_value_compares_with_what_the_briefs_declared(ground: Ground) -> None:
    found = economics_of(read(ground).view)
    published = {d["artifact"] for d in ground.all("publish", "2026-11")}
    declared = sum(int(ground.briefs[key].intent.value.expected_usd) * 10**9 for key in published)
    assert found.cost_to_value == Ratio(costs(ground, "2026-11"), declared)


def test_cycle_time_is_from_submission_to_the_first_receipt(ground: Ground) -> None:
    found = economics_of(read(ground).view)
    submitted = {d["artifact"]: d["at"] for d in ground.all("submit")}
    took = [int((d["at"] - submitted[d["artifact"]]).total_seconds()) for d in ground.all("publish", "2026-11")]
    assert sorted(found.cycle_seconds) == sorted(took)
    assert max(took) > 28 * 86_400, "one began in the month before"


def test_spend_outside_of_what_the_policy_names_is_unallocated(ground: Ground) -> None:
    """The shipped policy names cc-4711 and finance-briefings, and nothing else."""
    found = economics_of(read(ground).view)
    named = [
        d["amount"]
        for d in ground.all("cost", "2026-11")
        if ground.briefs[d["artifact"]].workload == "finance-briefings"
        and ground.briefs[d["artifact"]].cost_centre == "cc-4711"
    ]
    assert found.unallocated_share == Ratio(costs(ground, "2026-11") - sum(named), costs(ground, "2026-11"))
    assert 0 < found.unallocated_nano_usd < found.spend_nano_usd


@pytest.mark.parametrize("by", ["workload", "cost_centre", "impact", "profile"])
def test_groups_are_those_of_the_brief_and_add_up(ground: Ground, by: Any) -> None:
    view = read(ground).view
    spent: Counter[str] = Counter()
    for deed in ground.all("cost", "2026-11"):
        spent[getattr(ground.briefs[deed["artifact"]], by)] += deed["amount"]
    parts = {name: economics_of(part) for name, part in grouped(view, by).items()}
    assert {name: part.spend_nano_usd for name, part in parts.items() if part.spend_nano_usd} == dict(spent)
    assert sum(part.published for part in parts.values()) == economics_of(view).published


def test_by_tier_all_that_an_artifact_cost_is_with_its_dearest_model(ground: Ground) -> None:
    """A call whose end nobody saw was a call of its tier."""
    view = read(ground).view
    used: dict[str, set[str]] = {}
    for deed in [*ground.all("cost"), *ground.all("lose")]:
        used.setdefault(deed["artifact"], set()).add(deed.get("tier", "economy"))
    spent: Counter[str] = Counter()
    for deed in ground.all("cost", "2026-11"):
        tiers = used[deed["artifact"]]
        highest = "premium" if "premium" in tiers else "economy" if "economy" in tiers else "no model"
        spent[highest] += deed["amount"]
    assert {
        name: economics_of(part).spend_nano_usd for name, part in grouped(view, "tier").items() if part.spend
    } == dict(spent)


def test_gates_signatures_and_statements_are_counted_as_they_happened(ground: Ground) -> None:
    values = read(ground)
    for month in MONTHS:
        found = safeguards_of(view_of(values, month), values.quorums)
        for gate in ("policy", "quality", "readiness"):
            judged = [d["passed"] for d in ground.all("judge", month, gate=gate)]
            assert found.by_gate[gate] == (sum(judged), len(judged) - sum(judged))
        given = Counter(d["role"] for d in ground.all("decide", month, verdict="approve"))
        assert found.approvals == dict(given)
        assert sum(d.review_seconds for d in found.decisions) == sum(d["seconds"] for d in ground.all("decide", month))
        published = ground.all("publish", month)
        assert (len(found.files), found.with_statement) == (len(published), sum(d["statement"] for d in published))
        assert found.unguarded == ()
        assert len(found.failures) == len(ground.all("fail", month))


def test_sources_that_address_a_model_are_found_in_the_assessments(ground: Ground) -> None:
    values = read(ground)
    found = safeguards_of(values.view, values.quorums)
    assessed = ground.all("assess", "2026-11")
    assert found.addressing_sources == sum(d["addressing"] for d in assessed) == 2
    assert (found.addressed, found.assessed) == (1, len(assessed))
    assert Counter(gate for gate, _, _ in values.view.reasons) == {"quality": 3, "policy": 1}
    assert values.unreadable == 0


def test_time_to_sign_ends_with_the_last_signature_and_what_waits_has_an_age(ground: Ground) -> None:
    values = read(ground)
    found = safeguards_of(values.view, values.quorums)
    took = []
    for deed in ground.all("publish", "2026-11"):
        ready = ground.all("put up", artifact=deed["artifact"])[-1]["at"]
        signed = [
            d for d in ground.all("decide", artifact=deed["artifact"], verdict="approve") if d["role"] != "policy"
        ]
        took += [int((signed[-1]["at"] - ready).total_seconds())] if signed else []
    assert sorted(one.seconds for one in found.signed) == sorted(took)
    assert len(took) == 4
    waiting = [key for key in ground.packets if outcome(ground, key, "2026-11") == ("open", "")]
    end = datetime(2026, 12, 1, tzinfo=UTC) - timedelta(microseconds=1)
    ages = {key: int((end - ground.all("put up", artifact=key)[-1]["at"]).total_seconds()) for key in waiting}
    assert {one.artifact: one.seconds for one in found.waiting} == ages
    assert {one.missing for one in found.waiting} == {"business 1"}
    assert len(ages) == 3


def test_a_month_stays_what_it_was_when_later_months_are_written(database: Database, objects: ObjectStore) -> None:
    """What leaders signed in November must be what anybody computes of November a year later."""
    ground = Ground(database, objects, at=datetime(2026, 10, 5, tzinfo=UTC))
    artifact = ground.submit()
    ground.compute(artifact, 10)
    ground.draft(artifact)
    ground.put_up(artifact)
    ground.fail(artifact, permanent=True)
    before = read(ground, "2026-10")
    ground.wait(days=31)
    ground.compute(artifact, 99)
    ground.draft(artifact)
    ground.put_up(artifact)
    for name in ("Ana", "Bob"):
        ground.decide(artifact, name, seconds=5)
    ground.publish(artifact)
    after = read(ground, "2026-10")
    assert before.months == after.months
    assert [one.state for one in after.view.artifacts] == ["held"]
    november = read(ground, "2026-11")
    assert [(view.month, view.artifacts[0].state) for view in november.months] == [
        ("2026-10", "held"),
        ("2026-11", "published"),
    ]


def test_a_call_booked_without_a_price_is_found(database: Database, objects: ObjectStore) -> None:
    """Such a call is refused before it is made; whoever wrote one into the books all the same must not stay unseen."""
    ground = Ground(database, objects, at=datetime(2026, 11, 5, tzinfo=UTC))
    artifact = ground.submit()
    ground.call(artifact, (100, 0, 10))
    entry = tables.entry
    with ground.writing() as tx:
        booked = tx.execute(sa.select(entry).where(entry.c.unit == "output_tokens")).mappings().one()
        tx.execute(entry.insert().values({name: booked[name] for name in booked if name != "id"} | {"price": {}}))
    assert economics_of(read(ground).view).unpriced_share == Ratio(1, 2)


def test_reading_takes_as_many_queries_however_many_artifacts_there_are(
    database: Database, objects: ObjectStore
) -> None:
    ground = Ground(database, objects, at=datetime(2026, 11, 5, tzinfo=UTC))
    asked: list[str] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *found: asked.append(found[2]))

    def queries() -> int:
        asked.clear()
        read(ground)
        return len(asked)

    def work(count: int) -> None:
        for _ in range(count):
            artifact = ground.submit()
            ground.assess(artifact)
            ground.call(artifact, (100, 0, 10))
            ground.draft(artifact)
            ground.put_up(artifact)

    work(1)
    first = queries()
    work(4)
    assert queries() == first > 10


def test_a_percentile_is_a_value_that_was_measured() -> None:
    """Nearest rank, checked against the definition: the smallest value that at least p percent do not exceed."""
    for size in range(1, 40):
        values = [7 * n % 41 for n in range(size)]
        for percent in (50, 90, 100):
            found = percentile(values, percent)
            assert found == min(v for v in values if 100 * sum(w <= v for w in values) >= percent * size)
    assert percentile([], 50) is None


def test_an_empty_month_has_no_figures_and_no_faults(database: Database, objects: ObjectStore) -> None:
    found = economics_of(read(Ground(database, objects), "2026-07").view)
    assert (found.published, found.spend_nano_usd, found.unit_cost) == (0, 0, Ratio(0, 0))


def test_what_is_no_month_is_refused(sqlite_database: Database, objects: ObjectStore) -> None:
    with pytest.raises(ValueError, match="is not a month"):
        read(Ground(sqlite_database, objects), "2026-13")


def test_a_published_artifact_whose_gate_had_failed_is_found(sqlite_database: Database, objects: ObjectStore) -> None:
    """The permit refuses this; a review that took the refusal for granted could not see that it had been got round."""
    ground = Ground(sqlite_database, objects, at=datetime(2026, 11, 5, tzinfo=UTC))
    artifact = ground.submit(impact="low")
    ground.judge(artifact, "policy")
    ground.draft(artifact, passed=False)
    ground.put_up(artifact)
    ground.publish(artifact)
    values = read(ground)
    assert safeguards_of(values.view, values.quorums).unguarded == (artifact,)
    assert brief(topic="Number 1", impact="low").key == artifact
