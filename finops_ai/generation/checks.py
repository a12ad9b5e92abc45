"""Does a draft say only what its citations hold? One row per sentence, for the quality gate.

Belongs here: reading a draft's sentences and citations, and the deterministic comparison with the cited facts. Does not:
what makes the gate fail (`orchestration.gates`). Headings are not sentences; every sentence must cite.

A quotation is held when a cited fact is, token for token, that sentence; quotation marks around anything else are a
promise that is not kept. A paraphrase is held when nothing speaks against it (`evidence.objections`) and most of its words
come from the cited facts. That is a veto, not a proof, which is why a person signs.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from finops_ai.evidence import objections, sentences
from finops_ai.facts import ConfirmedFact

Citation = Literal["held", "missing", "unknown_id", "not_held"]

WORDS_FROM_FACTS_MIN = 0.6
_CITATION = re.compile(r"\s*\[(F\d{1,4}(?:\s*,\s*F\d{1,4})*)\]")
_BULLET = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+")
_WORD = re.compile(r"[a-z]{4,}")
_QUOTATION = re.compile(r"\s*[“„«\"].*[”“»\"][.!?]?\s*", re.DOTALL)
_QUOTES = '“”"„«» '


def sentence_rows(markdown: str, facts: Sequence[ConfirmedFact]) -> list[dict[str, Any]]:
    """Columns: sentence, cites, citation, finding. A finding is `held`, or names the sentence that is not."""
    by_label = {fact.label: fact for fact in facts}
    return [_row(text, labels, by_label) for text, labels in cited_sentences(markdown)]


def cited_sentences(markdown: str) -> Iterator[tuple[str, list[str]]]:
    """(sentence without its citations, the labels it cites), in order."""
    for block in _blocks(markdown):
        plain, marks = _without_citations(block)
        spans = [(0, len(plain))] if plain.startswith("“") and plain.endswith("”") else sentences(plain)
        for number, (start, end) in enumerate(spans):
            # a citation belongs to the sentence that it stands in or directly after
            until = spans[number + 1][0] if number + 1 < len(spans) else len(plain) + 1
            since = start + 1 if number else 0
            labels = [label for at, found in marks if since <= at <= until for label in found]
            yield plain[start:end], list(dict.fromkeys(labels))


def holds(sentence: str, cited: Sequence[ConfirmedFact]) -> bool:
    """See the module: token-for-token quotation, or a paraphrase without anything against it."""
    quote = " ".join(sentence.strip(_QUOTES).split())
    if any(quote == " ".join(fact.text.strip(_QUOTES).split()) for fact in cited):
        return True
    if _QUOTATION.fullmatch(sentence):
        return False
    words = set(_WORD.findall(sentence.lower()))
    known = set(_WORD.findall(" ".join(fact.text for fact in cited).lower()))
    enough = len(words & known) >= WORDS_FROM_FACTS_MIN * max(len(words), 1)
    return enough and not objections(sentence, [fact.text for fact in cited])


def _row(sentence: str, labels: list[str], by_label: Mapping[str, ConfirmedFact]) -> dict[str, Any]:
    citation = _citation(sentence, labels, by_label)
    return {
        "sentence": sentence,
        "cites": ", ".join(labels),
        "citation": citation,
        "finding": "held" if citation == "held" else f"{citation}: {sentence}",
    }


def _citation(sentence: str, labels: list[str], by_label: Mapping[str, ConfirmedFact]) -> Citation:
    if not labels:
        return "missing"
    if not all(label in by_label for label in labels):
        return "unknown_id"
    return "held" if holds(sentence, [by_label[label] for label in labels]) else "not_held"


def _blocks(markdown: str) -> Iterator[str]:
    """Paragraphs and list items, each on one line."""
    lines: list[str] = []
    for line in [*markdown.splitlines(), ""]:
        ends_block = not line.strip() or line.lstrip().startswith("#") or _BULLET.match(line)
        if ends_block and lines:
            yield " ".join(lines)
            lines = []
        if line.strip() and not line.lstrip().startswith("#"):
            lines.append(_BULLET.sub("", line).strip().lstrip("> "))


def _without_citations(block: str) -> tuple[str, list[tuple[int, list[str]]]]:
    """The text without citation marks, and where (in that text) each mark stood."""
    plain, marks, at = "", [], 0
    for match in _CITATION.finditer(block):
        plain += block[at : match.start()]
        marks.append((len(plain), re.findall(r"F\d+", match.group(1))))
        at = match.end()
    return (plain + block[at:]).strip(), marks
