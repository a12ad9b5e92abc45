"""Where claims stand: the marks in a source's text, and the links that lead to them.

Belongs here: which span is marked under which anchor, and its address. Does not: the marked text (`marking`).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from finops_ai.dossier.model import Dossier, title_of
from finops_ai.evidence import Claim, Source, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A claim's span in one source's text."""

    start: int
    end: int
    anchor: str  # unique within its page: the claim's id, and "-2", "-3" where it stands there again
    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A span that a link leads to."""

    href: str  # of the mark; of the page alone where the span has no mark; relative
    source: int  # its number
    title: str  # of the source
    where: str  # "p. 3, characters 120–240"


def source_name(number: int) -> str:
    """The name of a source's page."""
    return f"source-{number}.html"


def claim_link(source_number: int, claim_id: str) -> str:
    """The first place of a claim in a source, relative to the other pages."""
    return f"{source_name(source_number)}#{claim_id}"


def places_of(dossier: Dossier) -> Mapping[tuple[str, Span], Place]:
    """The place of each uri and span. A span of a text that is no longer its source's has none: never a wrong place."""
    standing = _standing(dossier)
    places: dict[tuple[str, Span], Place] = {}
    for number, source in enumerate(dossier.sources, start=1):
        here = standing[source.uri, source.text_sha256]
        anchors = {(mark.start, mark.end): mark.anchor for mark in _marks(here)}
        for span, _ in here:
            anchor = anchors.get((span.start, span.end))
            place = Place(
                href=claim_link(number, anchor) if anchor else source_name(number),
                source=number,
                title=title_of(source),
                where=_where(source, span),
            )
            places.setdefault((source.uri, span), place)
    return places


def marks_of(dossier: Dossier, source: Source) -> list[Mark]:
    """In the order of the text, none within another."""
    return _marks(_standing(dossier)[source.uri, source.text_sha256])


def _standing(dossier: Dossier) -> defaultdict[tuple[str, str], list[tuple[Span, Claim]]]:
    """The claims of each uri and text."""
    found: defaultdict[tuple[str, str], list[tuple[Span, Claim]]] = defaultdict(list)
    for claim in dossier.claims:
        for uri, span in zip(claim.sources, claim.evidence, strict=True):
            found[uri, span.text_sha256].append((span, claim))
    return found


def _marks(standing: list[tuple[Span, Claim]]) -> list[Mark]:
    """A span that reaches into one before it stays unmarked."""
    marks: list[Mark] = []
    seen: Counter[str] = Counter()
    free = 0
    for span, claim in sorted(standing, key=lambda one: (one[0].start, one[0].end)):
        if not free <= span.start < span.end:
            continue
        seen[claim.id] += 1
        anchor = claim.id if seen[claim.id] == 1 else f"{claim.id}-{seen[claim.id]}"
        marks.append(Mark(start=span.start, end=span.end, anchor=anchor, claim=claim))
        free = span.end
    return marks


def _where(source: Source, span: Span) -> str:
    page = source.page_of(span.start)
    return f"{f'p. {page}, ' if page else ''}characters {span.start}–{span.end}"
