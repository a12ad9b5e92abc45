"""Days and months as periods of account: both UTC, written YYYY-MM-DD and YYYY-MM, which sorts as it reads.

Belongs here: their arithmetic. Does not: the clock (`clock`).
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def month_start(month: str) -> date:
    """Its first day. Raises ValueError for what is not YYYY-MM."""
    if not MONTH.fullmatch(month):
        raise ValueError(f"{month!r} is not a month; write YYYY-MM")
    return date(int(month[:4]), int(month[5:]), 1)


def following_month(month: str) -> str:
    """The month after."""
    return f"{month_start(month) + timedelta(days=31):%Y-%m}"


def preceding_month(month: str) -> str:
    """The month before."""
    return f"{month_start(month) - timedelta(days=1):%Y-%m}"


def days_of(month: str) -> Iterator[date]:
    """Each day of it, in order."""
    day, end = month_start(month), month_start(following_month(month))
    while day < end:
        yield day
        day += timedelta(days=1)


def month_bounds(month: str) -> tuple[datetime, datetime]:
    """Its first moment and that of the month after."""
    first, following = month_start(month), month_start(following_month(month))
    return datetime.combine(first, datetime.min.time(), UTC), datetime.combine(following, datetime.min.time(), UTC)
