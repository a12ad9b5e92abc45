"""The report as one page: whole HTML that needs no script, no other file and no network.

Belongs here: the charts it shows, and what its template is given. Does not: markup (`templates`). Every name on it may be a
stranger's: the template escapes everything, charts escape their own, and a policy in the page forbids scripts and outside
addresses.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

from finops_ai.baseline.measures import Figures
from finops_ai.baseline.report import Report, notes
from finops_ai.baseline.wording import UNKNOWN, milliseconds, named, percent, usd
from finops_ai.charts import Series, bar_chart, line_chart, sparkline
from finops_ai.pricing import NANO
from finops_ai.store import days_of

if TYPE_CHECKING:
    from jinja2 import Environment

RANKED_MAX = 12  # of either end of the leaderboard
WIDTH_PX = 1120  # of a chart
LINES_MAX = 5  # workloads with a line of their own


def report_page(report: Report, *, made_at: str) -> str:
    """The whole page. `made_at`: when, in UTC, as it is to be read."""
    board = report.leaderboard
    cheapest, dearest = board[:RANKED_MAX], board[RANKED_MAX:][-RANKED_MAX:]
    return (
        _templates()
        .get_template("report.html.j2")
        .render(
            report=report,
            made_at=made_at,
            notes=notes(report),
            workloads=_dearest_first(report.workloads),
            models=_dearest_first(report.models),
            cheapest=cheapest,
            dearest=dearest[::-1],
            between=len(board) - len(cheapest) - len(dearest),
            sparks=_sparks(report),
            charts={
                "days": _days_chart(report),
                "tokens": _tokens_chart(_dearest_first(report.workloads)),
                "runs": _runs_chart([*cheapest, *dearest]),
                "forecast": _forecast_chart(report),
            },
        )
    )


def _days_chart(report: Report) -> str:
    """Everything together, with its unusual days marked, and the workloads that cost most."""
    days = _days(report)
    if len(days) < 2:
        return ""
    marks = {
        days.index(one.day): f"{usd(one.spent_nano_usd)} USD, usual {usd(one.usual_nano_usd)}"
        for one in report.anomalies
        if one.of is None
    }
    lines = [Series(name="all workloads", values=[_usd(report.spend.get(day, 0)) for day in days], marks=marks)]
    by_workload = _by_workload(report.days)
    if len(by_workload) > 1:
        priced = [one for one in _dearest_first(report.workloads) if one.cost_nano_usd]
        lines += [
            Series(name=named(name), values=[_usd(by_workload[name].get(day, 0)) for day in days])
            for name in (one.key["workload"] for one in priced[:LINES_MAX])
        ]
    labels = [day.isoformat() for day in days]
    return line_chart(labels, lines, title="Cost per day", unit="USD", width=WIDTH_PX, marked="unusual day")


def _days(report: Report) -> list[date]:
    """Every day from the first to the last: one without usage has its place, too."""
    if report.first is None or report.last is None:
        return []
    return [report.first + timedelta(days=number) for number in range((report.last - report.first).days + 1)]


def _dearest_first(rows: Sequence[Figures]) -> list[Figures]:
    """What has no price comes last."""
    return sorted(rows, key=lambda one: (one.cost_nano_usd is None, -(one.cost_nano_usd or 0)))


def _tokens_chart(workloads: Sequence[Figures]) -> str:
    if not workloads:
        return ""
    parts = [
        Series(name="input", values=[one.input_tokens - one.cached_input_tokens for one in workloads]),
        Series(name="input read from a cache", values=[one.cached_input_tokens for one in workloads]),
        Series(name="output", values=[one.output_tokens for one in workloads]),
    ]
    names = [named(one.key["workload"]) for one in workloads]
    return bar_chart(names, parts, title="Tokens per workload", unit="tokens", width=WIDTH_PX, stacked=True, lying=True)


def _runs_chart(runs: Sequence[Figures]) -> str:
    if not runs:
        return ""
    names = [named(one.key["run"] or one.key["model"]) for one in runs]
    costs = Series(name="per approved", values=[_usd(one.cost_per_approved_nano_usd) for one in runs])
    return bar_chart(names, [costs], title="Cost per approved outcome", unit="USD", width=WIDTH_PX, lying=True)


def _forecast_chart(report: Report) -> str:
    found = report.forecast
    if found is None or not found.steps:
        return ""
    days = list(days_of(found.month))
    spent = 0
    so_far: list[float | None] = []
    for day in days:
        spent += report.spend.get(day) or 0
        so_far.append(spent / NANO if day <= found.known_until else None)
    ahead = {step.day: step for step in found.steps}
    band = found.low_nano_usd is not None
    steps = [ahead.get(day) for day in days]
    lines = [
        Series(name="spent", values=so_far),
        Series(
            name="forecast, 80 % interval" if band else "forecast",
            values=[_usd(step.expected_nano_usd) if step else None for step in steps],
            low=[_usd(step.low_nano_usd) if step else None for step in steps] if band else (),
            high=[_usd(step.high_nano_usd) if step else None for step in steps] if band else (),
            dashed=True,
        ),
    ]
    return line_chart(
        [f"{day:%d}" for day in days], lines, title=f"{found.month}, cost to date", unit="USD", width=WIDTH_PX
    )


def _sparks(report: Report) -> dict[str, str]:
    """The cost of each workload, day by day."""
    days = _days(report)
    return {
        name: sparkline([_usd(series.get(day, 0)) for day in days], title=f"cost per day of {named(name)}, USD")
        for name, series in _by_workload(report.days).items()
        if len(days) > 1 and any(value is not None for value in series.values())
    }


def _by_workload(days: Sequence[Figures]) -> dict[str, dict[date, int | None]]:
    found: dict[str, dict[date, int | None]] = defaultdict(dict)
    for one in days:
        series, day, cost = found[one.key["workload"]], one.key["day"], one.cost_nano_usd
        before = series.get(day)
        series[day] = before if cost is None else (before or 0) + cost
    return dict(found)


def _usd(nano_usd: int | None) -> float | None:
    """For the pen only: sums are never made of these."""
    return None if nano_usd is None else nano_usd / NANO


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("finops_ai.baseline"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals["UNKNOWN"] = UNKNOWN
    environment.filters.update(usd=usd, percent=percent, milliseconds=milliseconds, named=named)
    return environment
