"""Sources over HTTP: a good one arrives whole, a bad one is an error with its reason, and nothing runs without end."""

import datetime
import gzip
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from finops_ai.evidence import EvidenceError, RetrievalRules, Source
from finops_ai.evidence.fetching import Fetcher
from finops_ai_tests.evidence.inputs import Store, retrieved, rules_for

LOOPBACK = ("127.0.0.0/8",)


def plain_rules(base: Path, **changes: object) -> RetrievalRules:
    """One try and no robots.txt: both have their own tests, and the servers here answer what they are told to."""
    return rules_for(base, allow_private=LOOPBACK, robots=False, attempts_max=1, **changes)


def here(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


@pytest.fixture
def rules(tmp_path: Path) -> RetrievalRules:
    return plain_rules(tmp_path, bytes_max=100_000)


def get(server: HTTPServer, path: str, rules: RetrievalRules, store: Store | None = None) -> Source:
    return retrieved(server.url_for(path), {} if store is None else store, rules=rules, grade="secondary", resolve=here)


def test_a_page_is_kept_byte_for_byte_and_its_text_beside_it(httpserver: HTTPServer, rules: RetrievalRules) -> None:
    body = b"The plant opened in 2021.\r\nIt employs 300 people.\r\n"
    httpserver.expect_request("/a.txt").respond_with_data(body, content_type="text/plain; charset=utf-8")
    store: Store = {}
    source = get(httpserver, "/a.txt", rules, store)
    assert (source.error, source.host, source.media_type, source.size_bytes) == (
        "",
        "localhost",
        "text/plain",
        len(body),
    )
    assert store[source.snapshot_sha256] == body
    assert store[source.text_sha256] == b"The plant opened in 2021.\nIt employs 300 people."


def test_a_redirect_is_followed_and_the_last_host_counts(httpserver: HTTPServer, rules: RetrievalRules) -> None:
    """Two short links to one site would otherwise be two independent hosts."""
    httpserver.expect_request("/short").respond_with_data(
        status=301, headers={"Location": f"http://real.test:{httpserver.port}/a"}
    )
    httpserver.expect_request("/a").respond_with_data("Hello there.", content_type="text/plain")
    source = get(httpserver, "/short", rules)
    assert (source.error, source.host) == ("", "real.test")
    assert source.warnings == (f"redirected to http://real.test:{httpserver.port}/a",)


@pytest.mark.parametrize(("hops", "reason"), [(3, ""), (4, "redirected more than 3 times")])
def test_redirects_are_counted(hops: int, reason: str, httpserver: HTTPServer, rules: RetrievalRules) -> None:
    for hop in range(hops):
        httpserver.expect_request(f"/{hop}").respond_with_data(status=302, headers={"Location": f"/{hop + 1}"})
    httpserver.expect_request(f"/{hops}").respond_with_data("Arrived here.", content_type="text/plain")
    assert get(httpserver, "/0", rules).error == reason


@pytest.mark.parametrize("status", [204, 403, 404, 500])
def test_any_other_status_is_an_error_that_names_it(status: int, httpserver: HTTPServer, rules: RetrievalRules) -> None:
    httpserver.expect_request("/").respond_with_data("Sorry.", status=status, content_type="text/plain")
    assert f"answers {status}" in get(httpserver, "/", rules).error


@pytest.mark.parametrize("content_type", ["image/png", "application/json", "application/zip", "video/mp4"])
def test_a_wrong_content_type_is_an_error_and_the_bytes_are_kept(
    content_type: str, httpserver: HTTPServer, rules: RetrievalRules
) -> None:
    httpserver.expect_request("/").respond_with_data("{}", content_type=content_type)
    source = get(httpserver, "/", rules)
    assert content_type in source.error
    assert len(source.snapshot_sha256) == 64


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_body_is_unpacked(
    encoding: str, pack: Callable[[bytes], bytes], httpserver: HTTPServer, rules: RetrievalRules
) -> None:
    packed = pack(b"Packed but readable. " * 400)
    httpserver.expect_request("/").respond_with_data(
        packed, content_type="text/plain", headers={"Content-Encoding": encoding}
    )
    assert get(httpserver, "/", rules).size_bytes == 400 * 21


@pytest.mark.parametrize(
    ("body", "encoding", "reason"),
    [
        (gzip.compress(b"\0" * 50_000_000), "gzip", "larger than 100,000 bytes"),
        (zlib.compress(b"\0" * 50_000_000), "deflate", "larger than 100,000 bytes"),
        (b"x" * 100_001, "identity", "larger than 100,000 bytes"),
        (gzip.compress(b"Hello there. " * 900)[:-20], "gzip", "cut short"),
        (b"this is not gzip", "gzip", "broken gzip"),
        (b"anything", "br", "was not asked for"),
        (b"anything", "gzip, gzip", "was not asked for"),
    ],
    ids=["gzip bomb", "deflate bomb", "large", "cut gzip", "no gzip", "brotli", "twice"],
)
def test_a_body_that_is_too_large_or_broken_is_refused(
    body: bytes, encoding: str, reason: str, httpserver: HTTPServer, rules: RetrievalRules
) -> None:
    httpserver.expect_request("/").respond_with_data(
        body, content_type="text/plain", headers={"Content-Encoding": encoding}
    )
    assert reason in get(httpserver, "/", rules).error


def test_a_compressed_bomb_is_not_unpacked_first_and_measured_then(
    httpserver: HTTPServer, rules: RetrievalRules
) -> None:
    bomb = gzip.compress(b"\0" * 40_000_000)
    headers = {"Content-Encoding": "gzip"}
    httpserver.expect_request("/").respond_with_data(bomb, content_type="text/plain", headers=headers)
    tracemalloc.start()
    source = get(httpserver, "/", rules)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "larger than" in source.error
    assert peak_bytes < 20_000_000  # half the bomb: whoever unpacks it first holds all of it


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: \r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello",
        b"",
    ],
)
def test_an_answer_that_is_no_http_is_an_error(answer: bytes, tmp_path: Path) -> None:
    """Whatever a server sends, the caller gets a source with a reason."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            for _ in range(5):
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(4096)
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://odd.test:{listener.getsockname()[1]}/"
        rules = plain_rules(tmp_path, timeout_s=2)
        assert retrieved(url, {}, rules=rules, resolve=here).error
        listener.shutdown(socket.SHUT_RDWR)


def test_a_body_without_end_stops_at_the_limit(httpserver: HTTPServer, rules: RetrievalRules) -> None:
    def endless(request: Request) -> Response:
        return Response((b"x" * 10_000 for _ in iter(int, 1)), content_type="text/plain")

    httpserver.expect_request("/").respond_with_handler(endless)
    assert "larger than" in get(httpserver, "/", rules).error


@pytest.fixture
def raw_server() -> Iterator[Callable[[bytes, bytes, float], str]]:
    """A server that sends a beginning at once, then a drip for ever; returns its URL."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def start(beginning: bytes, drip: bytes, pause_s: float) -> str:
        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                try:
                    connection.sendall(beginning)
                    while not stop.wait(pause_s):
                        connection.sendall(drip)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        return f"http://slow.test:{listener.getsockname()[1]}/"

    yield start
    stop.set()
    listener.close()


