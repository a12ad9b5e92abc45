"""Whose turn it is at a host, how long to wait there, and how much time a source has left.

Belongs here: the clock of one source, the line in front of each host, the wait before another try. Does not: what is
asked (`fetching`), what a host's robots.txt says (`robots`).
"""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import inf
from threading import Lock
from time import monotonic

from finops_ai.evidence.model import EvidenceError

_BACKOFF_FIRST_S = 0.5
_SECONDS = re.compile(r"[0-9]{1,9}")


class TimeOver(EvidenceError):
    """A source has used up its time; asking again would not give it more."""


class Clock:
    """The time one source may take, in seconds. It stands still while the source queues behind others: two hundred
    sources of one host must not time each other out.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._ends_at = monotonic() + limit_s

    def seconds_left(self) -> float:
        """More than 0. Raises TimeOver."""
        left = self._ends_at - monotonic()
        if left <= 0:
            raise self.over()
        return left

    def has(self, wait_s: float) -> bool:
        """There would still be time after such a wait."""
        return monotonic() + wait_s < self._ends_at

    def over(self) -> TimeOver:
        """The error of a source whose time is up."""
        return TimeOver(f"took longer than {self._limit_s:g} s")

    @contextmanager
    def queued(self, lock: Lock) -> Iterator[None]:
        """Holds the lock; the wait for it is free."""
        began_at = monotonic()
        with lock:
            self._ends_at += monotonic() - began_at
            yield


@dataclass(slots=True)
class Host:
    """What has to be remembered of a host between two requests."""

    lock: Lock = field(default_factory=Lock)
    ended_at: float = -inf  # of its last page; a robots.txt does not hold up the page it was asked for
    is_ours: bool = False  # on a network that the policy names: nobody there needs sparing


class Turns:
    """One request at a time to each host, and a pause between two. Safe to share between threads."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._hosts: dict[str, Host] = {}

    @contextmanager
    def turn(self, authority: str, *, delay_s: float, clock: Clock, is_page: bool = True) -> Iterator[Host]:
        """Queues off the clock, pauses on it. Raises TimeOver when the pause would outlast the clock."""
        host = self._hosts.setdefault(authority, Host())
        with clock.queued(host.lock):
            self._pause(authority, 0.0 if host.is_ours else host.ended_at + delay_s - monotonic(), clock)
            try:
                yield host
            finally:
                host.ended_at = monotonic() if is_page else host.ended_at

    def _pause(self, authority: str, pause_s: float, clock: Clock) -> None:
        if pause_s <= 0:
            return
        if not clock.has(pause_s):
            raise TimeOver(f"{authority} may be asked again in {pause_s:.1f} s, which is longer than the time left")
        self._sleep(pause_s)


def backoff_s(tries: int) -> float:
    """Doubles with every try; the jitter keeps clients that failed together from coming back together."""
    return _BACKOFF_FIRST_S * 2.0 ** (tries - 1) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret


def retry_after_s(header: str | None) -> float | None:
    """Of a Retry-After in seconds or as an HTTP date; None when it is neither."""
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
