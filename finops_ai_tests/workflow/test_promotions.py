"""From pilot to limited: a promotion is proposed from a scorecard, signed by three leaders, and opens its stage with its permit."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from finops_ai.orchestration.lane import add_partitions
from finops_ai.orchestration.promotions import demote, propose, read_twice, scorecard_of
from finops_ai.rollout import request_demotion, stage_of
from finops_ai.usage import UsageEvent, keep_events
from finops_ai_tests.deployment import Deployment, deployment

WORKLOAD = "finance-briefings"
LEADERS = {"Ines": "technology", "Sefa": "security", "Finn": "finance"}
READY: dict[str, Any] = {
    "budgets": {"workloads": {WORKLOAD: {"month_usd": 40, "stage": "limited"}}},
    "rollout": {"artifacts_min": 1},
}


@pytest.fixture
def pilot(tmp_path: Path) -> Iterator[Deployment]:
    """A workload that has shown what its next stage asks for: one published artifact, cheaper than it was before."""
    with deployment(tmp_path) as opened:
        home = opened.with_policy(READY)
        home.run(home.submit())
        before = UsageEvent(
            event_id="before", source="csv", started_at=datetime(2026, 1, 5, tzinfo=UTC), workload=WORKLOAD,
            outcomes=10, approved=8, approved_first=5, cost_nano_usd=10**9, price_basis="reported",
        )  # fmt: skip
        keep_events(home.bench.database, home.bench.settings.home, [before], name="before", source="csv")
        yield home


def stage(home: Deployment) -> str:
    with home.bench.database.read() as connection:
        return stage_of(connection, home.bench.policy, WORKLOAD)


def proposed(home: Deployment) -> str:
    found = propose(home.bench, WORKLOAD, run_id="run-1")
    add_partitions(home.instance, home.bench)
    return found.artifact


def sign(home: Deployment, artifact: str, *names: str) -> None:
    for name in names:
        home.decide(artifact, "approve", name=name, role=LEADERS[name])


def test_three_signatures_open_the_next_stage(pilot: Deployment) -> None:
    artifact = proposed(pilot)
    sign(pilot, artifact, "Ines", "Sefa")
    pilot.run(artifact)
    assert stage(pilot) == "pilot", "two of three are not enough"
    sign(pilot, artifact, "Finn")
    pilot.run(artifact)
    assert (pilot.position(artifact).state, stage(pilot)) == ("published", "limited")


def test_what_no_longer_holds_at_the_moment_of_promotion_stops_it(pilot: Deployment) -> None:
    """Signed on Monday, broken on Tuesday: the policy has taken the next stage back meanwhile."""
    artifact = proposed(pilot)
    sign(pilot, artifact, *LEADERS)
    stricter = pilot.with_policy(READY | {"budgets": {"workloads": {WORKLOAD: {"month_usd": 40, "stage": "pilot"}}}})
    stricter.run(artifact)
    assert stage(pilot) == "pilot"
    assert stricter.position(artifact).state != "published"


def test_leaders_are_not_asked_to_sign_what_is_not_ready(pilot: Deployment) -> None:
    home = pilot.with_policy(READY | {"rollout": {"artifacts_min": 50}})
    found = propose(home.bench, WORKLOAD, run_id="run-1")
    assert not found.passed
    assert "quality" in next(verdict.line for verdict in found.verdicts if not verdict.passed)


def test_a_policy_alone_promotes_nobody(pilot: Deployment) -> None:
    generous = pilot.with_policy({"budgets": {"workloads": {WORKLOAD: {"month_usd": 40, "stage": "broad"}}}})
    assert stage(generous) == "pilot"


def test_what_was_earned_is_lost_when_its_figures_fall(pilot: Deployment) -> None:
    """The next stage asks for results at a price; a workload that stops giving them goes back without anybody's word."""
    artifact = proposed(pilot)
    sign(pilot, artifact, *LEADERS)
    pilot.run(artifact)
    assert demote(pilot.bench) == []
    pilot.run(pilot.submit(topic="What a prompt costs"))
    dear = pilot.with_policy(READY | {"rollout": {"artifacts_min": 1, "cost_to_value_max": 0}})
    (lost,) = demote(dear.bench)
    assert (lost.from_stage, lost.to_stage, stage(pilot)) == ("limited", "pilot", "pilot")
    assert "cost over declared value" in lost.detail
    assert demote(dear.bench) == [], "the same figures take one stage, not two"


def test_a_scorecard_that_changes_while_it_is_written_is_not_put_before_leaders(pilot: Deployment) -> None:
    """The gate over the figures reads them from the records again: a verdict that nothing could fail would prove nothing."""
    first = scorecard_of(pilot.bench, WORKLOAD)
    assert {row["state"] for row in read_twice(first, scorecard_of(pilot.bench, WORKLOAD))} == {"ready"}
    pilot.run(pilot.submit(topic="What a prompt costs"))
    states = {row["item"]: row["state"] for row in read_twice(first, scorecard_of(pilot.bench, WORKLOAD))}
    assert states["quality"] == "quality: changed while it was written"
    assert states["baseline"] == "ready"


def test_a_stage_that_was_lost_twice_on_one_day_can_be_earned_a_third_time(pilot: Deployment) -> None:
    """Each promotion is a document of its own, also where the evidence of two of them begins on the same day."""
    artifacts = set()
    for topic in ("one", "two", "three"):
        pilot.run(pilot.submit(topic=f"Topic {topic}"))
        artifacts.add(artifact := proposed(pilot))
        sign(pilot, artifact, *LEADERS)
        pilot.run(artifact)
        assert stage(pilot) == "limited"
        request_demotion(pilot.bench.database, pilot.bench.policy, WORKLOAD, why="a complaint", by="ana")
    assert len(artifacts) == 3
