"""Scheduled: what the month will have cost at its end, seen from a day of it."""

from collections.abc import Iterator, Sequence
from datetime import date

from finops_ai import baseline
from finops_ai.baseline import Figures, Forecast
from finops_ai.charts import Series, as_data_uri, line_chart
from finops_ai.orchestration.assets.spend_anomalies import history_until
from finops_ai.orchestration.platform import PlatformWork
from finops_ai.orchestration.workbench import picture, table
from finops_ai.policy import Policy
from finops_ai.pricing import NANO, format_usd, to_nano_usd
from finops_ai.store import days_of


def budget_forecast(work: PlatformWork) -> None:
    """Of everything against the organisation's budget, and of each workload that the policy gives one of its own."""
    day = date.fromisoformat(work.partition)
    history = history_until(work, day)
    found = dict(forecasts(work.bench.policy, history, day))
    whole = found["everything"]
    for name, one in found.items():
        if one.budget_nano_usd and (one.expected_nano_usd or 0) > one.budget_nano_usd:
            work.log.warning("%s is expected to pass its budget of %s USD", name, format_usd(one.budget_nano_usd))
    work.tell(
        expected_at_month_end=_amount(whole.expected_nano_usd),
        interval=f"{_amount(whole.low_nano_usd)} to {_amount(whole.high_nano_usd)} ({baseline.COVERAGE:.0%})",
        method=whole.why,
        chart=picture(_chart(whole, history), "spent and expected"),
        forecast=table([_row(name, one) for name, one in found.items()]),
    )


def forecasts(policy: Policy, history: Sequence[Figures], day: date) -> Iterator[tuple[str, Forecast]]:
    """(whose, what is expected of the month of this day), of everything first."""
    month = f"{day:%Y-%m}"
    organisation = policy.budgets.organisation.month_usd
    yield (
        "everything",
        baseline.budget_forecast(
            baseline.whole(history),
            month=month,
            known_until=day,
            budget_nano_usd=None if organisation is None else to_nano_usd(organisation),
        ),
    )
    for workload in sorted({figures.key["workload"] for figures in history}):
        limit = policy.budgets.workloads.get(workload)
        own = [figures for figures in history if figures.key["workload"] == workload]
        if limit is not None and limit.month_usd is not None:
            yield (
                workload,
                baseline.budget_forecast(
                    baseline.whole(own), month=month, known_until=day, budget_nano_usd=to_nano_usd(limit.month_usd)
                ),
            )


def _row(name: str, one: Forecast) -> dict[str, str | int]:
    return {
        "of": name,
        "spent USD": format_usd(one.spent_nano_usd),
        "expected USD": _amount(one.expected_nano_usd),
        "from": _amount(one.low_nano_usd),
        "to": _amount(one.high_nano_usd),
        "budget USD": _amount(one.budget_nano_usd),
        "the budget": one.verdict,
        "days left": one.days_left,
    }


def _amount(nano_usd: int | None) -> str:
    return "unknown" if nano_usd is None else format_usd(nano_usd)


def _chart(one: Forecast, history: Sequence[Figures]) -> str:
    """What was spent until the day, and what is expected from then on, with its interval."""
    days = list(days_of(one.month))
    spend = baseline.whole(history)
    spent: dict[date, float] = {}
    total = 0
    for day in days:
        if day <= one.known_until:
            total += spend.get(day) or 0
            spent[day] = total / NANO
    steps = {step.day: step for step in one.steps}

    def side(name: str) -> list[float | None]:
        return [None if (v := getattr(steps.get(day), name, None)) is None else v / NANO for day in days]

    has_interval = any(step.low_nano_usd is not None for step in one.steps)
    expected = Series(
        name="expected",
        values=side("expected_nano_usd"),
        low=side("low_nano_usd") if has_interval else (),
        high=side("high_nano_usd") if has_interval else (),
        dashed=True,
    )
    lines = [Series(name="spent", values=[spent.get(day) for day in days]), expected]
    return as_data_uri(line_chart([f"{day:%d %b}" for day in days], lines, title=f"The month {one.month}", unit="USD"))
