"""A time limit on a whole attempt, whatever it waits for.

Belongs here: ending a connection at its time. Does not: what that means for the attempt (`endpoint`). The HTTP client
limits each single wait: an endpoint that sends a byte now and then would keep it for ever, and its caller with it.
"""

import contextlib
import heapq
import itertools
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from threading import Condition, Thread
from typing import Any


class Deadline:
    """Shuts a connection down when its time is over. Each attempt has its own `within`."""

    def __init__(self) -> None:
        self.passed = False
        self._until_s: float | None = None  # of the attempt that runs now, on the monotonic clock
        self._connection: Any = None

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """After so many seconds whoever waits on the connection is told that it has ended, and `passed` says why."""
        self.passed = False
        self._until_s = time.monotonic() + seconds
        attempt = _current.set(self)
        _watch.add(self._until_s, self)
        try:
            yield
        finally:
            _current.reset(attempt)
            self._until_s = self._connection = None

    def trace(self, event: str, details: Mapping[str, Any]) -> None:
        """What the HTTP client tells of a request: the connection that it goes out on."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._connection = details["return_value"]

    def end(self, until_s: float) -> None:
        """This time is over. Nothing happens where the attempt that it was set for is over, too."""
        connection = self._connection
        if self._until_s != until_s:
            return
        self.passed = True
        if connection is not None:
            with contextlib.suppress(OSError):  # it ended by itself in this moment
                # not the method of a TLS socket, which would change what the waiting thread works with
                socket.socket.shutdown(connection.get_extra_info("socket"), socket.SHUT_RDWR)


_current: ContextVar[Deadline] = ContextVar("deadline")


def watch(request: Any) -> None:
    """An event hook of the HTTP client, which is shared: a request belongs to the attempt that its thread is in."""
    request.extensions["trace"] = _current.get().trace


class _Watch:
    """One thread for the deadlines of a process: starting one for each attempt took longer than a hold on SQLite."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Deadline]] = []
        self._numbers = itertools.count()
        self._changed = Condition()
        self._thread: Thread | None = None

    def add(self, until_s: float, deadline: Deadline) -> None:
        """Whoever is over before stays in the list until then: nobody has to wake the thread for that."""
        with self._changed:
            heapq.heappush(self._due, (until_s, next(self._numbers), deadline))
            if self._thread is None:
                self._thread = Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif self._due[0][2] is deadline:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            until_s, deadline = self._next()
            deadline.end(until_s)

    def _next(self) -> tuple[float, Deadline]:
        with self._changed:
            while not self._due or self._due[0][0] > time.monotonic():
                self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
            until_s, _, deadline = heapq.heappop(self._due)
        return until_s, deadline


def _start_anew() -> None:
    """A forked child has none of its parent's threads, and must not shut down its parent's connections."""
    global _watch
    _watch = _Watch()


_watch = _Watch()
os.register_at_fork(after_in_child=_start_anew)
