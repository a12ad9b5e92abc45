"""Many sources at once: patterns, feeds, what did not change, and fifty ways to fail that stop nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from finops_ai.evidence import RetrievalRules, Source, Wanted
from finops_ai_tests.evidence.broken_server import BROKEN_PATHS, broken_pages
from finops_ai_tests.evidence.inputs import DictMemory, retriever, rules_for

LOCAL = ("127.0.0.1/32",)


def here(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def rules(base: Path, **changes: object) -> RetrievalRules:
    return rules_for(base, allow_private=LOCAL, robots=False, **changes)


def all_of(*uris: str, rules: RetrievalRules, memory: DictMemory | None = None) -> list[Source]:
    wanted = [Wanted(uri=uri, grade="primary") for uri in uris]
    return retriever(rules, memory or DictMemory(), resolve=here).all(wanted)


def test_a_pattern_is_every_file_that_it_names(tmp_path: Path) -> None:
    for name in ("b.md", "a.md", "sub/c.md", ".hidden.md", "d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"This is the whole text of {name}.")
    flat = all_of("*.md", rules=rules(tmp_path))
    deep = all_of("**/*.md", rules=rules(tmp_path))
    assert [Path(source.uri).name for source in flat] == ["a.md", "b.md"]
    assert [Path(source.uri).name for source in deep] == ["a.md", "b.md", "c.md"]
    assert {source.via for source in flat} == {"*.md"}
    assert all(source.ok for source in deep)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("*.docx", "no file matches"),
        ("../*.md", "outside"),
        ("/etc/*", "outside"),
        ("many-*.md", "more than the 5 allowed"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_one_failed_source(tmp_path: Path, pattern: str, reason: str) -> None:
    for number in range(6):
        (tmp_path / f"many-{number}.md").write_text("Some words that stand here.")
    (source,) = all_of(pattern, rules=rules(tmp_path, expand_max=5))
    assert reason in source.error


def test_a_link_inside_a_pattern_does_not_lead_out(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.md").write_text("A secret that stands outside.")
    (inside / "link.md").symlink_to(tmp_path / "secret.md")
    (source,) = all_of("*.md", rules=rules(inside))
    assert "outside" in source.error


def test_a_file_with_brackets_in_its_name_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "report [1].md").write_text("The report is one page long.")
    (source,) = all_of("report [1].md", rules=rules(tmp_path))
    assert source.ok


def test_an_address_named_twice_is_one_source(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("A text that is named twice here.")
    assert len(all_of("a.md", "a.md", rules=rules(tmp_path))) == 1


def feed(*links: str) -> bytes:
    items = "".join(f"<item><title>Entry {n}</title><link>{link}</link></item>" for n, link in enumerate(links))
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{items}</channel></rss>'.encode()


def test_a_feed_brings_its_entries_in_its_place(tmp_path: Path, httpserver: HTTPServer) -> None:
    links = [httpserver.url_for(f"/{n}") for n in range(3)]
    for n in (0, 2):
        httpserver.expect_request(f"/{n}").respond_with_data(
            f"The entry number {n} is here.", content_type="text/plain"
        )
    httpserver.expect_request("/feed").respond_with_data(feed(*links), content_type="application/rss+xml")
    (tmp_path / "z.md").write_text("The last source of this brief.")
    found = all_of(httpserver.url_for("/feed"), "z.md", rules=rules(tmp_path, attempts_max=1))
    assert [source.uri.rpartition("/")[2] for source in found] == ["feed", "0", "1", "2", "z.md"]
    assert [source.ok for source in found] == [True, True, False, True, True]
    assert {source.via for source in found[1:4]} == {httpserver.url_for("/feed")}


def test_a_feed_with_too_many_entries_says_how_many_were_left_out(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed").respond_with_data(
        feed(*(httpserver.url_for(f"/{n}") for n in range(9))), content_type="application/rss+xml"
    )
    found = all_of(httpserver.url_for("/feed"), rules=rules(tmp_path, expand_max=2, attempts_max=1))
    assert len(found) == 3
    assert "7 entries beyond the 2 allowed were not read" in found[0].warnings


def test_two_feeds_that_name_each_other_end(tmp_path: Path, httpserver: HTTPServer) -> None:
    one, two = httpserver.url_for("/one"), httpserver.url_for("/two")
    httpserver.expect_request("/one").respond_with_data(feed(two), content_type="application/rss+xml")
    httpserver.expect_request("/two").respond_with_data(feed(one), content_type="application/rss+xml")
    assert [source.uri for source in all_of(one, rules=rules(tmp_path))] == [one, two]


def test_an_unchanged_page_is_neither_fetched_nor_read_again(tmp_path: Path, httpserver: HTTPServer) -> None:
    asked: list[str | None] = []

    def page(request: Request) -> Response:
        asked.append(request.headers.get("If-None-Match"))
        if asked[-1] == '"v1"':
            return Response(status=304)
        return Response("A page with an entity tag is here.", headers={"ETag": '"v1"'}, content_type="text/plain")

    httpserver.expect_request("/page").respond_with_handler(page)
    memory = DictMemory()
    first, second = (all_of(httpserver.url_for("/page"), rules=rules(tmp_path), memory=memory)[0] for _ in range(2))
    assert asked == [None, '"v1"']
    assert (first.reused, second.reused) == ("", "fetch and extraction")
    assert second.text_sha256 == first.text_sha256


def test_a_snapshot_that_was_lost_is_fetched_again(tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/page").respond_with_data(
        "A page with an entity tag is here.", headers={"ETag": '"v1"'}, content_type="text/plain"
    )
    memory = DictMemory()
    all_of(httpserver.url_for("/page"), rules=rules(tmp_path), memory=memory)
    memory.store.clear()
    (again,) = all_of(httpserver.url_for("/page"), rules=rules(tmp_path), memory=memory)
    assert again.ok
    assert again.snapshot_sha256 in memory.store


def test_the_same_bytes_under_two_names_are_read_once(tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("The same words stand in both of them.")
    memory = DictMemory()
    found = [all_of(name, rules=rules(tmp_path), memory=memory)[0].reused for name in ("a.md", "b.md")]
    assert found == ["", "extraction"]


@pytest.fixture
def broken_server() -> Iterator[Callable[[str], str]]:
    with broken_pages() as address:
        yield address


def broken_uris(at: Callable[[str], str], folder: Path) -> list[str]:
    """Fifty: over the network, on disk, and addresses that are refused."""
    (folder / "folder.md").mkdir()
    (folder / "blank.md").write_text(" \n")
    (folder / "binary.txt").write_bytes(b"\xff\xfe\x00\xd8")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 and nothing more")
    (folder / "locked.docx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 8)
    return [
        *(at(path) for path in BROKEN_PATHS),
        "missing.md", "folder.md", "blank.md", "binary.txt", "broken.pdf", "locked.docx", "../outside.md",
        "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data", "http://user@127.0.0.1/", "ftp://example.org/a",
        "s3://bucket/key",
    ]  # fmt: skip


def test_two_hundred_sources_of_which_fifty_are_broken_give_a_complete_table(
    tmp_path: Path, broken_server: Callable[[str], str]
) -> None:
    broken = broken_uris(broken_server, tmp_path)
    good = [broken_server(f"good/{n}") for n in range(150)]
    mixed = [uri for pair in zip(good, broken, strict=False) for uri in pair] + good[len(broken) :]
    told: list[tuple[int, int]] = []
    wanted = [Wanted(uri=uri, grade="secondary") for uri in mixed]
    limits = rules(tmp_path, attempts_max=1, bytes_max=2_000_000)
    found = retriever(limits, DictMemory(), resolve=here).all(wanted, on_done=lambda done, of: told.append((done, of)))

    assert len(broken) == 50
    assert [source.uri for source in found] == mixed
    assert [source.uri for source in found if source.ok] == [uri for uri in mixed if "/good/" in uri]
    reasons = [source.error for source in found if not source.ok]
    assert all(reasons)
    assert len(set(reasons)) > 35
    assert not [reason for reason in reasons if "Traceback" in reason]
    assert told == [(n, 200) for n in range(1, 201)]
