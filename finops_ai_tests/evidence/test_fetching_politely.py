"""Tries, conditions, robots.txt and turns: what a server is spared, and what it is asked again.

Every server here is a real one that counts its requests. Only the address is made up where a host has to look public.
"""

import gzip
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest
from urllib3.util import connection as urllib3_connection

from finops_ai import __version__
from finops_ai.evidence import EvidenceError, Resolver, RetrievalRules
from finops_ai.evidence.fetching import Fetcher, Validators
from finops_ai.evidence.model import Unreachable
from finops_ai.evidence.politeness import backoff_s, retry_after_s
from finops_ai.evidence.robots import BYTES_MAX, parse
from finops_ai_tests.evidence.inputs import rules_for

Answer = bytes | Callable[[], bytes]
RESET = b"RESET"  # instead of an answer
PUBLIC = "93.184.216.34"


def answer(status: int = 200, body: str | bytes = "Hello.", /, **headers: str) -> bytes:
    """An answer as it goes over the wire; `retry_after` becomes Retry-After."""
    content = body.encode() if isinstance(body, str) else body
    lines = {"Content-Type": "text/plain", "Content-Length": str(len(content))}
    lines |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{head}\r\n".encode("latin-1") + content


def moved(location: str) -> bytes:
    return answer(302, "", location=location)


@dataclass(frozen=True)
class Asked:
    host: str
    path: str
    headers: Message
    at: float  # by the monotonic clock


class Site:
    """A server on this machine. What is at a path is a list: one answer for each request, the last one again and again."""

    def __init__(self) -> None:
        self.pages: dict[str, list[Answer]] = {}
        self.asked: list[Asked] = []
        self.busy = 0
        self.busy_max = 0
        site, guard = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with guard:
                    found = site.pages.get(self.path, [answer(404, "")])
                    given = found.pop(0) if len(found) > 1 else found[0]
                    host = self.headers["Host"].partition(":")[0]
                    site.asked.append(Asked(host, self.path, self.headers, time.monotonic()))
                    site.busy += 1
                    site.busy_max = max(site.busy_max, site.busy)
                sent = given() if callable(given) else given
                with guard:
                    site.busy -= 1
                if sent == RESET:
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.connection.close()
                else:
                    self.wfile.write(sent)

            def log_message(self, *_: object) -> None:
                """Not on the terminal."""

            def finish(self) -> None:
                try:
                    super().finish()
                except OSError:
                    self.connection.close()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients go away on purpose here
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    def url(self, path: str = "/page", host: str = "local.test") -> str:
        return f"http://{host}:{self.port}{path}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def here(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def far(host: str, port: int) -> list[str]:
    return [PUBLIC]


@pytest.fixture
def rules(tmp_path: Path) -> RetrievalRules:
    """For a server on this machine; without robots.txt, so that only pages are counted."""
    return rules_for(tmp_path, allow_private=("127.0.0.0/8",), robots=False)


@pytest.fixture
def with_robots(tmp_path: Path) -> RetrievalRules:
    return rules_for(tmp_path, allow_private=("127.0.0.0/8",))


@pytest.fixture
def looks_public(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The same server behind a public address: such hosts are spared."""
    connect_really = urllib3_connection.create_connection

    def connect(address: tuple[str, int], *rest: object, **named: object) -> object:
        assert address == (PUBLIC, 80)
        return connect_really(("127.0.0.1", site.port), *rest, **named)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(urllib3_connection, "create_connection", connect)
    return site


class Waits(list[float]):
    """A sleep that takes no time, and how long it was asked to take."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


def fetcher(rules: RetrievalRules, waits: Waits | None = None, resolve: Resolver = here) -> Fetcher:
    return Fetcher(rules, resolve=resolve, sleep=Waits() if waits is None else waits)


# --- tries


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_by_itself_is_asked_for_again(
    status: int, site: Site, rules: RetrievalRules, waits: Waits
) -> None:
    site.pages["/page"] = [answer(status, "Wait."), answer(200, "Here.")]
    page = fetcher(rules, waits).fetch(site.url())
    assert (page.content, page.attempts, len(site.asked)) == (b"Here.", 2, 2)
    assert waits == pytest.approx([0.5], rel=0.21)


@pytest.mark.parametrize("status", [204, 400, 401, 403, 404, 405, 410, 418, 451, 501, 505])
def test_what_stays_as_it_is_is_asked_for_once(status: int, site: Site, rules: RetrievalRules, waits: Waits) -> None:
    site.pages["/page"] = [answer(status, "", retry_after="1"), answer()]
    with pytest.raises(EvidenceError, match=f"^local.test answers {status}$") as failed:
        fetcher(rules, waits).fetch(site.url())
    assert not isinstance(failed.value, Unreachable)
    assert (len(site.asked), waits) == (1, [])


@pytest.mark.parametrize(
    "broken",
    [RESET, b"", b"HTTP/1.1 200 OK\r\nContent-Type: te", answer(content_length="500"), answer(content_length="7")],
    ids=["reset", "closed", "cut in the head", "cut body", "cut by one byte"],
)
def test_a_connection_that_breaks_is_tried_again(
    broken: bytes, site: Site, rules: RetrievalRules, waits: Waits
) -> None:
    site.pages["/page"] = [broken, answer()]
    page = fetcher(rules, waits).fetch(site.url())
    assert (page.content, page.attempts, len(site.asked)) == (b"Hello.", 2, 2)


def test_half_a_body_is_never_taken_for_the_whole(site: Site, rules: RetrievalRules) -> None:
    site.pages["/page"] = [answer(content_length="500")]
    with pytest.raises(Unreachable, match=r"IncompleteRead.*\(tried 3 times\)"):
        fetcher(rules).fetch(site.url())
    assert len(site.asked) == 3


def test_a_refused_connection_is_tried_again(rules: RetrievalRules, waits: Waits) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable, match=r"cannot connect to gone.test: .*refused \(tried 3 times\)"):
        fetcher(rules, waits).fetch(f"http://gone.test:{port}/")
    assert len(waits) == 2