@pytest.mark.parametrize(
    ("beginning", "drip"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"y"),
        (b"", b""),
    ],
    ids=["body", "header", "silence"],
)
def test_an_answer_that_drips_is_cut_at_the_time_limit(
    beginning: bytes, drip: bytes, raw_server: Callable[[bytes, bytes, float], str], tmp_path: Path
) -> None:
    """Each byte arrives in time; only the whole does not."""
    rules = plain_rules(tmp_path, timeout_s=0.4)
    began = time.monotonic()
    source = retrieved(raw_server(beginning, drip, 0.05), {}, rules=rules, resolve=here)
    assert "0.4 s" in source.error or "timed out" in source.error
    assert time.monotonic() - began < 1.5
    while any(thread.name == "finops_ai-fetch" for thread in threading.enumerate()):
        assert time.monotonic() - began < 2, "the fetch was given up but goes on"
        time.sleep(0.02)


def test_a_name_server_that_never_answers_is_cut_at_the_time_limit(tmp_path: Path) -> None:
    released = threading.Event()

    def asleep(host: str, port: int) -> list[str]:
        released.wait(10)
        return []

    source = retrieved("http://sleepy.test/", {}, rules=rules_for(tmp_path, timeout_s=0.3), resolve=asleep)
    released.set()
    assert source.error == "took longer than 0.3 s"


def test_a_body_that_ends_early_is_an_error(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 500\r\n\r\nHalf of it.")

    threading.Thread(target=serve, daemon=True).start()
    url = f"http://short.test:{listener.getsockname()[1]}/"
    with listener:
        assert "cannot be fetched" in retrieved(url, {}, rules=plain_rules(tmp_path), resolve=here).error


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    source = retrieved(f"http://gone.test:{port}/", {}, rules=plain_rules(tmp_path), resolve=here)
    assert "cannot connect to gone.test" in source.error


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate of good.test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "good.test")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("good.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "good.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[HTTPServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(ssl_context=context) as server:
        server.expect_request("/").respond_with_data("Sealed and delivered.", content_type="text/plain")
        server.expect_request("/down").respond_with_data(status=302, headers={"Location": "http://good.test/"})
        yield server


@pytest.mark.parametrize(
    ("host", "trusted", "reason"),
    [("good.test", True, ""), ("evil.test", True, "CERTIFICATE"), ("good.test", False, "CERTIFICATE")],
)
def test_a_certificate_must_be_trusted_and_name_the_host(
    host: str,
    trusted: bool,
    reason: str,
    tls_server: HTTPServer,
    certificate: Path,
    rules: RetrievalRules,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The connection goes to an address; what is proved is still the name that was asked for."""
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    source = retrieved(f"https://{host}:{tls_server.port}/", {}, rules=rules, resolve=here)
    assert source.ok if not reason else reason in source.error


def test_a_certificate_that_does_not_hold_is_not_tried_again(tls_server: HTTPServer, tmp_path: Path) -> None:
    waits_s: list[float] = []
    rules = rules_for(tmp_path, allow_private=LOOPBACK, robots=False)
    with pytest.raises(EvidenceError, match="CERTIFICATE") as failed:
        Fetcher(rules, resolve=here, sleep=waits_s.append).fetch(f"https://good.test:{tls_server.port}/")
    assert not waits_s
    assert "tried" not in str(failed.value)


def test_a_redirect_from_https_to_http_is_refused(
    tls_server: HTTPServer, certificate: Path, rules: RetrievalRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    source = retrieved(f"https://good.test:{tls_server.port}/down", {}, rules=rules, resolve=here)
    assert "from https to http" in source.error
