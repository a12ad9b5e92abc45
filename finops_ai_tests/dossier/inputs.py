"""What the tests of the pages are fed with: sources with their texts, and claims where sentences stand in them.

Belongs here: builders. Does not: expectations.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from finops_ai.dossier import Dossier
from finops_ai.evidence import Claim, Passage, Source, Span, Verdict

HOSTILE = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>' {{ 7*7 }} &lt;b&gt; \u202egnp.exe \u05e9\u05dc\u05d5\u05dd"
TEXTS = {
    "notes.md": "Notes\n\nThe rate was 58 percent in March. The cache was on.\n\nThe rate was 58 percent in March.\n",
    "https://b.example/a?x=1&y=2": "The rate was 62 percent in March. The cache was on all day.\n",
    "forum.md": "Somebody heard that the price doubles.\n",
}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def source_of(uri: str, text: str, **changes: Any) -> Source:
    values: dict[str, Any] = {
        "uri": uri,
        "grade": "primary",
        "host": "file",
        "media_type": "text/markdown",
        "title": f"Title of {uri}",
        "snapshot_sha256": sha256(f"snapshot of {text}"),
        "text_sha256": sha256(text),
        "size_bytes": len(text.encode()),
        "retrieved_at": "2026-01-02T03:04:05+00:00",
        "warnings": (),
    }
    return Source(**(values | changes))


def failed(uri: str, error: str) -> Source:
    return source_of(
        uri,
        "",
        grade="secondary",
        title="",
        media_type="",
        snapshot_sha256="",
        text_sha256="",
        size_bytes=0,
        error=error,
    )


def spans_of(sentence: str, source: Source, text: str) -> list[Span]:
    """Every place of a sentence in a text."""
    found, start = [], text.find(sentence)
    while start >= 0:
        end = start + len(sentence)
        found.append(Span(snapshot_sha256=source.snapshot_sha256, text_sha256=source.text_sha256, start=start, end=end))
        start = text.find(sentence, end)
    return found


def claim_of(sentence: str, verdict: Verdict, sources: Mapping[str, tuple[Source, str]], **changes: Any) -> Claim:
    """A claim at every place where its sentence stands."""
    places = [(uri, span) for uri, (source, text) in sources.items() for span in spans_of(sentence, source, text)]
    values: dict[str, Any] = {
        "id": f"c-{sha256(sentence)[:12]}",
        "text": sentence,
        "verdict": verdict,
        "reasons": ("primary source",),
        "evidence": tuple(span for _, span in places),
        "sources": tuple(uri for uri, _ in places),
        "grade": "primary",
    }
    return Claim(**(values | changes))


def passage_of(claim: Claim) -> Passage:
    return Passage(
        uri=claim.sources[0], span=claim.evidence[0], text=claim.text, context=f"Before it. {claim.text} After it."
    )


def dossier() -> Dossier:
    """One claim of each verdict, one that stands twice, and a source that failed."""
    read = {uri: (source_of(uri, text), text) for uri, text in TEXTS.items()}
    rate = claim_of("The rate was 58 percent in March.", "contradicted", read, values=("58 %", "--03"))
    other = claim_of("The rate was 62 percent in March.", "contradicted", read, values=("62 %", "--03"))
    on = claim_of("The cache was on.", "confirmed", read, names=("cache",))
    day = claim_of(
        "The cache was on all day.",
        "needs_review",
        read,
        reasons=("one independent host; a second or a primary source is missing",),
        passages=(passage_of(on),),
    )
    rumor = claim_of("Somebody heard that the price doubles.", "rumor", read, reasons=("attributed to nobody",))
    return Dossier(
        artifact="what-caching-costs-0123456789",
        topic="What caching costs",
        sources=(*(source for source, _ in read.values()), failed("https://gone.example/", "HTTP 404")),
        claims=(
            on,
            day,
            with_rival(rate, other),
            with_rival(other, rate),
            rumor,
        ),
        texts={source.text_sha256: text for source, text in read.values()},
    )


def with_rival(claim: Claim, rival: Claim) -> Claim:
    reason = f"{claim.values[0]!r} here, {rival.values[0]!r} in {rival.sources[0]}"
    return replace(claim, reasons=(reason,), rivals=(passage_of(rival),))
