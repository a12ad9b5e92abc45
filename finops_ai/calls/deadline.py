"""A time limit on a whole attempt, whatever it waits for.

Belongs here: ending a connection at its time. Does not: what that means for the attempt (`endpoint`). The HTTP client
limits each single wait: an endpoint that sends a byte now and then would keep it for ever, and its caller with it.
"""

import contextlib
import socket
from collections.abc import Iterator, Mapping
from threading import Timer
from typing import Any


class Deadline:
    """Shuts a connection down when its time is over. One for a client; each attempt has its own `within`."""

    def __init__(self) -> None:
        self.passed = False
        self._connection: Any = None

    def watch(self, request: Any) -> None:
        """An event hook of the HTTP client, which learns the connection that a request goes out on."""
        request.extensions["trace"] = self._trace

    def _trace(self, event: str, details: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._connection = details["return_value"]

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """After so many seconds whoever waits on the connection is told that it has ended, and `passed` says why."""
        self.passed = False
        timer = Timer(seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _end(self) -> None:
        self.passed = True
        if self._connection is not None:
            with contextlib.suppress(OSError):  # it ended by itself in this moment
                # not the method of a TLS socket, which would change what the waiting thread works with
                socket.socket.shutdown(self._connection.get_extra_info("socket"), socket.SHUT_RDWR)
