"""Economy serves every step; a dearer tier is an exception with a reason, an owner and the gate that asked for it."""

from collections.abc import Collection, Sequence

import pytest

from finops_ai.policy import TierName, TokenBounds
from finops_ai.routing import EndedLoop, Route, choose_route
from finops_ai_tests.records import brief

BOUNDS = TokenBounds(input_tokens_max=6000, output_tokens_max=1200)
GATE = EndedLoop(loop=0, ended_by="failed_gate", detail="the quality gate failed")
CHANGES = EndedLoop(loop=1, ended_by="request_changes", detail="ana (legal): name the period")
ALL: Sequence[TierName] = ("premium", "economy", "standard")  # in no order: a policy is a mapping


def route(past: Sequence[EndedLoop], tiers: Collection[TierName] = ALL, *, loop: int = 1) -> Route:
    return choose_route(brief(owner="ana"), loop=loop, past=past, tiers=tiers, bounds=BOUNDS)


@pytest.mark.parametrize("impact", ["low", "medium", "high"])
def test_economy_serves_by_default_whatever_the_impact(impact: str) -> None:
    """A high impact asks for more reviewers, not for a dearer model."""
    found = choose_route(brief(impact=impact), loop=0, past=[], tiers=ALL, bounds=BOUNDS)
    assert (found.tier, found.exception, found.reason) == ("economy", None, "economy by default")
    assert found.bounds == BOUNDS


def test_a_failed_gate_moves_the_step_up_by_recorded_exception() -> None:
    found = route([GATE])
    assert found.tier == "standard"
    assert found.exception is not None
    assert (found.exception.reason, found.exception.owner, found.exception.above) == ("failed_gate", "ana", "economy")
    assert found.exception.detail == GATE.detail
    assert "loop 0" in found.reason


def test_the_next_tier_is_the_next_that_is_configured() -> None:
    assert route([GATE], ("economy", "premium")).tier == "premium"


def test_failing_again_moves_it_no_further() -> None:
    """One exception per artifact: each further step up would be paid for by hope."""
    again = EndedLoop(loop=1, ended_by="failed_gate", detail="the quality gate failed again")
    found = route([GATE, again], loop=2)
    assert found.tier == "standard"
    assert found.exception is not None
    assert found.exception.detail == again.detail


def test_a_reviewer_who_asks_for_changes_moves_nothing() -> None:
    """The draft was good enough to read; what is asked for is another text, not another model."""
    assert route([CHANGES]).tier == "economy"
    assert route([GATE, CHANGES], loop=2).tier == "standard", "and what a gate moved up stays up"


def test_without_a_higher_tier_the_route_says_so() -> None:
    economy: list[TierName] = ["economy"]
    found = route([GATE], economy)
    assert (found.tier, found.exception) == ("economy", None)
    assert found.reason == "economy: the policy configures no higher tier"


@pytest.mark.parametrize("past", [[], [GATE]])
def test_a_stored_route_reads_back(past: list[EndedLoop]) -> None:
    assert Route.from_dict(route(past).as_dict()) == route(past)
