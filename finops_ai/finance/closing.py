"""Closed months: what finance was given for a month, sealed, and the proof that it still is what the books say.

Belongs here: closing a month once, and comparing it later. Does not: what a charge is (`charges`).

A closed month does not change: an entry belongs to the month of its booking, a correction is booked in the month in which it is
made, and the database itself refuses an entry of a closed month (a trigger, since a process's clock may run behind).
"""

from dataclasses import asdict, dataclass

import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.finance.charges import Digest, charges, entries_of
from finops_ai.store import Database, month_start, tables, today, utc_now

_closed, _entry = tables.closed_month, tables.entry


class ClosingRefused(Exception):
    """This month cannot be closed. The message says why."""


class ClosedMonthChanged(Exception):
    """The charges of a closed month are not those that finance was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedMonth:
    """What finance was given: the digest over its charges, how many there were, what they come to."""

    month: str
    entry: int
    sha256: str
    charges: int
    total_nano_usd: int
    closed_by: str
    at: str


def close_month(database: Database, month: str, by: str) -> ClosedMonth:
    """Close a month that is over, once. Raises ClosingRefused, store.LockTaken, ValueError for what is no month."""
    if month_start(month) >= today().replace(day=1):
        raise ClosingRefused(f"{month} is not over: it ends with its last day, UTC")
    ledger.seal(database)
    with database.exclusive("close a month"):
        with database.read() as connection:
            if found := closed_month(connection, month):
                raise ClosingRefused(f"{month} was closed by {found.closed_by} at {found.at}")
            digested = entries_of(connection, month)
            record = asdict(digest_of(connection, month))
        with database.write() as tx:
            database.wait_for_writers(tx, _entry)  # of an entry that began before midnight
            if entries_of(tx, month) != digested:
                raise ClosingRefused(f"{month} was still being written to: close it again")
            entry = ledger.close(tx, month, by=by, record=record)
            tx.execute(_closed.insert().values(month=month, entry=entry, closed_by=by, at=utc_now(), **record))
    with database.read() as connection:
        found = closed_month(connection, month)
    assert found is not None
    return found


def closed(connection: sa.Connection) -> list[ClosedMonth]:
    """Every closed month, oldest first."""
    rows = connection.execute(sa.select(_closed).order_by(_closed.c.month)).mappings()
    return [ClosedMonth(**row) for row in rows]


def closed_month(connection: sa.Connection, month: str) -> ClosedMonth | None:
    """None: it is open."""
    row = connection.execute(sa.select(_closed).where(_closed.c.month == month)).mappings().one_or_none()
    return None if row is None else ClosedMonth(**row)


def digest_of(connection: sa.Connection, month: str) -> Digest:
    """Computed anew from the entries."""
    with charges(connection, month) as found:
        return found.digest()


def verify_month(connection: sa.Connection, month: str) -> list[str]:
    """How a closed month differs from what finance was given: empty when it does not. Raises ClosingRefused: not closed."""
    found = closed_month(connection, month)
    if found is None:
        raise ClosingRefused(f"{month} is not closed")
    return differences(connection, found, digest_of(connection, month))


def differences(connection: sa.Connection, given: ClosedMonth, digest: Digest) -> list[str]:
    """What finance was given, against the charges of now and against the entry that the hash chain covers."""
    entry = connection.execute(sa.select(_entry).where(_entry.c.id == given.entry)).one_or_none()
    is_its_close = entry is not None and (entry.kind, entry.debit) == ("close", f"closed/{given.month}")
    booked = entry.price if entry is not None and is_its_close else {}
    problems = []
    for name in ("sha256", "charges", "total_nano_usd"):
        closed_with = getattr(given, name)
        if (now := getattr(digest, name)) != closed_with:
            problems.append(f"{given.month} was closed with {name} {closed_with}, its charges are {now} now")
        if booked.get(name) != closed_with:
            problems.append(
                f"{given.month}: entry {given.entry} closed it with {name} {booked.get(name)}, not {closed_with}"
            )
    return problems