@pytest.mark.parametrize("attempts_max", [1, 2, 5])
def test_no_more_tries_reach_a_server_than_the_rules_allow(attempts_max: int, site: Site, tmp_path: Path) -> None:
    rules = rules_for(tmp_path, allow_private=("127.0.0.1",), robots=False, attempts_max=attempts_max, timeout_s=60)
    site.pages["/page"] = [answer(503)]
    tried = "once" if attempts_max == 1 else f"{attempts_max} times"
    with pytest.raises(Unreachable, match=rf"^local.test answers 503 \(tried {tried}\)$"):
        fetcher(rules).fetch(site.url())
    assert len(site.asked) == attempts_max


def test_tries_are_counted_over_all_redirects(site: Site, rules: RetrievalRules) -> None:
    """Else a chain of four hops may be tried twelve times."""
    site.pages = {"/page": [answer(503), moved("/next")], "/next": [answer(503), answer(503), answer()]}
    with pytest.raises(Unreachable, match="tried 3 times"):
        fetcher(rules).fetch(site.url())
    assert site.paths == ["/page", "/page", "/next", "/next"]


def test_only_the_hop_that_failed_is_tried_again(site: Site, rules: RetrievalRules) -> None:
    site.pages = {"/page": [moved("/next")], "/next": [answer(503), answer()]}
    page = fetcher(rules).fetch(site.url())
    assert (page.redirected, page.attempts, site.paths) == (True, 2, ["/page", "/next", "/next"])


def test_each_wait_is_about_twice_the_one_before_and_not_always_the_same() -> None:
    for tries, expected_s in [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0)]:
        waits_s = [backoff_s(tries) for _ in range(100)]
        assert min(waits_s) >= expected_s * 0.8
        assert max(waits_s) <= expected_s * 1.2
        assert len(set(waits_s)) > 90


@pytest.mark.parametrize(
    ("header", "expected_s"),
    [("3", 3.0), ("0", 0.0), (" 2 ", 2.0), ("Fri, 02 Jan 2026 03:04:05 GMT", 0.0)],
)
def test_a_server_is_waited_for_as_long_as_it_asks(
    header: str, expected_s: float, site: Site, rules: RetrievalRules, waits: Waits
) -> None:
    site.pages["/page"] = [answer(429, retry_after=header), answer()]
    assert fetcher(rules, waits).fetch(site.url()).attempts == 2
    assert waits == [expected_s]


def test_a_server_is_waited_for_until_the_date_it_names(site: Site, tmp_path: Path, waits: Waits) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    site.pages["/page"] = [answer(503, retry_after=until), answer()]
    rules = rules_for(tmp_path, allow_private=("127.0.0.1",), robots=False, timeout_s=60)
    assert fetcher(rules, waits).fetch(site.url()).attempts == 2
    assert waits == pytest.approx([29.5], abs=0.6)


@pytest.mark.parametrize("header", ["", "soon", "-5", "1.5", "1e9", "²", "9" * 400, "Mon, 99 Foo 2026 99:99:99 GMT"])
def test_a_retry_after_that_says_nothing_is_none(header: str) -> None:
    assert retry_after_s(header) is None


def test_a_date_without_a_zone_is_one_in_utc() -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S -0000")
    assert retry_after_s(until) == pytest.approx(3600, abs=2)


def test_a_wait_beyond_the_time_limit_is_not_begun(site: Site, rules: RetrievalRules, waits: Waits) -> None:
    site.pages["/page"] = [answer(429, retry_after="3600"), answer()]
    expected = r"^local.test answers 429 \(tried once; it asks to wait 3600 s\)$"
    with pytest.raises(Unreachable, match=expected) as failed:
        fetcher(rules, waits).fetch(site.url())
    assert (failed.value.wait_s, len(site.asked), waits) == (3600.0, 1, [])


def late(given: bytes, *, by_s: float = 0.6) -> Callable[[], bytes]:
    def answer_late() -> bytes:
        time.sleep(by_s)
        return given

    return answer_late


