"""Every fault, on both APIs, streamed and not: what was served is held against what was booked.

Belongs here: the faults, playing them, comparing the two sets of books key by key. Does not: the server
(`faulty_endpoint`), what a figure of a bench is made of the rows.
"""

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.calls import CallError, FoundForms, PaidCalls
from finops_ai.policy import Tier, TokenBounds
from finops_ai.store import Database, tables
from finops_ai_tests.calls.faulty_endpoint import (
    MODEL,
    SETTLE_S,
    WORDS,
    Billed,
    Exchange,
    FaultyEndpoint,
    Play,
    answers,
    body_of,
    event,
    events_of,
    streams,
    usage_of,
)
from finops_ai_tests.records import PLAIN_PRICE

MESSAGES = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "What did it cost?"}]
BOUNDS = TokenBounds(input_tokens_max=100, output_tokens_max=50)
TIMEOUT_S = 0.25
AT_ONCE = 6
HTML = b"<html><body>Bad gateway</body></html>"
APIS = ("chat", "responses")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault, once: the fault at the first attempt, a good answer at the second where there is one."""

    fault: str
    api: str
    stream: bool
    served_tokens: int  # by the endpoint's own books
    booked_tokens: int  # by ours; an attempt in suspense counts with the tokens it is held for
    estimated: bool  # some of them are marked so
    suspended: int  # attempts
    unhandled: str  # an error of no kind that a caller expects, or books left open or out of balance; "" for none
    attempts: int
    outcome: str  # "answer", or the kind of the error
    uncovered: tuple[str, ...]  # what is wrong with single keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A way to fail. `tier` changes the policy of the call."""

    name: str
    play: Play
    tier: dict[str, Any] = field(default_factory=dict)
    raises: type[BaseException] | None = None  # what it is meant to raise beside the errors of calls


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    fault: Fault
    api: str
    stream: bool


def run_matrix(database: Database, payer: ledger.Payer) -> list[Row]:
    """Every fault once. In the main thread: some interrupt it. The payer's budgets must hold a million nano-USD."""
    jobs = [
        _Job(fault=fault, api=api, stream=stream)
        for api in APIS
        for stream in (False, True)
        for fault in faults(api, stream=stream)
    ]

    def play(number: int, endpoint: FaultyEndpoint) -> Row:
        calls = PaidCalls(
            database=database,
            payer=replace(payer, loop=number),  # its own operation
            sleep=lambda _: None,
            forms=FoundForms(),
        )
        return _played(jobs[number], endpoint, calls)

    def play_aside(number: int) -> Row:
        with FaultyEndpoint() as endpoint:
            return play(number, endpoint)

    waiting = [number for number, job in enumerate(jobs) if job.fault.tier]  # these wait for their time-outs: together
    with ThreadPoolExecutor(AT_ONCE) as pool:
        played = dict(zip(waiting, pool.map(play_aside, waiting), strict=True))
    with FaultyEndpoint() as endpoint:
        rows = [played.get(number) or play(number, endpoint) for number in range(len(jobs))]
    with database.read() as connection:
        check = ledger.check(connection)
    if check.problems:
        rows[-1] = replace(rows[-1], unhandled=f"the books do not balance: {check.problems}")
    return rows


def faults(api: str, *, stream: bool) -> Iterator[Fault]:
    """The faults of a mode."""
    yield Fault(name="none", play=answers())
    yield from _refusals()
    yield from _broken_connections()
    yield from _wrong_bodies(api)
    yield from _wrong_counts(api)
    yield from _broken_streams(api) if stream else _whole_answers_only(api)


def _refusals() -> Iterator[Fault]:
    for status, code in ((400, "context_length_exceeded"), (401, None), (404, None), (422, None), (429, None)):
        yield Fault(name=f"{status} {code or ''}".strip(), play=_refuses(status, code=code))
    yield Fault(name="429 Retry-After", play=_refuses(429, Retry_After="1"))
    yield Fault(name="429 retry-after-ms", play=_refuses(429, retry_after_ms="20"))
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    yield Fault(name="429 Retry-After as a date", play=_refuses(429, Retry_After=later))
    yield Fault(name="429 Retry-After of a day", play=_refuses(429, Retry_After="86400"))
    yield Fault(name="429 insufficient_quota", play=_refuses(429, code="insufficient_quota"))
    for status in (408, 409, 500, 502, 503):
        yield Fault(name=f"{status} after serving", play=_served(_refuses(status)))
    yield Fault(name="500 not to be tried again", play=_served(_refuses(500, x_should_retry="false")))
    yield Fault(name="502 a proxy's page", play=_served(lambda e: e.reply(502, HTML, media_type="text/html")))
    yield Fault(name="403 a proxy's page", play=lambda e: e.reply(403, HTML, media_type="text/html"))
    yield Fault(name="500 hanging page", play=_served(_hanging_page), tier={"timeout_s": TIMEOUT_S})
    yield Fault(name="redirect to itself", play=lambda e: e.reply(307, b"", Location=e.path))


