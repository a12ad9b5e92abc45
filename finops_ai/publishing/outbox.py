"""Exactly once: the intent is committed before anything appears at a target, the receipt after it was read back.

Belongs here: intents and receipts. Does not: the right to publish (`permit`), the target's own rules (`targets`).
Whatever dies in between, the next try finds the intent, adopts what is already there and completes the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from finops_ai.publishing.targets import Target, TargetConflict
from finops_ai.store import Database, insert_once, sha256_hex, tables, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile:
    """One file as a target holds it."""

    name: str
    address: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof that a target holds exactly these bytes."""

    target: str
    packet_digest: str
    files: tuple[PublishedFile, ...]
    at: str


def intend(tx: sa.Connection, *, packet_digest: str, artifact: str, targets: Sequence[str], profile: str) -> None:
    """One intent per target: `fast` publishes to the first target only, `full` to all of them."""
    for target in targets[:1] if profile == "fast" else targets:
        key = publication_key(packet_digest, target, profile)
        insert_once(
            tx,
            tables.publication,
            key=key,
            packet_digest=packet_digest,
            artifact=artifact,
            target=target,
            at=utc_now(),
        )


def publication_key(packet_digest: str, target: str, profile: str) -> str:
    """One digest at one target in one profile is one publication, however often it is asked for."""
    return sha256_hex(f"{packet_digest}:{target}:{profile}".encode())


def deliver(
    database: Database,
    targets: Mapping[str, Target],
    *,
    packet_digest: str,
    artifact: str,
    files: Mapping[str, bytes],
    run_id: str,
) -> list[Receipt]:
    """Carry out every intent of this digest that has no receipt yet, and return all receipts. Raises TargetConflict."""
    with database.read() as connection:
        open_intents = _open_intents(connection, packet_digest)
    for key, target_name in open_intents:
        target = targets[target_name]
        held = [_put(target, artifact, name, content) for name, content in files.items()]
        with database.write() as tx:
            record = [{name: getattr(file, name) for name in file.__slots__} for file in held]
            insert_once(tx, tables.receipt, publication_key=key, files=record, run_id=run_id, at=utc_now())
    with database.read() as connection:
        return receipts_of(connection, artifact, packet_digest=packet_digest)


def _put(target: Target, artifact: str, name: str, content: bytes) -> PublishedFile:
    address = target.put(artifact, name, content)
    found = target.get(address)
    if found != content:  # a receipt speaks of what the target holds, not of what it was sent
        raise TargetConflict(f"{address} was written, but does not hold what was sent")
    return PublishedFile(name=name, address=address, sha256=sha256_hex(content), size_bytes=len(content))


def _open_intents(connection: sa.Connection, packet_digest: str) -> list[tuple[str, str]]:
    publication, receipt = tables.publication, tables.receipt
    joined = publication.outerjoin(receipt, receipt.c.publication_key == publication.c.key)
    query = sa.select(publication.c.key, publication.c.target).select_from(joined)
    query = query.where(publication.c.packet_digest == packet_digest, receipt.c.publication_key.is_(None))
    return [(key, target) for key, target in connection.execute(query.order_by(publication.c.key))]


def receipts_of(connection: sa.Connection, artifact: str, *, packet_digest: str | None = None) -> list[Receipt]:
    """What is published of an artifact, oldest first."""
    publication, receipt = tables.publication, tables.receipt
    joined = receipt.join(publication, receipt.c.publication_key == publication.c.key)
    query = sa.select(publication.c.target, publication.c.packet_digest, receipt.c.files, receipt.c.at).select_from(
        joined
    )
    query = query.where(publication.c.artifact == artifact).order_by(receipt.c.at)
    if packet_digest:
        query = query.where(publication.c.packet_digest == packet_digest)
    return [
        Receipt(
            target=row.target,
            packet_digest=row.packet_digest,
            files=tuple(PublishedFile(**file) for file in row.files),
            at=row.at,
        )
        for row in connection.execute(query)
    ]


def has_open_intent(connection: sa.Connection, packet_digest: str) -> bool:
    """Something of this digest was begun and not finished."""
    return bool(_open_intents(connection, packet_digest))
