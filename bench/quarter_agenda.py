"""The order of a simulated quarter: everything that goes on at the same time, one piece after another.

Belongs here: the clock. Does not: what goes on.
"""

import heapq
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime

from finops_ai.store import simulated

Way = Iterator[datetime]
"""What happens, in pieces: each `yield` is the moment of the next one. Nothing happens after the quarter's end."""

NEVER = datetime.max.replace(tzinfo=UTC)  # in this quarter


class Agenda:
    """Everything that goes on at the same time, always the earliest next: the clock never moves backwards."""

    def __init__(self, end: datetime) -> None:
        self._end = end
        self._numbers = itertools.count()
        self._waiting: list[tuple[datetime, int, Way]] = []
        self._now: datetime | None = None

    def add(self, way: Way) -> None:
        """Begin it, or go on with it: it runs to the next moment that it waits for. Raises ValueError for one that is past."""
        moment = next(way, None)
        if moment is not None and moment < self._end:  # what would come later does not come in this quarter
            if self._now and moment < self._now:
                raise ValueError(f"{moment} is past: it is {self._now}")
            heapq.heappush(self._waiting, (moment, next(self._numbers), way))

    def run(self) -> None:
        """Until nothing is left, each piece at its moment."""
        while self._waiting:
            self._now, _, way = heapq.heappop(self._waiting)
            with simulated(self._now):
                self.add(way)