def _broken_connections() -> Iterator[Fault]:
    short = {"timeout_s": TIMEOUT_S}
    yield Fault(name="hangs before headers", play=_served(Exchange.hang), tier=short)
    yield Fault(name="drips headers for ever", play=_served(_drip_headers), tier=short)
    yield Fault(name="reset before headers", play=_served(Exchange.reset))
    yield Fault(name="closed before headers", play=_served(lambda _: None))
    yield Fault(name="no HTTP at all", play=_served(lambda e: e.send(b"220 mail.example.org ESMTP\r\n")))


def _wrong_bodies(api: str) -> Iterator[Fault]:
    """The same whether or not a stream was asked for."""
    whole = json.dumps(body_of(api)).encode()
    for name, content in (
        ("empty body", b""),
        ("half of the JSON", whole[: len(whole) // 2]),
        ("JSON that is no object", b"[1, 2]"),
        ("JSON nested a hundred thousand deep", b"[" * 100_000),
        ("an object of nothing", b"{}"),
        ("bytes of no text", b"\xff\xfe\x00{"),
        ("an error object", b'{"error": {"message": "upstream is busy", "code": 502}}'),
        ("an error text", b'{"error": "upstream is busy"}'),
    ):
        yield Fault(name=f"200 {name}", play=_says(content))
    yield Fault(name="200 a proxy's page", play=_says(HTML, media_type="text/html"))
    yield Fault(
        name="200 an error object with a count", play=_says(_json({"error": {"message": "x"}, "usage": usage_of(api)}))
    )
    yield Fault(name="200 only a count", play=_says(_json({"usage": usage_of(api)})))
    yield Fault(name="200 says it is compressed", play=_served(lambda e: e.reply(200, whole, Content_Encoding="gzip")))


def _wrong_counts(api: str) -> Iterator[Fault]:
    usages: dict[str, Any] = {
        "no usage": None,
        "usage of nulls": usage_of(api, read=None, written=None),
        "usage half null": usage_of(api, written=None),
        "negative usage": usage_of(api, read=-1, written=-7),
        "usage of zeros": usage_of(api, read=0, written=0),
        "zero output with a text": usage_of(api, written=0),
        "more cached than read": usage_of(api, cached=10_000),
        "usage as texts": usage_of(api, read="20", written="5"),
        "usage beyond any number of the books": usage_of(api, read=10**30),
        "usage that is a list": [1, 2],
        "usage as whole floats": usage_of(api, read=20.0, written=5.0),
    }
    for name, usage in usages.items():
        yield Fault(name=name, play=answers(usage=usage))
    yield Fault(name="another model", play=answers(model="model-b"))
    yield Fault(name="a dated model", play=answers(model=f"{MODEL}-2025-08-07"))
    yield Fault(name="texts that no database takes", play=answers(id="a\0b\ud800", model="\ud800\0"))


def _whole_answers_only(api: str) -> Iterator[Fault]:
    whole = _json(body_of(api))
    short = {"timeout_s": TIMEOUT_S}
    yield Fault(name="hangs in mid-body", play=_half(whole, Exchange.hang), tier=short)
    yield Fault(name="reset in mid-body", play=_half(whole, Exchange.reset))
    yield Fault(name="closed in mid-body", play=_half(whole, lambda _: None))
    yield Fault(name="drips for ever", play=_served(_drip), tier=short)
    yield Fault(name="a stream that nobody asked for", play=streams())
    yield Fault(name="interrupted in mid-body", play=_half(whole, _interrupt), raises=KeyboardInterrupt)
    part = "output" if api == "responses" else "choices"
    for name, value in (
        ("empty", []),
        ("null", None),
        ("of nulls", [None]),
        ("of empty objects", [{}]),
        ("a text", "x"),
    ):
        yield Fault(name=f"{part} {name}", play=answers(**{part: value}))
        yield Fault(name=f"{part} {name}, no usage", play=answers(**{part: value}, usage=None))


def _broken_streams(api: str) -> Iterator[Fault]:
    count = len(events_of(api))
    short = {"timeout_s": TIMEOUT_S}
    for k in range(count + 1):
        yield Fault(name=f"cut after {k} of {count}", play=streams(until=k, then=lambda _: None))
    for k in (0, 1, count - 1, count):
        yield Fault(name=f"ends after {k} of {count}", play=streams(until=k, chunked=False))
        yield Fault(name=f"reset after {k} of {count}", play=streams(until=k, then=Exchange.reset))
        yield Fault(name=f"hangs after {k} of {count}", play=streams(until=k, then=Exchange.hang), tier=short)
        yield Fault(
            name=f"interrupted after {k} of {count}", play=streams(until=k, then=_interrupt), raises=KeyboardInterrupt
        )
        for usage in (None, usage_of(api)):
            told = "with" if usage else "without"
            yield Fault(name=f"event {k} is no JSON, {told} a count", play=streams(edit=_damage(k), usage=usage))
    yield Fault(name="cut inside an event", play=streams(until=4, edit=_cut_last, then=lambda _: None))
    yield Fault(
        name="cut inside the last word",
        play=streams(until=count, edit=lambda c: [*c, b"data: [DO"], then=lambda _: None),
    )
    yield Fault(name="no empty line at the end", play=streams(done=False, edit=lambda c: [*c[:-1], c[-1].rstrip()]))
    yield Fault(name="event twice: text", play=streams(edit=lambda c: [*c[:3], c[2], *c[3:]]))
    yield Fault(name="event twice: count", play=streams(edit=lambda c: [*c[:-1], c[-2], c[-2], c[-1]]))
    yield Fault(name="event twice: all of them", play=streams(edit=lambda c: [x for x in c for _ in range(2)]))
    yield Fault(name="text twice, no count", play=streams(usage=None, edit=lambda c: [*c[:3], c[2], *c[3:]]))
    yield Fault(
        name="an error after 3 events", play=streams(until=3, edit=lambda c: [*c, _error_event(api)], then=_ends)
    )
    yield Fault(name="an error at first", play=streams(until=0, edit=lambda _: [_error_event(api)], then=_ends))
    yield Fault(name="events of nonsense", play=streams(edit=lambda c: [*c[:3], *map(event, _NONSENSE), *c[3:]]))
    yield Fault(
        name="comments only, then hangs",
        play=streams(until=0, edit=lambda _: [b": busy\n\n"], then=Exchange.hang),
        tier=short,
    )
    yield Fault(name="no last word, left open", play=streams(until=count, done=False, then=Exchange.hang), tier=short)
    yield Fault(name="not streamed", play=_says(_json(body_of(api))))
    yield Fault(name="drips comments for ever", play=_drip_comments, tier=short)
    if api == "chat":
        yield Fault(name="a count in every chunk, cut", play=streams(until=4, edit=_counting, then=lambda _: None))
        yield Fault(
            name="choices empty in between", play=streams(edit=lambda c: [*c[:3], event({"choices": []}), *c[3:]])
        )


_NONSENSE: tuple[dict[str, Any], ...] = (
    {},
    {"choices": None},
    {"choices": [None]},
    {"choices": [{"delta": None}]},
    {"choices": [{"delta": {"content": 5}}]},
    {"type": 7, "response": []},
    {"type": "response.output_text.delta", "delta": None},
    {"usage": []},
)


def _played(job: _Job, endpoint: FaultyEndpoint, calls: PaidCalls) -> Row:
    fault, api, stream = job.fault, job.api, job.stream
    endpoint.play(fault.play, answers())
    record = {"engine": "openai", "model": MODEL, "base_url": endpoint.base_url, "api": api, "stream": stream}
    tier = Tier.model_validate({**record, "attempts_max": 2, "timeout_s": 5, **fault.tier})
    outcome, unhandled = "answer", ""
    try:
        calls.complete(MESSAGES, tier_name="standard", tier=tier, bounds=BOUNDS, price=PLAIN_PRICE)
    except CallError as error:
        outcome = type(error).__name__
    except BaseException as error:  # noqa: BLE001 - what a row is there to tell
        outcome = type(error).__name__
        unhandled = "" if fault.raises is type(error) else f"{outcome}: {error}"
    with calls.database.read() as connection:
        booked = _booked(connection, calls.payer)
    uncovered = tuple(text for key, billed in endpoint.billed.items() if (text := _uncovered(key, billed, booked)))
    if still_open := sum(one.open for one in booked.values()):
        unhandled += f" {still_open} reservations open"
    return Row(
        fault=fault.name,
        api=api,
        stream=stream,
        served_tokens=sum(billed.tokens for billed in endpoint.billed.values()),
        booked_tokens=sum(one.tokens for one in booked.values()),
        estimated=any(one.estimated for one in booked.values()),
        suspended=sum(one.suspended for one in booked.values()),
        unhandled=unhandled.strip(),
        attempts=len(booked),
        outcome=outcome,
        uncovered=uncovered,
    )


@dataclass(slots=True)
class _Booked:
    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False
    suspended: bool = False
    open: bool = False

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def _booked(connection: sa.Connection, payer: ledger.Payer) -> dict[str, _Booked]:
    """By the key as it was sent."""
    reservation, outcome, entry = tables.reservation, tables.outcome, tables.entry
    mine = (entry.c.artifact == payer.artifact) & (entry.c.loop == payer.loop)
    kept = connection.execute(
        sa.select(reservation.c.key, outcome.c.kind)
        .outerjoin(outcome, outcome.c.reservation == reservation.c.key)
        .where(reservation.c.key.in_(sa.select(entry.c.reservation).where(mine)))
    )
    found: dict[str, _Booked] = {}
    for key, kind in kept:
        one = found[hashlib.sha256(key.encode()).hexdigest()[:32]] = _Booked(
            suspended=kind == "suspended", open=kind is None
        )
        if one.suspended:
            one.input_tokens, one.output_tokens = BOUNDS.input_tokens_max, BOUNDS.output_tokens_max
        rows = sa.select(entry).where(entry.c.reservation == key, entry.c.kind == "call")
        for row in connection.execute(rows):
            if row.unit == "output_tokens":
                one.output_tokens += row.quantity
            else:  # every other meter is a part of the input
                one.input_tokens += row.quantity
            one.estimated |= row.estimated
    return found


def _uncovered(key: str, billed: Billed, booked: dict[str, _Booked]) -> str:
    ours = booked.get(key)
    if ours is None:
        return f"{key}: {billed.tokens} tokens served and nothing on the books"
    served, ours_of = (billed.input_tokens, billed.output_tokens), (ours.input_tokens, ours.output_tokens)
    if any(theirs > mine for theirs, mine in zip(served, ours_of, strict=True)):
        return f"{key}: {served} tokens served, {ours_of} booked (in, out)"
    if billed.requests > 1 and billed.tokens:
        return f"{key}: served {billed.requests} times"
    if served != ours_of and not (ours.estimated or ours.suspended):
        return f"{key}: {served} tokens served, {ours_of} booked and not marked (in, out)"
    return ""


# --- plays


def _served(then: Play) -> Play:
    """The model has worked before the fault comes."""

    def play(exchange: Exchange) -> None:
        exchange.bill()
        then(exchange)

    return play


def _refuses(status: int, *, code: str | None = None, **headers: str) -> Play:
    return lambda exchange: exchange.refuse(status, code=code, **headers)


def _says(content: bytes, *, media_type: str = "application/json") -> Play:
    return _served(lambda exchange: exchange.reply(200, content, media_type=media_type))


def _half(whole: bytes, then: Play) -> Play:
    def play(exchange: Exchange) -> None:
        exchange.bill()
        exchange.head(Content_Length=str(len(whole)))
        exchange.send(whole[: len(whole) // 2])
        then(exchange)

    return play


def _hanging_page(exchange: Exchange) -> None:
    exchange.head(500, Content_Length="100")
    exchange.send(b"{")
    exchange.hang()


def _drip(exchange: Exchange) -> None:
    """No single wait is long, and the whole never ends."""
    exchange.head(Content_Length="100000")
    while not exchange.released.wait(0.05):
        exchange.send(b" ")


def _drip_headers(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 -\r\nX-Slow: ")
    while not exchange.released.wait(0.05):
        exchange.send(b"x")


def _drip_comments(exchange: Exchange) -> None:
    exchange.bill(words=0)
    exchange.begin_stream()
    while not exchange.released.wait(0.05):
        exchange.chunk(b": still thinking\n\n")


def _interrupt(exchange: Exchange) -> None:
    """Ctrl-C, while the client waits for more."""
    time.sleep(SETTLE_S)
    signal.pthread_kill(threading.main_thread().ident or os.getpid(), signal.SIGINT)
    exchange.hang()


def _ends(exchange: Exchange) -> None:
    exchange.last_chunk()


def _damage(k: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda contents: [b'data: {"choi' + b"\n\n" if n == k else content for n, content in enumerate(contents)]


def _cut_last(contents: list[bytes]) -> list[bytes]:
    return [*contents[:-1], contents[-1][: len(contents[-1]) // 2]]


def _counting(contents: list[bytes]) -> list[bytes]:
    counted = []
    for n, content in enumerate(contents):
        data = json.loads(content.removeprefix(b"data: "))
        counted.append(event(data | {"usage": usage_of("chat", written=min(n, len(WORDS)))}))
    return counted


def _error_event(api: str) -> bytes:
    if api == "responses":
        return event({"type": "error", "code": "server_error", "message": "overloaded"}, kind="error")
    return event({"error": {"message": "overloaded", "type": "server_error"}})


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