@pytest.mark.parametrize("path", ["/page", "/robots.txt"])
@pytest.mark.parametrize(
    "given",
    [
        answer(503, retry_after="0"),
        late(answer(503, retry_after="0"), by_s=0.2),
        late(RESET, by_s=0.2),
        late(moved("/page"), by_s=0.2),
        late(answer(content_length="50"), by_s=0.2),
    ],
    ids=["503", "late 503", "late reset", "late redirects", "late cut"],
)
def test_one_time_limit_holds_for_everything(given: Answer, path: str, site: Site, tmp_path: Path) -> None:
    site.pages = {path: [given]}
    rules = rules_for(tmp_path, allow_private=("127.0.0.1",), timeout_s=0.5, attempts_max=4, redirects_max=99)
    began = time.monotonic()
    with pytest.raises(EvidenceError):
        Fetcher(rules, resolve=here).fetch(site.url())
    assert time.monotonic() - began < 0.5 + 1
    assert len(site.asked) <= 5


def test_a_source_whose_time_is_over_is_not_tried_again(site: Site, tmp_path: Path, waits: Waits) -> None:
    site.pages["/page"] = [late(answer())]
    rules = rules_for(tmp_path, allow_private=("127.0.0.1",), timeout_s=0.3, robots=False)
    with pytest.raises(EvidenceError, match=r"took longer than 0\.3 s") as failed:
        fetcher(rules, waits).fetch(site.url())
    assert not isinstance(failed.value, Unreachable)
    time.sleep(0.5)
    assert (len(site.asked), waits) == (1, [])


