"""One attempt at an endpoint, over the `openai` client, as a value: an answer or how it failed.

Belongs here: sending, receiving within the time-out, and telling what was received. Does not: the books (`paid`), a
further try (`retry`), the words of an API (`chat`, `responses`). The client's own retries are off, since each try must
be held and booked by itself, and so is its parsing: what came is metered before anything else is made of it.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

from finops_ai.calls import chat, responses
from finops_ai.calls.deadline import Deadline, watch
from finops_ai.calls.events import EventData
from finops_ai.calls.failures import Failed, of_record, of_status
from finops_ai.calls.metering import Metered, believed, metered
from finops_ai.calls.model import CallRefused
from finops_ai.calls.wire import Api, Asked, Gathering, Reading, error_in
from finops_ai.policy import Tier

if TYPE_CHECKING:
    import ssl

    import openai

APIS: dict[str, Api] = {"chat": chat, "responses": responses}
BODY_BYTES_MAX = 64_000_000
CLIENTS_KEPT_MAX = 16
SHOWN_CHARACTERS = 200
# the connection itself failed: nothing of the request has left
_UNREACHED = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"})
_UNFIT = frozenset({"UnsupportedProtocol", "LocalProtocolError"})


class _TooLarge(Exception):
    """An answer of no sensible size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A whole answer, usable or not, and what it cost."""

    body: Mapping[str, Any]
    reading: Reading
    cost: Metered
    raised: BaseException | None = None  # what ended the attempt from our side after the answer was there


@dataclass(slots=True, kw_only=True)
class Received:
    """What has come so far. It grows while an attempt runs, so that it can be booked however the attempt ends."""

    asked: Asked
    gathering: Gathering
    raw: bytearray = field(default_factory=bytearray)
    events: EventData = field(default_factory=EventData)
    pieces: int = 0  # events of a stream that said something
    unread: bytes = b""  # events that are no JSON
    error: Mapping[str, Any] | None = None  # what an event said in the place of an answer
    done: bool = False
    broken: str = ""  # how the transfer ended, where it did not end by itself

    def take(self, piece: bytes) -> None:
        """The next bytes of the response."""
        self.raw += piece
        if len(self.raw) > BODY_BYTES_MAX:
            raise _TooLarge(f"more than {BODY_BYTES_MAX} bytes")
        if self.asked.stream:
            for data in self.events.feed(piece):
                self._event(data)

    def finish(self) -> None:
        """No more bytes come. An event that was cut counts with its bytes, unless the answer was complete before it."""
        rest = self.events.rest() if self.asked.stream else b""
        if rest and (_object(rest) is not None or not (self.done or self.gathering.ended)):
            self._event(rest)

    def _event(self, data: bytes) -> None:
        if data.strip() == b"[DONE]":
            self.done = True
            return
        event = _object(data)
        if event is None:
            self.unread += data
        elif error := _error_of(event):
            self.error = error
        else:
            self.gathering.add(event)
            self.pieces += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The endpoint of a tier, to be called by one thread."""

    client: "openai.OpenAI"
    tier: Tier
    deadline: Deadline

    def attempt(self, asked: Asked, *, key: str) -> Served | Failed:
        """One attempt under this idempotency key. Whatever ends it, Ctrl-C too, is in the value: nothing is raised."""
        import httpx2
        import openai

        received = Received(asked=asked, gathering=APIS[self.tier.api].gathering())
        try:
            self._receive(received, key)
        except openai.APIStatusError as error:
            record = error.body if isinstance(error.body, dict) else {}
            return of_status(error.status_code, error.message, record, error.response.headers, now=datetime.now(UTC))
        except (openai.APIConnectionError, httpx2.HTTPError) as error:
            if failed := _never_sent(error):
                return failed
            received.broken = self._late() or _told(error)
        except (_TooLarge, openai.OpenAIError, httpx2.StreamError) as error:
            received.broken = _told(error)
        except BaseException as error:  # noqa: BLE001 - it is raised by `paid`, after what was received is booked
            received.broken = _told(error)
            return replace(outcome_of(received, APIS[self.tier.api]), raised=error)
        return outcome_of(received, APIS[self.tier.api])

    def _receive(self, received: Received, key: str) -> None:
        body = APIS[self.tier.api].request_body(received.asked)
        name = hashlib.sha256(key.encode()).hexdigest()[:32]
        headers = {"Idempotency-Key": name, "X-Client-Request-Id": name}
        create = (
            self.client.responses.with_streaming_response.create
            if self.tier.api == "responses"
            else self.client.chat.completions.with_streaming_response.create
        )
        with (
            self.deadline.within(self.tier.timeout_s),
            create(**body, extra_headers=headers, timeout=self.tier.timeout_s) as response,
        ):
            for piece in response.iter_bytes():
                received.take(piece)
                if received.done:  # some endpoints leave the connection open after their last word
                    break
        if not received.done:  # a body without a length ends where its connection does
            received.broken = self._late()

    def _late(self) -> str:
        return f"Timeout: the answer was not complete after {self.tier.timeout_s:g} s" if self.deadline.passed else ""


