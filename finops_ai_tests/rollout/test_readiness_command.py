"""`finops-ai readiness`: what a person sees of a stage, and the step back that a person may ask for."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from finops_ai.cli import main
from finops_ai.store import Database, now
from finops_ai_tests.deployment import write_brief
from finops_ai_tests.rollout.histories import WORKLOAD, History


@pytest.fixture
def invoke(sqlite_database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Commands on the home of `sqlite_database`, under a policy that grants the last stage."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("budgets: {workloads: {finance-briefings: {month_usd: 40, stage: broad}}}")
    monkeypatch.setenv("FINOPS_AI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FINOPS_AI_USER", "operator")
    monkeypatch.setenv("FINOPS_AI_POLICY", str(policy))

    def call(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, ["readiness", *arguments], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return call


def test_it_shows_stage_limits_and_every_criterion(invoke: Any, sqlite_database: Database, tmp_path: Path) -> None:
    history = History(sqlite_database, tmp_path)
    for _ in range(3):
        history.published(now() - timedelta(seconds=5))
    shown = invoke(WORKLOAD, "--json").stdout
    card = json.loads(shown)
    assert (card["stage"], card["ceiling"], card["earned"], card["next_stage"]) == (
        "pilot",
        "broad",
        "pilot",
        "limited",
    )
    assert card["ready"] is False
    met = {criterion["name"] for criterion in card["criteria"] if criterion["met"]}
    assert met == {"value", "gates", "suspense", "reservations", "ceiling"}
    assert (card["today"]["artifacts_max"], card["today"]["limit_usd"], card["today"]["stage"]) == (
        100,
        "25.00",
        "pilot",
    )
    text = invoke(WORKLOAD).stdout
    assert "stage pilot (the policy grants broad, pilot is earned)" in text
    assert "5 of 9 criteria of limited are met" in text
    assert "3 artifacts ended" in text


def test_a_workload_that_nobody_knows_is_wrong_input(invoke: Any) -> None:
    assert "no workload nobody" in invoke("nobody", code=2).output


def test_a_person_can_take_a_stage_back(invoke: Any, sqlite_database: Database, tmp_path: Path) -> None:
    History(sqlite_database, tmp_path).moved("limited", now() - timedelta(days=1))
    assert json.loads(invoke(WORKLOAD, "--json").stdout)["stage"] == "limited"
    assert "limited to pilot (operator: a complaint)" in invoke(WORKLOAD, "--demote", "a complaint").output
    assert json.loads(invoke(WORKLOAD, "--json").stdout)["stage"] == "pilot"
    assert "none below" in invoke(WORKLOAD, "--demote", "again", code=2).output


def test_submit_refuses_what_a_stage_does_not_allow_with_file_and_field(
    invoke: Any, sqlite_database: Database, tmp_path: Path
) -> None:
    (tmp_path / "policy.yaml").write_text("rollout: {stages: {pilot: {artifacts_day_max: 1}, limited: {}, broad: {}}}")
    History(sqlite_database, tmp_path).begin(now())
    path = write_brief(tmp_path)
    result = CliRunner().invoke(main, ["submit", str(path), "--json"], catch_exceptions=False)
    assert result.exit_code == 2
    (problem,) = json.loads(result.stdout)["error"]
    assert (problem["file"], problem["field"]) == (str(path), "workload")
    assert "stage pilot: at most 1 new artifacts a UTC day, and 1 are registered" in problem["reason"]


def test_a_workload_goes_up_or_down_and_not_both_at_once(invoke: Any) -> None:
    assert "up or down" in invoke(WORKLOAD, "--propose", "--demote", "a complaint", code=2).output
