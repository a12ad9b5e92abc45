"""From a uri to a source: bytes kept as a snapshot, text extracted and kept beside it.

Belongs here: the order of the steps, and that a bad source is a value, not an exception. Does not: the steps
themselves (`fetching`, `files`, `media`, `extraction`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from finops_ai.evidence.addresses import Resolver, system_resolver
from finops_ai.evidence.extraction import extract
from finops_ai.evidence.fetching import fetch, host_of
from finops_ai.evidence.files import read_file
from finops_ai.evidence.media import media_type_of
from finops_ai.evidence.model import EvidenceError, Grade, RetrievalRules, Source

LOCAL_HOST_NAME = "file"  # two local files are one voice: nobody can tell who put them there


@dataclass(frozen=True, slots=True, kw_only=True)
class _Retrieved:
    content: bytes
    name: str  # of the file, or path of the URL
    content_type: str | None
    host: str
    warnings: tuple[str, ...] = ()


def utc_now() -> datetime:
    """The clock of a retrieval."""
    return datetime.now(UTC)


def retrieve(
    uri: str,
    grade: Grade,
    *,
    rules: RetrievalRules,
    keep: Callable[[bytes], str],
    resolve: Resolver = system_resolver,
    now: Callable[[], datetime] = utc_now,
) -> Source:
    """The source with its text, or with the reason in `error`. Only what `keep` raises comes through.

    `keep` stores bytes under their content and returns their SHA-256: first the snapshot, then the text in UTF-8.
    """
    retrieved_at = now().astimezone(UTC).isoformat(timespec="seconds")
    try:
        got = _get(uri, rules=rules, resolve=resolve)
    except EvidenceError as problem:
        host = host_of(uri) if _is_url(uri) else LOCAL_HOST_NAME
        return _failed(uri, grade, host=host, retrieved_at=retrieved_at, error=str(problem))
    snapshot_sha256 = keep(got.content)
    try:
        media_type = media_type_of(got.name, got.content_type, got.content[:4096])
        extraction = extract(got.content, media_type, pages_max=rules.pages_max)
    except EvidenceError as problem:
        failed = _failed(uri, grade, host=got.host, retrieved_at=retrieved_at, error=str(problem))
        return replace(failed, snapshot_sha256=snapshot_sha256, size_bytes=len(got.content), warnings=got.warnings)
    return Source(
        uri=uri,
        grade=grade,
        host=got.host,
        media_type=media_type,
        title=extraction.title or got.name.rpartition("/")[2],
        snapshot_sha256=snapshot_sha256,
        text_sha256=keep(extraction.text.encode()),
        size_bytes=len(got.content),
        retrieved_at=retrieved_at,
        warnings=got.warnings + extraction.warnings,
    )


def _get(uri: str, *, rules: RetrievalRules, resolve: Resolver) -> _Retrieved:
    if not _is_url(uri):
        content, name = read_file(uri, rules=rules)
        return _Retrieved(content=content, name=name, content_type=None, host=LOCAL_HOST_NAME)
    page = fetch(uri, rules=rules, resolve=resolve)
    moved = (f"redirected to {page.url}",) if page.redirected else ()
    return _Retrieved(
        content=page.content, name=page.path, content_type=page.content_type, host=page.host, warnings=moved
    )


def _is_url(uri: str) -> bool:
    return uri.lower().startswith(("http:", "https:"))


def _failed(uri: str, grade: Grade, *, host: str, retrieved_at: str, error: str) -> Source:
    return Source(
        uri=uri,
        grade=grade,
        host=host,
        media_type="",
        title="",
        snapshot_sha256="",
        text_sha256="",
        size_bytes=0,
        retrieved_at=retrieved_at,
        warnings=(),
        error=error,
    )
