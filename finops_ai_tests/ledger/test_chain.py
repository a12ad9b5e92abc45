"""What was sealed cannot be changed, removed or slipped in later without being seen; and cannot be changed by accident."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.ledger.chain import START
from finops_ai.store import Database, tables
from finops_ai_tests.records import payer, registered, without_guard

ORGANISATION = ("organisation/2026-11", 10**9)


def book(database: Database, count: int = 1) -> None:
    """Two entries each: the charge of the budget, and what it was for."""
    who = payer(registered(database), ORGANISATION)
    for _ in range(count):
        with database.write() as tx:
            ledger.book(tx, who, kind="compute", quantity=1, unit="compute_us", amount_nano_usd=7)


def chain(database: Database, **expected: str) -> ledger.Chain:
    with database.read() as connection:
        return ledger.prove(connection, **expected)


def test_entries_are_sealed_in_batches_that_hang_together(database: Database) -> None:
    book(database, 3)
    assert ledger.seal(database) == 6
    first = chain(database)
    book(database)
    assert (chain(database).sealed_entries, chain(database).unsealed_entries) == (6, 2)
    assert ledger.seal(database) == 2
    assert ledger.seal(database) == 0, "and nothing is sealed twice"
    found = chain(database)
    assert found.ok
    assert (found.seals, found.sealed_entries, found.unsealed_entries) == (2, 8, 0)
    assert found.head not in (first.head, START)


def test_empty_books_are_a_whole_chain(database: Database) -> None:
    assert ledger.seal(database) == 0
    assert chain(database) == ledger.Chain(seals=0, sealed_entries=0, unsealed_entries=0, head=START, problems=())


def _entry(number: int) -> sa.ColumnElement[bool]:
    return tables.entry.c.id == number


TAMPERING = {
    "an amount": sa.update(tables.entry).where(_entry(3)).values(amount_nano_usd=8),
    "an artifact": sa.update(tables.entry).where(_entry(3)).values(workload="another"),
    "a price": sa.update(tables.entry).where(_entry(3)).values(price={"source": "made up"}),
    "a flag": sa.update(tables.entry).where(_entry(3)).values(estimated=True),
    "an entry that goes": sa.delete(tables.entry).where(_entry(3)),
    "the last entry that goes": sa.delete(tables.entry).where(_entry(4)),
}


@pytest.mark.parametrize("what", TAMPERING)
def test_a_sealed_entry_that_was_changed_is_found(database: Database, what: str) -> None:
    book(database, 2)
    ledger.seal(database)
    book(database)
    ledger.seal(database)
    with database.write() as tx:
        without_guard(tx, tables.entry)
        tx.execute(TAMPERING[what])
    (problem,) = chain(database).problems
    assert "seal 1 " in problem
    assert "entries 1 to 4" in problem


def test_an_entry_that_is_slipped_in_under_a_seal_is_found(database: Database) -> None:
    book(database, 2)
    with database.write() as tx:
        without_guard(tx, tables.entry)
        row = dict(tx.execute(sa.select(tables.entry).where(_entry(2))).mappings().one())
        tx.execute(sa.delete(tables.entry).where(_entry(2)))
    ledger.seal(database)
    with database.write() as tx:
        tx.execute(tables.entry.insert().values(row))
    assert not chain(database).ok


def test_a_chain_that_is_written_anew_no_longer_holds_the_head_that_was_noted(database: Database) -> None:
    """Whoever owns the database can compute every hash again; not the one that somebody else wrote down."""
    book(database, 2)
    ledger.seal(database)
    noted = chain(database).head
    book(database)
    ledger.seal(database)
    assert chain(database, expected_head=noted).ok, "an older head is still part of it"
    with database.write() as tx:
        for table in (tables.entry, tables.seal):
            without_guard(tx, table)
        tx.execute(sa.update(tables.entry).where(_entry(2)).values(amount_nano_usd=0))
        tx.execute(sa.delete(tables.seal))
    ledger.seal(database)
    assert chain(database).ok
    (problem,) = chain(database, expected_head=noted).problems
    assert "not part of the chain" in problem


def test_a_seal_waits_for_an_entry_that_is_still_being_written(database: Database) -> None:
    """PostgreSQL hands out ids before it shows rows: a seal that did not wait would close over a gap that fills later."""
    who = payer(registered(database), ORGANISATION)
    other = payer(who.artifact, ("another", 10**9))
    with ThreadPoolExecutor(1) as pool:
        with database.write() as tx:
            ledger.book(tx, who, kind="compute", quantity=1, unit="compute_us", amount_nano_usd=1)
            if not database.is_sqlite:  # there, nobody else could write now
                with database.write() as later:
                    ledger.book(later, other, kind="compute", quantity=1, unit="compute_us", amount_nano_usd=1)
            sealing = pool.submit(ledger.seal, database)
            with pytest.raises(TimeoutError):
                sealing.result(timeout=0.3)
        assert sealing.result(timeout=10) == (2 if database.is_sqlite else 4)
    assert chain(database).ok


def test_the_database_itself_refuses_to_change_a_record(database: Database) -> None:
    """Every table but the counters of budgets and two caches. SQLite asks per row, so there the triggers are read."""
    for table in tables.APPEND_ONLY:
        if database.is_sqlite:
            query = f"SELECT sql FROM sqlite_master WHERE type='trigger' AND tbl_name='{table}'"
            with database.read() as connection:
                assert {"DELETE", "UPDATE"} <= {sql.split()[4] for sql in connection.scalars(sa.text(query))}
            continue
        for statement in (sa.delete(tables.metadata.tables[table]), sa.text(f"TRUNCATE finops_ai.{table} CASCADE")):
            with pytest.raises(sa.exc.DBAPIError, match="rows are only ever added"), database.write() as tx:
                tx.execute(statement)


def test_an_entry_can_be_neither_changed_nor_deleted(database: Database) -> None:
    book(database)
    for statement in (sa.delete(tables.entry), sa.update(tables.entry).values(amount_nano_usd=0)):
        with pytest.raises(sa.exc.DBAPIError, match="entry: rows are only ever added"), database.write() as tx:
            tx.execute(statement)
