"""The baseline as one value: everything that a table, a JSON document or a page says of a period.

Belongs here: what is read for it, and what must be said beside the figures. Does not: figures (`measures`), pages (`pages`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from finops_ai.baseline.anomalies import Anomaly, Pair, spend_anomalies
from finops_ai.baseline.engine import Engine
from finops_ai.baseline.forecast import Forecast, budget_forecast
from finops_ai.baseline.measures import Figures, Period, judged_runs, measured
from finops_ai.baseline.reconciling import Compared, reconciled
from finops_ai.baseline.seasonal import PROFILE_DAYS, Series
from finops_ai.baseline.wording import named, usd
from finops_ai.pricing import multiply

HISTORY_DAYS = PROFILE_DAYS  # before the period: without them its first weeks could not be judged


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One period of all workloads. Sums are exact; lists are in the order of their keys."""

    first: date | None  # the first and the last day with usage; None: there is none
    last: date | None
    total: Figures | None
    totals: Sequence[Figures]  # per source and workload
    workloads: Sequence[Figures]  # with latencies
    models: Sequence[Figures]
    runs: Sequence[Figures]  # those with judged outcomes, per workload
    days: Sequence[Figures]  # per day, workload and model
    prices: Sequence[Figures]  # per basis and version of the price
    comparisons: Sequence[Compared]  # usage against cost reports, per provider and month
    spend: Mapping[date, int | None]  # of everything, per day, with the weeks before the period
    anomalies: Sequence[Anomaly]
    forecast: Forecast | None  # of the month in which the usage ends

    @property
    def leaderboard(self) -> list[Figures]:
        """Runs by cost per approved outcome, the cheapest first; of those alone whose whole cost is known."""
        whole = [run for run in self.runs if not run.unpriced_events]
        ranked = [(cost, run) for run in whole if (cost := run.cost_per_approved_nano_usd) is not None]
        return [run for _, run in sorted(ranked, key=lambda pair: (pair[0], str(pair[1].key)))]

    @property
    def cost_per_approved_nano_usd(self) -> int | None:
        """Over the workloads whose results are judged: what others cost belongs to no outcome."""
        judged = [one for one in self.workloads if one.outcomes]
        known = [one.cost_nano_usd for one in judged if one.cost_nano_usd is not None]
        approved = sum(one.approved_priced for one in judged)
        return multiply(1, sum(known), approved) if known and approved else None

    @property
    def unranked(self) -> int:
        """Judged runs without a price, or with nothing approved."""
        return len(self.runs) - len(self.leaderboard)


def with_history(period: Period) -> Period:
    """The days whose events a report of the period needs."""
    return Period(period.since and period.since - timedelta(days=HISTORY_DAYS), period.until)


def build_report(engine: Engine, period: Period, *, today: date) -> Report:
    """Reads everything once. `today` is not judged and not forecast from: it is not over."""
    history = measured(engine, ("day", "workload", "model"), with_history(period))
    days = [one for one in history if period.since is None or one.key["day"] >= period.since]
    total = measured(engine, (), period)
    first, last = (days[0].key["day"], days[-1].key["day"]) if days else (None, None)
    over = min(last, today - timedelta(days=1)) if last else None
    series, spend = daily_series(history), whole(history)
    if over and over < min(spend):  # all of it is of a day that is not over
        over = None
    return Report(
        first=first,
        last=last,
        total=total[0] if total else None,
        totals=measured(engine, ("source", "workload"), period),
        workloads=measured(engine, ("workload",), period, quantiles=True),
        models=measured(engine, ("model",), period),
        runs=judged_runs(engine, period),
        days=days,
        prices=measured(engine, ("price_basis", "price_version"), period),
        comparisons=[one for one in reconciled(engine, period) if one.reported_nano_usd is not None],
        spend=spend,
        anomalies=spend_anomalies(series, since=first, until=over) if first and over and first <= over else [],
        forecast=budget_forecast(spend, month=f"{over:%Y-%m}", known_until=over) if over else None,
    )


def daily_series(days: Sequence[Figures]) -> dict[Pair, Series]:
    """What each workload spent on each model, day by day; None where nothing of a day has a price."""
    found: dict[Pair, dict[date, int | None]] = {}
    for one in days:
        found.setdefault((one.key["workload"], one.key["model"]), {})[one.key["day"]] = one.cost_nano_usd
    return dict(found)


def whole(days: Sequence[Figures]) -> Mapping[date, int | None]:
    """What everything cost, day by day. The figures are in the order of their days."""
    found: dict[date, int | None] = {}
    for day, parts in groupby(days, key=lambda one: one.key["day"]):
        known = [part.cost_nano_usd for part in parts if part.cost_nano_usd is not None]
        found[day] = sum(known) if known else None
    return found


def notes(report: Report) -> list[str]:
    """What the figures rest on and what they leave out: nobody should have to find that out."""
    if report.total is None:
        return []
    found = []
    if len(sources := sorted({one.key["source"] for one in report.totals})) > 1:
        found.append(
            f"Usage of {', '.join(sources)} is added up: a call that two of them tell of, such as a gateway's log and the "
            "provider's report, is in these sums twice."
        )
    if report.total.unpriced_events:
        found.append(
            f"{report.total.unpriced_events:,} of {report.total.events:,} events have no price, with "
            f"{report.total.unpriced_requests:,} requests and {report.total.unpriced_tokens:,} tokens. "
            "They are in no cost here, and they are not free."
        )
    for one in report.prices:
        cost, version = usd(one.cost_nano_usd), one.key["price_version"] or "without a version"
        if one.key["price_basis"] == "declared":
            found.append(
                f"Assumption: {cost} USD ({_counted(one.events)}) are priced at a declared tier ({version}); "
                "no log and no bill says so."
            )
        elif one.key["price_basis"] == "book":
            found.append(f"{cost} USD ({_counted(one.events)}) are at list prices ({version}), without any discount.")
    if report.unranked:
        found.append(
            f"{report.unranked:,} of {len(report.runs):,} judged runs have no cost per approved outcome: "
            "they have no price, or nothing of them was approved."
        )
    if silent := [named(one.key["workload"]) for one in report.workloads if not one.outcomes]:
        found.append(
            f"Nothing judges the results of {', '.join(silent)}: what they cost per approved outcome is unknown."
        )
    if untimed := [named(one.key["workload"]) for one in report.workloads if one.latency_ms is None]:
        found.append(f"The logs of {', '.join(untimed)} tell no latency.")
    return found


def _counted(events: int) -> str:
    return f"{events:,} {'event' if events == 1 else 'events'}"
