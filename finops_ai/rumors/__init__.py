"""Rumors: claims that must never reach a prompt, a draft or a published file.

Belongs here: their table, for the operator and the reviewer to see. Does not: anything else. `generation`, `publishing`
and `provenance` may not import this package (a test of the imports sees to it).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from finops_ai.evidence import Claim
from finops_ai.store import insert_missing, tables

__all__ = ["Rumor", "keep_rumors", "rumors_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rumor:
    """A statement that somebody made and no acceptable source holds."""

    claim_id: str
    text: str
    source_uri: str
    why: str


def keep_rumors(tx: sa.Connection, artifact: str, claims_sha256: str, claims: Sequence[Claim]) -> list[Rumor]:
    """Store the rumors among these claims. Storing them again changes nothing."""
    rumors = [
        Rumor(claim_id=claim.id, text=claim.text, source_uri=claim.sources[0], why="; ".join(claim.reasons))
        for claim in claims
        if claim.verdict == "rumor"
    ]
    rows = [
        {
            "artifact": artifact,
            "claims_sha256": claims_sha256,
            "claim_id": rumor.claim_id,
            "position": position,
            "text": rumor.text,
            "source_uri": rumor.source_uri,
            "why": rumor.why,
        }
        for position, rumor in enumerate(rumors)
    ]
    insert_missing(tx, tables.rumor, rows)
    return rumors


def rumors_of(connection: sa.Connection, artifact: str, claims_sha256: str) -> list[Rumor]:
    """The rumors of one artifact as of one set of claims, in order."""
    rumor = tables.rumor
    query = sa.select(rumor).where(rumor.c.artifact == artifact, rumor.c.claims_sha256 == claims_sha256)
    return [
        Rumor(claim_id=row.claim_id, text=row.text, source_uri=row.source_uri, why=row.why)
        for row in connection.execute(query.order_by(rumor.c.position))
    ]
