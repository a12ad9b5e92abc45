"""A source's address is chosen by strangers: nothing that is not public is ever connected to.

Each row names how a URL or a name server could lead inside; the connection itself is rigged to blow up.
"""

from ipaddress import ip_address
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from urllib3.util import connection as urllib3_connection

from finops_ai_tests.evidence.inputs import nobody, retrieved, rules_for

NOT_PUBLIC = "is not public"
NO_PLAIN_ADDRESS = "is no plain address"

REFUSED_LITERALS = [
    ("http://127.0.0.1/", NOT_PUBLIC),
    ("http://127.1.2.3/", NOT_PUBLIC),
    ("http://10.0.0.5/", NOT_PUBLIC),
    ("http://172.16.0.1/", NOT_PUBLIC),
    ("http://192.168.1.1/", NOT_PUBLIC),
    ("http://169.254.169.254/latest/meta-data/", NOT_PUBLIC),
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
    ("http://0x7f000001/", NO_PLAIN_ADDRESS),
    ("http://0x7f.0x0.0x0.0x1/", NO_PLAIN_ADDRESS),
    ("http://0177.0.0.1/", NO_PLAIN_ADDRESS),
    ("http://017700000001/", NO_PLAIN_ADDRESS),
    ("http://127.1/", NO_PLAIN_ADDRESS),
    ("http://127.0.1/", NO_PLAIN_ADDRESS),
    ("http://0/", NO_PLAIN_ADDRESS),
    ("http://127.0.0.1./", NOT_PUBLIC),
    ("http://①②⑦.⓪.⓪.①/", NOT_PUBLIC),
    ("http://127。0。0。1/", NOT_PUBLIC),
    ("http://[::]/", NOT_PUBLIC),
    ("http://[::1]/", NOT_PUBLIC),
    ("http://[::127.0.0.1]/", NOT_PUBLIC),
    ("http://[::ffff:127.0.0.1]/", NOT_PUBLIC),
    ("http://[::ffff:a9fe:a9fe]/", NOT_PUBLIC),
    ("http://[::ffff:0:127.0.0.1]/", NOT_PUBLIC),
    ("http://[64:ff9b::7f00:1]/", NOT_PUBLIC),
    ("http://[64:ff9b::a9fe:a9fe]/", NOT_PUBLIC),
    ("http://[64:ff9b:1::1]/", NOT_PUBLIC),
    ("http://[2002:7f00:1::]/", NOT_PUBLIC),
    ("http://[2002:a00:1::1]/", NOT_PUBLIC),
    ("http://[2001:0:7f00:1::]/", NOT_PUBLIC),
    ("http://[2001:0:808:808:0:0:80ff:fffe]/", NOT_PUBLIC),
    ("http://[fe80::1]/", NOT_PUBLIC),
    ("http://[fc00::1]/", NOT_PUBLIC),
    ("http://[fec0::1]/", NOT_PUBLIC),
    ("http://[ff02::1]/", NOT_PUBLIC),
    ("http://[2001:db8::1]/", NOT_PUBLIC),
    ("http://[100::1]/", NOT_PUBLIC),
]

REFUSED_URLS = [
    ("http://public.test@127.0.0.1/", "user name or password"),
    ("http://user:secret@public.test/", "user name or password"),
    ("http://127.0.0.1\\@public.test/", "backslashes"),
    ("http://public.test\t.evil.test/", "control characters"),
    ("http://public.test/\r\nHost: inside.test", "control characters"),
    ("http://public.test:8080/", "port 8080"),
    ("http://public.test:22/", "port 22"),
    ("http://public.test:0/", "port 0"),
    ("http://public.test:99999/", "no URL"),
    ("http:///etc/passwd", "no usable host"),
    ("http://a_%2e.test/", "no usable host"),
    ("http://[::1/", "no URL"),
    ("http://[fe80::1%25eth0]/", "no usable host"),
    ("gopher://public.test/", "'gopher:' is refused"),
    ("ftp://public.test/a.txt", "'ftp:' is refused"),
    ("data:text/html,hello", "'data:' is refused"),
    ("s3://bucket/key", "'s3:' is refused"),
    ("simplecache::http://public.test/", "chains file systems"),
]

REFUSED_ANSWERS = [
    ["127.0.0.1"],
    ["93.184.216.34", "10.0.0.1"],
    ["10.0.0.1", "93.184.216.34"],
    ["2606:2800:220:1::1", "::1"],
    ["93.184.216.34", "::ffff:192.168.0.1"],
    ["fe80::1%2"],
    ["169.254.169.254"],
]


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(address: tuple[str, int], *_: object, **__: object) -> None:
        raise AssertionError(f"connected to {address}")

    monkeypatch.setattr(urllib3_connection, "create_connection", connect)


