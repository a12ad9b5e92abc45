"""All claims of a set of sources: every complete sentence once, with every place it stands and its verdict.

Belongs here: collecting and merging, identity, spans. Does not: which sentences qualify (`completeness`), what the
verdict is (`verdicts`), who contradicts whom (`contradiction`).
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from finops_ai.evidence.cleaning import fold
from finops_ai.evidence.completeness import complete_sentences
from finops_ai.evidence.contradiction import contradictions
from finops_ai.evidence.model import Claim, Source, Span
from finops_ai.evidence.verdicts import best_grade, verdict_of

Place = tuple[Source, Span]


def claims_of(sources: Sequence[tuple[Source, str]]) -> list[Claim]:
    """Claims of sources and their texts, in the order of sources, then offsets. A failed source has none."""
    places: dict[str, list[Place]] = {}
    for source, text in sources:
        if source.ok:
            for start, end in complete_sentences(text, is_pdf=source.media_type == "application/pdf"):
                places.setdefault(fold(text[start:end]), []).append((source, _span(source, start, end)))
    claims = [_claim(text, found) for text, found in places.items()]
    conflicts = contradictions(claims)
    return [
        replace(claim, verdict="contradicted", reasons=conflicts[claim.id]) if claim.id in conflicts else claim
        for claim in claims
    ]


def span_holds(text: str, span: Span, quote: str) -> bool:
    """Whether the quote is what stands at the span, token for token; line ends and runs of spaces do not count."""
    inside = 0 <= span.start < span.end <= len(text)
    return inside and fold(text[span.start : span.end]) == fold(quote)


def claim_id(text: str) -> str:
    """The same for the same sentence, wherever it stands."""
    return "c-" + hashlib.sha256(fold(unicodedata.normalize("NFC", text)).encode()).hexdigest()[:12]


def _claim(text: str, places: list[Place]) -> Claim:
    sources = [source for source, _ in places]
    verdict, reasons = verdict_of(text, sources)
    return Claim(
        id=claim_id(text),
        text=text,
        verdict=verdict,
        reasons=reasons,
        evidence=tuple(span for _, span in places),
        sources=tuple(source.uri for source in sources),
        grade=best_grade(sources),
    )


def _span(source: Source, start: int, end: int) -> Span:
    return Span(snapshot_sha256=source.snapshot_sha256, text_sha256=source.text_sha256, start=start, end=end)
