"""Confirmed facts: the only statements that a prompt or a draft can be made of.

Belongs here: the type that only a confirmed claim can become, and its table. Does not: deciding what is confirmed
(`evidence`); everything that is not, which has a package (`rumors`), a table and an asset of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from finops_ai.evidence import Claim, Source, Span
from finops_ai.store import insert_missing, tables

__all__ = ["ConfirmedFact", "NotConfirmed", "facts_of", "keep_facts"]


class NotConfirmed(Exception):
    """Something tried to turn a claim with another verdict into a fact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedFact:
    """A sentence that stands, token for token, at these offsets of a stored snapshot."""

    position: int  # in its artifact's list of facts; 0 is the first
    claim_id: str
    text: str
    source_uri: str
    source_title: str
    span: Span
    why: str

    @property
    def label(self) -> str:
        """What a draft cites: F1 is the first fact of its artifact."""
        return f"F{self.position + 1}"

    @classmethod
    def from_claim(cls, claim: Claim, *, position: int, titles: Mapping[str, str]) -> "ConfirmedFact":
        """The one way to make a fact. Raises NotConfirmed."""
        if claim.verdict != "confirmed":
            raise NotConfirmed(f"claim {claim.id} is {claim.verdict}: {'; '.join(claim.reasons)}")
        uri = claim.sources[0]
        return cls(
            position=position,
            claim_id=claim.id,
            text=claim.text,
            source_uri=uri,
            source_title=titles.get(uri) or uri.rpartition("/")[2],
            span=claim.evidence[0],
            why="; ".join(claim.reasons),
        )


def keep_facts(
    tx: sa.Connection, artifact: str, claims_sha256: str, claims: Sequence[Claim], sources: Sequence[Source]
) -> list[ConfirmedFact]:
    """Store the confirmed ones among these claims. Storing them again changes nothing."""
    titles = {source.uri: source.title for source in sources}
    confirmed = [claim for claim in claims if claim.verdict == "confirmed"]
    facts = [ConfirmedFact.from_claim(c, position=n, titles=titles) for n, c in enumerate(confirmed)]
    rows = [
        {
            "artifact": artifact,
            "claims_sha256": claims_sha256,
            "claim_id": fact.claim_id,
            "position": fact.position,
            "text": fact.text,
            "source_uri": fact.source_uri,
            "source_title": fact.source_title,
            "snapshot_sha256": fact.span.snapshot_sha256,
            "text_sha256": fact.span.text_sha256,
            "span_start": fact.span.start,
            "span_end": fact.span.end,
            "why": fact.why,
        }
        for fact in facts
    ]
    insert_missing(tx, tables.confirmed_fact, rows)
    return facts


def facts_of(connection: sa.Connection, artifact: str, claims_sha256: str) -> list[ConfirmedFact]:
    """The facts of one artifact as of one set of claims, in order."""
    fact = tables.confirmed_fact
    query = sa.select(fact).where(fact.c.artifact == artifact, fact.c.claims_sha256 == claims_sha256)
    return [
        ConfirmedFact(
            position=row.position,
            claim_id=row.claim_id,
            text=row.text,
            source_uri=row.source_uri,
            source_title=row.source_title,
            span=Span(
                snapshot_sha256=row.snapshot_sha256, text_sha256=row.text_sha256, start=row.span_start, end=row.span_end
            ),
            why=row.why,
        )
        for row in connection.execute(query.order_by(fact.c.position))
    ]
