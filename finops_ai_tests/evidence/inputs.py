"""What the tests of this package are fed with: stored bytes, sources, small PDFs.

Belongs here: builders that more than one test file needs. Does not: expectations.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from finops_ai.evidence import (
    Extraction,
    Fetcher,
    Grade,
    Memory,
    Resolver,
    Retrieval,
    RetrievalRules,
    Retriever,
    Source,
    Wanted,
)

Store = dict[str, bytes]


@dataclass
class DictMemory:
    """A `Memory` in this process: what was kept can be looked at, and put there beforehand."""

    store: Store = field(default_factory=dict)
    retrievals: dict[str, Retrieval] = field(default_factory=dict)
    extractions: dict[tuple[str, str], Extraction] = field(default_factory=dict)

    def keep(self, content: bytes) -> str:
        return put(self.store, content)

    def holds(self, sha256: str) -> bool:
        return sha256 in self.store

    def content(self, sha256: str) -> bytes:
        return self.store[sha256]

    def last_retrieval(self, uri: str) -> Retrieval | None:
        return self.retrievals.get(uri)

    def keep_retrieval(self, uri: str, retrieval: Retrieval) -> None:
        self.retrievals[uri] = retrieval

    def extraction(self, snapshot_sha256: str, media_type: str) -> Extraction | None:
        return self.extractions.get((snapshot_sha256, media_type))

    def keep_extraction(self, snapshot_sha256: str, media_type: str, extraction: Extraction) -> None:
        self.extractions[snapshot_sha256, media_type] = extraction


def retrieved(
    uri: str, store: Store, *, rules: RetrievalRules, grade: Grade = "primary", resolve: Resolver | None = None
) -> Source:
    """A source retrieved with its bytes in `store`; without a resolver every name is unknown."""
    (found,) = retriever(rules, DictMemory(store), resolve=resolve).all([Wanted(uri=uri, grade=grade)])
    return found


def retriever(rules: RetrievalRules, memory: Memory, *, resolve: Resolver | None = None) -> Retriever:
    """One that knows no name of the real network."""
    return Retriever(rules=rules, memory=memory, fetcher=Fetcher(rules, resolve=resolve or nobody))


def put(store: Store, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    store[digest] = content
    return digest


def nobody(host: str, port: int) -> list[str]:
    raise OSError(f"no test knows {host}:{port}")


def source(uri: str, grade: Grade = "primary", *, host: str = "file", media_type: str = "text/markdown") -> Source:
    """A retrieved source, as far as claims look at it."""
    return Source(
        uri=uri,
        grade=grade,
        host=host,
        media_type=media_type,
        title="",
        snapshot_sha256="5" * 64,
        text_sha256="7" * 64,
        size_bytes=1,
        retrieved_at="2026-01-01T00:00:00+00:00",
        warnings=(),
    )


def pdf(*lines: str) -> bytes:
    """One page with these lines of text."""
    shown = " T* ".join(f"({line.replace('(', chr(92) + '(').replace(')', chr(92) + ')')}) Tj" for line in lines)
    stream = f"BT /F1 11 Tf 14 TL 50 750 Td {shown} ET".encode("latin-1")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    return (
        out
        + head
        + table
        + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(out))
    )


def rules_for(base: Path, **changes: object) -> RetrievalRules:
    """The default rules with a short time limit: no test waits for a network."""
    return RetrievalRules(**{"base": base, "timeout_s": 5.0, **changes})  # type: ignore[arg-type]  # a test's own changes
