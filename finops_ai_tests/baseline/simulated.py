"""Daily spend as it is known to have come about: a weekly shape, noise, growth, days that depend on the day before.

Belongs here: drawing series. Does not: judging what is made of them.
"""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from math import exp, sqrt

OFFICE = (1.0, 1.05, 1.1, 1.05, 0.95, 0.35, 0.3)  # Monday to Sunday
ALIKE = (1.0,) * 7


def daily_spend(
    draw: random.Random,
    days: int,
    *,
    first: date,
    week: Sequence[float] = OFFICE,
    noise: float = 0.15,
    growth: float = 0.0,
    carried: float = 0.0,
    level_nano_usd: float = 50e9,
) -> dict[date, int]:
    """Lognormal noise of deviation `noise`, of which each day carries over a share; `growth` a day."""
    found, state = {}, 0.0
    for number in range(days):
        day = first + timedelta(days=number)
        state = carried * state + draw.gauss(0, 1) * sqrt(1 - carried * carried)
        usual = level_nano_usd * week[day.weekday()] * (1 + growth) ** number
        found[day] = round(usual * exp(noise * state - noise * noise / 2))
    return found
