"""Scheduled: the baseline of every workload on a day, with the weeks before it as a picture."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import dagster as dg

from finops_ai import usage
from finops_ai.baseline import DuckDB, Figures, Period, measured, named
from finops_ai.charts import SERIES_MAX, Series, as_data_uri, line_chart, sparkline
from finops_ai.orchestration.platform import PlatformWork
from finops_ai.orchestration.workbench import Workbench, picture, table
from finops_ai.pricing import NANO, format_usd

DAYS_SHOWN = 28


def workload_baseline(work: PlatformWork) -> None:
    """The day's figures per workload, then per model; the chart shows what the dearest workloads cost in four weeks."""
    day = date.fromisoformat(work.partition)
    since = day - timedelta(days=DAYS_SHOWN - 1)
    with DuckDB(event_files(work.bench, since, day)) as engine:
        found = measured(engine, ("workload",), Period(day, day), quantiles=True)
        models = measured(engine, ("workload", "model"), Period(day, day))
        history = measured(engine, ("day", "workload"), Period(since, day))
    priced = [figures.cost_nano_usd for figures in found if figures.cost_nano_usd is not None]
    work.tell(
        spent_usd=sum(priced) / NANO if priced or not found else "unpriced",
        unpriced_events=sum(figures.unpriced_events for figures in found),
        four_weeks=trend([_spent(history, one) for one in days_until(day)]),
        chart_by_workload=picture(_chart(history, since), "cost by workload"),
        baseline=table([_row(figures) for figures in found]),
        by_model=table([_model_row(figures) for figures in models if figures.requests or figures.tokens]),
    )


def days_until(day: date) -> list[date]:
    """The days of a chart, the last one at its right edge."""
    return [day - timedelta(days=n) for n in reversed(range(DAYS_SHOWN))]


def trend(nano_usd: Sequence[int | None]) -> dg.MetadataValue:
    """A line so small that the page itself shows it."""
    line = sparkline([None if value is None else value / NANO for value in nano_usd], title="USD a day")
    return picture(as_data_uri(line, magnified=3), "")


def event_files(bench: Workbench, first: date, last: date) -> list[Path]:
    """The Parquet files of these days that count."""
    with bench.database.read() as connection:
        return usage.paths(connection, bench.settings.home, first=first, last=last)


def _spent(history: Sequence[Figures], day: date) -> int | None:
    """Of a day, in nano-USD; None where nothing of it has a price."""
    spent = [figures.cost_nano_usd for figures in history if figures.key["day"] == day]
    known = [value for value in spent if value is not None]
    return sum(known) if known or not spent else None


def _row(figures: Figures) -> dict[str, str | int]:
    """Few columns: the page shows about ten, and cuts the rest off."""
    latency = figures.latency_ms or (None, None, None)
    per_approved = figures.cost_per_approved_nano_usd
    return {
        "workload": named(figures.key["workload"]),
        "requests": figures.requests,
        "cost USD": cost_of(figures),
        "cached": _percent(figures.cache_share),
        "errors, retries": f"{_percent(figures.error_rate)}, {_percent(figures.retry_rate)}",
        "ms p50, p95, p99": ", ".join(_known(value) for value in latency),
        "approved, first pass": f"{_percent(figures.approved_share)}, {_percent(figures.first_pass_yield)}",
        "cycle s": _known(figures.cycle_s),
        "USD per approved": "–" if per_approved is None else format_usd(per_approved),
    }


def _model_row(figures: Figures) -> dict[str, str | int]:
    return {
        "workload": named(figures.key["workload"]),
        "model": named(figures.key["model"]),
        "requests": figures.requests,
        "input tokens": figures.input_tokens,
        "output tokens": figures.output_tokens,
        "cost USD": cost_of(figures),
    }


def cost_of(figures: Figures) -> str:
    """What has no price is said; what used nothing, such as an outcome that was judged later, needs none."""
    if figures.cost_nano_usd is not None:
        return format_usd(figures.cost_nano_usd)
    return "unpriced" if figures.requests or figures.tokens else "–"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _known(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _chart(history: Sequence[Figures], since: date) -> str:
    labels = days_until(since + timedelta(days=DAYS_SHOWN - 1))
    cost = {(f.key["workload"], f.key["day"]): f.cost_nano_usd for f in history}
    total = {name: sum(spent or 0 for (owner, _), spent in cost.items() if owner == name) for name, _ in cost}
    dearest = sorted(total, key=lambda name: (-total[name], name))[:SERIES_MAX]
    days = {name: [cost.get((name, day), 0) for day in labels] for name in dearest}
    series = [
        Series(name=named(name), values=[None if spent is None else spent / NANO for spent in days[name]])
        for name in dearest
    ]
    return as_data_uri(line_chart([f"{day:%d %b}" for day in labels], series, title="Cost by workload", unit="USD"))
