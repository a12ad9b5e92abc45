"""The values of the package: rules, sources, spans, claims, and its one error.

Belongs here: what each value holds and in which unit. Does not: how any of them comes about.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Grade = Literal["primary", "secondary", "rumor"]
Verdict = Literal["confirmed", "needs_review", "rumor", "contradicted"]
ADDRESSES_A_MODEL = "addresses a model"  # how the warning about such text begins


class EvidenceError(Exception):
    """A source that cannot be used. The message is the reason, for a person."""


class Unreachable(EvidenceError):
    """The same address may answer in a while: a refused or broken connection, 408, 425, 429, 500, 502, 503, 504."""

    def __init__(self, message: str, *, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s  # the server's own Retry-After


def _with_tuples(record: Mapping[str, Any]) -> dict[str, Any]:
    """JSON knows no tuples; the values here hold nothing else."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalRules:
    """What may be retrieved, and how much of it. Every limit is enforced while reading, not after."""

    base: Path  # folder of the brief: relative local uris resolve against it
    roots: tuple[Path, ...] = ()  # further folders that local files may lie below
    stores: tuple[str, ...] = ()  # prefixes such as s3://bucket/folder/ that may be read with this process's rights
    allow_private: tuple[str, ...] = ()  # addresses or networks that may be fetched although they are not public
    bytes_max: int = 20_000_000  # of the body after content-encoding is undone
    pages_max: int = 500  # of a PDF
    extract_s: float = 120.0  # reading the text of one source
    timeout_s: float = 20.0  # all network work of one source together: names, redirects, waits, tries, body
    redirects_max: int = 3
    attempts_max: int = 3  # tries of one address; only what may pass by itself is tried again
    host_delay_s: float = 0.5  # between two requests to one public host; a robots.txt may ask for more
    robots: bool = True  # obey robots.txt
    expand_max: int = 100  # sources that one glob or one feed may become


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """The visible text of a source. Equal bytes give an equal extraction, for one EXTRACTOR_VERSION."""

    text: str  # NFC, "\n" only; blocks are separated by blank lines
    title: str
    warnings: tuple[str, ...]
    author: str = ""
    published: str = ""  # the date that the source gives of itself, ISO 8601, a day or a time
    canonical_url: str = ""  # where the source says that its original stands; http(s) only
    page_starts: tuple[int, ...] = ()  # of a PDF: the offset in `text` at which each page begins
    links: tuple[str, ...] = ()  # of a feed: the http(s) addresses of its entries, in its order
    unseen: str = ""  # dropped by the reader; looked at, never stored

    def as_record(self) -> dict[str, Any]:
        """The stored form: plain JSON values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Extraction":
        """The value of a stored form."""
        return cls(**_with_tuples(record))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source: retrieved, or failed with the reason in `error`."""

    uri: str
    grade: Grade
    host: str  # lower-case name of the host that served the bytes; "file" for every local file
    media_type: str  # one of `extraction.READABLE`, perhaps with "; charset=…"; "" when failed
    title: str
    snapshot_sha256: str  # of the exact bytes; "" when none were retrieved
    text_sha256: str  # of the extracted text in UTF-8; "" when failed
    size_bytes: int  # of the snapshot
    retrieved_at: str  # ISO 8601, UTC
    warnings: tuple[str, ...]
    error: str = ""
    author: str = ""
    published: str = ""  # as in Extraction
    canonical_url: str = ""
    page_starts: tuple[int, ...] = ()
    via: str = ""  # the glob or feed of the brief that named it; "" when the brief itself did
    reused: str = ""  # what an unchanged source was spared: "fetch and extraction", "extraction" or ""

    @property
    def addresses_a_model(self) -> bool:
        """Text in it talks to a model: its risk is raised, and a person has to look."""
        return any(warning.startswith(ADDRESSES_A_MODEL) for warning in self.warnings)

    @property
    def ok(self) -> bool:
        """Retrieved and extracted."""
        return not self.error

    def page_of(self, offset: int) -> int:
        """The page of a PDF, from 1, on which this offset of the text stands; 0 where there are no pages."""
        return bisect_right(self.page_starts, offset)

    def as_record(self) -> dict[str, Any]:
        """The stored form: plain JSON values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Source":
        """The value of a stored form."""
        return cls(**_with_tuples(record))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A place in an extracted text: code points, end excluded."""

    snapshot_sha256: str
    text_sha256: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A sentence of another place that speaks of the same."""

    uri: str
    span: Span
    text: str  # whitespace folded
    context: str  # it between its neighbours, as far as these may be heard: no rumor, nothing that addresses a model

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Passage":
        """The value of a stored form."""
        return cls(**{**record, "span": Span(**record["span"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A whole sentence of one or more sources, with its verdict."""

    id: str  # "c-" and 12 hex digits of the text's SHA-256: equal sentences have equal ids, whatever their source
    text: str  # whitespace folded
    verdict: Verdict
    reasons: tuple[str, ...]  # why confirmed, or what is missing; at least one
    evidence: tuple[Span, ...]  # every place where this sentence stands; the first one is where `text` was read
    sources: tuple[str, ...]  # uris, one per span, in the same order
    grade: Grade  # the best among its sources
    voices: int = 1  # independent hosts that say it in these words; copies and rumor sources do not count
    values: tuple[str, ...] = ()  # its numbers and dates, normalised: "58 %", "5000000 USD", "2021-03"
    names: tuple[str, ...] = ()  # folded
    passages: tuple[Passage, ...] = ()  # of a claim that needs review: at most three, of other voices, nearest first
    rivals: tuple[Passage, ...] = ()  # of a contradicted claim: what stands against it
    raised_by: str = ""  # the model that found it supported where nothing deterministic objected; "" when none did

    def as_record(self) -> dict[str, Any]:
        """The stored form: plain JSON values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Claim":
        """The value of a stored form, also of one that an earlier version wrote."""
        return cls(
            **{
                **_with_tuples(record),
                "evidence": tuple(Span(**span) for span in record["evidence"]),
                "passages": tuple(Passage.from_record(passage) for passage in record.get("passages", ())),
                "rivals": tuple(Passage.from_record(rival) for rival in record.get("rivals", ())),
            }
        )
