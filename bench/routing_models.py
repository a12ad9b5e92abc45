"""Routers fitted on one half of the outcomes and asked about the other.

Belongs here: splitting, fitting, the expected gain of asking the premium model. Does not: the figures that a router looks at
(`routing_checks`, `routing_prompts`), how its scores are judged (`routing_scores`). A fitted router is handed rows of figures and
never outcomes, so the half it scores cannot reach it.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.routing_checks import check_figures
from bench.routing_outcomes import Questions, Rows, Vector
from bench.routing_prompts import form_figures, word_weights

RIDGE = 300.0  # pull of a check's weight to nothing, against questions in the half
LOGISTIC_PENALTY = 6.0
FORM_SCALE = 0.1  # thirty weak figures must not outweigh the subject
NEWTON_STEPS = 15
STANDARD_DEVIATIONS_MAX = 5.0
SPREAD_MIN = 1e-9

Scorer = Callable[[Rows], Vector]


class Router(Protocol):
    """Knows the figures of all questions, and no outcome."""

    def fitted(self, rows: Rows, weak: Vector, strong: Vector) -> Scorer:
        """Learn from these rows and their outcomes, in the same order; the result scores any rows."""


class AnswerChecks:
    """The gain as a weighted sum of standardised answer checks, found by ridge regression."""

    def __init__(self, questions: Questions) -> None:
        self._figures = check_figures(questions)

    def fitted(self, rows: Rows, weak: Vector, strong: Vector) -> Scorer:
        """Sees the outcomes of these rows only."""
        gain = strong - weak
        scale = Scale.of(self._figures[rows])
        known = scale.applied(self._figures[rows])
        pull = RIDGE * np.eye(known.shape[1])
        weights = np.linalg.solve(known.T @ known + pull, known.T @ (gain - gain.mean()))
        return lambda asked: np.asarray(scale.applied(self._figures[asked]) @ weights + gain.mean())


class TaskTypes:
    """P(premium right) − P(cheap right), each a logistic regression on subject, form and words of the prompt.

    The subject is what the table per task type would hold; the penalty shrinks a small subject to the mean, and what the prompts of
    several subjects share is learned once.
    """

    def __init__(self, questions: Questions) -> None:
        names = sorted(set(questions.subjects))
        self._subjects = np.array([[subject == name for name in names] for subject in questions.subjects], np.float32)
        self._form = form_figures(questions)
        self._words = word_weights(questions)

    def fitted(self, rows: Rows, weak: Vector, strong: Vector) -> Scorer:
        """Sees the outcomes of these rows only."""
        scale = Scale.of(self._form[rows])
        rarity = _rarity(self._words[rows])

        def figures(asked: Rows) -> NDArray[np.float32]:
            words = self._words[asked] * rarity
            words /= np.maximum(np.linalg.norm(words, axis=1, keepdims=True), SPREAD_MIN)
            form = (FORM_SCALE * scale.applied(self._form[asked])).astype(np.float32)
            constant = np.ones((len(asked), 1), np.float32)
            return np.hstack([constant, self._subjects[asked], form, words])

        weights = logistic_weights(figures(rows), np.column_stack([weak, strong]))

        def score(asked: Rows) -> Vector:
            right = _probability(figures(asked) @ weights).astype(float)
            return np.asarray(right[:, 1] - right[:, 0])

        return score


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Mean and spread of figures in the half that is fitted on."""

    mean: Vector
    spread: Vector

    @classmethod
    def of(cls, figures: NDArray[np.float64]) -> "Scale":
        """Of these rows; a figure that never varies is switched off."""
        spread = figures.std(axis=0)
        return cls(mean=figures.mean(axis=0), spread=np.where(spread > SPREAD_MIN, spread, np.inf))

    def applied(self, figures: NDArray[np.float64]) -> NDArray[np.float64]:
        """Standard deviations from the mean, outliers cut; 0 for a figure that never varied."""
        standard = (figures - self.mean) / self.spread
        return np.asarray(np.clip(standard, -STANDARD_DEVIATIONS_MAX, STANDARD_DEVIATIONS_MAX))


def logistic_weights(figures: NDArray[np.float32], right: Vector) -> NDArray[np.float32]:
    """Weights per figure and outcome, penalised but for the first figure, a constant.

    The curvature is replaced by its upper bound, a quarter of the cross product, so that one inverse serves all steps and outcomes.
    """
    penalty = np.full((figures.shape[1], 1), LOGISTIC_PENALTY, np.float32)
    penalty[0] /= 1000
    inverse = np.linalg.inv(figures.T @ figures / 4 + np.diag(penalty[:, 0]))
    weights = np.zeros((figures.shape[1], right.shape[1]), np.float32)
    for _ in range(NEWTON_STEPS):
        slope = figures.T @ (right - _probability(figures @ weights)).astype(np.float32) - penalty * weights
        weights += inverse @ slope
    return weights


def halves(questions: Questions, seed: int) -> tuple[Rows, Rows]:
    """Rows of two halves. A hash of the prompt decides, so row order does not; equal prompts stay together."""
    prompts = sorted(set(questions.prompts), key=lambda prompt: hashed(prompt, seed))
    first = frozenset(prompts[: len(prompts) // 2])
    in_first = np.array([prompt in first for prompt in questions.prompts])
    return np.flatnonzero(in_first), np.flatnonzero(~in_first)


def hashed(prompt: str, seed: int) -> bytes:
    """A number that looks drawn by lot, and is the same on every machine."""
    return hashlib.sha256(f"{seed}\n{prompt}".encode()).digest()[:8]


def _rarity(words: NDArray[np.float32]) -> NDArray[np.float32]:
    """A word that stands in most prompts says little."""
    holding = np.count_nonzero(words, axis=0)
    rarity: NDArray[np.float32] = (np.log((1 + len(words)) / (1 + holding)) + 1).astype(np.float32)
    return rarity


def _probability(logit: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -30, 30))), dtype=np.float32)
