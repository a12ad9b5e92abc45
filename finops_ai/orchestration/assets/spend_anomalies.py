"""Scheduled: what was unusual about a day's spending, and which workload on which model made it so."""

from collections.abc import Sequence
from datetime import date

from finops_ai import baseline
from finops_ai.baseline import Anomaly, DuckDB, Figures, Period, measured, named
from finops_ai.charts import Series, as_data_uri, line_chart
from finops_ai.orchestration.assets.workload_baseline import days_until, event_files, trend
from finops_ai.orchestration.platform import PlatformWork
from finops_ai.orchestration.workbench import picture, table
from finops_ai.pricing import NANO, format_usd


def spend_anomalies(work: PlatformWork) -> None:
    """Of everything together, and of each workload on each model; the chart shows four weeks with what was unusual in them."""
    day = date.fromisoformat(work.partition)
    history = history_until(work, day)
    found = unusual(history, day, day)
    for one in found:
        work.log.warning(
            "%s: %s USD, usually %s", _of(one), format_usd(one.spent_nano_usd), format_usd(one.usual_nano_usd)
        )
    work.tell(
        anomalies=len(found),
        four_weeks=trend([baseline.whole(history).get(d, 0) for d in days_until(day)]),
        chart=picture(_chart(history, day), "spent a day, with what was unusual"),
        found=table([_row(one) for one in found]),
    )


def history_until(work: PlatformWork, day: date) -> list[Figures]:
    """What each workload spent on each model, on each day that says what is usual on this one."""
    period = baseline.with_history(Period(day, day))
    with DuckDB(event_files(work.bench, period.since or day, day)) as engine:
        return measured(engine, ("day", "workload", "model"), period)


def unusual(history: Sequence[Figures], since: date, until: date) -> list[Anomaly]:
    """The anomalies of these days; none where nothing is known."""
    series = baseline.daily_series(history)
    return baseline.spend_anomalies(series, since=since, until=until) if series else []


def _row(one: Anomaly) -> dict[str, str | float]:
    parts = ", ".join(
        f"{named(part.workload)} on {named(part.model)}: {format_usd(part.spent_nano_usd)}"
        + ("" if part.usual_nano_usd is None else f" (usually {format_usd(part.usual_nano_usd)})")
        for part in one.contributions
    )
    return {
        "of": _of(one),
        "spent USD": format_usd(one.spent_nano_usd),
        "usual USD": format_usd(one.usual_nano_usd),
        "deviations": round(one.score, 1),
        "because of": parts,
    }


def _of(one: Anomaly) -> str:
    return "everything" if one.of is None else " on ".join(map(named, one.of))


def _chart(history: Sequence[Figures], day: date) -> str:
    days = days_until(day)
    spend = baseline.whole(history)
    known = [spend.get(one, 0) for one in days]
    marks = {days.index(one.day): "unusual" for one in unusual(history, days[0], day) if one.of is None}
    line = Series(name="spent", values=[None if v is None else v / NANO for v in known], marks=marks)
    return as_data_uri(line_chart([f"{one:%d %b}" for one in days], [line], title="Spent a day", unit="USD"))