def test_the_table_is_as_long_as_it_should_be() -> None:
    assert len(REFUSED_LITERALS) + len(REFUSED_URLS) + len(REFUSED_ANSWERS) >= 70


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize(("url", "reason"), REFUSED_LITERALS + REFUSED_URLS)
def test_a_url_that_leads_inside_is_refused(url: str, reason: str, tmp_path: Path) -> None:
    source = retrieved(url, {}, rules=rules_for(tmp_path), resolve=lambda *_: ["93.184.216.34"])
    assert reason in source.error


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize("answers", REFUSED_ANSWERS, ids=" ".join)
def test_one_answer_that_leads_inside_refuses_the_name(answers: list[str], tmp_path: Path) -> None:
    """A name server that mixes public and private answers decides later which one a second lookup gets."""
    source = retrieved("https://mixed.test/", {}, rules=rules_for(tmp_path), resolve=lambda *_: answers)
    assert NOT_PUBLIC in source.error


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"]
)
def test_a_public_address_is_connected_to(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that speak IPv6 only reach IPv4 hosts through NAT64: what it carries decides."""
    connected: list[str] = []

    def connect(place: tuple[str, int], *_: object, **__: object) -> None:
        connected.append(place[0])
        raise OSError("no network in a test")

    monkeypatch.setattr(urllib3_connection, "create_connection", connect)
    source = retrieved("https://public.test/", {}, rules=rules_for(tmp_path), resolve=lambda *_: [address])
    assert "cannot connect" in source.error
    assert connected == [str(ip_address(address))]


@pytest.mark.usefixtures("no_connection")
@pytest.mark.parametrize("answers", [[], ["nonsense"]])
def test_a_name_without_a_usable_address_is_an_error(answers: list[str], tmp_path: Path) -> None:
    source = retrieved("https://odd.test/", {}, rules=rules_for(tmp_path), resolve=lambda *_: answers)
    assert "address" in source.error


@pytest.mark.usefixtures("no_connection")
def test_an_allowed_network_opens_nothing_beside_it(tmp_path: Path) -> None:
    rules = rules_for(tmp_path, allow_private=("10.1.0.0/16",))
    assert NOT_PUBLIC in retrieved("http://10.2.0.1/", {}, rules=rules).error
    assert (
        NOT_PUBLIC in retrieved("http://both.test/", {}, rules=rules, resolve=lambda *_: ["10.1.0.1", "10.2.0.1"]).error
    )


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", NOT_PUBLIC),
        ("http://inside.test/", NOT_PUBLIC),
        ("//inside.test/", NOT_PUBLIC),
        ("http://[::1]/", NOT_PUBLIC),
        ("http://2130706433/", NO_PLAIN_ADDRESS),
        ("file:///etc/passwd", "'file' is refused"),
        ("FILE:///etc/passwd", "'file' is refused"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "'gopher' is refused"),
        ("javascript:alert(1)", "'javascript' is refused"),
        ("http://user@inside.test/", "user name or password"),
    ],
)
def test_a_redirect_is_checked_like_a_first_address(
    location: str, reason: str, httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/away").respond_with_data(status=302, headers={"Location": location})
    rules = rules_for(tmp_path, allow_private=("127.0.0.0/8",))
    answers = {"inside.test": ["10.0.0.1"]}
    source = retrieved(
        httpserver.url_for("/away"), {}, rules=rules, resolve=lambda host, _: answers.get(host, ["127.0.0.1"])
    )
    assert reason in source.error


def test_a_name_that_changes_between_redirects_is_checked_again(httpserver: HTTPServer, tmp_path: Path) -> None:
    """DNS rebinding: allowed on the first look, the metadata address on the second."""
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    httpserver.expect_request("/").respond_with_data(status=302, headers={"Location": "/again"})
    httpserver.expect_request("/again").respond_with_data("reached", content_type="text/plain")
    rules = rules_for(tmp_path, allow_private=("127.0.0.0/8",))
    source = retrieved(f"http://rebind.test:{httpserver.port}/", {}, rules=rules, resolve=lambda *_: next(answers))
    assert NOT_PUBLIC in source.error


def test_a_name_is_looked_up_once_for_a_connection(httpserver: HTTPServer, tmp_path: Path) -> None:
    """The address that was checked is the one connected to: a second lookup could answer anything."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else nobody(host, port)

    httpserver.expect_request("/", headers={"Host": f"once.test:{httpserver.port}"}).respond_with_data(
        "Hello.", content_type="text/plain"
    )
    rules = rules_for(tmp_path, allow_private=("127.0.0.1",))
    source = retrieved(f"http://once.test:{httpserver.port}/", {}, rules=rules, resolve=resolve)
    assert (source.error, source.host, asked) == ("", "once.test", ["once.test"])


def test_a_proxy_of_the_environment_is_not_asked(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    httpserver.expect_request("/").respond_with_data("Hello.", content_type="text/plain")
    source = retrieved(
        httpserver.url_for("/"),
        {},
        rules=rules_for(tmp_path, allow_private=("127.0.0.0/8",)),
        resolve=lambda *_: ["127.0.0.1"],
    )
    assert source.ok
