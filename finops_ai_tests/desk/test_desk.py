"""The desk over a real server: pages from real records, and what it refuses."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import dagster as dg
import pytest
from lxml import html
from upath import UPath

from finops_ai.briefs import read_brief, register
from finops_ai.desk import PortTaken, desk_app, dossier_of, in_background, listen
from finops_ai.desk.app import LISTED_MAX
from finops_ai.orchestration.lane import QUIET
from finops_ai.orchestration.workbench import Workbench
from finops_ai.policy import Policy, PolicyError
from finops_ai.store import ObjectStore
from finops_ai_tests.deployment import RUMOR, Deployment, deployment, write_brief

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class Answer:
    """What a browser gets."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def text(self) -> str:
        return str(html.document_fromstring(self.body).body.text_content())


@dataclass(frozen=True)
class Desk:
    """A running desk."""

    port: int

    def __call__(self, path: str, *, host: str = "127.0.0.1", method: str = "GET") -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, headers={"Host": f"{host}:{self.port}" if host else ""})
        answer: HTTPResponse = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, str]]:
    """One artifact that was produced; nothing below changes it."""
    with deployment(tmp_path_factory.mktemp("desk")) as made:
        artifact = made.submit()
        made.run(artifact)
        yield made, artifact


@pytest.fixture(scope="module")
def desk(made: tuple[Deployment, str]) -> Iterator[Desk]:
    yield from running(made[0].bench)


def running(bench: Workbench, desk_url: str = "https://desk.example/evidence-of-ours") -> Iterator[Desk]:
    listening = listen("127.0.0.1", 0)
    app = desk_app(database=bench.database, objects=bench.objects, policy=lambda: bench.policy, desk_url=desk_url)
    with in_background(app, listening):
        yield Desk(listening.getsockname()[1])


def test_from_the_list_every_link_can_be_followed(desk: Desk) -> None:
    """A link holds wherever the page is served, also below a path of its own: none begins at the root."""
    waiting, seen = ["/"], {}
    while waiting:
        path = waiting.pop()
        answer = desk(path)
        assert answer.status == 200, path
        seen[path] = html.document_fromstring(answer.body)
        for href in seen[path].xpath("//a/@href"):
            assert not href.startswith("/")
            target = urldefrag(urljoin(f"http://h{path}", href)).url
            if urlsplit(target).hostname == "h" and (there := urlsplit(target).path) not in [*seen, *waiting]:
                waiting.append(there)
    assert {path.rpartition("/")[2] for path in seen} == {
        "", "index.html", "rumors.html", "source-1.html", "source-2.html"
    }  # fmt: skip
    for path, tree in seen.items():
        for href in tree.xpath("//a/@href"):
            target, anchor = urldefrag(urljoin(f"http://h{path}", href))
            assert not anchor or seen[urlsplit(target).path].get_element_by_id(anchor) is not None


def test_the_list_says_where_each_artifact_stands(desk: Desk, made: tuple[Deployment, str]) -> None:
    (row,) = html.document_fromstring(desk("/").body).xpath("//tbody/tr")
    cells = [cell.text_content() for cell in row.xpath("./td")]
    assert cells[0] == f"What prefix caching costs{made[1]}"
    assert cells[1:4] == ["published", "nothing", "2"]
    assert "5 confirmed" in cells[4]
    assert "1 rumor" in cells[4]


def test_a_long_list_comes_in_pages(tmp_path: Path) -> None:
    with deployment(tmp_path) as made:
        count = LISTED_MAX + 3
        files = [read_brief(write_brief(tmp_path, topic=f"Topic number {n}")) for n in range(count)]
        register(made.bench.database, files, submitted_by="submitter", via="test")
        for desk in running(made.bench):
            first, second = desk("/"), desk("/?page=2")
            assert ['href="?page=2"' in first.body, "older" in second.text, "newer" in second.text] == [
                True,
                False,
                True,
            ]
            shown = re.findall(r"Topic number (\d+)", first.text + second.text)
            assert shown == [str(n) for n in reversed(range(count))]
            assert desk("/?page=<script>").body == first.body
            assert "No artifact" in desk("/?page=9999999").text


def test_a_claim_leads_to_its_sentence_in_the_stored_text(desk: Desk, made: tuple[Deployment, str]) -> None:
    base = f"/evidence/{made[1]}/"
    index = html.document_fromstring(desk(base).body)
    (link,) = index.xpath("//tr[contains(., 'one tenth of the full')]/td[3]//a/@href")
    page, _, anchor = link.partition("#")
    mark = html.document_fromstring(desk(base + page).body).get_element_by_id(anchor)
    assert mark.text_content() == "The cached part of the input was billed at one tenth of the full input price."
    assert RUMOR not in index.text_content()
    assert RUMOR in desk(f"{base}rumors.html").text


