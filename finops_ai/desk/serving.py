"""Running the desk: on its own, or beside something else.

Belongs here: the port, starting and stopping. Does not: what is served (`app`).
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from uvicorn import Server

ENDING_S_MAX = 2  # for requests under way when it ends


class PortTaken(Exception):
    """Something else listens there, or the host is none of this machine's."""


def listen(host: str, port: int) -> socket.socket:
    """Taken before anything else is started, so that a second one fails at once. Raises PortTaken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise PortTaken(f"cannot listen on {host}, port {port}: {error.strerror or error}") from None


def serve(app: "ASGIApp", listening: socket.socket) -> None:
    """Until SIGINT or SIGTERM."""
    _server(app).run(sockets=[listening])


@contextmanager
def in_background(app: "ASGIApp", listening: socket.socket) -> Iterator[None]:
    """Served by a thread while the block runs."""
    server = _server(app)
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, name="finops_ai-desk", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=2 * ENDING_S_MAX)


def _server(app: "ASGIApp") -> "Server":
    from uvicorn import Config, Server

    return Server(
        Config(
            app,
            log_level="warning",
            lifespan="off",
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=ENDING_S_MAX,
        )
    )
