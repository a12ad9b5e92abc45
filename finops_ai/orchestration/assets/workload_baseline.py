"""Scheduled: the baseline of every workload on a day, with the weeks before it as a picture."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from finops_ai import usage
from finops_ai.baseline import DuckDB, Figures, Period, measured, named
from finops_ai.charts import SERIES_MAX, Series, as_data_uri, line_chart
from finops_ai.orchestration.platform import PlatformWork
from finops_ai.orchestration.workbench import Workbench, markdown, table
from finops_ai.pricing import NANO, format_usd

DAYS_SHOWN = 28


def workload_baseline(work: PlatformWork) -> None:
    """The day's figures per workload and model; the chart shows what the dearest workloads cost in four weeks."""
    day = date.fromisoformat(work.partition)
    since = day - timedelta(days=DAYS_SHOWN - 1)
    with DuckDB(event_files(work.bench, since, day)) as engine:
        found = measured(engine, ("workload", "model"), Period(day, day), quantiles=True)
        history = measured(engine, ("day", "workload"), Period(since, day))
    priced = [figures.cost_nano_usd for figures in found if figures.cost_nano_usd is not None]
    work.tell(
        spent_usd=sum(priced) / NANO if priced or not found else "unpriced",
        unpriced_events=sum(figures.unpriced_events for figures in found),
        baseline=table([_row(figures) for figures in found]),
        cost_by_workload=markdown(f"![cost of each workload in {DAYS_SHOWN} days]({_chart(history, since)})"),
    )


def event_files(bench: Workbench, first: date, last: date) -> list[Path]:
    """The Parquet files of these days that count."""
    with bench.database.read() as connection:
        return usage.paths(connection, bench.settings.home, first=first, last=last)


def _row(figures: Figures) -> dict[str, str | int]:
    latency = figures.latency_ms or (None, None, None)
    per_approved = figures.cost_per_approved_nano_usd
    return {
        "workload": named(figures.key["workload"]),
        "model": named(figures.key["model"]),
        "requests": figures.requests,
        "cost USD": "unpriced" if figures.cost_nano_usd is None else format_usd(figures.cost_nano_usd),
        "input tokens": figures.input_tokens,
        "cached": _percent(figures.cache_share),
        "output tokens": figures.output_tokens,
        "errors": _percent(figures.error_rate),
        "retries": _percent(figures.retry_rate),
        "latency p50, p95, p99 ms": ", ".join(_known(value) for value in latency),
        "approved": _percent(figures.approved_share),
        "first pass": _percent(figures.first_pass_yield),
        "cycle s": _known(figures.cycle_s),
        "USD per approved": "unknown" if per_approved is None else format_usd(per_approved),
    }


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.1%}"


def _known(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"


def _chart(history: Sequence[Figures], since: date) -> str:
    labels = [since + timedelta(days=n) for n in range(DAYS_SHOWN)]
    cost = {(f.key["workload"], f.key["day"]): f.cost_nano_usd for f in history}
    total = {name: sum(spent or 0 for (owner, _), spent in cost.items() if owner == name) for name, _ in cost}
    dearest = sorted(total, key=lambda name: (-total[name], name))[:SERIES_MAX]
    days = {name: [cost.get((name, day), 0) for day in labels] for name in dearest}
    series = [
        Series(name=named(name), values=[None if spent is None else spent / NANO for spent in days[name]])
        for name in dearest
    ]
    return as_data_uri(line_chart([f"{day:%d %b}" for day in labels], series, title="Cost by workload", unit="USD"))
