"""The packet: all that a reviewer signs. Its digest is what a decision, a permit and a statement speak of.

Belongs here: what is in a packet, its digest. Does not: who must sign it (`quorum`). Nothing in it depends on when or by
whom it was made, so that the same content always has the same digest, and any other content another.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from finops_ai.store import ObjectStore, canonical_json, insert_once, sha256_hex, tables, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """Digests of everything that was reviewed, with the facts about it that decide who must agree."""

    artifact: str
    loop: int
    impact: str
    profile: str
    targets: tuple[str, ...]
    brief_sha256: str
    claims_sha256: str
    draft_sha256: str
    files: dict[str, str]  # published file name -> SHA-256 of its exact bytes
    gates: dict[str, str]  # gate -> SHA-256 of its verdict
    policy_sha256: str

    def as_dict(self) -> dict[str, Any]:
        """The form that is hashed."""
        return {name: getattr(self, name) for name in self.__slots__} | {"targets": list(self.targets)}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Packet":
        """The value of a stored form."""
        return cls(**{**stored, "targets": tuple(stored["targets"])})

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON."""
        return sha256_hex(canonical_json(self.as_dict()))


def keep_packet(tx: sa.Connection, objects: ObjectStore, packet: Packet) -> str:
    """Store it under its digest. The same packet again is the same packet: decisions on it go on counting."""
    digest = objects.put_json(packet.as_dict())
    insert_once(tx, tables.packet, digest=digest, artifact=packet.artifact, loop=packet.loop, created_at=utc_now())
    return digest


def load_packet(objects: ObjectStore, digest: str) -> Packet:
    """Raises ObjectMissing, ObjectCorrupt."""
    return Packet.from_dict(objects.get_json(digest))
