"""The one form in which a time is stored (text, UTC, ISO 8601 with microseconds and `Z`), and the one clock that is read.

Belongs here: now. Does not: days and months as periods of account (`periods`). Whatever decides by time reads this clock,
so that a simulated quarter passes through the same code as a real one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime

_simulated: ContextVar[datetime | None] = ContextVar("simulated", default=None)


def now() -> datetime:
    """This moment, in UTC."""
    return _simulated.get() or datetime.now(UTC)


def today() -> date:
    """The UTC day of this moment."""
    return now().date()


def utc_now(at: datetime | None = None) -> str:
    """Now, or the given aware time, as it is stored. Sorts as it reads."""
    moment = (at or now()).astimezone(UTC)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


@contextmanager
def simulated(moment: datetime) -> Iterator[None]:
    """Inside the block it is this aware moment, in this thread alone: for simulations and tests, never for production."""
    token = _simulated.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _simulated.reset(token)
