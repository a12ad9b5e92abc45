"""A source's address is chosen by strangers: nothing that is not public is ever connected to.

Each row names how a URL or a name server could lead inside. Every connection, wherever to, ends at one local server, so
that whatever is let through is counted there.
"""

import re
from ipaddress import ip_address
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from urllib3.util import connection as urllib3_connection

from finops_ai.evidence import EvidenceError, Resolver, RetrievalRules, system_resolver
from finops_ai.evidence.fetching import Fetched, Fetcher
from finops_ai_tests.evidence.inputs import nobody, retrieved, rules_for

PUBLIC = "93.184.216.34"
LOOPBACK = ("127.0.0.0/8",)

NOT_PUBLIC = "is not public"
NO_PLAIN_ADDRESS = "is no plain address"

REFUSED_LITERALS = [
    ("http://127.0.0.1/", NOT_PUBLIC),
    ("https://127.0.0.1/", NOT_PUBLIC),
    ("HTTP://127.0.0.1:80/", NOT_PUBLIC),
    ("http://127.1.2.3/", NOT_PUBLIC),
    ("http://10.0.0.5/", NOT_PUBLIC),
    ("http://172.16.0.1/", NOT_PUBLIC),
    ("http://192.168.1.1/", NOT_PUBLIC),
    ("http://169.254.169.254/latest/meta-data/", NOT_PUBLIC),
    ("http://169.254.170.2/v2/credentials", NOT_PUBLIC),
    ("http://168.63.129.16/metadata", NOT_PUBLIC),
    ("http://192.0.0.192/latest/", NOT_PUBLIC),
    ("http://192.88.99.1/", NOT_PUBLIC),
    ("http://100.100.100.200/", NOT_PUBLIC),
    ("http://100.64.0.1/", NOT_PUBLIC),
    ("http://0.0.0.0/", NOT_PUBLIC),
    ("http://224.0.0.1/", NOT_PUBLIC),
    ("http://239.255.255.250/", NOT_PUBLIC),
    ("http://240.0.0.1/", NOT_PUBLIC),
    ("http://255.255.255.255/", NOT_PUBLIC),
    ("http://192.0.2.1/", NOT_PUBLIC),
    ("http://198.18.0.1/", NOT_PUBLIC),
    ("http://2130706433/", NO_PLAIN_ADDRESS),
    ("http://3232235777/", NO_PLAIN_ADDRESS),
    ("http://0x7f000001/", NO_PLAIN_ADDRESS),
    ("http://0x7f.0x0.0x0.0x1/", NO_PLAIN_ADDRESS),
    ("http://0x7F.1/", NO_PLAIN_ADDRESS),
    ("http://0177.0.0.1/", NO_PLAIN_ADDRESS),
    ("http://017700000001/", NO_PLAIN_ADDRESS),
    ("http://0300.0250.1.1/", NO_PLAIN_ADDRESS),
    ("http://127.1/", NO_PLAIN_ADDRESS),
    ("http://127.0.1/", NO_PLAIN_ADDRESS),
    ("http://0/", NO_PLAIN_ADDRESS),
    ("http://127.0.0.1./", NOT_PUBLIC),
    ("http://2130706433./", NO_PLAIN_ADDRESS),
    ("http://１２７.０.０.１/", NOT_PUBLIC),
    ("http://０x7f000001/", NO_PLAIN_ADDRESS),
    ("http://①②⑦.⓪.⓪.①/", NOT_PUBLIC),
    ("http://127。0。0。1/", NOT_PUBLIC),
    ("http://[::]/", NOT_PUBLIC),
    ("http://[::1]/", NOT_PUBLIC),
    ("http://[::127.0.0.1]/", NOT_PUBLIC),
    ("http://[::ffff:127.0.0.1]/", NOT_PUBLIC),
    ("http://[::ffff:7f00:1]/", NOT_PUBLIC),
    ("http://[0:0:0:0:0:ffff:10.0.0.1]/", NOT_PUBLIC),
    ("http://[::ffff:a9fe:a9fe]/", NOT_PUBLIC),
    ("http://[::ffff:0:127.0.0.1]/", NOT_PUBLIC),
    ("http://[64:ff9b::7f00:1]/", NOT_PUBLIC),
    ("http://[64:ff9b::a9fe:a9fe]/", NOT_PUBLIC),
    ("http://[64:ff9b::10.0.0.1]/", NOT_PUBLIC),
    ("http://[64:ff9b:1::1]/", NOT_PUBLIC),
    ("http://[2002:7f00:1::]/", NOT_PUBLIC),
    ("http://[2002:a00:1::1]/", NOT_PUBLIC),
    ("http://[2002:a9fe:a9fe::]/", NOT_PUBLIC),
    ("http://[2001:0:7f00:1::]/", NOT_PUBLIC),
    ("http://[2001:0:808:808:0:0:80ff:fffe]/", NOT_PUBLIC),
    ("http://[fe80::1]/", NOT_PUBLIC),
    ("http://[fc00::1]/", NOT_PUBLIC),
    ("http://[fd00:ec2::254]/latest/meta-data/", NOT_PUBLIC),
    ("http://[fec0::1]/", NOT_PUBLIC),
    ("http://[ff02::1]/", NOT_PUBLIC),
    ("http://[2001:db8::1]/", NOT_PUBLIC),
    ("http://[100::1]/", NOT_PUBLIC),
]