def test_a_handshake_that_never_ends_is_cut_at_the_time_limit(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        rules = rules_for(tmp_path, allow_private=("127.0.0.1",), timeout_s=0.4)
        began = time.monotonic()
        with pytest.raises(EvidenceError, match=r"took longer than 0\.4 s"):
            fetcher(rules).fetch(f"https://silent.test:{listener.getsockname()[1]}/")
    assert time.monotonic() - began < 1.4


@pytest.mark.parametrize(
    ("body", "headers"),
    [(b"x" * 2000, {}), (b"no gzip", {"content_encoding": "gzip"}), (b"", {"content_encoding": "br"})],
    ids=["too large", "broken gzip", "unknown encoding"],
)
def test_content_that_is_wrong_is_not_asked_for_again(
    body: bytes, headers: dict[str, str], site: Site, tmp_path: Path
) -> None:
    site.pages["/page"] = [answer(200, body, **headers)]
    rules = rules_for(tmp_path, allow_private=("127.0.0.1",), robots=False, bytes_max=1000)
    with pytest.raises(EvidenceError):
        fetcher(rules).fetch(site.url())
    assert len(site.asked) == 1


# --- conditions


def test_what_a_server_gives_to_ask_again_with_is_handed_out(site: Site, rules: RetrievalRules) -> None:
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    site.pages["/page"] = [answer(etag='W/"a b"', last_modified=date)]
    page = fetcher(rules).fetch(site.url("/page#part"))
    assert (page.url, page.etag, page.last_modified) == (site.url(), 'W/"a b"', date)


@pytest.mark.parametrize(
    ("given", "name"), [({"etag": '"v1"'}, "If-None-Match"), ({"last_modified": "some day"}, "If-Modified-Since")]
)
def test_a_page_that_did_not_change_is_not_sent_again(
    given: dict[str, str], name: str, site: Site, rules: RetrievalRules
) -> None:
    site.pages["/page"] = [answer(304, "", content_length="")]
    page = fetcher(rules).fetch(site.url(), validators=Validators(url=site.url(), **given))
    assert page.content is None
    assert page.url == site.url()
    assert {"etag": page.etag, "last_modified": page.last_modified} == {"etag": "", "last_modified": ""} | given
    assert site.asked[0].headers[name] == next(iter(given.values()))


def test_a_304_may_bring_new_validators(site: Site, rules: RetrievalRules) -> None:
    site.pages["/page"] = [answer(304, "", content_length="", etag='"v2"')]
    known = Validators(url=site.url(), etag='"v1"', last_modified="some day")
    page = fetcher(rules).fetch(site.url(), validators=known)
    assert (page.etag, page.last_modified) == ('"v2"', "some day")


def test_a_page_that_changed_comes_with_its_own_validators_only(site: Site, rules: RetrievalRules) -> None:
    site.pages["/page"] = [answer(200, "New.", etag='"v2"')]
    known = Validators(url=site.url(), etag='"v1"', last_modified="some day")
    page = fetcher(rules).fetch(site.url(), validators=known)
    assert (page.content, page.etag, page.last_modified) == (b"New.", '"v2"', "")


def conditions(asked: Asked) -> list[str]:
    return [name for name in ("If-None-Match", "If-Modified-Since") if name in asked.headers]


@pytest.mark.parametrize("known_path", ["/other", "/page?", "/page?a=1", "/PAGE", "/next"])
def test_validators_go_to_no_other_address(known_path: str, site: Site, rules: RetrievalRules) -> None:
    site.pages = {"/page": [moved("/elsewhere")], "/elsewhere": [answer()]}
    known = Validators(url=site.url(known_path), etag='"secret"', last_modified="some day")
    assert fetcher(rules).fetch(site.url(), validators=known).content == b"Hello."
    assert [conditions(asked) for asked in site.asked] == [[], []]


def test_validators_do_not_follow_a_redirect(site: Site, rules: RetrievalRules) -> None:
    """What one server keeps of a client is not for the next one to read."""
    site.pages = {"/page": [moved(site.url("/next", "other.test"))], "/next": [answer()]}
    known = Validators(url=site.url(), etag='"secret"')
    fetcher(rules).fetch(site.url(), validators=known)
    assert [(asked.host, conditions(asked)) for asked in site.asked] == [
        ("local.test", ["If-None-Match"]),
        ("other.test", []),
    ]


def test_validators_wait_for_the_address_that_gave_them(site: Site, rules: RetrievalRules) -> None:
    site.pages = {"/page": [moved("/next")], "/next": [answer(304, "", content_length="")]}
    page = fetcher(rules).fetch(site.url(), validators=Validators(url=site.url("/next"), etag='"v1"'))
    assert (page.content, page.url, page.redirected) == (None, site.url("/next"), True)
    assert [conditions(asked) for asked in site.asked] == [[], ["If-None-Match"]]


def test_robots_txt_is_told_no_validators(site: Site, with_robots: RetrievalRules) -> None:
    site.pages = {"/robots.txt": [answer()]}
    known = Validators(url=site.url("/robots.txt"), etag='"v1"')
    fetcher(with_robots).fetch(site.url("/robots.txt"), validators=known)
    assert [conditions(asked) for asked in site.asked] == [[], ["If-None-Match"]]


@pytest.mark.parametrize(
    "value",
    [
        '"a"\r\nCookie: stolen',
        '"a"\nCookie: stolen',
        '"a"\r',
        '"a"\n',
        "\n",
        '"a"\0',
        '"a"\t"b"',
        '"a\x7f"',
        '"a\x85Cookie: stolen"',
        '"a\u2028b"',
        '"snow ☃"',
        '"' + "x" * 499 + '"',
        "",
    ],
)
def test_a_validator_that_is_no_plain_value_is_not_sent(value: str, site: Site, rules: RetrievalRules) -> None:
    site.pages["/page"] = [answer()]
    known = Validators(url=site.url(), etag=value, last_modified=value)
    assert fetcher(rules).fetch(site.url(), validators=known).content == b"Hello."
    assert "Cookie" not in site.asked[0].headers
    assert conditions(site.asked[0]) == []


def test_a_validator_of_500_characters_is_sent(site: Site, rules: RetrievalRules) -> None:
    site.pages["/page"] = [answer(304, "", content_length="")]
    etag = '"' + "x" * 498 + '"'
    assert fetcher(rules).fetch(site.url(), validators=Validators(url=site.url(), etag=etag)).content is None
    assert site.asked[0].headers["If-None-Match"] == etag


def test_a_validator_that_cannot_be_sent_back_is_not_handed_out(site: Site, rules: RetrievalRules) -> None:
    site.pages["/page"] = [answer(etag="x" * 501, last_modified="a\x85b")]
    page = fetcher(rules).fetch(site.url())
    assert (page.etag, page.last_modified) == ("", "")


@pytest.mark.parametrize("known", [None, "elsewhere", "unsendable"])
def test_a_304_that_nobody_asked_for_is_an_error(known: str | None, site: Site, rules: RetrievalRules) -> None:
    """Taken at its word, it would keep a stale snapshot alive, or an empty one."""
    site.pages["/page"] = [answer(304, "", content_length="")]
    validators = {
        None: None,
        "elsewhere": Validators(url=site.url("/other"), etag='"v1"'),
        "unsendable": Validators(url=site.url(), etag='"v\n1"'),
    }[known]
    with pytest.raises(EvidenceError, match="answers 304, not modified, although everything was asked for"):
        fetcher(rules).fetch(site.url(), validators=validators)


# --- robots.txt


@pytest.mark.parametrize(
    ("robots", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /private", "/page", True),
        ("User-agent: *\nDisallow: /private", "/private/page", False),
        ("User-agent: *\nDisallow: /", "/page", False),
        ("User-agent: *\nDisallow: /\nAllow: /page", "/page", True),
        ("User-agent: *\nDisallow:", "/page", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf?x=1", True),
        ("User-agent: *\nDisallow: /page?secret", "/page?secret=1", False),
        ("User-agent: *\nDisallow: /a%3cd", "/a%3Cd", False),
        ("User-agent: finops_ai\nDisallow: /page\n\nUser-agent: *\nAllow: /", "/page", False),
        ("User-agent: FinOps_AI\nAllow: /page\n\nUser-agent: *\nDisallow: /", "/page", True),
        ("user-agent:finops_ai/2.0 # us\ndisallow:/page", "/page", False),
        ("User-agent: finops\nDisallow: /page", "/page", True),
        ("User-agent: other\nDisallow: /", "/page", True),
        ("User-agent: other\nUser-agent: *\nDisallow: /page", "/page", False),
        ("User-agent: *\nUser-agent: other\nDisallow: /page\n\nUser-agent: more\nAllow: /", "/page", False),
        ("User-agent: other\nDisallow: /a\nUser-agent: *\nDisallow: /b", "/a", True),
        ("User-agent: *\r\nDisallow: /page\r\n", "/page", False),
        ("\ufeffUser-agent: *\nDisallow: /page", "/page", False),
        ("<!doctype html><p>Not found</p>", "/page", True),
        ("", "/page", True),
        ("\0\xff\ufffd:::", "/page", True),
    ],
)
def test_robots_txt_is_obeyed(robots: str, path: str, allowed: bool, site: Site, with_robots: RetrievalRules) -> None:
    site.pages = {"/robots.txt": [answer(200, robots)], path: [answer()]}
    if allowed:
        assert fetcher(with_robots).fetch(site.url(path)).content == b"Hello."
    else:
        with pytest.raises(EvidenceError) as refused:
            fetcher(with_robots).fetch(site.url(path))
        assert str(refused.value) == f"local.test's robots.txt does not allow {path}"
    assert site.paths == ["/robots.txt", path][: 1 + allowed]


def test_a_client_says_who_it_is_and_what_it_reads(site: Site, with_robots: RetrievalRules) -> None:
    site.pages["/page"] = [answer()]
    fetcher(with_robots).fetch(site.url())
    assert {asked.headers["User-Agent"] for asked in site.asked} == {f"finops_ai/{__version__}"}
    accepted = site.asked[1].headers["Accept"]
    for kind in ("html", "pdf", "wordprocessingml.document", "csv", "rss+xml", "atom+xml", "markdown", "text/plain"):
        assert kind in accepted


def test_robots_txt_is_not_asked_for_when_the_rules_say_so(site: Site, rules: RetrievalRules) -> None:
    site.pages = {"/robots.txt": [answer(200, "User-agent: *\nDisallow: /")], "/page": [answer()]}
    fetcher(rules).fetch(site.url())
    assert site.paths == ["/page"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_site_without_robots_txt_allows_everything(status: int, site: Site, with_robots: RetrievalRules) -> None:
    site.pages = {"/robots.txt": [answer(status, "User-agent: *\nDisallow: /")], "/page": [answer()]}
    assert fetcher(with_robots).fetch(site.url()).content == b"Hello."


@pytest.mark.parametrize(
    ("broken", "tries", "reason"),
    [
        (answer(503, "User-agent: *\nAllow: /"), 3, r"robots.txt of local.test answers 503 \(tried 3 times\)"),
        (answer(500), 3, r"robots.txt of local.test answers 500 \(tried 3 times\)"),
        (answer(429), 3, r"robots.txt of local.test answers 429 \(tried 3 times\)"),
        (answer(501), 1, "robots.txt of local.test answers 501"),
        (answer(304, "", content_length=""), 1, "robots.txt of local.test answers 304"),
        (RESET, 3, r"robots.txt of local.test: cannot be fetched: .*\(tried 3 times\)"),
        (answer(content_length="99"), 3, r"robots.txt of local.test: cannot be fetched: .*\(tried 3 times\)"),
        (answer(content_encoding="br"), 1, "robots.txt of local.test: content-encoding 'br' was not asked for"),
        (b"nonsense\r\n\r\n", 1, "robots.txt of local.test: cannot be fetched: BadStatusLine: nonsense"),
        (b"HTTP/1.1 200 OK\r\nServer: x", 3, r"robots.txt of local.test: cannot be fetched: .*\(tried 3 times\)"),
        (moved("/robots.txt"), 6, "robots.txt of local.test: redirected more than 5 times"),
        (moved("ftp://local.test/"), 1, "robots.txt of local.test: 'ftp' is refused.*"),
    ],
)
def test_a_site_whose_robots_txt_cannot_be_read_allows_nothing(
    broken: bytes, tries: int, reason: str, site: Site, with_robots: RetrievalRules
) -> None:
    site.pages = {"/robots.txt": [broken], "/page": [answer()], "/more": [answer()]}
    careful = fetcher(with_robots)
    for path in ("/page", "/more"):
        with pytest.raises(EvidenceError, match=f"^{reason}: nothing may be fetched from it now$") as refused:
            careful.fetch(site.url(path))
        assert isinstance(refused.value, Unreachable), "the same address may answer in a while"
    assert site.paths == ["/robots.txt"] * tries, "asked for once, and obeyed twice"


def test_the_wait_that_a_robots_txt_asks_for_is_handed_on(site: Site, with_robots: RetrievalRules) -> None:
    site.pages = {"/robots.txt": [answer(503, retry_after="900")]}
    careful = fetcher(with_robots)
    for _ in range(2):
        with pytest.raises(Unreachable, match="it asks to wait 900 s") as refused:
            careful.fetch(site.url())
        assert refused.value.wait_s == 900
    assert len(site.asked) == 1


def test_a_robots_txt_that_answers_at_the_second_try_is_obeyed(site: Site, with_robots: RetrievalRules) -> None:
    site.pages = {"/robots.txt": [answer(503), answer(200, "User-agent: *\nDisallow: /page")], "/page": [answer()]}
    with pytest.raises(EvidenceError, match="does not allow /page"):
        fetcher(with_robots).fetch(site.url())


def test_the_tries_of_a_robots_txt_are_not_those_of_the_page(site: Site, with_robots: RetrievalRules) -> None:
    site.pages = {"/robots.txt": [answer(503), answer(503), answer(404)], "/page": [answer(503), answer(503), answer()]}
    assert fetcher(with_robots).fetch(site.url()).attempts == 3


def huge_robots(end: str, *, ends_at: int) -> bytes:
    """Comments up to a last line, which ends at this byte."""
    start = b"User-agent: *\n"
    filling = b"#" * (ends_at - len(start) - len(end) - 1) + b"\n"
    return start + filling + end.encode()


@pytest.mark.parametrize(
    ("content", "allowed"),
    [
        (huge_robots("Disallow: /page\n", ends_at=BYTES_MAX), False),
        (huge_robots("Disallow: /page\n", ends_at=BYTES_MAX + 16) + b"Disallow: /\n" * 9, True),
        (huge_robots("Disallow: /\nAllow: /page/but/not/all/of/it", ends_at=BYTES_MAX + 20), False),
        (huge_robots("Disallow: /page\n", ends_at=BYTES_MAX) + b"x" * 3_000_000, False),
    ],
    ids=["inside", "beyond", "half a line", "much more"],
)
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_robots_txt_is_read_up_to_500_kilobytes(
    content: bytes, allowed: bool, encoding: str, site: Site, with_robots: RetrievalRules
) -> None:
    """Half a line may allow more than the whole: `Allow: /page` of `Allow: /page/but/not/all/of/it`."""
    body = gzip.compress(content) if encoding else content
    site.pages = {"/robots.txt": [answer(200, body, content_encoding=encoding)], "/page": [answer()]}
    if allowed:
        assert fetcher(with_robots).fetch(site.url()).content == b"Hello."
    else:
        with pytest.raises(EvidenceError, match="does not allow /page"):
            fetcher(with_robots).fetch(site.url())


@pytest.mark.parametrize(
    "agent", ["User-agent: {}\n", "user agent:{}\r", "UserAgent {}\x0b", "\u2003User agent  {}\u2028"]
)
def test_a_robots_txt_that_names_thousands_of_programs_does_not_fill_the_memory(agent: str) -> None:
    """The parser alone keeps every rule for every name: 40 kB like these take it 150 MB."""
    names = "".join(agent.format(f"bot{n}") for n in range(1500))
    rules = "".join(f"Disallow:/{n}\n" for n in range(1500))
    tracemalloc.start()
    robots = parse(f"{names}User-agent: *\n{rules}".encode())
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 10_000_000
    with pytest.raises(EvidenceError, match="does not allow /7"):
        robots.check("http://a.test/7", host="a.test", path="/7")


@pytest.mark.parametrize("hops", [1, 5])
def test_a_robots_txt_is_followed_to_another_host_and_holds_for_the_first(
    hops: int, site: Site, with_robots: RetrievalRules
) -> None:
    site.pages = {
        "/robots.txt": [moved(site.url("/1", "other.test"))],
        f"/{hops}": [answer(200, "User-agent: *\nDisallow: /page")],
        "/page": [answer()],
    }
    site.pages.update({f"/{hop}": [moved(f"/{hop + 1}")] for hop in range(1, hops)})
    with pytest.raises(EvidenceError, match=r"^local.test's robots.txt does not allow /page$"):
        fetcher(with_robots).fetch(site.url())
    assert len(site.asked) == hops + 1


def test_a_redirect_to_another_host_is_checked_against_its_robots_txt(site: Site, with_robots: RetrievalRules) -> None:
    second = Site()
    site.pages = {"/page": [moved(second.url("/there", "other.test"))]}
    second.pages = {"/robots.txt": [answer(200, "User-agent: *\nDisallow: /there")], "/there": [answer()]}
    with pytest.raises(EvidenceError, match=r"^other.test's robots.txt does not allow /there$"):
        fetcher(with_robots).fetch(site.url())
    assert (site.paths, second.paths) == (["/robots.txt", "/page"], ["/robots.txt"])
    second.close()


def test_a_redirect_within_a_site_is_checked_against_its_robots_txt(site: Site, with_robots: RetrievalRules) -> None:
    site.pages = {
        "/robots.txt": [answer(200, "User-agent: *\nDisallow: /private")],
        "/page": [moved("/private")],
        "/private": [answer()],
    }
    with pytest.raises(EvidenceError, match="does not allow /private"):
        fetcher(with_robots).fetch(site.url())
    assert site.paths == ["/robots.txt", "/page"]


def test_a_host_that_is_refused_is_refused_for_its_address(with_robots: RetrievalRules) -> None:
    with pytest.raises(EvidenceError) as refused:
        fetcher(with_robots, resolve=lambda *_: ["10.0.0.1"]).fetch("http://inside.test/")
    assert str(refused.value).startswith("inside.test (10.0.0.1) is not public")


def test_a_robots_txt_is_asked_for_once_by_many_threads(site: Site, with_robots: RetrievalRules) -> None:
    site.pages = {f"/{n}": [answer(200, f"{n}")] for n in range(24)}
    site.pages["/robots.txt"] = [late(answer(200, "User-agent: *\nDisallow: /nothing"))]
    shared = fetcher(with_robots)
    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(lambda n: shared.fetch(site.url(f"/{n}")).content, range(24)))
    assert pages == [f"{n}".encode() for n in range(24)]
    assert site.paths.count("/robots.txt") == 1
    assert len(site.asked) == 25


def test_every_port_and_scheme_has_a_robots_txt_of_its_own(site: Site, with_robots: RetrievalRules) -> None:
    second = Site()
    site.pages = {"/robots.txt": [answer(200, "User-agent: *\nDisallow: /")]}
    second.pages = {"/page": [answer()]}
    shared = fetcher(with_robots)
    with pytest.raises(EvidenceError, match="does not allow"):
        shared.fetch(site.url())
    assert shared.fetch(second.url()).content == b"Hello."
    second.close()


def test_a_host_that_does_not_answer_costs_the_whole_time_once(site: Site, tmp_path: Path) -> None:
    rules = rules_for(tmp_path, allow_private=("127.0.0.1",), timeout_s=0.4)
    site.pages["/robots.txt"] = [late(answer())]
    shared = fetcher(rules)
    with pytest.raises(EvidenceError, match=r"^took longer than 0.4 s$"):
        shared.fetch(site.url())
    for _ in range(20):
        with pytest.raises(EvidenceError, match=r"robots.txt of local.test: took longer than 0.4 s: nothing may be"):
            shared.fetch(site.url())
    assert len(site.asked) == 1


def test_a_source_that_comes_late_to_a_host_does_not_close_it_for_the_others(site: Site, tmp_path: Path) -> None:
    """It had hardly any time left to read the robots.txt in."""
    rules = rules_for(tmp_path, allow_private=("127.0.0.1",), timeout_s=1.0)
    second = Site()
    site.pages = {"/page": [late(moved(second.url()))]}
    second.pages = {"/robots.txt": [late(answer(404))], "/page": [answer()]}
    shared = fetcher(rules)
    with pytest.raises(EvidenceError, match="took longer than 1 s"):
        shared.fetch(site.url())
    assert shared.fetch(second.url()).content == b"Hello."
    second.close()


# --- turns


def get(client: Fetcher, path: str, host: str = "far.test") -> bytes | None:
    return client.fetch(f"http://{host}{path}").content


@pytest.fixture
def public_rules(tmp_path: Path) -> RetrievalRules:
    return rules_for(tmp_path)


def test_a_public_host_is_given_a_rest_between_two_pages(
    looks_public: Site, public_rules: RetrievalRules, waits: Waits
) -> None:
    looks_public.pages = {f"/{n}": [answer()] for n in range(3)}
    client = fetcher(public_rules, waits, far)
    for n in range(3):
        get(client, f"/{n}")
    assert looks_public.paths == ["/robots.txt", "/0", "/1", "/2"], "the first page waits for no one"
    assert waits == pytest.approx([0.5, 0.5], abs=0.1)


def test_the_rest_is_kept_by_the_clock(looks_public: Site, tmp_path: Path) -> None:
    looks_public.pages = {f"/{n}": [answer()] for n in range(6)}
    client = Fetcher(rules_for(tmp_path, host_delay_s=0.2), resolve=far)
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda n: get(client, f"/{n}"), range(6)))
    times = [asked.at for asked in looks_public.asked if asked.path != "/robots.txt"]
    assert min(later - earlier for earlier, later in pairwise(times)) >= 0.2
    assert times[-1] - times[0] < 2.5


