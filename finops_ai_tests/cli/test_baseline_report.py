"""`baseline report` as a person at a terminal, or a script, meets it."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner, Result

import finops_ai.usage
from finops_ai.baseline import HISTORY_DAYS
from finops_ai.cli.baseline_report import report
from finops_ai_tests.baseline.sample import event, on, write

Invoke = Callable[..., Result]
JUDGED = event(
    1,
    source="aider",
    workload="coding",
    model="o3",
    run="r1",
    outcomes=4,
    approved=2,
    cost_nano_usd=10**9,
    started_at=on(date(2026, 10, 2)),
)
UNPRICED = event(
    2, source="azure", workload="support", model="gpt", requests=5, input_tokens=70, started_at=on(date(2026, 10, 3))
)


FROM_A_LOST_FILE_ON = date(2026, 1, 1)


class Missing(Exception):
    """A file of events is registered and gone."""

    problems: ClassVar = [{"file": "events.parquet", "reason": "is registered and gone"}]


@pytest.fixture
def asked() -> list[dict[str, Any]]:
    """What the command asked the store of events for."""
    return []


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[dict[str, Any]]) -> Invoke:
    monkeypatch.setenv("FINOPS_AI_HOME", str(tmp_path / "home"))
    files = write(tmp_path, [JUDGED, UNPRICED])

    def paths(_connection: object, home: Path, **period: date | None) -> list[Path]:
        asked.append(period)
        if period["first"] == FROM_A_LOST_FILE_ON:
            raise Missing
        assert home == tmp_path / "home"
        return files

    monkeypatch.setattr(finops_ai.usage, "paths", paths, raising=False)
    monkeypatch.setattr(finops_ai.usage, "UsageError", Missing, raising=False)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(report, arguments)

    return run


def test_a_report_names_costs_and_what_has_none(invoke: Invoke) -> None:
    said = invoke().output
    assert "2026-10-02 to 2026-10-03, UTC days, 2 events" in said
    assert "coding" in said
    assert "unpriced" in said
    assert "1 of 2 events have no price, with 5 requests and 70 tokens" in said
    assert "cheapest r1 0.50, dearest r1 0.50" in said


def test_json_has_exact_integers_and_the_rows_that_were_asked_for(invoke: Invoke) -> None:
    found = json.loads(invoke("--by", "source", "--json").stdout)
    assert [(row["source"], row["cost_nano_usd"], row["cost_usd"]) for row in found["rows"]] == [
        ("aider", 1_000_000_000, "1.00"),
        ("azure", None, None),
    ]
    assert found["by"] == "source"
    assert found["total"]["cost_per_approved_usd"] == "0.50"
    assert [row["run"] for row in found["runs"]] == ["r1"]


@pytest.mark.parametrize("by", ["workload", "model", "run", "day", "source"])
def test_rows_may_stand_for_any_of_these(invoke: Invoke, by: str) -> None:
    rows = json.loads(invoke("--by", by, "--json").stdout)["rows"]
    assert sum(row["requests"] for row in rows) == 6


def test_a_period_asks_for_the_weeks_before_it_too(invoke: Invoke, asked: list[dict[str, Any]]) -> None:
    found = json.loads(invoke("--since", "2026-10-03", "--until", "2026-10-31", "--json").stdout)
    assert found["total"]["requests"] == 5
    (period,) = asked
    assert period == {"first": date(2026, 8, 8), "last": date(2026, 10, 31)}


def test_the_page_is_written_whole(invoke: Invoke, tmp_path: Path) -> None:
    page = tmp_path / "baseline.html"
    page.write_text("yesterday's")
    assert str(page) in invoke("--html", str(page)).output
    assert page.read_text().rstrip().endswith("</html>")
    assert not list(tmp_path.glob(".*.tmp"))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--since", "2026-10-09", "--until", "2026-10-02"], "--until: 2026-10-02 is before 2026-10-09"),
        (["--html", "nowhere/report.html"], "--html: no such folder"),
        (["--since", "October"], "--since"),
        (["--engine", "abacus"], "--engine"),
    ],
)
def test_wrong_input_is_named_and_exits_2(invoke: Invoke, arguments: list[str], reason: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert reason in result.output


def test_a_period_without_usage_says_what_to_do(invoke: Invoke) -> None:
    result = invoke("--since", "2027-01-01")
    assert result.exit_code == 0
    assert "baseline import" in result.output


def test_a_lost_file_is_an_error_and_not_a_lower_figure(invoke: Invoke) -> None:
    result = invoke("--since", f"{FROM_A_LOST_FILE_ON + timedelta(days=HISTORY_DAYS)}")
    assert result.exit_code == 2
    assert "events.parquet: is registered and gone" in result.output


def test_a_damaged_file_is_an_error_that_names_it(invoke: Invoke, tmp_path: Path) -> None:
    (file,) = tmp_path.rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-20])
    result = invoke()
    assert result.exit_code == 2
    assert file.name in result.output


def test_a_folder_that_takes_no_page_is_named_and_exits_2(invoke: Invoke) -> None:
    result = invoke("--html", "/proc/baseline.html")
    assert result.exit_code == 2
    assert "/proc/baseline.html: --html: " in result.output
