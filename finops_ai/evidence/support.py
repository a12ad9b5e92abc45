"""Which sentences of the sources speak of a statement: the three that a reviewer reads beside it.

Belongs here: ranking. Does not: whether they support it; word overlap finds the place and proves nothing (`objections`).
BM25 (Robertson and Zaragoza 2009) over stems, a tenth of each neighbour's score added, since a sentence beside the right
one often names what the right one only points at. On WiCE's development set the right sentence is among the first three
for 99 % of the supported claims (`bench/evidence.py` measures it).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from finops_ai.evidence.words import content_words

PASSAGES_SHOWN = 3
_SATURATION = 1.2  # k1
_LENGTH_WEIGHT = 0.3  # b: sentences differ less in length than documents
_NEIGHBOUR_WEIGHT = 0.1


class SentenceIndex:
    """An index over sentences in reading order. `groups` tells whose neighbours they are: one id per document."""

    def __init__(self, sentences: Sequence[str], groups: Sequence[str] | None = None) -> None:
        self.stems = [content_words(sentence) for sentence in sentences]
        self._groups = groups or [""] * len(sentences)
        self._mean_length = sum(map(len, self.stems)) / max(len(self.stems), 1) or 1.0
        self._postings: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for number, stems in enumerate(self.stems):
            for word, count in Counter(stems).items():
                self._postings[word].append((number, count))

    def best(self, statement: str, *, count: int = PASSAGES_SHOWN) -> list[int]:
        """The positions of the sentences nearest to the statement, best first; none that shares no word with it."""
        scores = self._scores(statement)
        shared = {number: score + self._from_neighbours(number, scores) for number, score in scores.items()}
        return sorted(shared, key=lambda number: (-shared[number], number))[:count]

    def overlap(self, statement: str, number: int) -> float:
        """The share of the statement's words, weighted by rarity, that the sentence holds: 0 to 1."""
        words = set(content_words(statement))
        there = set(self.stems[number])
        whole = sum(map(self._rarity, words))
        return sum(map(self._rarity, words & there)) / whole if whole else 0.0

    def _scores(self, statement: str) -> dict[int, float]:
        scores: defaultdict[int, float] = defaultdict(float)
        for word in dict.fromkeys(content_words(statement)):
            rarity = self._rarity(word)
            for number, count in self._postings.get(word, ()):
                length = len(self.stems[number]) / self._mean_length
                damping = count + _SATURATION * (1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * length)
                scores[number] += rarity * count * (_SATURATION + 1) / damping
        return dict(scores)

    def _rarity(self, word: str) -> float:
        found = len(self._postings.get(word, ()))
        return math.log(1 + (len(self.stems) - found + 0.5) / (found + 0.5))

    def _from_neighbours(self, number: int, scores: dict[int, float]) -> float:
        beside = (n for n in (number - 1, number + 1) if 0 <= n < len(self.stems))
        return _NEIGHBOUR_WEIGHT * sum(scores.get(n, 0.0) for n in beside if self._groups[n] == self._groups[number])
