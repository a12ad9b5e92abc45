"""What a figure of a review is: name, unit, formula, its value from the month's values, the rows it can be computed from.

Belongs here: the form. Does not: the figures of each leader (`technology`, `security`, `finance`), arithmetic (`economics`,
`safeguards`), rows (`rows`), pages.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from finops_ai.governance.economics import Economics
from finops_ai.governance.model import Ratio
from finops_ai.governance.rows import Term
from finops_ai.governance.safeguards import Safeguards

FigureUnit = Literal["count", "usd", "usd_each", "share", "seconds", "tokens", "ratio"]
Part = Literal["technology", "security", "finance"]
Value = int | Ratio | None


class Of(NamedTuple):
    """What a figure is taken from."""

    economics: Economics
    safeguards: Safeguards


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A figure of every month."""

    id: str
    part: Part
    name: str
    unit: FigureUnit
    formula: str
    value: Callable[[Of], Any]
    of: tuple[Term, ...]  # whose sum it is
    per: tuple[Term, ...] = ()  # over whose sum, for a ratio
    better: Literal["up", "down", ""] = ""  # which way is good


def define_for(part: Part) -> Callable[..., Definition]:
    """What defines figures of one part."""

    def define(
        name: str, what: str, unit: FigureUnit, formula: str, value: Callable[[Of], Any],
        of: Term | tuple[Term, ...], per: Term | tuple[Term, ...] | None = None, better: Literal["up", "down", ""] = "",
    ) -> Definition:  # fmt: skip
        return Definition(
            id=name,
            part=part,
            name=what,
            unit=unit,
            formula=formula,
            value=value,
            of=_terms(of),
            per=_terms(per),
            better=better,
        )

    return define


def _terms(given: Term | tuple[Term, ...] | None) -> tuple[Term, ...]:
    return () if given is None else (given,) if isinstance(given, Term) else given


def count_of(table: str, where: tuple[str, str] | None = None) -> Term:
    """Its rows, or those with a value in a column."""
    return Term(table, how="count", where=where)
