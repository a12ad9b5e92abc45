"""What the next stage asks for, and what costs the present one: each criterion by itself."""

from dataclasses import replace
from typing import Any

import pytest

from finops_ai.policy import load_policy
from finops_ai.rollout import Baseline, Evidence, SignOff, breaches, promotion_document, scorecard

RULES = load_policy().rollout
USD = 1_000_000_000

GOOD = Evidence(
    workload="w",
    since="2026-10-30T12:00:00.000000Z",
    at="2026-11-27T12:00:00.000000Z",
    ceiling="limited",
    earned="pilot",
    briefs=12,
    briefs_without_value=0,
    published=8,
    ended=10,
    first_pass=5,
    published_ungated=(),
    published_cost_nano_usd=8 * USD,
    published_value_nano_usd=40 * USD,
    ended_cost_nano_usd=12 * USD,
    suspense=0,
    suspense_nano_usd=0,
    suspense_overdue=0,
    reservations_overdue=0,
    not_booked=(),
)
BASELINE = Baseline(unit_cost_nano_usd=USD, source="November's usage log")  # 1.5 USD per approved one is 1.5 times it
SIGNED = SignOff(
    packet_digest="d" * 64,
    workload="w",
    to_stage="limited",
    evidence_until="2026-11-26T09:00:00.000000Z",
    approved=True,
    told="three of three",
)


def unmet(
    evidence: Evidence = GOOD, baseline: Baseline | None = BASELINE, sign_off: SignOff | None = SIGNED
) -> list[str]:
    return [criterion.name for criterion in scorecard(evidence, RULES, baseline=baseline, sign_off=sign_off).unmet]


def test_figures_exactly_at_their_limits_are_ready() -> None:
    """0.8 approved, 0.5 at once, 0.2 of the value, 1.5 times the baseline, ten ended."""
    card = scorecard(GOOD, RULES, baseline=BASELINE, sign_off=SIGNED)
    assert (card.unmet, card.ready, card.next_stage) == ((), True, "limited")


@pytest.mark.parametrize(
    ("changes", "criteria"),
    [
        ({"briefs": 0}, ["value"]),
        ({"briefs_without_value": 1}, ["value"]),
        ({"published_cost_nano_usd": 0}, ["value"]),
        ({"published_ungated": ("a",)}, ["gates"]),
        ({"ended": 9, "published": 8}, ["quality"]),
        ({"published": 7}, ["quality", "unit_cost"]),
        ({"first_pass": 4}, ["quality"]),
        ({"published_cost_nano_usd": 8 * USD + 1}, ["unit_cost"]),
        ({"ended_cost_nano_usd": 12 * USD + 1}, ["unit_cost"]),
        ({"suspense": 1}, ["suspense"]),
        ({"reservations_overdue": 1}, ["reservations"]),
        ({"ceiling": "pilot"}, ["ceiling"]),
        ({"published": 0, "first_pass": 0}, ["value", "gates", "quality", "unit_cost"]),
    ],
)
def test_each_figure_beyond_its_limit_is_one_criterion(changes: dict[str, Any], criteria: list[str]) -> None:
    assert unmet(replace(GOOD, **changes)) == criteria


def test_without_a_baseline_no_unit_cost_is_good_enough() -> None:
    assert unmet(baseline=None) == ["baseline", "unit_cost"]


@pytest.mark.parametrize(
    "signed",
    [
        None,
        replace(SIGNED, approved=False),
        replace(SIGNED, workload="another"),
        replace(SIGNED, to_stage="broad"),
        replace(SIGNED, evidence_until=GOOD.since),  # of another window: nothing in it counts any more
    ],
)
def test_only_the_leaders_word_on_this_very_step_counts(signed: SignOff | None) -> None:
    assert unmet(sign_off=signed) == ["sign_off"]


def test_the_next_stage_is_one_step_above_the_earned_one() -> None:
    """Where the policy has since been narrowed, the ceiling says no."""
    card = scorecard(replace(GOOD, earned="limited", ceiling="pilot"), RULES, baseline=None, sign_off=None)
    assert (card.stage, card.next_stage) == ("pilot", "broad")
    assert not next(c for c in card.criteria if c.name == "ceiling").met


def test_above_the_last_stage_there_is_none() -> None:
    card = scorecard(replace(GOOD, earned="broad", ceiling="broad"), RULES, baseline=BASELINE, sign_off=SIGNED)
    assert (card.next_stage, [c.name for c in card.unmet]) == (None, ["ceiling", "sign_off"])
    with pytest.raises(ValueError, match="last stage"):
        promotion_document(card)


def test_costs_that_nobody_books_are_named() -> None:
    card = scorecard(replace(GOOD, not_booked=("review",)), RULES, baseline=BASELINE, sign_off=SIGNED)
    assert "not booked: review" in card.criteria[0].evidence


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"published": 7}, "approved share 0.700 (7 of 10)"),
        ({"first_pass": 4}, "first-pass yield 0.400 (4 of 10)"),
        ({"published_cost_nano_usd": 9 * USD}, "cost over declared value 0.2250"),
        ({"ended_cost_nano_usd": 13 * USD}, "1.625 USD per approved artifact"),
        ({"published": 0, "first_pass": 0}, "12.00 USD spent, nothing approved"),
        ({"suspense": 3, "suspense_overdue": 2}, "2 reservations in suspense for more than 1 days"),
        ({"suspense": 3}, ""),
        ({"ended": 9, "published": 1, "first_pass": 0}, ""),
        ({"published_ungated": ("a",), "ceiling": "pilot", "reservations_overdue": 1}, ""),
    ],
)
def test_a_stage_is_lost_by_quality_cost_or_suspense_and_by_enough_of_them(changes: dict[str, Any], said: str) -> None:
    """Fewer than ten say nothing; suspense of today waits for the provider's report of tomorrow."""
    found = breaches(replace(GOOD, **changes), RULES, BASELINE)
    assert any(said in text for text in found) if said else found == ()


def test_the_document_says_the_same_whenever_it_is_written() -> None:
    cards = [scorecard(GOOD, RULES, baseline=BASELINE, sign_off=signed) for signed in (None, SIGNED)]
    (first, figures), second = promotion_document(cards[0]), promotion_document(cards[1])
    assert (first, figures) == second
    assert first.startswith("# Promotion of w: pilot to limited\n")
    assert "| quality | met | 10 artifacts ended; approved share 0.800 (8 of 10)" in first
    assert "8 of 8 criteria are met" in first
    assert "sign_off" not in figures["criteria"]
