"""All claims of a set of sources: every complete sentence once, with every place it stands and its verdict.

Belongs here: collecting and merging, identity, spans. Does not: which sentences qualify (`completeness`), what the
verdict is (`verdicts`), who contradicts whom (`contradiction`), which other places speak of it (`support`).
"""

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from finops_ai.evidence.cleaning import fold
from finops_ai.evidence.completeness import complete_sentences
from finops_ai.evidence.contradiction import Quarrel, quarrels
from finops_ai.evidence.copies import voices
from finops_ai.evidence.injection import addressing_paragraphs
from finops_ai.evidence.model import ADDRESSES_A_MODEL, Claim, Passage, Source, Span
from finops_ai.evidence.support import PASSAGES_SHOWN, SentenceIndex
from finops_ai.evidence.values import values_in
from finops_ai.evidence.verdicts import best_grade, verdict_of
from finops_ai.evidence.words import names_in

RIVALS_SHOWN_MAX = 5
CONTEXT_CLAIMS = 2  # on each side: what a pronoun stands for is mostly that near
PASSAGE_OVERLAP_MIN = 0.4  # of the claim's words by rarity: less speaks of something else
_TOKEN = re.compile(r"[-+−]?\d[\d.,\u00a0\u202f]*|\w+|[%$€£¥°<>=≥≤]")


@dataclass(frozen=True, slots=True)
class _Place:
    """One sentence where it stands."""

    source: Source
    span: Span
    text: str  # whitespace folded
    tainted: bool  # its paragraph addresses a model


def claims_of(sources: Sequence[tuple[Source, str]]) -> list[Claim]:
    """Claims of sources and their texts, in the order of sources, then offsets. A failed source has none."""
    read = [(source, text) for source, text in sources if source.ok]
    places: defaultdict[str, list[_Place]] = defaultdict(list)
    keys: dict[str, frozenset[str]] = {}
    for source, text in read:
        found = [(same_words(place.text), place) for place in _places(source, text)]
        keys[source.uri] = frozenset(key for key, _ in found)
        for key, place in found:
            places[key].append(place)
    by_uri = voices([source for source, _ in read], keys)
    claims = [_claim(found, by_uri) for found in places.values()]
    return _with_passages(_with_rivals(claims), by_uri)


def span_holds(text: str, span: Span, quote: str) -> bool:
    """Whether the quote is what stands at the span, token for token; line ends and runs of spaces do not count."""
    inside = 0 <= span.start < span.end <= len(text)
    return inside and fold(text[span.start : span.end]) == fold(quote)


def claim_id(text: str) -> str:
    """The same for the same sentence, wherever it stands."""
    return "c-" + hashlib.sha256(fold(unicodedata.normalize("NFC", text)).encode()).hexdigest()[:12]


def same_words(sentence: str) -> str:
    """Equal for sentences that differ in typography alone: case, quotation marks, dashes, thousands separators."""
    tokens = _TOKEN.findall(unicodedata.normalize("NFKC", sentence).casefold())
    return " ".join(_plain_number(token) if token[-1].isdigit() or token[0].isdigit() else token for token in tokens)


def _plain_number(token: str) -> str:
    return re.sub(r"[,\s](?=\d{3}(?:\D|$))", "", token.replace("−", "-")).rstrip(".,")


def _places(source: Source, text: str) -> list[_Place]:
    tainted = addressing_paragraphs(text) if source.addresses_a_model else []
    return [
        _Place(
            source,
            Span(snapshot_sha256=source.snapshot_sha256, text_sha256=source.text_sha256, start=start, end=end),
            fold(text[start:end]),
            any(first < end and start < last for first, last in tainted),
        )
        for start, end in complete_sentences(text, is_pdf=source.media_type == "application/pdf")
    ]