REFUSED_URLS = [
    ("http://public.test@127.0.0.1/", "user name or password"),
    ("http://public.test:80@127.0.0.1/", "user name or password"),
    ("http://@127.0.0.1/", "user name or password"),
    ("http://127.0.0.1%2f@public.test/", "user name or password"),
    ("http://user:secret@public.test/", "user name or password"),
    ("http://127.0.0.1\\@public.test/", "backslashes"),
    ("http://public.test\t.evil.test/", "control characters"),
    ("http://public.test/\r\nHost: inside.test", "control characters"),
    ("http://public.test:8080/", "port 8080"),
    ("http://public.test:22/", "port 22"),
    ("http://public.test:0/", "port 0"),
    ("http://public.test:99999/", "no URL"),
    ("http://public.test:80:443/", "no URL"),
    ("https://public.test:6379/", "port 6379"),
    ("http:///etc/passwd", "no usable host"),
    ("http://a_%2e.test/", "no usable host"),
    ("http://127%2e0%2e0%2e1/", "no usable host"),
    ("http://127.0.0.1%00.public.test/", "no usable host"),
    ("http:127.0.0.1/", "no usable host"),
    ("http://[::1/", "no URL"),
    ("http://[::1%25lo]/", "no usable host"),
    ("http://[fe80::1%eth0]/", "no usable host"),
    ("http://[fe80::1%25eth0]/", "no usable host"),
    ("ws://public.test/", "'ws' is refused"),
]

OTHER_SCHEMES = [
    ("gopher://public.test/", "'gopher:' is refused"),
    ("ftp://public.test/a.txt", "'ftp:' is refused"),
    ("data:text/html,hello", "'data:' is refused"),
    ("s3://bucket/key", "s3:"),
    ("simplecache::http://public.test/", "chains file systems"),
]