def test_two_hosts_do_not_wait_for_each_other(looks_public: Site, public_rules: RetrievalRules, waits: Waits) -> None:
    looks_public.pages = {"/page": [answer()]}
    client = fetcher(public_rules, waits, far)
    for host in ("a.test", "b.test", "c.test"):
        get(client, "/page", host)
    assert not waits


def test_redirects_and_tries_are_spaced_like_any_request(
    looks_public: Site, public_rules: RetrievalRules, waits: Waits
) -> None:
    looks_public.pages = {"/page": [moved("/next")], "/next": [answer(503, retry_after="0"), answer()]}
    get(fetcher(public_rules, waits, far), "/page")
    assert [wait_s for wait_s in waits if wait_s] == pytest.approx([0.5, 0.5], abs=0.1)


@pytest.mark.parametrize(
    ("robots", "expected_s"),
    [
        ("User-agent: *\nCrawl-delay: 3", 3),
        ("User-agent: finops_ai\nCrawl-delay: 2\nUser-agent: *\nCrawl-delay: 9", 2),
        ("User-agent: *\nCrawl-delay: 0.1", 0.5),
        ("User-agent: *\nCrawl-delay: -7", 0.5),
        ("User-agent: *\nCrawl-delay: nan", 0.5),
        ("User-agent: *\nCrawl-delay: 1e300", 10),
        ("User-agent: *\nCrawl-delay: 86400", 10),
        ("User-agent: other\nCrawl-delay: 86400", 0.5),
    ],
)
def test_a_crawl_delay_is_obeyed_up_to_ten_seconds(
    robots: str, expected_s: float, looks_public: Site, tmp_path: Path, waits: Waits
) -> None:
    looks_public.pages = {"/robots.txt": [answer(200, robots)], "/page": [answer()]}
    client = fetcher(rules_for(tmp_path, timeout_s=20), waits, far)
    get(client, "/page")
    get(client, "/page")
    assert waits == pytest.approx([expected_s], abs=0.1)