@pytest.mark.parametrize(
    "path",
    [
        "/evidence/nobody-0123456789/",
        "/evidence/{}/source-3.html",
        "/evidence/{}/source-0.html",
        f"/evidence/{{}}/source-{'9' * 5000}.html",
        "/evidence/{}/source-1.html/",
        "/evidence/{}/../../../../etc/passwd",
        "/evidence/{}/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/evidence/{}/style.css",
        "/evidence/%3Cscript%3Ealert(1)%3C%2Fscript%3E/",
        "/evidence/",
        "/nothing",
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(path: str, desk: Desk, made: tuple[Deployment, str]) -> None:
    answer = desk(path.format(made[1]))
    assert answer.status == 404
    assert "Not found" in answer.text
    assert "<script>" not in answer.body


def test_an_address_without_its_last_slash_is_led_to_the_page(desk: Desk, made: tuple[Deployment, str]) -> None:
    """By a relative address: scheme and host may be a proxy's."""
    answer = desk(f"/evidence/{made[1]}")
    assert (answer.status, answer.headers["location"]) == (307, f"{made[1]}/")


@pytest.mark.parametrize("path", ["/", "/nothing", "/evidence/{}/", "/evidence/{}/source-1.html"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_every_answer_carries_the_headers_and_none_takes_a_change(
    method: str, path: str, desk: Desk, made: tuple[Deployment, str]
) -> None:
    answer = desk(path.format(made[1]), method=method)
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert method in ("GET", "HEAD") or answer.status in (404, 405)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost", 200),
        ("desk.example", 200),
        ("DESK.example", 200),
        ("evil.example", 400),
        ("desk.example.evil.example", 400),
        ("evil.desk.example", 400),
        ("www.desk.example", 400),
        ("", 400),
    ],
)
def test_only_hosts_of_its_own_are_answered(host: str, status: int, desk: Desk) -> None:
    """A stranger's page whose name is made to lead to 127.0.0.1 gets nothing to read (DNS rebinding)."""
    answer = desk("/", host=host)
    assert answer.status == status
    assert answer.headers["content-security-policy"] == POLICY
    assert ("What prefix caching costs" in answer.body) == (status == 200)


def test_an_artifact_without_claims_says_what_it_waits_for(tmp_path: Path) -> None:
    with deployment(tmp_path) as fresh:
        artifact = fresh.submit()
        for desk in running(fresh.bench):
            assert "waits for a first run" in desk(f"/evidence/{artifact}/").text
            assert desk(f"/evidence/{artifact}/source-1.html").status == 404
            assert "a first run" in desk("/").text


def test_claims_of_earlier_texts_are_said_to_be_that(tmp_path: Path) -> None:
    """Between `sources` and `claims` of a second run, or where the second one fails."""
    with deployment(tmp_path) as made:
        artifact = made.submit()
        made.run(artifact)
        (made.folder / "notes.md").write_text("# Notes\n\nAnother text stands here now, without any of the claims.\n")
        made.lane.definitions.resolve_job_def("produce").execute_in_process(
            partition_key=artifact, instance=made.instance, asset_selection=[dg.AssetKey("sources")], run_config=QUIET
        )
        with made.bench.database.read() as connection:
            dossier = dossier_of(connection, made.bench.objects, made.bench.policy, artifact)
        assert "retrieved again" in dossier.note
        for desk in running(made.bench):
            row = html.document_fromstring(desk(f"/evidence/{artifact}/").body).xpath("//tbody[@class='confirmed']/tr")[
                1
            ]
            assert "an earlier text" in row.text_content()


def test_records_that_cannot_be_read_are_an_error_with_a_reason_and_not_an_empty_page(
    made: tuple[Deployment, str], tmp_path: Path
) -> None:
    bench, artifact = made[0].bench, made[1]
    for desk in running(replace(bench, objects=ObjectStore(UPath(tmp_path)))):
        answer = desk(f"/evidence/{artifact}/")
        assert answer.status == 500
        assert "is not in" in answer.text


def test_a_broken_policy_is_an_error_with_a_reason(made: tuple[Deployment, str]) -> None:
    bench = made[0].bench
    listening = listen("127.0.0.1", 0)

    def broken() -> Policy:
        raise PolicyError("approvals.high: unknown key")

    app = desk_app(database=bench.database, objects=bench.objects, policy=broken, desk_url="http://localhost")
    with in_background(app, listening):
        answer = Desk(listening.getsockname()[1])("/")
    assert answer.status == 500
    assert "approvals.high: unknown key" in answer.text


def test_a_taken_port_and_a_host_of_somebody_else_are_refused_with_a_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port}"):
            listen("127.0.0.1", port)
    with pytest.raises(PortTaken, match=r"192\.0\.2\.1"):
        listen("192.0.2.1", 0)


def test_a_desk_in_the_background_ends_with_its_block(made: tuple[Deployment, str]) -> None:
    for desk in running(made[0].bench):
        port = desk.port
        assert desk("/").status == 200
    listen("127.0.0.1", port).close()
