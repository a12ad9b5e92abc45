"""Days whose spend is not what their weekday and the weeks before would have it, and what made it so.

Belongs here: a pure function of daily series. Does not: reading them (`measures`), telling anybody.

The method is the modified z-score of Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (ASQC, 1993): the distance
from the median in units of the median absolute deviation (MAD), with their cut at 3.5. It is taken of logarithms, since spend
varies by shares and not by sums: three times and a third of the usual are equally far. Median and MAD are of the last weeks
with the weekly shape taken out (`seasonal`), so that weekends are no anomalies and a new level becomes the usual one within
a week. Only days before the judged one are looked at: a judgement does not change afterwards.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import log, sqrt
from statistics import median
from typing import Literal

from finops_ai.baseline.seasonal import PROFILE_DAYS, PROFILE_DAYS_MIN, Series, levels, weekday_factors, window

SCORE_MIN = 3.5
SPREAD_MIN = 0.05  # a twentieth: a series that hardly moves would else make an anomaly of every cent
GAP_NANO_USD_MIN = 10_000_000  # one US cent
_LEVEL_DAYS = 14  # half of them make a new level the usual one
_SPREAD_DAYS = 42
_NOTHING = 0.02  # of the level, added on both sides: the logarithm of 0 is no distance
_MAD_TO_DEVIATION = 1.4826  # of a normal distribution; 1 / 0.6745 in their book

Pair = tuple[str, str]  # workload, model


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """A workload on a model: its part of an unusual day."""

    workload: str
    model: str
    spent_nano_usd: int
    usual_nano_usd: int | None  # None: too young, or used too rarely, to have a usual

    @property
    def gap_nano_usd(self) -> int:
        """Beyond its usual; of what has no usual, all."""
        return self.spent_nano_usd - (self.usual_nano_usd or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One unusual day: of everything together, or of one workload on one model while the whole was as usual."""

    day: date
    of: Pair | None  # None: of everything
    spent_nano_usd: int
    usual_nano_usd: int
    score: float  # deviations from the usual; below 0: less than usual
    contributions: tuple[Contribution, ...]  # the largest first, those that go the day's way only

    @property
    def gap_nano_usd(self) -> int:
        """Spent less usual."""
        return self.spent_nano_usd - self.usual_nano_usd

    @property
    def direction(self) -> Literal["above", "below"]:
        """Less than usual is worth a look too: a workload that stopped, a log that was not imported."""
        return "above" if self.gap_nano_usd > 0 else "below"


@dataclass(frozen=True, slots=True)
class _Judged:
    spent: int
    usual: int
    score: float

    @property
    def unusual(self) -> bool:
        return abs(self.score) > SCORE_MIN and abs(self.spent - self.usual) >= GAP_NANO_USD_MIN


def spend_anomalies(series: Mapping[Pair, Series], *, since: date, until: date) -> list[Anomaly]:
    """The unusual days from `since` to `until`, oldest first. `until` is a day that is over: half a day looks like a fall.

    Three weeks of history are needed before a day is judged. A pair is judged by itself only where it spends on most days;
    where everything together is unusual on that day, in the same direction, it is part of that anomaly and no second one.
    """
    whole = _together(series)
    found: list[Anomaly] = []
    for day in sorted(
        day for day in window(whole, before=_after(until), days=(until - since).days + 1) if day >= since
    ):
        judged = {pair: _judge(one, day) for pair, one in series.items()}
        total = _judge(whole, day)
        if total and total.unusual:
            parts = [_contribution(pair, one, day, judged[pair]) for pair, one in series.items()]
            found.append(_anomaly(day, None, total, parts))
        for pair, mine in judged.items():
            counted = total and total.unusual and (total.score > 0) == (mine is not None and mine.score > 0)
            if mine and mine.unusual and not counted:
                found.append(_anomaly(day, pair, mine, [_contribution(pair, series[pair], day, mine)]))
    return found


def _judge(series: Series, day: date) -> _Judged | None:
    """None: not known, too young, or too rarely used for a usual."""
    spent = series.get(day, 0) if series and day >= min(series) else None
    known = window(series, before=day, days=PROFILE_DAYS)
    if spent is None or len(known) < PROFILE_DAYS_MIN:
        return None
    factors = weekday_factors(known)
    levelled = list(levels(known, factors).values())
    level = median(levelled[-_LEVEL_DAYS:])
    if level <= 0:
        return None
    usual = level * factors[day.weekday()]
    deviations = [abs(_distance(value, level, level)) for value in levelled[-_SPREAD_DAYS:]]
    spread = max(_MAD_TO_DEVIATION * median(deviations) * _out_of_sample(len(known) // 7), SPREAD_MIN)
    return _Judged(spent, round(usual), _distance(spent, usual, level) / spread)


def _distance(value: float, usual: float, level: float) -> float:
    """From 0 on: a day on which more was paid back than spent is as far as one without spend."""
    return log((max(value, 0) + _NOTHING * level) / (usual + _NOTHING * level))


def _out_of_sample(weeks: int) -> float:
    """Days that helped to find a median lie nearer to it than the next one will: 1 - 1/n of the variance beside 1 + 1/n."""
    return sqrt((weeks + 1) / (weeks - 1))


def _together(series: Mapping[Pair, Series]) -> Series:
    """The whole of a day is unknown only where nothing of it is known."""
    sums: dict[date, int | None] = defaultdict(lambda: None)
    for one in series.values():
        for day, value in one.items():
            sums[day] = sums[day] if value is None else (sums[day] or 0) + value
    return dict(sums)


def _contribution(pair: Pair, series: Series, day: date, judged: _Judged | None) -> Contribution:
    usual = judged.usual if judged else None
    return Contribution(workload=pair[0], model=pair[1], spent_nano_usd=series.get(day) or 0, usual_nano_usd=usual)


def _anomaly(day: date, of: Pair | None, judged: _Judged, parts: list[Contribution]) -> Anomaly:
    gap = judged.spent - judged.usual
    along = [part for part in parts if part.gap_nano_usd * gap > 0]
    return Anomaly(
        day=day,
        of=of,
        spent_nano_usd=judged.spent,
        usual_nano_usd=judged.usual,
        score=judged.score,
        contributions=tuple(sorted(along, key=lambda part: (-abs(part.gap_nano_usd), part.workload, part.model))),
    )


def _after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)
