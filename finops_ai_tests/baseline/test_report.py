"""The report says what things cost and, as plainly, what it does not know; its page is safe with any name in it."""

import json
import random
from collections.abc import Sequence
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from finops_ai.baseline import DuckDB, Period, Report, as_json, build_report, notes, report_page, usd
from finops_ai.pricing import NANO, multiply
from finops_ai.usage import UsageEvent
from finops_ai_tests.baseline.sample import event, many, on, write
from finops_ai_tests.baseline.simulated import daily_spend

TODAY = date(2026, 11, 21)


def reported(folder: Path, events: Sequence[UsageEvent], period: Period | None = None) -> Report:
    with DuckDB(write(folder, events) if events else [], threads=1) as engine:
        return build_report(engine, period or Period(), today=TODAY)


def quarter(draw: random.Random, *, workload: str = "support", factor: float = 1.0) -> list[UsageEvent]:
    """103 days up to the day before TODAY, whose 70th costs five times the usual."""
    series = daily_spend(draw, 103, first=TODAY - timedelta(days=103), noise=0.08)
    costs = [round(usd * factor) * (5 if number == 70 else 1) for number, usd in enumerate(series.values())]
    return [
        event(number, workload=workload, started_at=on(day), cost_nano_usd=cost)
        for number, (day, cost) in enumerate(zip(series, costs, strict=True))
    ]


def test_totals_are_exact_per_source_and_workload(tmp_path: Path) -> None:
    events = many(400)
    found = as_json(reported(tmp_path, events), by="workload", rows=[])
    for row in found["totals"]:
        group = [
            e for e in events if e.record == "usage" and (e.source, e.workload) == (row["source"], row["workload"])
        ]
        assert row["cost_nano_usd"] == sum(e.cost_nano_usd or 0 for e in group)
        assert row["input_tokens"] == sum(e.input_tokens for e in group)
        assert row["unpriced_requests"] == sum(e.requests for e in group if e.cost_nano_usd is None)
    assert len(found["totals"]) == 4
    assert json.loads(json.dumps(found)) == found


def test_the_leaderboard_is_of_what_an_approved_result_cost(tmp_path: Path) -> None:
    cheap = event(1, run="cheap", outcomes=10, approved=5, cost_nano_usd=50 * NANO)
    dear = event(2, run="dear", outcomes=10, approved=1, cost_nano_usd=40 * NANO)
    failed = event(3, run="failed", outcomes=10, cost_nano_usd=NANO)
    unpriced = event(4, run="unpriced", outcomes=10, approved=10)
    unjudged = event(5, run="unjudged", cost_nano_usd=NANO)
    report = reported(tmp_path, [cheap, dear, failed, unpriced, unjudged])
    assert [(one.key["run"], one.cost_per_approved_nano_usd) for one in report.leaderboard] == [
        ("cheap", 10 * NANO),
        ("dear", 40 * NANO),
    ]
    assert report.unranked == 2


def test_a_run_of_which_a_part_has_no_price_is_not_ranked(tmp_path: Path) -> None:
    """It would look cheaper than it was."""
    known = event(1, run="r", outcomes=2, approved=2, cost_nano_usd=10)
    unknown = event(2, run="r", input_tokens=5)
    report = reported(tmp_path, [known, unknown])
    assert (report.leaderboard, report.unranked) == ([], 1)


def test_what_workloads_without_judgement_cost_is_no_part_of_an_approved_result(tmp_path: Path) -> None:
    judged = event(1, workload="judged", outcomes=4, approved=2, cost_nano_usd=10)
    other = event(2, workload="other", cost_nano_usd=1_000)
    assert reported(tmp_path, [judged, other]).cost_per_approved_nano_usd == 5


def test_what_is_missing_and_what_is_assumed_is_said(tmp_path: Path) -> None:
    declared = event(1, cost_nano_usd=NANO, requests=7, price_basis="declared", price_version="tier standard")
    unpriced = event(2, workload="silent", requests=3, input_tokens=10, output_tokens=5)
    said = "\n".join(notes(reported(tmp_path, [declared, unpriced])))
    assert "1 of 2 events have no price, with 3 requests and 15 tokens" in said
    assert "Assumption: 1.00 USD (1 event) are priced at a declared tier (tier standard)" in said
    assert "Nothing judges the results of silent, w" in said


def test_several_sources_may_tell_of_the_same_calls_and_the_report_says_so(tmp_path: Path) -> None:
    """Nothing in two logs says that one call is the other: they name it differently."""
    gateway, provider = (event(n, source=name, cost_nano_usd=NANO) for n, name in ((1, "litellm"), (2, "openai")))
    said = notes(reported(tmp_path, [gateway, provider]))
    assert said[0].startswith("Usage of litellm, openai is added up: a call that two of them tell of")
    (tmp_path / "one").mkdir()
    assert not any("added up" in note for note in notes(reported(tmp_path / "one", [gateway])))


def test_an_unusual_day_and_the_end_of_the_month_are_in_it(tmp_path: Path) -> None:
    report = reported(tmp_path, quarter(random.Random(3)))
    assert TODAY - timedelta(days=33) in {one.day for one in report.anomalies}
    assert report.forecast is not None
    assert (report.forecast.month, report.forecast.days_left) == ("2026-11", 10)


