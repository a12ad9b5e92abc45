"""Costs and limits under another policy, where the past is written by hand and every amount can be checked by head."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.artifacts import record_output
from finops_ai.hindsight import (
    Assessed,
    CostPart,
    Month,
    Past,
    PastCall,
    PastCost,
    PastDraft,
    assessed_in,
    cost_parts,
    limits_hit,
    month_of,
    past_of,
    routes_under,
)
from finops_ai.policy import Assessment, CostKind, Policy
from finops_ai.pricing import Usage
from finops_ai.routing import EndedLoop
from finops_ai.settings import Settings
from finops_ai.store import Database, open_objects, simulated, tables
from finops_ai_tests.records import brief, payer, policy_with, registered
from finops_ai_tests.rollout.histories import NOW, WORKLOAD, History

DAY = "2026-10-15"
USAGE = Usage(input_tokens=1000, cached_input_tokens=400, output_tokens=100)
MODEL = """
tiers: {economy: {engine: openai, model: small, base_url: "http://127.0.0.1:1/v1", PRICE}}
bounds: {draft: {input_tokens_max: 2000, output_tokens_max: 500}}
"""
PRICE = "price: {input_usd_per_mtok: 1, cached_input_usd_per_mtok: 0.5, output_usd_per_mtok: 2}"
ASSESSMENT = Assessment(
    impact="high",
    profile="full",
    sources=1,
    failed_sources=0,
    addressing_sources=0,
    confirmed_facts=5,
    needs_review=0,
    rumors=0,
    contradicted=0,
    unpriced_tiers=(),
    worst_case_nano_usd=0,
    budget_left_nano_usd=10**9,
)
CALL = PastCall(
    day=DAY, step="draft", loop=0, tier="economy", model="small", level="standard", usage=USAGE, estimated=False
)
PAST = Past(
    artifact="a",
    brief=brief(),
    assessed_on=DAY,
    assessed_loop=0,
    assessment=ASSESSMENT,
    loops=(0,),
    ended={},
    drafts=(PastDraft(loop=0, markdown="x", sentences=()),),
    calls=(),
    costs=(),
)


@pytest.fixture
def priced(tmp_path: Path) -> Policy:
    return policy_with(tmp_path, MODEL.replace("PRICE", PRICE))


def parts(past: Past, policy: Policy, *, stopped: bool = False) -> list[tuple[int | None, str]]:
    found = cost_parts(past, policy, routes=routes_under(past, policy), stopped=stopped)
    return [(part.amount_nano_usd, part.note) for part in found]


def booked(step: str, kind: CostKind, quantity: int) -> PastCost:
    return PastCost(day=DAY, step=step, loop=0, kind=kind, quantity=quantity)


def test_a_call_of_the_same_model_is_exact(priced: Policy) -> None:
    """600 plain at 1, 400 cached at 0.5, 100 out at 2 micro-USD each: 1,000,000 nano-USD."""
    assert parts(replace(PAST, calls=(CALL,)), priced) == [(1_000_000, "")]


def test_a_draft_that_no_model_wrote_costs_at_most_its_worst_case(priced: Policy) -> None:
    """2,000 tokens in at 1 and 500 out at 2: nobody knows how many it would have been."""
    assert parts(PAST, priced) == [(3_000_000, "no tokens of small are known: its worst case")]


def test_a_loop_that_left_no_draft_is_not_assumed_to_have_had_one(priced: Policy) -> None:
    assert parts(replace(PAST, drafts=()), priced) == []


def test_an_unpriced_model_is_no_cost_of_zero(tmp_path: Path) -> None:
    unpriced = policy_with(tmp_path, MODEL.replace("PRICE", "price: null"))
    assert parts(replace(PAST, calls=(CALL,)), unpriced) == [(None, "")]


def test_an_estimate_of_the_ledger_stays_an_estimate(priced: Policy) -> None:
    ((amount, note),) = parts(replace(PAST, calls=(replace(CALL, estimated=True),)), priced)
    assert (amount, note) == (1_000_000, "tokens of small are an estimate in the ledger")


def test_a_verifying_call_follows_the_policy_of_verifying(priced: Policy, tmp_path: Path) -> None:
    past = replace(PAST, drafts=(), calls=(replace(CALL, step="claims"),))
    assert parts(past, priced) == [(1_000_000, "")]
    rule = "verification: {by: none, claims_per_call_max: 20, claims_max: 200}\n"
    silent = policy_with(tmp_path, MODEL.replace("PRICE", PRICE) + rule)
    assert parts(past, silent) == [(0, "no call where small was called")]


def test_time_and_bytes_are_paid_at_the_rates_and_only_before_a_gate_that_stops(priced: Policy) -> None:
    """36 s at 0.10 an hour, 10 MB at 0.10 a GB, 60 s of a person at 90 an hour: 1, 1 and 1,500 thousandths of a dollar."""
    costs = (
        booked("claims", "compute", 36_000_000),
        booked("sources", "retrieval", 10_000_000),
        booked("sign_off", "review", 60),
        booked("draft", "compute", 36_000_000),
    )
    past = replace(PAST, drafts=(), costs=costs)
    assert [amount for amount, _ in parts(past, priced)] == [1_000_000, 1_000_000, 1_500_000_000, 1_000_000]
    assert [amount for amount, _ in parts(past, priced, stopped=True)] == [1_000_000, 1_000_000]


def test_a_loop_is_routed_after_the_loops_that_ended_before_it(tmp_path: Path) -> None:
    tiers = MODEL.replace("PRICE", PRICE).replace(
        "}}\nbounds", f"}}, premium: {{engine: openai, model: large, {PRICE}}}}}\nbounds"
    )
    policy = policy_with(tmp_path, tiers)
    ended = {0: EndedLoop(loop=0, ended_by="failed_gate", detail="the quality gate failed")}
    routes = routes_under(replace(PAST, loops=(0, 1), ended=ended), policy)
    assert [routes[loop].tier for loop in (0, 1)] == ["economy", "premium"]


def test_costs_count_against_the_stage_that_was_earned_on_their_day(tmp_path: Path) -> None:
    policy = policy_with(
        tmp_path,
        "rollout: {stages: {pilot: {day_usd: 1, artifacts_day_max: 1}, limited: {day_usd: 3}, broad: {}}}\n"
        "budgets: {workloads: {finance-briefings: {month_usd: 40, stage: limited}}}",
    )
    spent = [
        CostPart(day=day, step="draft", amount_nano_usd=2_000_000_000)
        for day in ("2026-10-14", "2026-10-15", "2026-10-16")
    ]
    registered = {(WORKLOAD, "2026-10-14"): 2, (WORKLOAD, "2026-10-16"): 2}
    month = Month(registered=registered, stage_changes=((WORKLOAD, "2026-10-15", "broad"),))
    dear = replace(PAST, brief=brief(budget_usd="100"))
    found = [(hit.id, hit.limit, hit.found) for hit in limits_hit([(dear, spent)], month, policy)]
    assert found == [
        ("artifacts/finance-briefings/2026-10-14", 1, 2),
        ("stage/finance-briefings/2026-10-14", 1_000_000_000, 2_000_000_000),
    ]


def test_minutes_of_review_are_in_no_budget_and_pass_no_limit(tmp_path: Path) -> None:
    """As it was: a decision is booked whatever the budgets say, so it can pass none of them under another policy either."""
    policy = policy_with(tmp_path, "rates: {compute_usd_per_hour: 1, review_usd_per_hour: 90}")
    costs = (booked("sign_off", "review", 3_600), booked("draft", "compute", 3_600_000_000))
    past = replace(PAST, drafts=(), costs=costs)
    whole = list(cost_parts(past, policy, routes=routes_under(past, policy), stopped=False))
    assert sum(part.amount_nano_usd or 0 for part in whole) == 91_000_000_000, "it is part of the cost all the same"
    found = {hit.id: hit.found for hit in limits_hit([(past, whole)], Month(registered={}), policy)}
    assert found == {"artifact/a": 1_000_000_000}


# --- reading


def test_a_corrected_call_is_read_as_it_stands_now(database: Database, tmp_path: Path) -> None:
    """An entry that was reversed and booked anew is one call, with the second count."""
    history = History(database, tmp_path)
    key = history.reserved(NOW)
    with simulated(NOW), database.write() as tx:
        who = ledger.payer_of(tx, key)
        ledger.settle(tx, who, key, replace(USAGE, output_tokens=70), answer="{}")
        ledger.correct(tx, key, USAGE, report_sha256="r" * 64)
    with database.read() as connection:
        artifact = connection.scalar(sa.select(tables.reservation.c.artifact)) or ""
        objects = open_objects(Settings(home=tmp_path / "home"))
        stored = objects.put_json(ASSESSMENT.as_dict())
        one = Assessed(artifact=artifact, loop=0, output_sha256=stored, at="2026-11-27T12:00:00.000000Z")
        past = past_of(connection, objects, one)
    assert [call.usage for call in past.calls] == [USAGE]
    assert [(call.model, call.day, call.step) for call in past.calls] == [("model-a", "2026-11-27", "draft")]
    assert [cost.kind for cost in past.costs] == ["compute"]


def test_a_month_holds_what_was_assessed_and_registered_in_it(database: Database, tmp_path: Path) -> None:
    history = History(database, tmp_path)
    for at in (datetime(2026, 10, 31, 23, 59, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)):
        history.assessed(at, "a" * 64)
    review = brief(topic="Review", impact="governance", intent={"form": "review"})
    with simulated(datetime(2026, 10, 30, tzinfo=UTC)):  # a document of our own: no policy decides about it
        key = registered(database, review)
        with database.write() as tx:
            record_output(tx, payer(key, step="risk_assessment"), "b" * 64)
    history.moved("limited", datetime(2026, 10, 2, tzinfo=UTC))
    with database.read() as connection:
        october, about = assessed_in(connection, "2026-10"), month_of(connection, "2026-10")
        november = assessed_in(connection, "2026-11")
    assert [one.at[:10] for one in (*october, *november)] == ["2026-10-31", "2026-11-01"]
    assert dict(about.registered) == {(WORKLOAD, "2026-10-31"): 1}
    assert (about.earned_on(WORKLOAD, "2026-10-01"), about.earned_on(WORKLOAD, "2026-10-31")) == ("pilot", "limited")
