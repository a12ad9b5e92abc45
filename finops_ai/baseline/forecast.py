"""What a month will have cost, from its days so far and the weeks before.

Belongs here: a pure function of a daily series. Does not: budgets and what happens at their limits (`ledger`, `notify`).

Each remaining day is the level's straight line through the last weeks, times its weekday's factor (`seasonal`). The interval
is the classical one for a sum of future values of a regression (Draper and Smith, "Applied Regression Analysis", 3rd ed.,
1998, section 1.4 and 3.2), with the weekday factors as weights; its variance is that of an AR(1) process, since dear days
follow dear days. It covers 80 %. What it does not know: events to come, and growth that is faster than a line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from math import sqrt
from statistics import fmean
from typing import Literal

from finops_ai.baseline.seasonal import PROFILE_DAYS, Series, levels, weekday_factors, window
from finops_ai.store import days_of

COVERAGE = 0.8
INTERVAL_DAYS_MIN = 7  # fewer tell nothing of weekends: an interval would be narrow and wrong
_TREND_DAYS_MIN = 28
_LINE_DAYS = 56
_CARRIED_MAX = 0.7

# Student's t at 0.90 for 1 to 30 degrees of freedom; an interval with 10 % on either side
_T90 = (
    3.078, 1.886, 1.638, 1.533, 1.476, 1.440, 1.415, 1.397, 1.383, 1.372, 1.363, 1.356, 1.350, 1.345, 1.341,
    1.337, 1.333, 1.330, 1.328, 1.325, 1.323, 1.321, 1.319, 1.318, 1.316, 1.315, 1.314, 1.313, 1.311, 1.310,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the month will have cost at the end of a day to come."""

    day: date
    expected_nano_usd: int
    low_nano_usd: int | None
    high_nano_usd: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The month at its end. Without an interval where too little is known; `why` says what it rests on."""

    month: str
    spent_nano_usd: int  # up to and with `known_until`
    known_until: date
    days_left: int
    expected_nano_usd: int | None  # None: nothing is known
    low_nano_usd: int | None
    high_nano_usd: int | None
    budget_nano_usd: int | None
    unknown_days: int  # of the month so far: their spend is not in these figures
    why: str
    steps: tuple[Step, ...] = ()

    @property
    def verdict(self) -> Literal["exceeded", "will be exceeded", "may be exceeded", "holds", "unknown"]:
        """Of the budget. `holds` and `will be` are said with the interval's certainty, and never without one."""
        budget = self.budget_nano_usd
        if budget is None or self.expected_nano_usd is None:
            return "unknown"
        if self.spent_nano_usd > budget:
            return "exceeded"
        if self.low_nano_usd is None or self.high_nano_usd is None:
            return "may be exceeded" if self.expected_nano_usd > budget else "unknown"
        if self.low_nano_usd > budget:
            return "will be exceeded"
        return "may be exceeded" if self.high_nano_usd > budget else "holds"


def budget_forecast(series: Series, *, month: str, known_until: date, budget_nano_usd: int | None = None) -> Forecast:
    """`known_until`: the last day that is over. Raises ValueError for what is not a month, or one that has not begun."""
    days = list(days_of(month))
    if known_until < days[0] - timedelta(days=1):
        raise ValueError(f"{month} has not begun on {known_until}")
    first = min(series, default=known_until)
    so_far = [series.get(day, 0) for day in days if first <= day <= known_until]
    spent = sum(value for value in so_far if value is not None)
    left = [day for day in days if day > known_until]
    known = window(series, before=known_until + timedelta(days=1), days=PROFILE_DAYS)
    if None in so_far and not any(known.values()):
        known = {}  # usage without a price is no reason to expect nothing
    steps, why = _steps(spent, left, weekday_factors(known), known)
    last = steps[-1] if steps else Step(day=days[-1], expected_nano_usd=spent, low_nano_usd=spent, high_nano_usd=spent)
    nothing = bool(left) and not steps
    return Forecast(
        month=month,
        spent_nano_usd=spent,
        known_until=known_until,
        days_left=len(left),
        expected_nano_usd=None if nothing else last.expected_nano_usd,
        low_nano_usd=None if nothing else last.low_nano_usd,
        high_nano_usd=None if nothing else last.high_nano_usd,
        budget_nano_usd=budget_nano_usd,
        unknown_days=so_far.count(None),
        why=why,
        steps=tuple(steps),
    )


