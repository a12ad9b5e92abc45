"""Local sources: only regular files below the brief's folder or a root, however the path is written."""

import os
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from finops_ai.evidence import Wanted
from finops_ai_tests.evidence.inputs import DictMemory, Store, pdf, retrieved, retriever, rules_for

SENTENCE = "The plant in Ulm opened in March 2021."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The brief's folder, with a secret beside it."""
    (tmp_path / "secret.txt").write_text("The secret is kept outside of the folder.")
    base = tmp_path / "brief"
    base.mkdir()
    (base / "a.md").write_text(SENTENCE)
    return base


@pytest.mark.parametrize(
    "write",
    [
        "a.md",
        "./a.md",
        "x/../a.md",
        "{base}/a.md",
        "file://{base}/a.md",
        "file://localhost{base}/a.md",
        "FILE://{base}/%61.md",
    ],
)
def test_every_way_to_write_a_path_below_the_folder_works(write: str, folder: Path) -> None:
    (folder / "x").mkdir()
    store: Store = {}
    source = retrieved(write.format(base=folder), store, rules=rules_for(folder))
    assert (source.error, source.host, source.media_type, source.title) == ("", "file", "text/markdown", "a.md")
    assert store[source.text_sha256].decode() == SENTENCE


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("missing.md", "No such file"),
        ("../secret.txt", "outside"),
        ("/etc/hostname", "outside"),
        ("file:///etc/hostname", "outside"),
        ("file:///{base}/%2e%2e/secret.txt", "outside"),
        ("link.txt", "outside"),
        ("linked/secret.txt", "outside"),
        ("circle", "cannot be read"),
        (".", "Is a directory"),
        ("sub", "Is a directory"),
        ("pipe", "not a regular file"),
        ("a.md/b", "Not a directory"),
        ("", "is no path"),
        ("a\0.md", "is no path"),
        ("file:///a%00.md", "names no local file"),
        ("file://server/share/a.md", "names no local file"),
        ("file:a.md", "names no local file"),
        ("file:///a.md?x=1", "names no local file"),
        ("simplecache::a.md", "chains file systems"),
        ("zip://a.md::b.zip", "chains file systems"),
        ("memory://a.md", "'memory:' is refused"),
        ("ssh://host/a.md", "'ssh:' is refused"),
        ("x" * 5000, "cannot be read"),
        ("empty.md", "empty"),
        ("blank.md", "empty"),
        ("big.txt", "larger than 1,000 bytes"),
        ("table.xlsx", "*.xlsx cannot be a source"),
        ("binary", "unknown binary content"),
        ("fake.pdf", "does not begin with %PDF-"),
        ("latin.txt", "not utf-8"),
    ],
)
def test_a_path_that_is_no_source_is_an_error_with_its_reason(uri: str, reason: str, folder: Path) -> None:
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "linked").symlink_to(folder.parent)
    (folder / "circle").symlink_to(folder / "circle")
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "empty.md").touch()
    (folder / "blank.md").write_text(" \n\n")
    (folder / "big.txt").write_text("x" * 1001)
    (folder / "table.xlsx").write_text("a,b")
    (folder / "binary").write_bytes(b"a\0b")
    (folder / "fake.pdf").write_text("hello")
    (folder / "latin.txt").write_bytes("Über die Anlage.".encode("latin-1"))
    source = retrieved(uri.format(base=folder), {}, rules=rules_for(folder, bytes_max=1000))
    assert reason in source.error
    assert (source.media_type, source.text_sha256, source.host) == ("", "", "file")


def test_a_root_of_the_policy_opens_its_folder(folder: Path) -> None:
    uri = str(folder.parent / "secret.txt")
    assert retrieved(uri, {}, rules=rules_for(folder, roots=(folder.parent,))).ok


def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    (folder / "alias.md").symlink_to(folder / "a.md")
    assert retrieved("alias.md", {}, rules=rules_for(folder)).ok


def test_a_failed_extraction_still_keeps_the_bytes(folder: Path) -> None:
    """Why a source failed can be looked into later only with what it was."""
    (folder / "broken.pdf").write_bytes(pdf("Hello")[:200])
    store: Store = {}
    source = retrieved("broken.pdf", store, rules=rules_for(folder))
    assert "PDF" in source.error
    assert store[source.snapshot_sha256] == (folder / "broken.pdf").read_bytes()


def test_the_clock_is_written_in_utc(folder: Path) -> None:
    noon = datetime(2026, 5, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    at_noon = replace(retriever(rules_for(folder), DictMemory()), now=lambda: noon)
    (source,) = at_noon.all([Wanted(uri="a.md", grade="primary")])
    assert source.retrieved_at == "2026-05-01T12:00:00+00:00"


def test_an_error_of_the_store_is_not_blamed_on_the_source(folder: Path) -> None:
    class Full(DictMemory):
        def keep(self, content: bytes) -> str:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        retriever(rules_for(folder), Full()).all([Wanted(uri="a.md", grade="primary")])