def test_a_crawl_delay_beyond_the_time_limit_is_an_error_at_once(
    looks_public: Site, public_rules: RetrievalRules, waits: Waits
) -> None:
    looks_public.pages = {"/robots.txt": [answer(200, "User-agent: *\nCrawl-delay: 30")], "/page": [answer()]}
    client = fetcher(public_rules, waits, far)
    get(client, "/page")
    with pytest.raises(EvidenceError, match=r"far.test may be asked again in (9.9|10.0) s, which is longer"):
        get(client, "/page")
    assert (waits, looks_public.paths) == ([], ["/robots.txt", "/page"])


def test_a_host_that_the_policy_names_needs_no_rest_but_its_robots_txt_holds(
    site: Site, with_robots: RetrievalRules, waits: Waits
) -> None:
    robots = "User-agent: *\nCrawl-delay: 9\nDisallow: /private"
    site.pages = {"/robots.txt": [answer(200, robots)], "/page": [answer()]}
    client = fetcher(with_robots, waits)
    for _ in range(3):
        client.fetch(site.url())
    with pytest.raises(EvidenceError, match="does not allow /private"):
        client.fetch(site.url("/private"))
    assert not waits


def test_a_host_answers_one_request_at_a_time(site: Site, with_robots: RetrievalRules) -> None:
    slowly = late(answer(), by_s=0.05)
    site.pages = {"/robots.txt": [slowly], "/page": [slowly]}
    client = fetcher(with_robots)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: client.fetch(site.url()), range(16)))
    assert (site.busy_max, len(site.asked)) == (1, 17)


