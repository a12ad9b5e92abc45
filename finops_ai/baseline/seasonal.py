"""The weekly shape of a daily series, and its level without that shape.

Belongs here: what `anomalies` and `forecast` have in common. Does not: what is unusual, what is to come.

Spend follows the working week more than anything else: a Saturday is compared with Saturdays. Medians, because one dear
day must not become the measure of the next ones.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from statistics import median

PROFILE_DAYS = 56  # eight of each weekday
PROFILE_DAYS_MIN = 21  # three of each weekday: a median that one odd day cannot move
_FACTOR_MIN = 0.05  # below that, a weekday is one without spend

Series = Mapping[date, int | None]  # nano-USD of a UTC day; None: not known; a day that is missing between others: 0


def window(series: Series, *, before: date, days: int) -> dict[date, int]:
    """What is known of the `days` before a day, from the first day of the series on."""
    first = max(min(series), before - timedelta(days=days)) if series else before
    span = (first + timedelta(days=n) for n in range((before - first).days))
    return {day: value for day in span if (value := series.get(day, 0)) is not None}


def weekday_factors(known: Mapping[date, int]) -> list[float]:
    """Monday to Sunday beside the mean day of their week, whose factor is 1; all 1 where too few days are known to tell.

    The classical ratio to a moving average: beside its own seven days, so that a new level in between moves no weekday.
    """
    days, values = list(known), list(known.values())
    ratios: list[list[float]] = [[] for _ in range(7)]
    for place, (day, value) in enumerate(zip(days, values, strict=True)):
        first = max(0, min(place - 3, len(values) - 7))
        if (week := sum(values[first : first + 7])) > 0:  # more paid back than spent: nothing to be a share of
            ratios[day.weekday()].append(7 * value / week)
    if min(map(len, ratios)) < PROFILE_DAYS_MIN // 7:
        return [1.0] * 7
    medians = [median(of_weekday) for of_weekday in ratios]
    found = [factor if factor >= _FACTOR_MIN else 0.0 for factor in medians]
    if not median(found):  # without spend on most weekdays: what there is has no shape
        return [1.0] * 7
    return found


def levels(known: Mapping[date, int], factors: Sequence[float]) -> dict[date, float]:
    """Each day as if it were a usual one. Weekdays without spend say nothing of the level, and are left out."""
    return {day: value / factor for day, value in known.items() if (factor := factors[day.weekday()])}
