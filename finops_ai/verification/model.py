"""The values of the package, and its one error.

Belongs here: what is asked, what was answered, what stayed without an answer and why. Does not: how any of them comes
about (`prompt`, `answers`, `asking`).
"""

from dataclasses import dataclass
from typing import Literal

Support = Literal["supported", "not_supported", "unclear"]


class UnusableAnswer(Exception):
    """The text is not exactly what was asked for: nothing in it may be believed. The message says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Does one of these passages support the claim?"""

    id: str  # unique among the questions that are asked together
    claim: str
    passages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVerdict:
    """What the model says of one claim. It is an opinion, and a person's or a rule's veto stands above it."""

    id: str
    verdict: Support
    passage: int | None  # number of the passage it rests on, the first is 1; never None where supported


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Which questions go into which call, and those that go into none: id to reason."""

    calls: list[list[Question]]
    left_out: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Every question's id stands in exactly one of `verdicts` and `unverified` (id to reason)."""

    verdicts: dict[str, ModelVerdict]
    unverified: dict[str, str]
    calls: int  # answers that came, whether usable or not
