"""A small HTTP client for addresses that strangers choose: nothing is fetched that was not checked first.

Belongs here: one GET with its redirects, tries and conditions, bounded in bytes and time. Does not: which addresses are
allowed (`addresses`), whose turn it is (`politeness`), what a robots.txt says (`robots`), what the bytes mean. No proxy
of the environment, no cookies, no credentials, no automatic redirect.
"""

import re
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.client import IncompleteRead
from ipaddress import ip_address, ip_network
from queue import Empty, Queue
from threading import Lock, Thread
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from finops_ai import __version__
from finops_ai.evidence import robots
from finops_ai.evidence.addresses import Resolver, checked_addresses, system_resolver
from finops_ai.evidence.media import DOCX
from finops_ai.evidence.model import EvidenceError, RetrievalRules, Unreachable
from finops_ai.evidence.politeness import Clock, TimeOver, Turns, backoff_s, retry_after_s
from finops_ai.evidence.robots import Robots

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse
    from urllib3.connection import HTTPConnection

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]+")
_SAFE_IN_PATH = "/%:=&?~+!$,;'()*@"  # all else is percent-encoded
_SAFE_VALIDATOR = re.compile(r"[\x20-\x7e\xa0-\xff]{1,500}")
_DEFAULT_PORT = {"http": 80, "https": 443}
_CHUNK_BYTES = 64 * 1024
_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS
_HEADERS = {
    "Accept": f"text/html, application/xhtml+xml, application/pdf, {DOCX}, text/markdown, text/csv,"
    " application/rss+xml, application/atom+xml, application/xml;q=0.9, text/plain;q=0.9",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": f"{robots.AGENT}/{__version__}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What a server gave to ask again with, so that it sends only what has changed."""

    url: str  # the address that answered, after redirects
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The body of a 200 answer, content-encoding undone."""

    content: bytes | None  # None: not modified since the validators
    content_type: str
    url: str  # the one that answered, after redirects
    host: str
    path: str
    redirected: bool = False
    etag: str = ""
    last_modified: str = ""
    attempts: int = 1  # one more for every try that failed, at whichever hop


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    scheme: str
    host: str  # ASCII, lower case, no trailing dot
    port: int
    path: str  # with the query

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORT[self.scheme] else f"{host}:{self.port}"

    @property
    def site(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def url(self) -> str:
        return self.site + self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    content: bytes  # of a 2xx; nobody reads any other

    @property
    def location(self) -> str | None:
        return self.headers.get("location") if self.status in _REDIRECTS else None


@dataclass(slots=True, kw_only=True)
class _Visit:
    """One chain of redirects: of a source, or of a robots.txt on the time of the source that needs it."""

    clock: Clock
    bytes_max: int
    redirects_max: int
    validators: Validators | None = None
    robots_of: str = ""  # the host, when it is its robots.txt
    redirects: int = 0
    attempts: int = 1

    def subject(self, target: _Target) -> str:
        return f"robots.txt of {self.robots_of}" if self.robots_of else target.host

    def conditions(self, target: _Target) -> dict[str, str]:
        """Headers that allow an answer of 304. What one address gave is never told to another."""
        known = self.validators
        if known is None or known.url != target.url:
            return {}
        headers = {"If-None-Match": _validator(known.etag), "If-Modified-Since": _validator(known.last_modified)}
        return {name: value for name, value in headers.items() if value}


@dataclass(slots=True, kw_only=True)
class _Request:
    """One GET of one address, and the connections to cut when the time is over."""

    target: _Target
    headers: Mapping[str, str]
    bytes_max: int
    may_be_cut: bool  # too long a body is read up to the limit, not refused
    rules: RetrievalRules
    resolve: Resolver
    clock: Clock
    connections: list["HTTPConnection"] = field(default_factory=list)
    address: str = ""  # the one that is connected to

    def cut(self) -> None:
        for connection in self.connections:
            if connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)


@dataclass(slots=True)
class _Site:
    """A robots.txt, and the lock of whoever reads it: the others wait and use what was read."""

    lock: Lock = field(default_factory=Lock)
    robots: Robots | None = None


class _HostRefused(EvidenceError):
    """No address that may be connected to: nothing was asked."""


class Fetcher:
    """Safe to share between threads: politeness and robots.txt are per host, for the life of the fetcher."""

    def __init__(
        self,
        rules: RetrievalRules,
        *,
        resolve: Resolver = system_resolver,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rules = rules
        self._resolve = resolve
        self._sleep = sleep
        self._turns = Turns(sleep)
        self._sites: dict[str, _Site] = {}

    def fetch(self, url: str, *, validators: Validators | None = None) -> Fetched:
        """Raises EvidenceError with the reason; Unreachable when the same address may answer in a while.

        `timeout_s` bounds names, redirects, pauses, tries and bodies together. Queueing is not in it: a host is asked
        for one source at a time, and a source's clock stands still until its turn comes.
        """
        visit = _Visit(
            clock=Clock(self._rules.timeout_s),
            bytes_max=self._rules.bytes_max,
            redirects_max=self._rules.redirects_max,
            validators=validators,
        )
        target, answer = self._follow(_target_of(url), visit)
        if answer.status not in {200, 304}:
            raise EvidenceError(f"{target.host} answers {answer.status}")
        if answer.status == 304 and not visit.conditions(target):
            raise EvidenceError(f"{target.host} answers 304, not modified, although everything was asked for")
        return _fetched(target, answer, visit)

    def _follow(self, target: _Target, visit: _Visit) -> tuple[_Target, _Answer]:
        while (answer := self._answer(target, visit)).location is not None:
            visit.redirects += 1
            if visit.redirects > visit.redirects_max:
                raise EvidenceError(f"redirected more than {visit.redirects_max} times")
            target = _target_of(answer.location, before=target)
        return target, answer

    def _answer(self, target: _Target, visit: _Visit) -> _Answer:
        """Of one address that robots.txt allows, tried as often as the rules allow."""
        delay_s = self._rules.host_delay_s
        if self._rules.robots and not visit.robots_of:
            site_rules = self._robots_of(target, visit.clock)
            site_rules.check(target.url, host=target.host, path=target.path)
            delay_s = max(delay_s, site_rules.crawl_delay_s)
        while True:
            try:
                return self._ask(target, visit, delay_s=delay_s)
            except Unreachable as problem:
                self._back_off(problem, visit)

    def _back_off(self, problem: Unreachable, visit: _Visit) -> None:
        """Waits for the next try. Raises Unreachable when there is none."""
        wait_s = backoff_s(visit.attempts) if problem.wait_s is None else problem.wait_s
        if visit.attempts >= self._rules.attempts_max or not visit.clock.has(wait_s):
            tried = "once" if visit.attempts == 1 else f"{visit.attempts} times"
            asked = "" if problem.wait_s is None else f"; it asks to wait {problem.wait_s:.0f} s"
            raise Unreachable(f"{problem} (tried {tried}{asked})", wait_s=problem.wait_s)
        self._sleep(wait_s)
        visit.attempts += 1

    def _ask(self, target: _Target, visit: _Visit, *, delay_s: float) -> _Answer:
        """One request, in its turn. Raises Unreachable for what may pass by itself."""
        is_robots = bool(visit.robots_of)
        request = _Request(
            target=target,
            headers={"Host": target.authority, **_HEADERS, **visit.conditions(target)},
            bytes_max=visit.bytes_max,
            may_be_cut=is_robots,
            rules=self._rules,
            resolve=self._resolve,
            clock=visit.clock,
        )
        with self._turns.turn(target.authority, delay_s=delay_s, clock=visit.clock, is_page=not is_robots) as host:
            try:
                answer = _run(request)
            finally:
                if request.address:
                    host.is_ours = _is_named(request.address, self._rules.allow_private)
        if answer.status in _MAY_PASS:
            wait_s = retry_after_s(answer.headers.get("retry-after"))
            raise Unreachable(f"{visit.subject(target)} answers {answer.status}", wait_s=wait_s)
        return answer

    def _robots_of(self, target: _Target, clock: Clock) -> Robots:
        """Read once for each scheme and authority."""
        site = self._sites.setdefault(target.site, _Site())
        with clock.queued(site.lock):
            if site.robots is None:
                had_s = clock.seconds_left()
                try:
                    site.robots = self._read_robots(target, clock)
                except TimeOver as problem:
                    if had_s > self._rules.timeout_s / 2:  # else a dead host costs each of its sources the whole time
                        site.robots = _closed(target, problem)
                    raise
            return site.robots

    def _read_robots(self, target: _Target, clock: Clock) -> Robots:
        visit = _Visit(
            clock=clock,
            bytes_max=robots.BYTES_MAX,
            redirects_max=robots.REDIRECTS_MAX,
            robots_of=target.host,
        )
        try:
            _, answer = self._follow(replace(target, path=robots.PATH), visit)
        except (TimeOver, _HostRefused):
            raise  # says nothing about the robots.txt
        except EvidenceError as problem:
            return _closed(target, problem)
        if 400 <= answer.status < 500:
            return Robots()
        if 200 <= answer.status < 300:
            return robots.parse(answer.content)
        return _closed(target, EvidenceError(f"{visit.subject(target)} answers {answer.status}"))


def host_of(url: str) -> str:
    """Lower-case host name of a URL, "" when it has none that can be used."""
    try:
        return _target_of(url).host
    except EvidenceError:
        return ""


def _fetched(target: _Target, answer: _Answer, visit: _Visit) -> Fetched:
    """A 304 may leave out the validators that it confirms."""
    is_new = answer.status == 200
    known = visit.validators if not is_new and visit.validators else Validators(url=target.url)
    return Fetched(
        content=answer.content if is_new else None,
        content_type=answer.headers.get("content-type", ""),
        url=target.url,
        host=target.host,
        path=target.path.partition("?")[0],
        redirected=visit.redirects > 0,
        etag=_validator(answer.headers.get("etag", "")) or known.etag,
        last_modified=_validator(answer.headers.get("last-modified", "")) or known.last_modified,
        attempts=visit.attempts,
    )


def _validator(value: str) -> str:
    """A header value that can be kept and sent back, or ""."""
    return value if _SAFE_VALIDATOR.fullmatch(value) else ""


def _closed(target: _Target, problem: EvidenceError) -> Robots:
    """No rules can be read: RFC 9309, 2.3.1.4 has everything disallowed then."""
    what = f"robots.txt of {target.host}"
    reason = str(problem) if str(problem).startswith(what) else f"{what}: {problem}"
    wait_s = problem.wait_s if isinstance(problem, Unreachable) else None
    return Robots(closed=f"{reason}: nothing may be fetched from it now", wait_s=wait_s)


def _is_named(address: str, networks: tuple[str, ...]) -> bool:
    return any(ip_address(address) in ip_network(network) for network in networks)


def _target_of(url: str, before: _Target | None = None) -> _Target:
    """The parts of a URL that is safe to ask for. Raises EvidenceError."""
    if _UNSAFE_IN_URL.search(url):
        raise EvidenceError(f"{url!r} holds spaces, control characters or backslashes; write them percent-encoded")
    try:
        parts = urlsplit(urljoin(before.url, url) if before else url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
        host = host if ":" in host else host.encode("idna").decode().lower()
        path, query = (quote(part, safe=_SAFE_IN_PATH) for part in (parts.path or "/", parts.query))
    except (ValueError, UnicodeError) as problem:
        raise EvidenceError(f"{url!r} is no URL: {problem}") from None
    if parts.scheme not in {"http", "https"}:
        raise EvidenceError(f"{parts.scheme or url!r} is refused; a URL begins with https:// or http://")
    if before and before.scheme == "https" and parts.scheme == "http":
        raise EvidenceError(f"{before.host} redirects from https to http")
    if "@" in parts.netloc:
        raise EvidenceError("a user name or password in a URL is refused")
    if not _HOST.fullmatch(host):
        raise EvidenceError(f"{url!r} has no usable host")
    port = _DEFAULT_PORT[parts.scheme] if port is None else port
    return _Target(scheme=parts.scheme, host=host, port=port, path=f"{path}?{query}" if query else path)


def _run(request: _Request) -> _Answer:
    """Raises EvidenceError with the reason.

    The work runs in a thread of its own: a name server or a server that answers byte by byte must not hold the caller,
    and a socket's time-out starts anew with every byte.
    """
    outcome: Queue[_Answer | EvidenceError] = Queue()
    left_s = request.clock.seconds_left()
    Thread(target=_work, args=(request, outcome), name="finops_ai-fetch", daemon=True).start()
    try:
        result = outcome.get(timeout=left_s)
    except Empty:
        request.cut()
        raise request.clock.over() from None
    if isinstance(result, EvidenceError):
        raise result
    return result


def _work(request: _Request, outcome: "Queue[_Answer | EvidenceError]") -> None:
    try:
        outcome.put(_get(request))
    except EvidenceError as problem:
        outcome.put(problem)
    except Exception as problem:  # noqa: BLE001 - a hostile server can make a client raise anything
        outcome.put(_explained(problem, request))


def _explained(problem: Exception, request: _Request) -> EvidenceError:
    """A connection that broke may hold the next time; one that was cut because the time is over may not."""
    if not request.clock.has(0):
        return request.clock.over()
    text = f"cannot be fetched: {type(problem).__name__}: {' '.join(str(problem).split()):.200}"
    passing = (ConnectionError, IncompleteRead, ssl.SSLEOFError)
    may_pass = isinstance(problem, passing) or isinstance(problem.__cause__, passing)
    return Unreachable(text) if may_pass else EvidenceError(text)


def _get(request: _Request) -> _Answer:
    connection = _connect(request)
    response: BaseHTTPResponse | None = None
    try:
        path, headers = request.target.path, request.headers
        connection.request("GET", path, headers=headers, preload_content=False, decode_content=False)
        response = connection.getresponse()
        content = b"".join(_body(response, request)) if 200 <= response.status < 300 else b""
        if response.status == 200 and not content and not response.chunked and "content-length" not in response.headers:
            raise ConnectionError("closed before a body came")  # perhaps in the middle of the headers
        return _Answer(status=response.status, headers=response.headers, content=content)
    finally:
        if response is not None:
            response.close()
        connection.close()


def _connect(request: _Request) -> "HTTPConnection":
    """A connection to an address that was checked; the name is not looked up again. Later addresses are fallbacks."""
    from urllib3.exceptions import HTTPError

    target, clock = request.target, request.clock
    problem: BaseException | None = None
    for address in _addresses(request):
        connection = _connection(target, address, timeout_s=clock.seconds_left())
        request.connections.append(connection)
        request.address = address
        try:
            connection.connect()
            clock.seconds_left()  # whoever cuts connections may have looked before there was one
        except (HTTPError, OSError) as failed:
            connection.close()
            problem = failed.__cause__ or failed
        else:
            return connection
    clock.seconds_left()
    text = f"cannot connect to {target.host}: {problem}"
    is_final = isinstance(problem, ssl.SSLError) and not isinstance(problem, ssl.SSLEOFError)
    raise EvidenceError(text) if is_final else Unreachable(text)


def _addresses(request: _Request) -> list[str]:
    host, port, allowed = request.target.host, request.target.port, request.rules.allow_private
    request.clock.seconds_left()
    try:
        return checked_addresses(host, port, allow_private=allowed, resolve=request.resolve)
    except EvidenceError as problem:
        raise _HostRefused(str(problem)) from None


def _connection(target: _Target, address: str, *, timeout_s: float) -> "HTTPConnection":
    from urllib3.connection import HTTPConnection, HTTPSConnection

    if target.scheme == "http":
        return HTTPConnection(address, target.port, timeout=timeout_s)
    return HTTPSConnection(
        address,
        target.port,
        timeout=timeout_s,
        ssl_context=ssl.create_default_context(),
        cert_reqs="CERT_REQUIRED",
        server_hostname=target.host,  # the certificate must be the host's, not the address's
    )


def _body(response: "BaseHTTPResponse", request: _Request) -> Iterator[bytes]:
    """Content-encoding undone; of a robots.txt as much as has to be read."""
    chunks = _chunks(response, request.clock)
    return _decoded(chunks, response.headers, bytes_max=request.bytes_max, may_be_cut=request.may_be_cut)


def _chunks(response: "BaseHTTPResponse", clock: Clock) -> Iterator[bytes]:
    """As they come, so that time and size are looked at after every packet."""
    while chunk := response.read1(_CHUNK_BYTES):
        clock.seconds_left()
        yield chunk


def _decoded(
    chunks: Iterator[bytes], headers: Mapping[str, str], *, bytes_max: int, may_be_cut: bool
) -> Iterator[bytes]:
    """Never holds more than the limit: a kilobyte of gzip can hold a megabyte of zeros."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip", "deflate"}:
        raise EvidenceError(f"content-encoding {encoding!r:.50} was not asked for")
    stream = None if encoding in {"identity", ""} else zlib.decompressobj(_ZLIB_OR_GZIP)
    left = bytes_max
    for chunk in chunks:
        try:
            piece = stream.decompress(chunk, left + 1) if stream else chunk
        except zlib.error as problem:
            raise EvidenceError(f"broken {encoding}: {problem}") from None
        left -= len(piece)
        if left < 0 and may_be_cut:
            yield piece[:left]
            return
        if left < 0:
            raise EvidenceError(f"larger than {bytes_max:,} bytes")
        yield piece
    if stream and not stream.eof:
        raise EvidenceError(f"broken {encoding}: cut short")