@pytest.mark.parametrize("path", ["/page", "/short"])
def test_sources_of_one_host_do_not_time_each_other_out(path: str, site: Site, tmp_path: Path) -> None:
    """Six times 0.25 s one after the other, and each has 0.8 s: the line in front of a host is not on their clocks."""
    shortener = Site()
    shortener.pages = {"/short": [moved(site.url())]}
    site.pages = {"/page": [late(answer(), by_s=0.25)]}
    client = fetcher(rules_for(tmp_path, allow_private=("127.0.0.1",), timeout_s=0.8, robots=False))
    began = time.monotonic()
    url = site.url() if path == "/page" else shortener.url("/short", "short.test")
    with ThreadPoolExecutor(6) as threads:
        pages = list(threads.map(lambda _: client.fetch(url).content, range(6)))
    assert pages == [b"Hello."] * 6
    assert time.monotonic() - began >= 1.5
    shortener.close()


def test_two_hosts_that_send_to_each_other_do_not_lock_each_other_up(site: Site, with_robots: RetrievalRules) -> None:
    site.pages = {
        "/robots.txt": [moved(site.url("/rules", "b.test")), moved(site.url("/rules", "a.test"))],
        "/rules": [answer(404)],
        "/to-a": [moved(site.url("/end", "a.test"))],
        "/to-b": [moved(site.url("/end", "b.test"))],
        "/end": [answer()],
    }
    client = fetcher(with_robots)
    urls = [site.url("/to-b", "a.test"), site.url("/to-a", "b.test")] * 8
    with ThreadPoolExecutor(8) as threads:
        pages = list(threads.map(lambda url: client.fetch(url).content, urls))
    assert pages == [b"Hello."] * 16


def test_a_host_is_free_again_after_whatever_happened(site: Site, with_robots: RetrievalRules) -> None:
    broken = [
        RESET,
        b"nonsense\r\n\r\n",
        b"",
        answer(503),
        answer(content_length="99"),
        moved("http://["),
        moved("x:y"),
    ]
    site.pages = {"/page": [answer()]}
    site.pages.update({f"/{n}": [given] for n, given in enumerate(broken)})
    client = fetcher(with_robots)
    for n in range(len(broken)):
        with pytest.raises(EvidenceError):
            client.fetch(site.url(f"/{n}"))
    assert client.fetch(site.url()).content == b"Hello."
