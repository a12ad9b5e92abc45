"""The values of the package: rules, sources, spans, claims, and its one error.

Belongs here: what each value holds and in which unit. Does not: how any of them comes about.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Grade = Literal["primary", "secondary", "rumor"]
Verdict = Literal["confirmed", "needs_review", "rumor", "contradicted"]


class EvidenceError(Exception):
    """A source that cannot be used. The message is the reason, for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalRules:
    """What may be retrieved, and how much of it. Every limit is enforced while reading, not after."""

    base: Path  # folder of the brief: relative local uris resolve against it
    roots: tuple[Path, ...] = ()  # further folders that local files may lie below
    allow_private: tuple[str, ...] = ()  # addresses or networks that may be fetched although they are not public
    bytes_max: int = 20_000_000  # of the body after content-encoding is undone
    pages_max: int = 500  # of a PDF
    timeout_s: float = 20.0  # all network work of one source together: names, redirects, body
    redirects_max: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """The visible text of a source. Equal bytes give an equal extraction, for one EXTRACTOR_VERSION."""

    text: str  # NFC, "\n" only; blocks are separated by blank lines
    title: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source: retrieved, or failed with the reason in `error`."""

    uri: str
    grade: Grade
    host: str  # lower-case name of the host that served the bytes; "file" for every local file
    media_type: str  # text/html, application/pdf, text/markdown or text/plain; "" when failed
    title: str
    snapshot_sha256: str  # of the exact bytes; "" when none were retrieved
    text_sha256: str  # of the extracted text in UTF-8; "" when failed
    size_bytes: int  # of the snapshot
    retrieved_at: str  # ISO 8601, UTC
    warnings: tuple[str, ...]
    error: str = ""

    @property
    def ok(self) -> bool:
        """Retrieved and extracted."""
        return not self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A place in an extracted text: code points, end excluded."""

    snapshot_sha256: str
    text_sha256: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A whole sentence of one or more sources, with its verdict."""

    id: str  # "c-" and 12 hex digits of the text's SHA-256: equal sentences have equal ids, whatever their source
    text: str  # whitespace folded
    verdict: Verdict
    reasons: tuple[str, ...]  # why confirmed, or what is missing; at least one
    evidence: tuple[Span, ...]  # every place where exactly this sentence stands
    sources: tuple[str, ...]  # uris, one per span, in the same order
    grade: Grade  # the best among its sources
