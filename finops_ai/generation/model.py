"""What a draft is made of.

Belongs here: the values between facts and a draft. Does not: choosing facts (`selection`), writing (`writer`),
judging (`checks`).
"""

from dataclasses import dataclass, field
from typing import Any

from finops_ai.briefs import Brief
from finops_ai.facts import ConfirmedFact
from finops_ai.policy import DraftForm, TokenBounds


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The facts that fit the bound, most relevant first, and the number that did not: never cut silently."""

    facts: tuple[ConfirmedFact, ...]
    left_out: int
    input_tokens: int  # estimate of what the chosen facts take


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """All that a writer may see. Rumors have another type and cannot be put here."""

    brief: Brief
    selection: Selection
    bounds: TokenBounds
    form: DraftForm = field(default_factory=DraftForm)
    remarks: tuple[str, ...] = ()  # reviewers' reasons for asking for changes, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A Markdown body whose sentences cite facts as `[F1]`."""

    markdown: str
    engine: str
    model: str

    def as_dict(self) -> dict[str, Any]:
        """The stored form."""
        return {"markdown": self.markdown, "engine": self.engine, "model": self.model}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Draft":
        """The value of a stored form."""
        return cls(**stored)
