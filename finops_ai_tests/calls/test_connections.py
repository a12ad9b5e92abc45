"""What passes from one call to the next (a client), and what must not (a connection, a cookie, a time limit)."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from finops_ai.calls import FoundForms, PaidCalls
from finops_ai.calls.deadline import Deadline, watch
from finops_ai.calls.endpoint import endpoint_of
from finops_ai.policy import Tier
from finops_ai_tests.calls.desk import SCHEMA, USED, Desk
from finops_ai_tests.records import at_once

SHORT_S, LONG_S = 0.05, 30


class Remembering(BaseHTTPRequestHandler):
    """A provider that keeps connections open and gives cookies, and writes down who comes on which."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.client_address[1], self.headers.get("Cookie")))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "visit=1")
        self.send_header("Content-Length", str(len(USED[1])))
        self.end_headers()
        self.wfile.write(USED[1].encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Nothing: it is written down."""


@pytest.fixture
def remembering() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Remembering)
    server.seen, server.daemon_threads = [], True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_calls_share_a_client_but_neither_a_connection_nor_a_cookie(desk: Desk, remembering: Any) -> None:
    """A kept connection that the provider has closed meanwhile breaks as one does whose call was served."""
    url = f"http://127.0.0.1:{remembering.server_port}/v1"
    for question in ("One?", "Two?", "Three?"):
        desk.ask(messages=[{"role": "user", "content": question}], base_url=url)
    ports, cookies = zip(*remembering.seen, strict=True)
    assert len(set(ports)) == 3
    assert cookies == (None, None, None)
    tier = desk.provider.tier(base_url=url)
    assert endpoint_of(tier).client is endpoint_of(tier).client


def test_another_key_is_another_client(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that was replaced must not be used any longer."""
    tier = desk.provider.tier(api_key_env="A_KEY")
    monkeypatch.setenv("A_KEY", "first")
    first = endpoint_of(tier)
    monkeypatch.setenv("A_KEY", "second")
    assert (first.client.api_key, endpoint_of(tier).client.api_key) == ("first", "second")


def test_an_attempt_that_is_taken_meanwhile_is_not_made_twice(desk: Desk) -> None:
    """Two that ask the same at once find the same number of attempts; each call has a hold of its own all the same."""

    class WhileAnotherAsks(FoundForms):
        def start(self, tier: Tier) -> Any:
            desk.ask(schema=SCHEMA)
            return super().start(tier)

    late = PaidCalls(database=desk.calls.database, payer=desk.calls.payer, forms=WhileAnotherAsks())
    Desk(late, desk.provider, desk.slept).ask(schema=SCHEMA)
    assert len({request.headers["Idempotency-Key"] for request in desk.provider.requests}) == 2
    assert desk.outcomes() == ["settled", "settled"]
    assert desk.books()[0] == 0


# --- time limits


def test_a_limit_holds_for_its_own_attempt_only() -> None:
    deadline = Deadline()
    with deadline.within(SHORT_S):
        pass
    with deadline.within(LONG_S):
        time.sleep(3 * SHORT_S)
        assert not deadline.passed
    with deadline.within(SHORT_S):  # sooner than the one that is still listed
        time.sleep(3 * SHORT_S)
        assert deadline.passed


def test_each_thread_has_its_own_limit() -> None:
    """They share a client, whose hook must find the attempt that a request belongs to."""
    mine, theirs = Deadline(), Deadline()
    requests = [SimpleNamespace(extensions={}) for _ in range(2)]

    def other() -> None:
        with theirs.within(SHORT_S):
            watch(requests[1])
            time.sleep(3 * SHORT_S)

    with mine.within(LONG_S):
        thread = threading.Thread(target=other)
        thread.start()
        watch(requests[0])
        thread.join()
        assert (mine.passed, theirs.passed) == (False, True)
    assert [request.extensions["trace"] for request in requests] == [mine.trace, theirs.trace]


def test_a_forked_child_watches_for_itself() -> None:
    with Deadline().within(LONG_S):  # the parent's watch runs

        def child(_number: int) -> bool:
            deadline = Deadline()
            with deadline.within(SHORT_S):
                time.sleep(3 * SHORT_S)
                return deadline.passed

        assert at_once(child, 2) == [True, True]
