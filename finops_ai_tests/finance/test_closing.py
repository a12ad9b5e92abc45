"""A closed month: once, part of the hash chain, the same for ever, and guarded by the database."""

import dataclasses
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from finops_ai import finance, ledger
from finops_ai.finance import ClosedMonthChanged, ClosingRefused
from finops_ai.store import Database, simulated, tables
from finops_ai_tests.finance.books import BUDGET, NOVEMBER, OCTOBER, Books, at, called, november, october, usage
from finops_ai_tests.records import payer, registered, without_guard


@pytest.fixture
def made(database: Database) -> Books:
    return october(database)


def close(database: Database, month: str = OCTOBER) -> finance.ClosedMonth:
    with simulated(at(NOVEMBER, 2)):
        return finance.close_month(database, month, by="finance")


def problems(database: Database, month: str = OCTOBER) -> list[str]:
    with database.read() as connection:
        return finance.verify_month(connection, month)


def spent(database: Database, month: str) -> int:
    with database.read() as connection:
        return ledger.spent(connection, month=month).cost_nano_usd


def test_closing_keeps_what_finance_was_given(database: Database, made: Books) -> None:
    before = spent(database, OCTOBER)
    closed = close(database)
    with database.read() as connection:
        assert finance.closed(connection) == [closed]
        with finance.charges(connection, OCTOBER) as found:
            charges = list(found)
    assert (closed.charges, closed.total_nano_usd) == (len(charges), before)
    lines = [json.dumps(charge, separators=(",", ":"), ensure_ascii=False) + "\n" for charge in charges]
    assert closed.sha256 == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert (closed.closed_by, closed.at[:10]) == ("finance", "2026-11-02")
    assert problems(database) == []


def test_the_digest_is_over_the_same_text_on_every_database_whatever_a_workload_is_called(database: Database) -> None:
    """An auditor computes it anew in another language: what is escaped, and how, is part of it."""
    who = replace(payer(registered(database), BUDGET), workload='日本 "/\\\n\x1b')
    with simulated(at(OCTOBER, 5)):
        called(database, who, usage(10, 0))
    with database.read() as connection, finance.charges(connection, OCTOBER) as charges:
        (charge,) = charges
        sha256 = charges.digest().sha256
    before, after = (json.dumps(part, separators=(",", ":"))[1:-1] for part in (list(charge[:6]), list(charge[7:])))
    text = f'[{before},"日本 \\"/\\\\\\n\\u001B",{after}]\n'
    assert sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_the_closing_entry_is_part_of_the_chain_and_of_no_sum(database: Database, made: Books) -> None:
    before = spent(database, OCTOBER), spent(database, NOVEMBER)
    closed = close(database)
    ledger.seal(database)
    with database.read() as connection:
        entry = connection.execute(sa.select(tables.entry).where(tables.entry.c.id == closed.entry)).one()
        check, chain = ledger.check(connection), ledger.prove(connection)
        kinds = {row["key"] for row in ledger.cost_rows(connection, by="kind")}
        with finance.charges(connection, NOVEMBER) as charges:
            assert list(charges) == []
    assert (entry.kind, entry.debit, entry.credit) == ("close", "closed/2026-10", "open/2026-10")
    assert (entry.amount_nano_usd, entry.price["sha256"], entry.month) == (0, closed.sha256, NOVEMBER)
    assert check.balanced
    assert chain.ok
    assert chain.unsealed_entries == 0
    assert "close" not in kinds
    assert (spent(database, OCTOBER), spent(database, NOVEMBER)) == before


@pytest.mark.parametrize("month", [NOVEMBER, "2026-12"])
def test_a_month_that_is_not_over_is_not_closed(database: Database, made: Books, month: str) -> None:
    with pytest.raises(ClosingRefused, match="is not over"):
        close(database, month)


def test_a_month_is_closed_once(database: Database, made: Books) -> None:
    close(database)
    with pytest.raises(ClosingRefused, match="was closed by finance"):
        close(database)


def test_a_correction_after_the_close_leaves_the_closed_month_as_it_was(database: Database, made: Books) -> None:
    before = spent(database, OCTOBER)
    close(database)
    november(database, made)
    assert problems(database) == []
    assert spent(database, OCTOBER) == before
    with database.read() as connection, finance.charges(connection, NOVEMBER) as found:
        assert [c.corrects for c in found] == [1, 0, 0]


def test_an_entry_of_a_closed_month_is_refused_by_the_database(database: Database, made: Books) -> None:
    """A process whose clock runs behind: its call fails, and its hold of before stands for somebody to resolve."""
    close(database)
    with simulated(at(OCTOBER, 31)), pytest.raises(sa.exc.IntegrityError, match="its month is closed"):
        called(database, payer(made.artifact, BUDGET), usage(10, 1))
    assert problems(database) == []
    with simulated(at(NOVEMBER, 2)):
        called(database, payer(made.artifact, BUDGET), usage(10, 1))


def test_a_changed_entry_is_seen_whatever_it_changed(database: Database, made: Books, tmp_path: Path) -> None:
    """An amount, and a figure that no sum of the ledger would show."""
    close(database)
    row = tables.entry
    target = sa.select(sa.func.min(row.c.id)).where(row.c.unit == "cached_input_tokens").scalar_subquery()
    with database.write() as tx:
        without_guard(tx, row)
        tx.execute(sa.update(row).where(row.c.id == target).values(step="claims"))
    (found,) = problems(database)
    assert "sha256" in found
    with pytest.raises(ClosedMonthChanged, match="2026-10 was closed with sha256"):
        finance.export_focus(database, month=OCTOBER, out=tmp_path / "o.csv")
    assert not (tmp_path / "o.csv").exists()


def test_a_changed_row_of_the_close_is_seen_against_its_entry(database: Database, made: Books) -> None:
    """Who rewrites entries and the digest together must also rewrite the chain."""
    close(database)
    with database.write() as tx:
        without_guard(tx, tables.closed_month)
        tx.execute(sa.update(tables.closed_month).values(total_nano_usd=1))
    found = problems(database)
    assert len(found) == 2
    assert any("entry" in problem for problem in found)


def test_the_export_of_a_closed_month_says_so_and_is_the_same_again(
    database: Database, made: Books, tmp_path: Path
) -> None:
    with simulated(at(NOVEMBER, 2)):
        opened = finance.export_focus(database, month=OCTOBER, out=tmp_path / "open.csv")
    closed = close(database)
    november(database, made)
    again = finance.export_focus(database, month=OCTOBER, out=tmp_path / "closed.csv")
    assert (opened.closed, again.closed) == (None, closed)
    assert (tmp_path / "open.csv").read_bytes() == (tmp_path / "closed.csv").read_bytes()
    assert dataclasses.replace(again, closed=None) == opened


def test_a_month_that_is_open_cannot_be_verified(database: Database, made: Books) -> None:
    with pytest.raises(ClosingRefused, match="not closed"):
        problems(database)
