"""What the pages are made of, and the order in which people are to see it.

Belongs here: the value, its counts, its words. Does not: HTML (`pages`), where a claim stands (`places`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from finops_ai.evidence import Claim, Source, Verdict

SHOWN_FIRST: tuple[Verdict, ...] = ("contradicted", "needs_review", "confirmed", "rumor")  # what needs eyes first


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """One artifact's evidence, as its steps last recorded it."""

    artifact: str
    topic: str
    sources: tuple[Source, ...] = ()  # number 1 is the first
    claims: tuple[Claim, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)  # by text_sha256; only source pages need them
    note: str = ""  # what is missing or out of date; "" when nothing is
    home: str = ""  # address of the list of all artifacts; "" where there is none


def in_order(claims: Iterable[Claim]) -> list[Claim]:
    """By verdict, what needs eyes first; within a verdict as they came."""
    return sorted(claims, key=lambda claim: SHOWN_FIRST.index(claim.verdict))


def counts(claims: Iterable[Claim]) -> dict[str, int]:
    """How many of each verdict, what needs eyes first; without those that nobody has."""
    found = Counter(claim.verdict for claim in claims)
    return {verdict: found[verdict] for verdict in SHOWN_FIRST if found[verdict]}


def label_of(verdict: str) -> str:
    """As a person writes it."""
    return verdict.replace("_", " ")


def title_of(source: Source) -> str:
    """Its title, else the end of its address."""
    return source.title or source.uri.rstrip("/").rpartition("/")[2] or source.uri