def _steps(
    spent: int, left: Sequence[date], factors: Sequence[float], known: dict[date, int]
) -> tuple[list[Step], str]:
    if not left:
        return [], "the month is over"
    if not known:
        return [], "no day with a price"
    shaped = len(set(factors)) > 1
    line = _fitted(levels(known, factors), already_estimated=6 if shaped else 0)
    certain = len(known) >= INTERVAL_DAYS_MIN
    steps: list[Step] = []
    for number, day in enumerate(left, start=1):
        more, margin = line.sum_of([(ahead, factors[ahead.weekday()]) for ahead in left[:number]])
        steps.append(
            Step(
                day=day,
                expected_nano_usd=spent + round(more),
                low_nano_usd=spent + round(max(0.0, more - margin)) if certain else None,
                high_nano_usd=spent + round(more + margin) if certain else None,
            )
        )
    shape = "with the shape of the week" if shaped else "the days alike: under three weeks, no shape of the week"
    trend = "the line through" if line.slope else "the mean of"
    interval = "" if certain else f"; no interval from fewer than {INTERVAL_DAYS_MIN} days"
    return steps, f"{trend} {line.count} days, {shape}{interval}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A regression over days, and how sure it is."""

    centre: float  # the mean day, as an ordinal
    mean: float
    slope: float
    count: int
    days_squared: float  # about their mean; 0 without a slope
    deviation: float  # of one day, times Student's t

    def sum_of(self, days: Sequence[tuple[date, float]]) -> tuple[float, float]:
        """What weighted days to come sum up to, and the half width of the interval."""
        weight = sum(factor for _, factor in days)
        ahead = sum(factor * (day.toordinal() - self.centre) for day, factor in days)
        variance = sum(factor * factor for _, factor in days) + weight * weight / self.count
        variance += ahead * ahead / self.days_squared if self.days_squared else 0.0
        return max(0.0, self.mean * weight + self.slope * ahead), self.deviation * sqrt(variance)


def _fitted(levelled: Mapping[date, float], *, already_estimated: int) -> _Line:
    """A slope where there are weeks enough for one. `already_estimated`: figures that were taken from the same days."""
    recent = list(levelled.items())[-_LINE_DAYS:]
    centre, mean = fmean(day.toordinal() for day, _ in recent), fmean(value for _, value in recent)
    apart = [(day.toordinal() - centre, value - mean) for day, value in recent]
    days_squared = sum(x * x for x, _ in apart) if len(recent) >= _TREND_DAYS_MIN else 0.0
    slope = sum(x * y for x, y in apart) / days_squared if days_squared else 0.0
    rest = [y - slope * x for x, y in apart]
    freedom = max(1, len(rest) - already_estimated - (2 if days_squared else 1))
    variance = sum(value * value for value in rest) / freedom * _carried_over(rest)
    students_t = _T90[freedom - 1] if freedom <= len(_T90) else 1.3
    return _Line(
        centre=centre, mean=mean, slope=slope, count=len(recent), days_squared=days_squared,
        deviation=sqrt(variance) * students_t,
    )  # fmt: skip


def _carried_over(rest: Sequence[float]) -> float:
    """How much larger the variance of a sum is where each day carries over a share of the day before: (1 + r) / (1 - r)."""
    squared = sum(value * value for value in rest)
    share = sum(a * b for a, b in pairwise(rest)) / squared if squared else 0.0
    share = min(max(share, 0.0), _CARRIED_MAX)
    return (1 + share) / (1 - share)
