"""What a multiple-choice prompt shows before any model has answered it: its task type, its form, its words.

Belongs here: figures from prompt and subject alone, none of which needs fitting. Does not: weights and scales (`routing_models`).
"""

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from bench.routing_outcomes import Questions

WORDS_MAX = 1000
_OPTION = re.compile(r"\n[A-J]\. ")


def form_figures(questions: Questions) -> NDArray[np.float64]:
    """One row per question, one column per figure of its form."""
    return np.array([list(form(prompt).values()) for prompt in questions.prompts], dtype=float)


def form(prompt: str) -> dict[str, float]:
    """Every figure by name."""
    question, *options = _OPTION.split(prompt.rsplit("\nAnswer:", 1)[0])
    return _of_question(question) | _of_options(question, options)


def _of_question(question: str) -> dict[str, float]:
    words, lower = question.split(), question.lower()
    figures = len(re.findall(r"\d+", question))
    return {
        "length": math.log1p(len(question)),
        "sentences": math.log1p(len(re.findall(r"[.?!]\s", question))),
        "length of a word": fmean(map(len, words)) if words else 0,
        "capitalised words": len(re.findall(r"\b[A-Z][a-z]+", question)) / (1 + len(words)),
        "has numbers": figures > 0,
        "numbers": math.log1p(figures),
        "year": bool(re.search(r"\b1\d{3}\b|\b20\d\d\b", question)),
        "formula": bool(re.search(r"[=^+<>∀∃⊃∨~]", question)),
        "not": bool(re.search(r"\bnot\b", lower)),
        "NOT": bool(re.search(r"\b(?:NOT|EXCEPT|LEAST)\b", question)),
        "fill in the blank": "__" in question,
        "statements": "Statement 1" in question,
        "ends as a question": question.strip().endswith("?"),
        "best": "best" in lower,
        "most": "most" in lower,
        "which": "which" in lower,
        "what": "what" in lower,
        "according": "according" in lower,
        "quotation": '"' in question or "“" in question,
        "hypothetical": bool(re.search(r"\bif\b|suppose|assume", lower)),
    }


def _of_options(question: str, options: Sequence[str]) -> dict[str, float]:
    lengths = [len(option) for option in options] or [0]
    words = [frozenset(option.lower().split()) for option in options]
    asked = frozenset(question.lower().split())
    text = " ".join(options)
    return {
        "length of all options": math.log1p(sum(lengths)),
        "longest option": math.log1p(max(lengths)),
        "shortest option": math.log1p(min(lengths)),
        "longest against the mean": max(lengths) / (1 + fmean(lengths)),
        "options with numbers": fmean(bool(re.search(r"\d", option)) for option in options) if options else 0,
        "length of a word in options": fmean(map(len, text.split())) if text.split() else 0,
        "none, all, both": bool(re.search(r"none of|all of|both|neither", text.lower())),
        "yes or no": bool(re.match(r"(?:yes|no)\b", text.lower())),
        "words of the question in options": fmean(len(o & asked) / (1 + len(o)) for o in words) if words else 0,
        "options alike": _alike(words),
    }


def _alike(words: Sequence[frozenset[str]]) -> float:
    pairs = list(itertools.combinations(words, 2))
    return fmean(len(one & other) / (1 + len(one | other)) for one, other in pairs) if pairs else 0


def word_weights(questions: Questions) -> NDArray[np.float32]:
    """One row per question, one column per common word of all prompts: 1 + log(how often it stands in the prompt), or 0."""
    counts = [Counter(re.findall(r"\b\w\w+\b", prompt.lower())) for prompt in questions.prompts]
    frequent = sorted(sum_of(counts).items(), key=lambda word: (-word[1], word[0]))[:WORDS_MAX]
    columns = {word: column for column, (word, _) in enumerate(frequent)}
    weights = np.zeros((len(counts), len(columns)), dtype=np.float32)
    for row, words in enumerate(counts):
        for word, count in words.items():
            if (column := columns.get(word)) is not None:
                weights[row, column] = 1 + math.log(count)
    return weights


def sum_of(counts: Iterable[Counter[str]]) -> Counter[str]:
    """How often each word stands in all prompts together."""
    total: Counter[str] = Counter()
    for words in counts:
        total.update(words)
    return total
