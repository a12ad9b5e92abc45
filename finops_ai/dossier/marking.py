"""A source's text cut where something about it is to be seen: claims, page starts, words meant for a model.

Belongs here: the cuts; joined again, the pieces are the text, character for character. Does not: HTML (`pages`), which
spans are marked (`places`), comparing two sentences' truth (`evidence`).
"""

import ast
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from finops_ai.dossier.places import Mark
from finops_ai.evidence import ADDRESSES_A_MODEL, Source

_PUNCTUATION = ".,;:!?()[]{}\"'“”‘’«»„"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Text with nothing more to cut."""

    text: str
    page: int = 0  # the page that begins here; 0 for none
    order: bool = False  # it addresses a model


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The pieces of one mark, or those between two."""

    mark: Mark | None
    pieces: tuple[Piece, ...]


def runs_of(text: str, marks: Sequence[Mark], source: Source) -> list[Run]:
    """The whole text in order."""
    claims = _Cover([(mark.start, mark.end) for mark in marks])
    orders = _Cover(order_spans(text, source))
    pages = {start: number for number, start in enumerate(source.page_starts, start=1)}  # an empty page has no text
    cuts = {0, len(text), *claims.cuts(), *orders.cuts(), *pages}
    edges = sorted(cut for cut in cuts if 0 <= cut <= len(text))
    found = [
        (claims.at(start), Piece(text=text[start:end], page=pages.get(start, 0), order=orders.at(start) is not None))
        for start, end in pairwise(edges)
    ]
    return [
        Run(mark=None if number is None else marks[number], pieces=tuple(piece for _, piece in group))
        for number, group in groupby(found, key=lambda one: one[0])
    ]


def order_spans(text: str, source: Source) -> list[tuple[int, int]]:
    """Where the words of the source's warnings stand; they are quoted there in lower case, whitespace folded."""
    phrases = orders_in(source.warnings)
    if not phrases:
        return []
    longest_first = sorted(phrases, key=len, reverse=True)
    pattern = "|".join(r"\s+".join(map(re.escape, phrase.split())) for phrase in longest_first)
    return [match.span() for match in re.finditer(pattern, text, re.I)]


def orders_in(warnings: Iterable[str]) -> list[str]:
    """The words that address a model, as the warnings quote them."""
    prefix = f"{ADDRESSES_A_MODEL}: "
    quoted = [warning.removeprefix(prefix) for warning in warnings if warning.startswith(prefix)]
    return [phrase for phrase in map(_unquoted, quoted) if phrase.strip()]


def differing(text: str, others: Sequence[str]) -> list[tuple[str, bool]]:
    """The words of a sentence with the spaces between; True for a word that one of the others does not have."""
    known = [{_bare(word) for word in other.split()} for other in others]
    return [
        (part, not part.isspace() and any(_bare(part) not in words for words in known))
        for part in re.findall(r"\s+|\S+", text)
    ]


def _bare(word: str) -> str:
    return word.strip(_PUNCTUATION).casefold()


def _unquoted(quoted: str) -> str:
    try:
        phrase = ast.literal_eval(quoted)
    except (ValueError, SyntaxError):
        return quoted
    return phrase if isinstance(phrase, str) else quoted


class _Cover:
    """Spans in order, none within another: which one holds an offset?"""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self._spans = spans
        self._starts = [start for start, _ in spans]

    def cuts(self) -> Iterable[int]:
        return (offset for span in self._spans for offset in span)

    def at(self, offset: int) -> int | None:
        number = bisect_right(self._starts, offset) - 1
        return number if number >= 0 and offset < self._spans[number][1] else None
