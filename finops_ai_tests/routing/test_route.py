"""Economy serves every step; a dearer tier is an exception with a reason, an owner and what asked for it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_ai.policy import TIER_ORDER, Routing, TierName, TokenBounds, load_policy
from finops_ai.routing import EndedLoop, Offer, Route, choose_route, offers_of
from finops_ai_tests.records import PLAIN_PRICE, brief, policy_with

BOUNDS = TokenBounds(input_tokens_max=6000, output_tokens_max=1200)
GATE = EndedLoop(loop=0, ended_by="failed_gate", detail="the quality gate failed")
CHANGES = EndedLoop(loop=1, ended_by="request_changes", detail="ana (legal): name the period")
BETTER = replace(CHANGES, higher_tier=True)
NO_RULES = Routing()
PLENTY = 1_000
ECONOMY: list[TierName] = ["economy"]
COSTS: dict[TierName, int] = {"economy": 10, "standard": 100, "premium": 500}


def offers(tiers: Collection[TierName] = TIER_ORDER, *, unpriced: Collection[TierName] = ()) -> dict[TierName, Offer]:
    return {
        tier: Offer(
            tier=tier,
            model=f"model-{tier}",
            engine="openai",
            level="standard",
            price=None if tier in unpriced else PLAIN_PRICE,
            worst_case_nano_usd=None if tier in unpriced else COSTS[tier],
        )
        for tier in TIER_ORDER
        if tier in tiers
    }


def route(past: Sequence[EndedLoop] = (), tiers: Collection[TierName] = TIER_ORDER, **changes: Any) -> Route:
    given: dict[str, Any] = {
        "step": "draft",
        "loop": len(past),
        "past": past,
        "offers": offers(tiers, unpriced=changes.pop("unpriced", ())),
        "rules": NO_RULES,
        "bounds": BOUNDS,
        "budget_left_nano_usd": PLENTY,
    }
    return choose_route(changes.pop("brief", brief(owner="ana")), **(given | changes))


@pytest.mark.parametrize("impact", ["low", "medium", "high"])
def test_economy_serves_by_default_whatever_the_impact(impact: str) -> None:
    """A high impact asks for more reviewers, not for a dearer model, unless the policy says so."""
    found = route(brief=brief(impact=impact))
    assert (found.tier, found.exception, found.reason) == ("economy", None, "economy by default")
    assert found.bounds == BOUNDS


def test_a_failed_gate_moves_the_step_up_by_recorded_exception() -> None:
    found = route([GATE])
    assert found.tier == "standard"
    assert found.exception is not None
    assert (found.exception.reason, found.exception.owner, found.exception.above) == ("failed_gate", "ana", "economy")
    assert found.exception.detail == "the quality gate failed in loop 0"


def test_the_next_tier_is_the_next_that_is_configured() -> None:
    assert route([GATE], ("economy", "premium")).tier == "premium"


def test_failing_again_moves_it_no_further() -> None:
    """One escalation per step: each further step up would be paid for by hope."""
    again = EndedLoop(loop=1, ended_by="failed_gate", detail="the quality gate failed again")
    found = route([GATE, again])
    assert found.tier == "standard"
    assert found.exception is not None
    assert found.exception.detail == "the quality gate failed again in loop 1"


def test_a_reviewer_who_asks_for_changes_moves_nothing() -> None:
    """The draft was good enough to read; what is asked for is another text, not another model."""
    assert route([CHANGES]).tier == "economy"
    assert route([GATE, CHANGES]).tier == "standard", "and what a gate moved up stays up"


def test_a_reviewer_can_ask_for_a_better_model() -> None:
    found = route([BETTER])
    assert found.tier == "standard"
    assert found.exception is not None
    assert (found.exception.reason, found.exception.detail) == (
        "reviewer_asked",
        "ana (legal): name the period in loop 1",
    )


def test_without_a_higher_tier_the_route_says_so() -> None:
    found = route([GATE], ECONOMY)
    assert (found.tier, found.exception) == ("economy", None)
    assert found.reason == "economy: the policy configures no higher tier"


# --- rules of the policy


def test_a_rule_for_an_impact_is_an_exception_from_the_first_loop_on() -> None:
    rules = Routing(impacts={"high": "premium"}, owner="head-of-risk")
    found = route(brief=brief(impact="high"), rules=rules)
    assert found.tier == "premium"
    assert found.exception is not None
    assert (found.exception.reason, found.exception.owner) == ("impact_rule", "head-of-risk")
    assert route(brief=brief(impact="low"), rules=rules).tier == "economy"


def test_a_rule_for_a_task_type_goes_by_the_form_of_the_intent() -> None:
    found = route(brief=brief(intent={"form": "report"}), rules=Routing(forms={"report": "standard"}))
    assert found.exception is not None
    assert (found.tier, found.exception.reason, found.exception.owner) == (
        "standard",
        "task_type",
        "content-platform",
    )


def test_the_dearest_of_two_rules_wins_and_a_failed_gate_goes_up_from_there() -> None:
    rules = Routing(forms={"briefing": "standard"}, impacts={"high": "standard"})
    wanted = brief(impact="high", intent={"form": "briefing"})
    first, second = route(brief=wanted, rules=rules), route([GATE], brief=wanted, rules=rules)
    assert (first.tier, second.tier) == ("standard", "premium")
    assert second.exception is not None
    assert second.exception.above == "standard"


def test_a_rule_for_a_tier_that_is_not_configured_changes_nothing() -> None:
    found = route(tiers=ECONOMY, rules=Routing(impacts={"high": "premium"}))
    assert (found.tier, found.exception) == ("economy", None)


# --- money


def test_a_tier_that_the_budget_cannot_hold_does_not_serve_and_the_route_says_why() -> None:
    found = route([GATE], budget_left_nano_usd=99)
    assert (found.tier, found.exception) == ("economy", None)
    assert found.reason == (
        "economy by default; not standard: it may cost 0.0000001 USD, and the tightest budget has 0.000000099 left"
    )


def test_where_the_dearest_tier_is_too_dear_the_next_that_was_asked_for_serves() -> None:
    rules = Routing(impacts={"high": "standard"})
    found = route([GATE], brief=brief(impact="high"), rules=rules, budget_left_nano_usd=100)
    assert found.tier == "standard"
    assert found.exception is not None
    assert found.exception.reason == "impact_rule"


def test_an_unpriced_tier_never_serves_by_exception() -> None:
    found = route([GATE], unpriced=("standard",))
    assert found.tier == "economy"
    assert "no price is known for model-standard" in found.reason


def test_every_tier_is_named_with_its_cost_and_why_it_serves_or_not() -> None:
    found = route(unpriced=("premium",))
    assert [(a.tier, a.worst_case_usd, a.chosen, a.why) for a in found.alternatives] == [
        ("economy", "0.00000001", True, "serves"),
        ("standard", "0.0000001", False, "nothing asks for it: no rule, no failed gate, no reviewer"),
        ("premium", None, False, "no price is known for model-premium"),
    ]


# --- the function as a whole

_loops = st.lists(st.sampled_from([GATE, CHANGES, BETTER]), max_size=4)
_rules = st.builds(Routing, impacts=st.dictionaries(st.just("high"), st.sampled_from(TIER_ORDER)))


@given(
    past=_loops,
    rules=_rules,
    tiers=st.sets(st.sampled_from(TIER_ORDER)),
    unpriced=st.sets(st.sampled_from(TIER_ORDER)),
    left=st.integers(min_value=-10, max_value=PLENTY),
)
def test_whatever_happened_a_tier_above_economy_has_its_reason_its_price_and_its_budget(
    past: list[EndedLoop], rules: Routing, tiers: set[TierName], unpriced: set[TierName], left: int
) -> None:
    found = route(past, {"economy", *tiers}, rules=rules, unpriced=unpriced, budget_left_nano_usd=left)
    assert found.tier in {"economy", *tiers}
    assert (found.exception is None) == (found.tier == "economy")
    if found.tier != "economy":
        assert found.tier not in unpriced
        assert COSTS[found.tier] <= left
    assert [a.chosen for a in found.alternatives].count(True) == 1
    assert Route.from_dict(found.as_dict()) == found


def test_a_route_that_was_stored_before_levels_and_alternatives_reads_back() -> None:
    stored = route([GATE]).as_dict()
    del stored["level"], stored["alternatives"]
    assert Route.from_dict(stored) == replace(route([GATE]), alternatives=())


# --- offers


def test_an_offer_is_priced_at_the_service_level_of_the_profile(tmp_path: Path) -> None:
    rates = "input_usd_per_mtok: {}, output_usd_per_mtok: {}"
    price = f"{{{rates.format(2, 8)}, levels: {{flex: {{{rates.format(1, 4)}}}}}}}"
    tier = f"{{engine: openai, model: m, price: {price}, service_levels: {{full: flex}}}}"
    policy = policy_with(tmp_path, f"tiers: {{standard: {tier}}}")
    on = date(2026, 11, 24)
    full = offers_of(policy, brief(profile="full"), bounds=BOUNDS, on=on)["standard"]
    fast = offers_of(policy, brief(profile="fast"), bounds=BOUNDS, on=on)["standard"]
    assert (full.level, fast.level) == ("flex", "standard")
    assert full.worst_case_nano_usd is not None
    assert fast.worst_case_nano_usd == 2 * full.worst_case_nano_usd


def test_the_tier_without_a_model_costs_nothing() -> None:
    (offer,) = offers_of(load_policy(), brief(), bounds=BOUNDS, on=date(2026, 11, 24)).values()
    assert (offer.engine, offer.worst_case_nano_usd) == ("extractive", 0)
