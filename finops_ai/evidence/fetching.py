"""A small HTTP client for addresses that strangers choose: nothing is fetched that was not checked first.

Belongs here: one GET with its redirects, bounded in bytes and time. Does not: which addresses are allowed
(`addresses`), what the bytes mean. No proxy of the environment, no cookies, no credentials, no automatic redirect.
"""

import re
import socket
import ssl
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from finops_ai.evidence.addresses import Resolver, checked_addresses
from finops_ai.evidence.model import EvidenceError, RetrievalRules

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse
    from urllib3.connection import HTTPConnection

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNSAFE_IN_URL = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]+")
_SAFE_IN_PATH = "/%:=&?~+!$,;'()*@"  # all else is percent-encoded
_DEFAULT_PORT = {"http": 80, "https": 443}
_CHUNK_BYTES = 64 * 1024
_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS
_HEADERS = {
    "Accept": "text/html, application/xhtml+xml, application/pdf, text/markdown, text/plain;q=0.9",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "finops_ai",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The body of a 200 answer, content-encoding undone."""

    content: bytes
    content_type: str
    url: str  # the one that answered, after redirects
    host: str
    path: str
    redirected: bool = False


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
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


@dataclass(slots=True)
class _Visit:
    """What one fetch may still use up, and the connection to cut when the time is over."""

    rules: RetrievalRules
    resolve: Resolver
    deadline: float
    connections: list["HTTPConnection"] = field(default_factory=list)

    def seconds_left(self) -> float:
        left = self.deadline - monotonic()
        if left <= 0:
            raise EvidenceError(f"took longer than {self.rules.timeout_s:g} s")
        return left

    def cut(self) -> None:
        for connection in self.connections:
            if connection.sock is not None:
                with suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)


def fetch(url: str, *, rules: RetrievalRules, resolve: Resolver) -> Fetched:
    """Raises EvidenceError with the reason.

    The work runs in a thread of its own: a name server or a server that answers byte by byte must not hold the caller,
    and a socket's time-out starts anew with every byte.
    """
    visit = _Visit(rules, resolve, monotonic() + rules.timeout_s)
    outcome: Queue[Fetched | EvidenceError] = Queue()
    Thread(target=_work, args=(url, visit, outcome), name="finops_ai-fetch", daemon=True).start()
    try:
        result = outcome.get(timeout=rules.timeout_s)
    except Empty:
        visit.cut()
        raise EvidenceError(f"took longer than {rules.timeout_s:g} s") from None
    if isinstance(result, EvidenceError):
        raise result
    return result


def host_of(url: str) -> str:
    """Lower-case host name of a URL, "" when it has none that can be used."""
    try:
        return _target_of(url).host
    except EvidenceError:
        return ""


def _work(url: str, visit: _Visit, outcome: "Queue[Fetched | EvidenceError]") -> None:
    try:
        outcome.put(_follow(url, visit))
    except EvidenceError as problem:
        outcome.put(problem)
    except Exception as problem:  # noqa: BLE001 - a hostile server can make a client raise anything
        outcome.put(EvidenceError(f"cannot be fetched: {type(problem).__name__}: {problem}"))


def _follow(url: str, visit: _Visit) -> Fetched:
    target = _target_of(url)
    for hop in range(visit.rules.redirects_max + 1):
        answer = _get(target, visit)
        if isinstance(answer, Fetched):
            return replace(answer, redirected=hop > 0)
        target = _target_of(urljoin(target.url, answer), before=target)
    raise EvidenceError(f"redirected more than {visit.rules.redirects_max} times")


def _target_of(url: str, before: _Target | None = None) -> _Target:
    """The parts of a URL that is safe to ask for. Raises EvidenceError."""
    if _UNSAFE_IN_URL.search(url):
        raise EvidenceError(f"{url!r} holds spaces, control characters or backslashes; write them percent-encoded")
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
        host = host if ":" in host else host.encode("idna").decode().lower()
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
    path = quote(parts.path or "/", safe=_SAFE_IN_PATH)
    query = f"?{quote(parts.query, safe=_SAFE_IN_PATH)}" if parts.query else ""
    port = _DEFAULT_PORT[parts.scheme] if port is None else port
    return _Target(scheme=parts.scheme, host=host, port=port, path=path + query)


def _get(target: _Target, visit: _Visit) -> "Fetched | str":
    """The answer, or the place it redirects to."""
    connection = _connect(target, visit)
    response: BaseHTTPResponse | None = None
    try:
        headers = {"Host": target.authority, **_HEADERS}
        connection.request("GET", target.path, headers=headers, preload_content=False, decode_content=False)
        response = connection.getresponse()
        if response.status in _REDIRECTS and "location" in response.headers:
            return response.headers["location"]
        if response.status != 200:
            raise EvidenceError(f"{target.host} answers {response.status} {response.reason or ''}".rstrip())
        content = b"".join(_decoded(_chunks(response, visit), response.headers, bytes_max=visit.rules.bytes_max))
        return Fetched(
            content=content,
            content_type=response.headers.get("content-type", ""),
            url=target.url,
            host=target.host,
            path=target.path.partition("?")[0],
        )
    finally:
        if response is not None:
            response.close()
        connection.close()


def _connect(target: _Target, visit: _Visit) -> "HTTPConnection":
    """A connection to an address that was checked; the name is not looked up again. Later addresses are fallbacks."""
    from urllib3.exceptions import HTTPError

    visit.seconds_left()
    allowed = visit.rules.allow_private
    addresses = checked_addresses(target.host, target.port, allow_private=allowed, resolve=visit.resolve)
    problem: Exception | None = None
    for address in addresses:
        connection = _connection(target, address, timeout_s=visit.seconds_left())
        visit.connections.append(connection)
        try:
            connection.connect()
        except (HTTPError, OSError) as failed:
            connection.close()
            problem = failed
        else:
            return connection
    raise EvidenceError(f"cannot connect to {target.host}: {problem}")


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


def _chunks(response: "BaseHTTPResponse", visit: _Visit) -> Iterator[bytes]:
    """As they come, so that time and size are looked at after every packet."""
    while chunk := response.read1(_CHUNK_BYTES):
        visit.seconds_left()
        yield chunk


def _decoded(chunks: Iterator[bytes], headers: Mapping[str, str], *, bytes_max: int) -> Iterator[bytes]:
    """Content-encoding undone, never holding more than the limit: a kilobyte of gzip can hold a megabyte of zeros."""
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "", "gzip", "x-gzip", "deflate"}:
        raise EvidenceError(f"content-encoding {encoding!r} was not asked for")
    stream = None if encoding in {"identity", ""} else zlib.decompressobj(_ZLIB_OR_GZIP)
    left = bytes_max
    for chunk in chunks:
        try:
            piece = stream.decompress(chunk, left + 1) if stream else chunk
        except zlib.error as problem:
            raise EvidenceError(f"broken {encoding}: {problem}") from None
        left -= len(piece)
        if left < 0:
            raise EvidenceError(f"larger than {bytes_max:,} bytes")
        yield piece
    if stream and not stream.eof:
        raise EvidenceError(f"broken {encoding}: cut short")