def _claim(places: Sequence[_Place], by_uri: Mapping[str, str]) -> Claim:
    first, sources = places[0], [place.source for place in places]
    tainted = all(place.tainted for place in places)
    verdict, reasons = verdict_of(first.text, sources, voices=by_uri, tainted=tainted)
    return Claim(
        id=claim_id(first.text),
        text=first.text,
        verdict=verdict,
        reasons=reasons,
        evidence=tuple(place.span for place in places),
        sources=tuple(source.uri for source in sources),
        grade=best_grade(sources),
        voices=len({by_uri[source.uri] for source in sources if source.grade != "rumor"}),
        values=tuple(str(value) for value in values_in(first.text)),
        names=tuple(names_in(first.text)),
    )


def _with_rivals(claims: Sequence[Claim]) -> list[Claim]:
    """Rumors are no party: one could otherwise take down any fact. Nor is text that addresses a model."""
    parties = [claim for claim in claims if _may_be_heard(claim)]
    found = quarrels([claim.text for claim in parties], [frozenset(claim.sources) for claim in parties])
    contexts = _contexts(parties)
    contradicted = {
        parties[position].id: _contradicted(parties[position], against, parties, contexts)
        for position, against in found.items()
    }
    return [contradicted.get(claim.id, claim) for claim in claims]


def _contradicted(
    claim: Claim, against: Sequence[Quarrel], parties: Sequence[Claim], contexts: Mapping[str, str]
) -> Claim:
    reasons = []
    for quarrel in against:
        where = ", ".join(dict.fromkeys(parties[quarrel.other].sources))
        reasons.append(f"{quarrel.here!r} here, {quarrel.there!r} in {where}")
    rivals = dict.fromkeys(quarrel.other for quarrel in against)
    return replace(
        claim,
        verdict="contradicted",
        reasons=tuple(dict.fromkeys(reasons)),
        rivals=tuple(_passage(parties[n], contexts) for n in list(rivals)[:RIVALS_SHOWN_MAX]),
    )


def _with_passages(claims: Sequence[Claim], by_uri: Mapping[str, str]) -> list[Claim]:
    """Beside what a person must look at: the places of *other* voices that speak of the same."""
    speakers = [claim for claim in claims if _may_be_heard(claim) and claim.verdict != "contradicted"]
    if len({by_uri[claim.sources[0]] for claim in speakers}) < 2:
        return list(claims)
    index = SentenceIndex([claim.text for claim in speakers], [claim.sources[0] for claim in speakers])
    contexts = _contexts(speakers)

    def passages(claim: Claim) -> tuple[Passage, ...]:
        own = {by_uri[uri] for uri in claim.sources}
        near = index.best(claim.text, count=4 * PASSAGES_SHOWN)
        others = [n for n in near if own.isdisjoint(by_uri[uri] for uri in speakers[n].sources)]
        telling = [n for n in others if index.overlap(claim.text, n) >= PASSAGE_OVERLAP_MIN]
        return tuple(_passage(speakers[n], contexts) for n in telling[:PASSAGES_SHOWN])

    return [replace(claim, passages=passages(claim)) if claim.verdict == "needs_review" else claim for claim in claims]


def _may_be_heard(claim: Claim) -> bool:
    return claim.verdict != "rumor" and not any(ADDRESSES_A_MODEL in reason for reason in claim.reasons)


def _contexts(claims: Sequence[Claim]) -> dict[str, str]:
    """By claim id, the claim between its neighbours in the source where it was read first."""
    by_source: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        by_source[claim.sources[0]].append(claim)
    return {
        claim.id: " ".join(beside.text for beside in together[max(at - CONTEXT_CLAIMS, 0) : at + CONTEXT_CLAIMS + 1])
        for together in by_source.values()
        for at, claim in enumerate(together)
    }


def _passage(claim: Claim, contexts: Mapping[str, str]) -> Passage:
    return Passage(uri=claim.sources[0], span=claim.evidence[0], text=claim.text, context=contexts[claim.id])
