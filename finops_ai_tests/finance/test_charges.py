"""A month of entries as charges: nothing lost, nothing twice, what was taken back netted out or shown as a correction."""

from collections import defaultdict
from typing import Any

import pytest
import sqlalchemy as sa

from finops_ai import finance, ledger
from finops_ai.finance import Charge
from finops_ai.ledger import Rate
from finops_ai.store import Database, simulated, tables
from finops_ai_tests.finance.books import BUDGET, COMPUTE, NOVEMBER, OCTOBER, Books, at, booked, called, held, usage
from finops_ai_tests.records import payer, registered


def charges_of(database: Database, month: str) -> list[Charge]:
    with database.read() as connection, finance.charges(connection, month) as found:
        return list(found)


def spent(database: Database, month: str) -> int:
    with database.read() as connection:
        return ledger.spent(connection, month=month).cost_nano_usd


def by_hand(database: Database, month: str) -> dict[tuple[Any, ...], tuple[int, int]]:
    """Quantity and amount of every group of a month without corrections of earlier ones, added up in Python."""
    entry = tables.entry
    with database.read() as connection:
        rows = {row.id: row for row in connection.execute(sa.select(entry))}
    sums: dict[tuple[Any, ...], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for row in rows.values():
        if row.month != month or row.kind not in ("call", "compute", "review", "retrieval"):
            continue
        base, sign = (rows[row.reverses], -1) if row.reverses else (row, 1)
        key = (
            base.at[:10],
            row.artifact,
            row.step,
            row.loop,
            row.tier or "",
            row.model or "",
            str(row.price),
            row.unit,
        )
        quantity, amount = sums[key]
        sums[key] = (quantity + sign * row.quantity, amount + sign * row.amount_nano_usd)
    return {key: value for key, value in sums.items() if value != (0, 0)}


def test_the_charges_of_a_month_come_to_what_the_ledger_says_was_spent(database: Database, books: Books) -> None:
    for month in (OCTOBER, NOVEMBER):
        assert sum(charge.amount_nano_usd for charge in charges_of(database, month)) == spent(database, month) != 0


def test_entries_of_a_day_with_one_price_and_meter_are_one_charge(database: Database, books: Books) -> None:
    found = charges_of(database, OCTOBER)
    wanted = by_hand(database, OCTOBER)
    assert len(found) == len(wanted)
    assert sorted((c.quantity, c.amount_nano_usd) for c in found) == sorted(wanted.values())
    (plain_input,) = (
        c for c in found if (c.meter, c.model, c.loop) == ("input_tokens", "model-a", 0) and c.day == "2026-10-05"
    )
    assert (plain_input.quantity, plain_input.amount_nano_usd, plain_input.entries) == (700 + 500, 1_200, 2)
    assert plain_input.provider == "provider.example"


def test_charges_come_in_one_order_on_every_database(database: Database, books: Books) -> None:
    """The digest of a closed month is over them in this order: that of their first entries, no two of which are the same."""
    for month in (OCTOBER, NOVEMBER):
        first = [c.first_entry for c in charges_of(database, month)]
        assert first == sorted(set(first))
        assert len(first) > 1


def test_what_was_corrected_within_a_month_nets_out_on_its_day(database: Database, books: Books) -> None:
    """Booked on the 3rd, corrected twice on the 20th: 201 and 25 tokens, no row below 0."""
    own = [c for c in charges_of(database, NOVEMBER) if not c.corrects]
    by_day = {(c.day, c.meter): c.quantity for c in own}
    assert by_day == {("2026-11-20", "input_tokens"): 201, ("2026-11-20", "output_tokens"): 25}
    assert all(c.amount_nano_usd > 0 for c in own)


def test_what_a_correction_changed_in_an_earlier_month_is_a_charge_of_its_own(database: Database, books: Books) -> None:
    """40 output tokens where 50 were charged, at 2 nano-USD: on the day that is corrected, and nothing for what stayed."""
    (corrected,) = (c for c in charges_of(database, NOVEMBER) if c.corrects)
    assert (corrected.day, corrected.meter, corrected.quantity) == ("2026-10-05", "output_tokens", -10)
    assert corrected.amount_nano_usd == -20


def test_a_call_whose_end_is_unknown_is_no_charge_until_it_is_resolved(database: Database) -> None:
    artifact = registered(database)
    who = payer(artifact, BUDGET)
    with simulated(at(OCTOBER, 5)):
        key = held(database, who)
        with database.write() as tx:
            ledger.suspend(tx, who, key, why="lost")
    assert charges_of(database, OCTOBER) == []
    with simulated(at(NOVEMBER, 5)), database.write() as tx:
        ledger.resolve(tx, key, usage(10, 1), detail="billed", report_sha256="r" * 64)
    assert charges_of(database, OCTOBER) == []
    found = charges_of(database, NOVEMBER)
    assert [(c.meter, c.quantity, c.corrects) for c in found] == [("input_tokens", 10, 0), ("output_tokens", 1, 0)]


def test_a_rate_is_kept_with_what_it_led_to(database: Database) -> None:
    """A rate that changes within a day makes two charges, each at its own price."""
    who = payer(registered(database), BUDGET)
    dearer = Rate(nano_usd=200_000_000, per=COMPUTE.per, unit=COMPUTE.unit, source="policy", version="def")
    with simulated(at(OCTOBER, 5)):
        for rate in (COMPUTE, dearer, COMPUTE):
            booked(database, who, "compute", 3_600_000, rate)
        called(database, who, usage(1, 1))
    compute = [c for c in charges_of(database, OCTOBER) if c.kind == "compute"]
    assert sorted((c.quantity, c.amount_nano_usd) for c in compute) == [(3_600_000, 200_000), (7_200_000, 200_000)]


@pytest.mark.parametrize("month", ["2026-09", "2027-01"])
def test_a_month_without_entries_has_no_charges(database: Database, books: Books, month: str) -> None:
    assert charges_of(database, month) == []