def endpoint_of(tier: Tier) -> Endpoint:
    """The endpoint of a tier. Raises CallRefused where the policy's address or key cannot be used."""
    key = os.environ.get(tier.api_key_env, "") if tier.api_key_env else "none"
    if not key:
        raise CallRefused(f"the variable {tier.api_key_env} holds no API key")
    return Endpoint(client=_client(os.getpid(), tier.base_url, key), tier=tier, deadline=Deadline())


@lru_cache(maxsize=CLIENTS_KEPT_MAX)
def _client(_process: int, base_url: str | None, key: str) -> "openai.OpenAI":
    """A client is made once for a process, its connections once for a call: see ARCHITECTURE.md on kept ones.

    Nothing else passes from a call to the next: no cookie, and no redirect, which would send the prompt, and the money, to
    somebody whom the policy does not name. Every request brings its own time-out.
    """
    import httpx2
    import openai  # a second, paid only where a model is called

    http = openai.DefaultHttpx2Client(
        verify=_trusted(),
        follow_redirects=False,
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        event_hooks={"request": [watch]},
    )
    http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    try:
        return openai.OpenAI(api_key=key, base_url=base_url, max_retries=0, http_client=http)
    except (openai.OpenAIError, httpx2.InvalidURL) as error:
        raise CallRefused(f"{base_url} cannot be called: {error}") from None


@cache
def _trusted() -> "ssl.SSLContext":
    """Reading the certificates of the system takes a twentieth of a second: once for a process, not for every call."""
    import httpx2

    return httpx2.create_ssl_context()


def outcome_of(received: Received, api: Api) -> Served | Failed:
    """What the received bytes amount to."""
    received.finish()
    if received.asked.stream and (received.pieces or received.unread or received.error):
        return _of_stream(received, api)
    body = _object(bytes(received.raw))  # a whole object is an answer, however its connection ended after it
    if body is None:
        shown = bytes(received.raw[:SHOWN_CHARACTERS]).decode(errors="replace")
        error = received.broken or f"unusable response: {shown!r} is no answer"
        return Failed(error=error, served=True, again=True)
    return _of_body(body, received.asked, api)


def _of_body(body: Mapping[str, Any], asked: Asked, api: Api) -> Served | Failed:
    reading = api.read(body)
    written = bool(reading.text or reading.beside)
    known = believed(reading) is not None
    cost = metered(reading, asked, whole=True) if known or written else None
    if reading.error and not reading.text:
        return of_record(reading.error, cost=cost, response_id=reading.response_id)
    if cost is None:
        shown = json.dumps(body)[:SHOWN_CHARACTERS]
        error = f"unusable response: {shown} holds neither an answer nor what it cost"
        return Failed(error=error, served=True, again=True, response_id=reading.response_id)
    return Served(body=body, reading=reading, cost=cost)


def _of_stream(received: Received, api: Api) -> Served | Failed:
    body = received.gathering.body()
    reading = api.read(body)
    ended = received.done or received.gathering.ended
    something = bool(received.pieces or received.unread)
    cost = metered(reading, received.asked, whole=ended, pieces=received.pieces, unread=received.unread)
    if error := received.error or reading.error:
        return of_record(error, cost=cost if something else None, response_id=reading.response_id)
    if ended and not received.unread:
        return Served(body=body, reading=reading, cost=cost)
    how = received.broken or "it ended early"
    error_text = f"unusable response: a chunk is no JSON: {_shown(received.unread)}" if received.unread else how
    return Failed(
        error=error_text if received.broken or received.unread else f"the stream broke off: {how}",
        served=True,
        again=True,
        cost=cost,
        response_id=reading.response_id,
    )


def _never_sent(error: Exception) -> Failed | None:
    cause = error.__cause__ or error
    name = type(cause).__name__
    if name in _UNREACHED:
        return Failed(error=_told(error), served=False, again=True)
    return Failed(error=_told(error), served=False, again=False, permanent=True) if name in _UNFIT else None


def _error_of(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """An event that stands where an answer should; the Responses API writes its fields into the event itself."""
    return event if event.get("type") == "error" else error_in(event)


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error.__cause__ or error}"


def _shown(data: bytes) -> str:
    return repr(data[:SHOWN_CHARACTERS].decode(errors="replace"))


def _object(data: bytes) -> dict[str, Any] | None:
    """The JSON object that these bytes are, if they are one."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
