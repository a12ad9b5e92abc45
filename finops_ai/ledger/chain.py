"""The hash chain over the entries: what was sealed cannot be changed, removed or slipped in later without being seen.

Belongs here: sealing in batches, and the proof. Does not: whether the books balance (`report`).

Each seal covers every entry since the seal before and that seal's own hash, so the newest hash (the head) stands for all of
them: who notes it down elsewhere can prove later that the books still contain what they contained. Sealing in batches,
outside of the writers' transactions, is what keeps them from queueing for the head of the chain.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from finops_ai.store import Database, tables, utc_now

START = "0" * 64
ROWS_AT_ONCE = 5_000
# What a hash is over, in this order, for ever: a column that is added later is not part of it.
SEALED_COLUMNS = (
    "id", "at", "month", "kind", "debit", "credit", "amount_nano_usd", "artifact", "step", "loop", "cost_centre",
    "workload", "tier", "model", "reservation", "quantity", "unit", "price", "estimated", "overrun", "policy_sha256",
    "run_id", "reverses", "budgets",
)  # fmt: skip

_entry, _seal = tables.entry, tables.seal


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The state of the chain. `problems` is empty when every sealed entry is as it was."""

    seals: int
    sealed_entries: int
    unsealed_entries: int
    head: str
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Every seal was found again from the entries."""
        return not self.problems


def seal(database: Database) -> int:
    """Seal the entries since the last seal; how many there were. Raises store.LockTaken while another process seals."""
    with database.exclusive("seal the ledger"):
        last = _last_settled_entry(database)
        with database.read() as connection:
            newest = connection.execute(sa.select(_seal).order_by(_seal.c.id.desc()).limit(1)).one_or_none()
            first, previous = (newest.last_entry + 1, newest.sha256) if newest else (1, START)
            count, sha256 = _hash(connection, previous, first, last)
        if count:
            with database.write() as tx:
                values = {"first_entry": first, "last_entry": last, "entries": count, "sha256": sha256}
                tx.execute(_seal.insert().values(at=utc_now(), **values))
        return count


def prove(connection: sa.Connection, *, expected_head: str | None = None) -> Chain:
    """Compute every seal anew. `expected_head`: one that was noted down, which must still be part of the chain."""
    problems: list[str] = []
    previous, next_entry, entries = START, 1, 0
    seals = connection.execute(sa.select(_seal).order_by(_seal.c.id)).all()
    for row in seals:
        count, sha256 = _hash(connection, previous, row.first_entry, row.last_entry)
        if (row.first_entry, count, sha256) != (next_entry, row.entries, row.sha256):
            problems.append(
                f"seal {row.id} of {row.at} over the entries {row.first_entry} to {row.last_entry}: "
                f"{count} entries with another hash than the {row.entries} that were sealed"
            )
        previous, next_entry, entries = row.sha256, row.last_entry + 1, entries + count
    if expected_head and expected_head not in {row.sha256 for row in seals}:
        problems.append(f"the head {expected_head} is not part of the chain: it was cut off or written anew")
    unsealed = sa.select(sa.func.count()).select_from(_entry).where(_entry.c.id >= next_entry)
    return Chain(
        seals=len(seals),
        sealed_entries=entries,
        unsealed_entries=connection.scalar(unsealed) or 0,
        head=previous,
        problems=tuple(problems),
    )


def _last_settled_entry(database: Database) -> int:
    """No entry below this one can still appear.

    PostgreSQL gives ids when a row is written and shows it when its transaction ends, so a lower id may come later. The
    table lock waits for those that are being written; it is held for this one question.
    """
    with database.write() as tx:
        database.wait_for_writers(tx, _entry)
        return tx.scalar(sa.select(sa.func.max(_entry.c.id))) or 0


def _hash(connection: sa.Connection, previous: str, first: int, last: int) -> tuple[int, str]:
    """(how many entries there are between these ids, the hash over the seal before and them)."""
    found = hashlib.sha256(previous.encode())
    count = 0
    for row in _rows(connection, first, last):
        found.update(b"\n" + json.dumps(row, sort_keys=True, separators=(",", ":")).encode())
        count += 1
    return count, found.hexdigest()


def _rows(connection: sa.Connection, first: int, last: int) -> Iterator[list[Any]]:
    columns = [_entry.c[name] for name in SEALED_COLUMNS]
    while first <= last:
        page = sa.select(*columns).where(_entry.c.id.between(first, last)).order_by(_entry.c.id).limit(ROWS_AT_ONCE)
        rows = connection.execute(page).all()
        yield from (list(row) for row in rows)
        if len(rows) < ROWS_AT_ONCE:
            return
        first = rows[-1].id + 1