def test_a_period_is_judged_by_the_weeks_before_it(tmp_path: Path) -> None:
    """A report of one week would else know nothing that is usual; its sums stay those of the week."""
    events = quarter(random.Random(3))
    first, last = TODAY - timedelta(days=36), TODAY - timedelta(days=30)
    report = reported(tmp_path, events, Period(first, last))
    assert (report.first, report.last) == (first, last)
    assert [one.day for one in report.anomalies] == [TODAY - timedelta(days=33)]
    assert report.total is not None
    assert report.total.cost_nano_usd == sum(e.cost_nano_usd or 0 for e in events if first <= e.day <= last)


def test_today_is_not_judged_because_it_is_not_over(tmp_path: Path) -> None:
    events = [*quarter(random.Random(3)), event(900, started_at=on(TODAY, 1), cost_nano_usd=1)]
    report = reported(tmp_path, events)
    assert report.last == TODAY
    assert TODAY not in {one.day for one in report.anomalies}
    assert report.forecast is not None
    assert report.forecast.known_until == TODAY - timedelta(days=1)


def test_events_of_today_alone_make_no_forecast(tmp_path: Path) -> None:
    report = reported(tmp_path, [event(1, started_at=on(TODAY), cost_nano_usd=5)])
    assert (report.forecast, list(report.anomalies)) == (None, [])


def test_no_usage_is_a_report_that_says_so(tmp_path: Path) -> None:
    report = reported(tmp_path, [])
    assert (report.total, report.first, notes(report)) == (None, None, [])
    assert as_json(report, by="workload", rows=[])["rows"] == []
    assert "No usage in this period" in report_page(report, made_at="2026-11-21 08:00")


class Page(HTMLParser):
    """What a browser would load or run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_the_page_needs_nothing_and_runs_nothing_whatever_a_workload_is_called(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    events = [
        *quarter(random.Random(3), workload=name),
        event(900, workload=name, model=name, run=name, outcomes=2, approved=1, cost_nano_usd=5, price_version=name,
              price_basis="declared", started_at=on(date(2026, 11, 2)), provider=name),
        event(901, record="cost", provider=name, cost_nano_usd=4, started_at=on(date(2026, 11, 3))),
    ]  # fmt: skip
    html = report_page(reported(tmp_path, events), made_at="2026-11-21 08:00")
    page = Page(html)
    assert not {"script", "img", "iframe", "link", "object"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in {"src", "href"}]
    assert "default-src 'none'" in html
    assert page.tags.count("svg") >= 4  # per day, a sparkline, tokens, runs
    assert "&lt;script&gt;" in html


def test_the_page_is_the_same_for_the_same_report(tmp_path: Path) -> None:
    report = reported(tmp_path, many(300))
    assert report_page(report, made_at="x") == report_page(report, made_at="x")


@pytest.mark.parametrize(
    ("nano_usd", "read_as"),
    [
        (None, "unpriced"), (0, "0.00"), (1_234_567_890_000_000, "1,234,567.89"), (1_005_000_000, "1.01"),
        (90_700_000, "0.0907"), (3_090_826, "0.003091"), (1_388, "0.000001388"), (-331_620_000_000, "-331.62"),
        (999_990_000, "1.00"),
    ],
)  # fmt: skip
def test_amounts_are_as_fine_as_they_need_to_be(nano_usd: int | None, read_as: str) -> None:
    assert usd(nano_usd) == read_as


def test_the_leaderboards_of_aider_are_what_they_were_measured_to_be(tmp_path: Path, data_dir: Path) -> None:
    """Real cost, quality and rework. What has a cost of 0 there is unknown, not free: 18 of 69 runs."""
    runs: list[dict[str, Any]] = yaml.safe_load((data_dir / "usage/aider/polyglot_leaderboard.yml").read_text())
    report = reported(tmp_path, [_aider(number, run) for number, run in enumerate(runs)])
    costs = {
        run["dirname"]: multiply(1, round(run["total_cost"] * NANO), run["pass_num_2"])
        for run in runs
        if run.get("total_cost")
    }
    board = report.leaderboard
    assert {one.key["run"]: one.cost_per_approved_nano_usd for one in board} == costs
    assert (len(board), report.unranked) == (51, 18)
    ends = [(one.key["model"], usd(one.cost_per_approved_nano_usd)) for one in (board[0], board[-1])]
    assert ends == [("DeepSeek Chat V3 (prev)", "0.003091"), ("gpt-4.5-preview", "1.81")]


def _aider(number: int, run: dict[str, Any]) -> UsageEvent:
    when = run["date"] if isinstance(run["date"], date) else date.fromisoformat(str(run["date"]))
    return event(
        number,
        workload="aider-polyglot",
        model=str(run["model"]),
        run=str(run["dirname"]),
        started_at=on(when),
        requests=0,
        outcomes=run["test_cases"],
        approved=run["pass_num_2"],
        approved_first=run["pass_num_1"],
        cycle_s=run.get("seconds_per_case"),
        cost_nano_usd=round(run["total_cost"] * NANO) if run.get("total_cost") else None,
    )
