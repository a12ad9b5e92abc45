"""From the addresses of a brief to sources: bytes kept as snapshots, texts extracted and kept beside them.

Belongs here: the order of the steps; that a bad source is a value, not an exception; what an unchanged source is spared.
Does not: the steps themselves (`expansion`, `fetching`, `files`, `stores`, `media`, `extraction`), where records of earlier
retrievals are kept (`Memory`).
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from finops_ai.evidence.alone import extract_bounded
from finops_ai.evidence.expansion import expand
from finops_ai.evidence.fetching import Fetcher, Validators, host_of
from finops_ai.evidence.files import read_file
from finops_ai.evidence.media import FEED, media_type_of
from finops_ai.evidence.model import EvidenceError, Extraction, Grade, RetrievalRules, Source
from finops_ai.evidence.stores import is_store, read_object

LOCAL_HOST_NAME = "file"  # two local files are one voice: nobody can tell who put them there
WORKERS = 8  # sources under way at once: they wait for networks, not for this machine
HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """What came from an address, but for the bytes themselves."""

    url: str  # the address that answered, after redirects
    host: str
    name: str  # of the file, or path of the URL
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    redirected: bool = False
    snapshot_sha256: str

    @property
    def validators(self) -> Validators:
        """What the server gave to ask again with."""
        return Validators(url=self.url, etag=self.etag, last_modified=self.last_modified)


class Memory(Protocol):
    """Where bytes, retrievals and extractions are kept. Called from several threads at once."""

    def keep(self, content: bytes) -> str:
        """Store bytes under their SHA-256, which is returned."""

    def holds(self, sha256: str) -> bool:
        """Whether these bytes are still there."""

    def content(self, sha256: str) -> bytes:
        """Stored bytes."""

    def last_retrieval(self, uri: str) -> Retrieval | None:
        """The newest one of this address."""

    def keep_retrieval(self, uri: str, retrieval: Retrieval) -> None:
        """Record one."""

    def extraction(self, snapshot_sha256: str, media_type: str) -> Extraction | None:
        """What the present extractor found in these bytes before."""

    def keep_extraction(self, snapshot_sha256: str, media_type: str, extraction: Extraction) -> None:
        """Record one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One address to retrieve."""

    uri: str
    grade: Grade
    via: str = ""  # the pattern or feed that named it


@dataclass(frozen=True, slots=True, kw_only=True)
class Retriever:
    """Retrieves sources of one brief. A source that fails is one with an `error`; it never stops the others."""

    rules: RetrievalRules
    memory: Memory
    fetcher: Fetcher
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def all(
        self, wanted: Sequence[Wanted], *, on_done: Callable[[int, int], None] = lambda _done, _of: None
    ) -> list[Source]:
        """In the order of the brief; what a pattern or a feed names follows in its place.

        `on_done(done, of)` is told after each; `of` grows when a feed names more. Only what `memory` raises comes through.
        """
        first = _each_once(each for one in wanted for each in self._expanded(one))
        done = self._together(first, lambda count: on_done(count, len(first)))
        entries = _each_once((e for _, found in done for e in found), known={one.uri for one in first})
        more = self._together(entries, lambda count: on_done(len(first) + count, len(first) + len(entries)))
        by_feed: dict[str, list[Source]] = {}
        for source, _ in more:
            by_feed.setdefault(source.via, []).append(source)
        return [each for source, _ in done for each in (source, *by_feed.get(source.uri, []))]

    def _expanded(self, wanted: Wanted) -> list[Wanted | Source]:
        try:
            uris = expand(wanted.uri, rules=self.rules)
        except EvidenceError as problem:
            return [self._failed(wanted, str(problem))]
        return [replace(wanted, uri=uri, via=wanted.uri if uri != wanted.uri else "") for uri in uris]

    def _together(
        self, wanted: Sequence[Wanted | Source], on_done: Callable[[int], None]
    ) -> list[tuple[Source, list[Wanted]]]:
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="finops_ai-source") as pool:
            results = []
            for count, result in enumerate(pool.map(self._one, wanted), start=1):
                results.append(result)
                on_done(count)
        return results

    def _one(self, wanted: Wanted | Source) -> tuple[Source, list[Wanted]]:
        """The source, and what it names if it is a feed."""
        if isinstance(wanted, Source):
            return wanted, []
        try:
            got, fetched = self._get(wanted.uri)
        except EvidenceError as problem:
            return self._failed(wanted, str(problem)), []
        moved = (f"redirected to {got.url}",) if got.redirected else ()
        try:
            source, extraction = self._read(wanted, got, fetched=fetched)
        except EvidenceError as problem:
            size = len(self.memory.content(got.snapshot_sha256))
            failed = self._failed(wanted, str(problem), host=got.host)
            return replace(failed, snapshot_sha256=got.snapshot_sha256, size_bytes=size, warnings=moved), []
        source = replace(source, warnings=moved + source.warnings)
        return self._with_entries(source, extraction)

    def _get(self, uri: str) -> tuple[Retrieval, bool]:
        """What stands at the address, and whether its bytes had to be fetched."""
        if not _is_url(uri):
            content, name = (read_object if is_store(uri) else read_file)(uri, rules=self.rules)
            host = uri.partition("://")[2].partition("/")[0] if is_store(uri) else LOCAL_HOST_NAME
            return Retrieval(url=uri, host=host, name=name, snapshot_sha256=self.memory.keep(content)), True
        before = self.memory.last_retrieval(uri)
        if before is not None and not self.memory.holds(before.snapshot_sha256):
            before = None  # an object store that lost the bytes must get them again
        page = self.fetcher.fetch(uri, validators=before.validators if before else None)
        if page.content is None and before is not None:
            return before, False
        got = Retrieval(
            url=page.url,
            host=page.host,
            name=page.path,
            content_type=page.content_type,
            etag=page.etag,
            last_modified=page.last_modified,
            redirected=page.redirected,
            snapshot_sha256=self.memory.keep(page.content or b""),
        )
        self.memory.keep_retrieval(uri, got)
        return got, True

    def _read(self, wanted: Wanted, got: Retrieval, *, fetched: bool) -> tuple[Source, Extraction]:
        content = self.memory.content(got.snapshot_sha256)
        media_type = media_type_of(got.name, got.content_type or None, content[:HEAD_BYTES])
        known = self.memory.extraction(got.snapshot_sha256, media_type)
        found = known or extract_bounded(content, media_type, rules=self.rules)
        if known is None:
            self.memory.keep_extraction(got.snapshot_sha256, media_type, found)
        source = Source(
            uri=wanted.uri,
            grade=wanted.grade,
            via=wanted.via,
            host=got.host,
            media_type=media_type,
            title=found.title or got.name.rpartition("/")[2],
            author=found.author,
            published=found.published,
            canonical_url=found.canonical_url,
            page_starts=found.page_starts,
            snapshot_sha256=got.snapshot_sha256,
            text_sha256=self.memory.keep(found.text.encode()),
            size_bytes=len(content),
            retrieved_at=self._now(),
            warnings=found.warnings,
            reused=("" if known is None else "extraction") if fetched else "fetch and extraction" if known else "fetch",
        )
        return source, found

    def _with_entries(self, source: Source, extraction: Extraction) -> tuple[Source, list[Wanted]]:
        """What a feed names is read, too; feeds among that are not followed further: two could name each other."""
        if source.media_type.partition(";")[0] != FEED:
            return source, []
        links = extraction.links[: self.rules.expand_max]
        left_out = len(extraction.links) - len(links)
        note = (f"{left_out} entries beyond the {len(links)} allowed were not read",) if left_out else ()
        entries = [Wanted(uri=link, grade=source.grade, via=source.uri) for link in links]
        return replace(source, warnings=source.warnings + note), entries

    def _failed(self, wanted: Wanted, error: str, *, host: str = "") -> Source:
        return Source(
            uri=wanted.uri,
            grade=wanted.grade,
            via=wanted.via,
            host=host or (host_of(wanted.uri) if _is_url(wanted.uri) else LOCAL_HOST_NAME),
            media_type="",
            title="",
            snapshot_sha256="",
            text_sha256="",
            size_bytes=0,
            retrieved_at=self._now(),
            warnings=(),
            error=error,
        )

    def _now(self) -> str:
        return self.now().astimezone(UTC).isoformat(timespec="seconds")


def _is_url(uri: str) -> bool:
    return uri.lower().startswith(("http:", "https:"))


def _each_once(
    wanted: "Iterable[Wanted | Source]", known: frozenset[str] | set[str] = frozenset()
) -> list[Wanted | Source]:
    """The first of each address: named twice, it is still one source."""
    first: dict[str, Wanted | Source] = {}
    for one in wanted:
        if one.uri not in known:
            first.setdefault(one.uri, one)
    return list(first.values())