REFUSED_NAMES = [
    ("http://localhost/", "localhost", "127.0.0.1"),
    ("http://LOCALHOST./", "localhost", "::1"),
    ("http://ｌｏｃａｌｈｏｓｔ/", "localhost", "127.0.0.1"),
    ("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "localhost", "127.0.0.1"),
    ("http://localhost。localdomain/", "localhost.localdomain", "127.0.0.1"),
    ("http://any.localhost/", "any.localhost", "127.0.0.1"),
    ("http://ip6-localhost/", "ip6-localhost", "::1"),
    ("http://127.0.0.1.nip.io/", "127.0.0.1.nip.io", "127.0.0.1"),
    ("http://bücher.test/", "xn--bcher-kva.test", "10.0.0.1"),
    ("http://metadata.google.internal/computeMetadata/v1/", "metadata.google.internal", "169.254.169.254"),
    ("http://instance-data/latest/meta-data/", "instance-data", "169.254.169.254"),
    ("http://kubernetes.default.svc/", "kubernetes.default.svc", "10.96.0.1"),
    ("http://host.docker.internal/", "host.docker.internal", "192.168.65.254"),
]

REFUSED_ANSWERS = [
    ["127.0.0.1"],
    ["93.184.216.34", "10.0.0.1"],
    ["10.0.0.1", "93.184.216.34"],
    ["2606:2800:220:1::1", "::1"],
    ["93.184.216.34", "::ffff:192.168.0.1"],
    ["fe80::1%2"],
    ["::1%1"],
    ["64:ff9b::7f00:1"],
    ["93.184.216.34", "2002:7f00:1::"],
    ["fd00:ec2::254"],
    ["169.254.169.254"],
]


class Trap:
    """What was asked of the server that every connection ends at, and which address each was meant for."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.connected: list[str] = []

    @property
    def asked(self) -> list[str]:
        return [request.path for request, _ in self.server.log]


@pytest.fixture
def trap(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Trap:
    trap = Trap(httpserver)
    connect_really = urllib3_connection.create_connection

    def connect(address: tuple[str, int], *rest: object, **named: object) -> object:
        trap.connected.append(address[0])
        return connect_really(("127.0.0.1", httpserver.port), *rest, **named)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(urllib3_connection, "create_connection", connect)
    httpserver.expect_request("/robots.txt").respond_with_data(status=404)
    return trap


def everything_answers(trap: Trap) -> None:
    trap.server.expect_request(re.compile(".*")).respond_with_data("reached", content_type="text/plain")


def answers(*addresses: str) -> Resolver:
    return lambda host, port: list(addresses)


def fetch(url: str, rules: RetrievalRules, resolve: Resolver = nobody) -> Fetched:
    return Fetcher(rules, resolve=resolve, sleep=lambda _: None).fetch(url)


def test_the_table_is_as_long_as_it_should_be() -> None:
    table = {*REFUSED_LITERALS, *REFUSED_URLS, *OTHER_SCHEMES, *REFUSED_NAMES, *map(tuple, REFUSED_ANSWERS)}
    assert len(table) >= 110


def test_what_is_let_through_is_caught_in_the_trap(trap: Trap, tmp_path: Path) -> None:
    """Without this the counts below would hold for a trap that catches nothing."""
    everything_answers(trap)
    assert fetch("http://public.test/page", rules_for(tmp_path), answers(PUBLIC)).content == b"reached"
    assert (trap.asked, trap.connected) == (["/robots.txt", "/page"], [PUBLIC, PUBLIC])


@pytest.mark.parametrize(("url", "reason"), REFUSED_LITERALS + REFUSED_URLS)
@pytest.mark.parametrize("robots", [True, False])
def test_a_url_that_leads_inside_is_refused(url: str, reason: str, robots: bool, trap: Trap, tmp_path: Path) -> None:
    everything_answers(trap)
    with pytest.raises(EvidenceError, match=re.escape(reason)) as refused:
        fetch(url, rules_for(tmp_path, robots=robots), answers(PUBLIC))
    assert (trap.connected, trap.asked) == ([], [])
    assert "robots" not in str(refused.value), "the address is the reason, not what was asked of it first"


@pytest.mark.parametrize(("uri", "reason"), OTHER_SCHEMES)
def test_another_scheme_is_refused(uri: str, reason: str, trap: Trap, tmp_path: Path) -> None:
    everything_answers(trap)
    assert reason in retrieved(uri, {}, rules=rules_for(tmp_path), resolve=answers(PUBLIC)).error
    assert (trap.connected, trap.asked) == ([], [])


@pytest.mark.parametrize(("url", "name", "address"), REFUSED_NAMES)
def test_a_name_of_something_inside_is_refused_by_its_address(
    url: str, name: str, address: str, trap: Trap, tmp_path: Path
) -> None:
    everything_answers(trap)
    with pytest.raises(EvidenceError, match=NOT_PUBLIC):
        fetch(url, rules_for(tmp_path), lambda host, _: {name: [address]}[host])
    assert (trap.connected, trap.asked) == ([], [])


def test_this_machine_is_refused_by_its_own_name(trap: Trap, tmp_path: Path) -> None:
    everything_answers(trap)
    with pytest.raises(EvidenceError, match=NOT_PUBLIC):
        fetch("http://localhost/", rules_for(tmp_path), system_resolver)
    assert (trap.connected, trap.asked) == ([], [])


@pytest.mark.parametrize("found", REFUSED_ANSWERS, ids=" ".join)
def test_one_answer_that_leads_inside_refuses_the_name(found: list[str], trap: Trap, tmp_path: Path) -> None:
    """A name server that mixes public and private answers decides later which one a second lookup gets."""
    everything_answers(trap)
    with pytest.raises(EvidenceError, match=NOT_PUBLIC):
        fetch("https://mixed.test/", rules_for(tmp_path), answers(*found))
    assert (trap.connected, trap.asked) == ([], [])


@pytest.mark.parametrize("found", [[], ["nonsense"]])
def test_a_name_without_a_usable_address_is_an_error(found: list[str], trap: Trap, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="address"):
        fetch("https://odd.test/", rules_for(tmp_path), answers(*found))
    assert (trap.connected, trap.asked) == ([], [])


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220:1::1", f"::ffff:{PUBLIC}", "64:ff9b::5db8:d822"])
def test_a_public_address_is_connected_to(address: str, trap: Trap, tmp_path: Path) -> None:
    """Networks that speak IPv6 only reach IPv4 hosts through NAT64: what it carries decides."""
    everything_answers(trap)
    assert fetch("http://public.test/", rules_for(tmp_path), answers(address)).host == "public.test"
    assert set(trap.connected) == {str(ip_address(address))}


def test_a_local_server_answers_when_its_address_is_allowed(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/robots.txt").respond_with_data(status=404)
    httpserver.expect_request("/page").respond_with_data("welcome", content_type="text/plain")
    url = f"http://127.0.0.1:{httpserver.port}/page"
    with pytest.raises(EvidenceError, match=NOT_PUBLIC):
        fetch(url, rules_for(tmp_path))
    assert not httpserver.log
    assert fetch(url, rules_for(tmp_path, allow_private=("127.0.0.1",))).content == b"welcome"


@pytest.mark.parametrize(
    ("url", "found"),
    [("http://10.2.0.1/", []), ("http://both.test/", ["10.1.0.1", "10.2.0.1"])],
    ids=["beside", "both"],
)
def test_an_allowed_network_opens_nothing_beside_it(url: str, found: list[str], trap: Trap, tmp_path: Path) -> None:
    everything_answers(trap)
    with pytest.raises(EvidenceError, match=NOT_PUBLIC):
        fetch(url, rules_for(tmp_path, allow_private=("10.1.0.0/16",)), answers(*found))
    assert (trap.connected, trap.asked) == ([], [])


REFUSED_REDIRECTS = [
    ("http://169.254.169.254/latest/meta-data/", NOT_PUBLIC),
    ("http://inside.test/", NOT_PUBLIC),
    ("//inside.test/", NOT_PUBLIC),
    ("http://[::1]/", NOT_PUBLIC),
    ("http://127.0.0.1:8080/", NOT_PUBLIC),
    ("http://2130706433/", NO_PLAIN_ADDRESS),
    ("http://public.test:8080/", "port 8080"),
    ("https://public.test:22/", "port 22"),
    ("file:///etc/passwd", "'file' is refused"),
    ("FILE:///etc/passwd", "'file' is refused"),
    ("gopher://127.0.0.1:6379/_FLUSHALL", "'gopher' is refused"),
    ("javascript:alert(1)", "'javascript' is refused"),
    ("http://user@inside.test/", "user name or password"),
]


@pytest.mark.parametrize(("location", "reason"), REFUSED_REDIRECTS)
def test_a_redirect_is_checked_like_a_first_address(location: str, reason: str, trap: Trap, tmp_path: Path) -> None:
    trap.server.expect_request("/away").respond_with_data(status=302, headers={"Location": location})
    everything_answers(trap)
    with pytest.raises(EvidenceError, match=re.escape(reason)):
        fetch(
            "http://public.test/away",
            rules_for(tmp_path),
            lambda host, _: {"inside.test": ["10.0.0.1"], "public.test": [PUBLIC]}[host],
        )
    assert trap.asked == ["/robots.txt", "/away"]
    assert set(trap.connected) == {PUBLIC}


@pytest.mark.parametrize(("location", "reason"), REFUSED_REDIRECTS)
def test_a_robots_txt_leads_no_further_inside_than_a_page(
    location: str, reason: str, trap: Trap, tmp_path: Path
) -> None:
    trap.server.clear()
    trap.server.expect_request("/robots.txt").respond_with_data(status=302, headers={"Location": location})
    everything_answers(trap)
    with pytest.raises(EvidenceError, match=re.escape(reason)):
        fetch(
            "http://public.test/page",
            rules_for(tmp_path),
            lambda host, _: {"inside.test": ["10.0.0.1"], "public.test": [PUBLIC]}[host],
        )
    assert trap.asked == ["/robots.txt"]


@pytest.mark.parametrize("lookups_until_it_turns", range(3))
def test_a_name_that_turns_private_is_followed_no_further(
    lookups_until_it_turns: int, trap: Trap, tmp_path: Path
) -> None:
    """DNS rebinding: public for the robots.txt, for the page, and the metadata address for what comes after."""
    found = iter([[PUBLIC]] * lookups_until_it_turns + [["169.254.169.254"]] * 9)
    trap.server.expect_request("/page").respond_with_data(status=302, headers={"Location": "/next"})
    everything_answers(trap)
    with pytest.raises(EvidenceError, match=NOT_PUBLIC):
        fetch("http://rebind.test/page", rules_for(tmp_path), lambda *_: next(found))
    assert trap.asked == ["/robots.txt", "/page"][:lookups_until_it_turns]
    assert trap.connected == [PUBLIC] * lookups_until_it_turns


def test_a_name_that_turns_private_between_two_tries_is_not_tried_again(trap: Trap, tmp_path: Path) -> None:
    found = iter([[PUBLIC], ["127.0.0.1"]])
    trap.server.expect_request("/page").respond_with_data(status=503)
    with pytest.raises(EvidenceError, match=NOT_PUBLIC):
        fetch("http://rebind.test/page", rules_for(tmp_path, robots=False), lambda *_: next(found))
    assert (trap.asked, trap.connected) == (["/page"], [PUBLIC])


def test_a_name_is_looked_up_once_for_a_connection(trap: Trap, tmp_path: Path) -> None:
    """The address that was checked is the one connected to: a second lookup could answer anything."""
    found = iter([[PUBLIC]])
    headers = {"Host": "once.test"}
    trap.server.expect_request("/", headers=headers).respond_with_data("Hello.", content_type="text/plain")
    page = fetch("http://once.test/", rules_for(tmp_path, robots=False), lambda *_: next(found))
    assert (page.content, page.host, trap.connected) == (b"Hello.", "once.test", [PUBLIC])


def test_a_proxy_of_the_environment_is_not_asked(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    httpserver.expect_request("/").respond_with_data("Hello.", content_type="text/plain")
    rules = rules_for(tmp_path, allow_private=LOOPBACK, robots=False)
    assert fetch(httpserver.url_for("/"), rules, answers("127.0.0.1")).content == b"Hello."
