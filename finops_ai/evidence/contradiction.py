"""Two sources that say the same with another number or date: neither can be relied on until a person has looked.

Belongs here: which pairs of sentences quarrel, and over what. Does not: negations, arithmetic, paraphrases in other words;
they are left to a reviewer. Two rules: the same sentence but for one token with a digit, or for the name of a month or
day; or nearly all meaning words shared, all names shared, and exactly one value different. Where two differ ("5 million
in 2021", "6 million in 2022"), these may well be two facts.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from finops_ai.evidence.values import Value, agrees, units_fit, values_in
from finops_ai.evidence.words import content_words, names_in, negations

SHARED_WORDS_MIN = 0.8  # of each sentence's meaning words
SHARED_COUNT_MIN = 3  # fewer shared words say too little about what is measured
TEMPLATE_TOKENS_MIN = 4  # beside the value: "It opened in 2019." says too little about what
CANDIDATES_PER_WORD_MAX = 200  # a word in more sentences than this tells nothing apart
_LABEL = re.compile(
    r"(?:appendix|chapter|equation|example|figure|fig\.?|item|listing|page|part|phase|scenario|section|step|table|version"
    r"|no\.?|nr\.?|article|annex|clause|rule|level|release|#)\s*\Z",
    re.IGNORECASE,
)


_VALUE_TOKEN = re.compile(
    r"\d|\b(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b",
    re.IGNORECASE,
)
_SEPARATOR = re.compile("[,'’\u00a0\u202f](?=\\d{3})")
_PUNCTUATION = ".,;:!?()[]\"'“”„«»"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarrel:
    """One sentence against another."""

    other: int  # position of the other sentence
    here: str  # the value as this sentence writes it
    there: str


@dataclass(frozen=True, slots=True)
class _Reading:
    words: Counter[str]  # stems outside the values; labels with their number are words
    values: tuple[Value, ...]
    names: frozenset[str]
    negated: bool


def quarrels(sentences: Sequence[str], sources: Sequence[frozenset[str]]) -> dict[int, list[Quarrel]]:
    """By position of a sentence, those that contradict it. `sources[n]` names where sentence n stands: a source does not
    contradict itself, since two of its sentences may speak of two things.
    """
    found: dict[tuple[int, int], list[tuple[str, str]]] = {}
    readings = [_read(sentence) for sentence in sentences]
    for one, other in _candidates(readings):
        found[one, other] = [(here.text, there.text) for here, there in disputed(readings[one], readings[other])]
    found |= {(one, other): [values] for one, other, values in _one_token_apart(sentences)}
    by_position: defaultdict[int, list[Quarrel]] = defaultdict(list)
    for (one, other), pairs in found.items():
        for here, there in pairs if sources[one].isdisjoint(sources[other]) else ():
            by_position[one].append(Quarrel(other=other, here=here, there=there))
            by_position[other].append(Quarrel(other=one, here=there, there=here))
    return dict(by_position)


def disputed(one: _Reading, other: _Reading) -> list[tuple[Value, Value]]:
    """The values that two sentences of one matter give differently; none where they agree or are of two matters."""
    if not _same_matter(one, other):
        return []
    pairs = _differing(one.values, other.values)
    return pairs if pairs is not None and len(pairs) == 1 else []


def _read(sentence: str) -> _Reading:
    values = [value for value in values_in(sentence) if not _LABEL.search(sentence[: value.start])]
    rest = sentence
    for value in values:
        rest = rest[: value.start] + " " * (value.end - value.start) + rest[value.end :]
    return _Reading(Counter(content_words(rest)), tuple(values), frozenset(names_in(sentence)), bool(negations(rest)))


def _candidates(readings: Sequence[_Reading]) -> Iterator[tuple[int, int]]:
    """Pairs that share their rarest words: a sentence with every other would be too many."""
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for number, reading in enumerate(readings):
        for word in reading.words if reading.values else ():
            holders[word].append(number)
    for number, reading in enumerate(readings):
        if not reading.values:
            continue
        # with at most a fifth of the words different, one of the rarest fifth and one more must be shared
        rarest = sorted(reading.words, key=lambda word: (len(holders[word]), word))
        probes = rarest[: len(rarest) - int(SHARED_WORDS_MIN * len(rarest)) + 1]
        seen = {other for word in probes if len(holders[word]) <= CANDIDATES_PER_WORD_MAX for other in holders[word]}
        yield from ((number, other) for other in sorted(seen) if other > number)


def _one_token_apart(sentences: Sequence[str]) -> Iterator[tuple[int, int, tuple[str, str]]]:
    """Equal but for one token that holds a value, whatever that is: a year, a price, the number in "F-86"."""
    groups: defaultdict[tuple[int, tuple[str, ...]], list[tuple[int, str]]] = defaultdict(list)
    for number, sentence in enumerate(sentences):
        tokens = sentence.split()
        for at, token in enumerate(tokens):
            rest = (*tokens[:at], *tokens[at + 1 :])
            if (
                _VALUE_TOKEN.search(token)
                and len(rest) >= TEMPLATE_TOKENS_MIN
                and not _LABEL.search(" ".join(rest[:at]))
            ):
                groups[at, rest].append((number, token.strip(_PUNCTUATION)))
    for group in groups.values():
        for (one, here), (other, there) in combinations(group, 2):
            if here != there and not _say_the_same(here, there):
                yield one, other, (here, there)


def _say_the_same(here: str, there: str) -> bool:
    if _SEPARATOR.sub("", here) == _SEPARATOR.sub("", there):
        return True
    ones, others = values_in(here), values_in(there)
    return len(ones) == len(others) == 1 and agrees(ones[0], others[0])


def _same_matter(one: _Reading, other: _Reading) -> bool:
    shared = sum((one.words & other.words).values())
    longest = max(one.words.total(), other.words.total())
    return (
        shared >= SHARED_COUNT_MIN
        and shared >= SHARED_WORDS_MIN * longest
        and one.negated == other.negated
        and one.names == other.names
        and len(one.values) == len(other.values)
    )


def _differing(ones: Iterable[Value], others: Iterable[Value]) -> list[tuple[Value, Value]] | None:
    """The values in order, less the pairs that agree. None where they cannot be set side by side."""
    pairs = list(zip(ones, others, strict=True))
    if any(here.kind != there.kind or not units_fit(here, there) for here, there in pairs):
        return None
    return [(here, there) for here, there in pairs if not agrees(here, there)]
