"""Money is held before a call, settled once after it, and never lost in between.

These run on real databases, because what can go wrong is the guard in the SQL, not our sums.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from finops_ai import ledger
from finops_ai.ledger import AlreadySettled, Budget, BudgetExceeded, KeyReused, LedgerError, Payer
from finops_ai.pricing import Usage
from finops_ai.settings import Settings
from finops_ai.store import Database, open_database, sha256_hex, tables
from finops_ai_tests.records import at_once, brief, hold_of, payer, registered, without_guard

WIDE, NARROW = "cost_centre/cc-4711/2026-11", "artifact/a"
USAGE = Usage(input_tokens=30, cached_input_tokens=10, output_tokens=5)  # 20 + 5 + 10 nano-USD


@pytest.fixture
def artifact(database: Database) -> str:
    return registered(database)


def reserve(database: Database, who: Payer, amount: int, *, request: str = "r", attempt: int = 1) -> str:
    """The key of one hold, in a transaction of its own."""
    with database.write() as tx:
        operation = ledger.open_operation(tx, who, request_sha256=sha256_hex(request.encode()))
        wanted = hold_of(operation, amount, attempt=attempt)
        ledger.reserve(tx, who, wanted)
    return wanted.key


def counters(database: Database, budget_id: str) -> tuple[int, int]:
    """Reserved and spent."""
    with database.read() as connection:
        row = connection.execute(sa.select(tables.budget).where(tables.budget.c.id == budget_id)).one_or_none()
        return (row.reserved_nano_usd, row.spent_nano_usd) if row else (0, 0)


def books(database: Database) -> ledger.Check:
    with database.read() as connection:
        return ledger.check(connection)


def settle(database: Database, who: Payer, key: str, usage: Usage = USAGE) -> None:
    with database.write() as tx:
        ledger.settle(tx, who, key, usage, answer="{}")


# --- holding


def test_a_hold_stands_on_every_budget(database: Database, artifact: str) -> None:
    reserve(database, payer(artifact, (WIDE, 100), (NARROW, 50)), 40)
    assert counters(database, WIDE) == counters(database, NARROW) == (40, 0)
    assert books(database).open_reservations == 1


@pytest.mark.parametrize("limits", [(100, 10), (10, 100)])
def test_a_budget_that_refuses_leaves_no_hold_on_the_others(
    database: Database, artifact: str, limits: tuple[int, int]
) -> None:
    """A hold left behind on the cost centre would shrink it for good: no call would ever settle it."""
    who = payer(artifact, (WIDE, limits[0]), (NARROW, limits[1]))
    with pytest.raises(BudgetExceeded, match=NARROW if limits[1] == 10 else WIDE):
        reserve(database, who, 11)
    assert counters(database, WIDE) == counters(database, NARROW) == (0, 0)
    assert (books(database).open_reservations, books(database).entries) == (0, 0)


def test_a_budget_can_be_held_to_its_last_nano_dollar_and_not_one_more(database: Database, artifact: str) -> None:
    who = payer(artifact, (WIDE, 100))
    reserve(database, who, 100)
    with pytest.raises(BudgetExceeded):
        reserve(database, who, 1, attempt=2)


def test_the_same_key_twice_is_one_hold(database: Database, artifact: str) -> None:
    who = payer(artifact, (WIDE, 100))
    with database.write() as tx:
        operation = ledger.open_operation(tx, who, request_sha256="r" * 64)
        assert operation == ledger.open_operation(tx, who, request_sha256="r" * 64)
        wanted = hold_of(operation, 40)
        assert [ledger.reserve(tx, who, wanted) for _ in range(2)] == [True, False]
    assert counters(database, WIDE) == (40, 0)


def test_a_key_that_comes_back_for_another_call_is_an_error(database: Database, artifact: str) -> None:
    who = payer(artifact, (WIDE, 100))
    reserve(database, who, 40)
    with pytest.raises(KeyReused):
        reserve(database, who, 41)
    same_attempt = replace(hold_of(f"{artifact}/draft/0/{sha256_hex(b'r')[:16]}", 40), key="other")
    with pytest.raises(KeyReused), database.write() as tx:
        ledger.reserve(tx, who, same_attempt)
    assert counters(database, WIDE) == (40, 0)


def test_a_limit_follows_the_policy(database: Database, artifact: str) -> None:
    """A budget that was raised must help at once, and a lowered one must stop what comes next."""
    reserve(database, payer(artifact, (WIDE, 10)), 10)
    reserve(database, payer(artifact, (WIDE, 20)), 10, attempt=2)
    with pytest.raises(BudgetExceeded, match=r"limit 0\.000000005"):
        reserve(database, payer(artifact, (WIDE, 5)), 1, attempt=3)


_worlds = count()


@given(amounts=st.lists(st.integers(min_value=1, max_value=60), max_size=12))
@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_of_reservations_passes_the_limit(sqlite_database: Database, amounts: list[int]) -> None:
    world = f"world-{next(_worlds)}"
    who = payer(registered(sqlite_database), (world, 100))
    taken = 0
    for n, amount in enumerate(amounts):
        with suppress(BudgetExceeded):
            reserve(sqlite_database, who, amount, request=world, attempt=n + 1)
            taken += amount
        assert taken <= 100
    assert counters(sqlite_database, world)[0] == taken


def test_processes_that_race_for_one_budget_get_exactly_what_fits(
    settings: Settings, database: Database, artifact: str
) -> None:
    """Read, compare, write lets two of them through at the last hold; the guard in WHERE lets one."""
    database.engine.dispose()  # a forked child must not find connections of its parent

    def work(number: int) -> int:
        own = open_database(settings)
        who = payer(artifact, (WIDE, 105), (f"artifact/{number}", 1000))
        through = 0
        for attempt in range(1, 5):
            with suppress(BudgetExceeded):
                reserve(own, who, 10, request=str(number), attempt=attempt)
                through += 1
        return through

    assert sum(at_once(work, 8)) == 10
    assert counters(database, WIDE) == (100, 0)
    assert sum(counters(database, f"artifact/{number}")[0] for number in range(8)) == 100
    assert books(database).balanced


# --- what becomes of a hold


def test_settling_books_what_was_used_and_returns_the_rest(database: Database, artifact: str) -> None:
    who = payer(artifact, (WIDE, 100), (NARROW, 50))
    key = reserve(database, who, 50)
    settle(database, who, key)
    assert counters(database, WIDE) == counters(database, NARROW) == (0, 35)
    with database.read() as connection:
        spent = ledger.spent(connection, artifact=artifact)
        assert (spent.cost_nano_usd, spent.attempts) == (35, 1)
        assert (spent.input_tokens, spent.cached_input_tokens, spent.output_tokens) == (30, 10, 5)
        assert ledger.answer_of(connection, key.rpartition("/")[0]) == "{}"
        assert ledger.price_version(connection, spent.entry_ids) == "test 1"
        assert not connection.scalar(sa.select(sa.func.max(sa.cast(tables.entry.c.overrun, sa.Integer))))


def test_a_cost_above_the_hold_is_booked_and_flagged(database: Database, artifact: str) -> None:
    """The money is gone. A book that refuses to say so is worth nothing."""
    who = payer(artifact, (WIDE, 30))
    settle(database, who, reserve(database, who, 30))
    assert counters(database, WIDE) == (0, 35)
    with database.read() as connection:
        calls = sa.select(tables.entry.c.overrun).where(tables.entry.c.kind == "call")
        assert set(connection.scalars(calls)) == {True}
        assert ledger.left_nano_usd(connection, who.budgets) == -5
    with pytest.raises(BudgetExceeded):
        reserve(database, who, 0, attempt=2)


def test_a_cost_within_its_hold_is_flagged_where_the_limit_was_lowered_meanwhile(
    database: Database, artifact: str
) -> None:
    """Only the counters tell, and they change last: all is entered once and flagged, with one alert."""
    key = reserve(database, payer(artifact, (WIDE, 100), (NARROW, 50)), 50)
    with database.write() as tx:
        ledger.open_budgets(tx, [Budget(id=WIDE, limit_nano_usd=30, alerts_percent=(100,))])
        ledger.settle(tx, payer(artifact, (WIDE, 30), (NARROW, 50)), key, USAGE, answer="{}")
    assert counters(database, WIDE) == counters(database, NARROW) == (0, 35)
    assert books(database).problems == ()
    with database.read() as connection:
        entries = connection.execute(sa.select(tables.entry.c.kind, tables.entry.c.overrun)).all()
        assert [alert.level for alert in ledger.untold(connection, limit=9)] == ["100%"]
    assert sorted(kind for kind, _ in entries) == ["call"] * 3 + ["charge", "hold", "release"]
    assert all(overrun == (kind == "call") for kind, overrun in entries)


CLOSING: dict[str, Callable[[sa.Connection, Payer, str], None]] = {
    "settle": lambda tx, who, key: ledger.settle(tx, who, key, USAGE, answer="{}"),
    "release": lambda tx, who, key: ledger.release(tx, who, key, proof="HTTP 401"),
    "suspend": lambda tx, who, key: ledger.suspend(tx, who, key, why="time-out"),
}


@pytest.mark.parametrize("first", CLOSING)
def test_a_reservation_has_one_outcome(database: Database, artifact: str, first: str) -> None:
    who = payer(artifact, (WIDE, 100))
    key = reserve(database, who, 50)
    with database.write() as tx:
        CLOSING[first](tx, who, key)
    before = counters(database, WIDE), books(database)
    for second in CLOSING:
        with pytest.raises(AlreadySettled), database.write() as tx:
            CLOSING[second](tx, who, key)
    assert (counters(database, WIDE), books(database)) == before


def test_a_reservation_that_nobody_made_has_no_outcome(sqlite_database: Database) -> None:
    who = payer(registered(sqlite_database), (WIDE, 100))
    for how in CLOSING:
        with pytest.raises(LedgerError, match="no reservation k"), sqlite_database.write() as tx:
            CLOSING[how](tx, who, "k")


def test_a_released_hold_can_be_held_again(database: Database, artifact: str) -> None:
    who = payer(artifact, (WIDE, 50))
    key = reserve(database, who, 50)
    with database.write() as tx:
        ledger.release(tx, who, key, proof="HTTP 401")
    assert counters(database, WIDE) == (0, 0)
    reserve(database, who, 50, attempt=2)


def test_suspense_keeps_the_hold_and_is_no_cost_yet(database: Database, artifact: str) -> None:
    """The provider has probably billed it: giving it back would let the same money be spent twice."""
    who = payer(artifact, (WIDE, 50))
    key = reserve(database, who, 50)
    with database.write() as tx:
        ledger.suspend(tx, who, key, why="time-out")
    assert counters(database, WIDE) == (50, 0)
    with database.read() as connection:
        spent = ledger.spent(connection, artifact=artifact)
    assert (spent.cost_nano_usd, spent.suspense_nano_usd, spent.attempts) == (0, 50, 1)
    assert (books(database).open_reservations, books(database).suspense_nano_usd) == (0, 50)
    with pytest.raises(BudgetExceeded):
        reserve(database, who, 1, attempt=2)


def test_what_a_dead_process_left_open_goes_to_suspense(database: Database, artifact: str) -> None:
    """Only of its own artifact: another one may be in the middle of its call."""
    other = registered(database, brief(topic="Another"))
    who = payer(artifact, (WIDE, 500))
    left_open = [reserve(database, who, 10, request=request) for request in ("r", "s")]
    settle(database, who, reserve(database, who, 50, request="t"))
    reserve(database, payer(other, (WIDE, 500)), 7)
    with database.write() as tx:
        assert sorted(ledger.suspend_open(tx, who)) == sorted(left_open)
        assert ledger.suspend_open(tx, who) == []
    assert (books(database).open_reservations, books(database).suspense_nano_usd) == (1, 20)
    assert counters(database, WIDE) == (27, 35)
    assert books(database).balanced


def test_a_settlement_speaks_the_price_of_its_reservation(database: Database, artifact: str) -> None:
    """The policy may have changed while the call was under way."""
    who = payer(artifact, (WIDE, 100))
    settle(database, who, reserve(database, who, 50))
    with database.read() as connection:
        calls = connection.execute(sa.select(tables.entry).where(tables.entry.c.kind == "call")).all()
    assert {call.unit: (call.quantity, call.amount_nano_usd) for call in calls} == {
        "input_tokens": (20, 20),
        "cached_input_tokens": (10, 5),
        "output_tokens": (5, 10),
    }
    assert {(call.tier, call.model, call.credit) for call in calls} == {
        ("standard", "model-a", "provider/provider.example")
    }


def test_attempts_of_an_operation_are_counted(database: Database, artifact: str) -> None:
    who = payer(artifact, (WIDE, 100))
    key = reserve(database, who, 1)
    reserve(database, who, 1, attempt=2)
    with database.read() as connection:
        assert ledger.attempts_of(connection, key.rpartition("/")[0]) == 2
        assert ledger.answer_of(connection, key.rpartition("/")[0]) is None


# --- what a provider's word changes


def test_a_suspense_that_was_not_billed_gives_its_hold_back(database: Database, artifact: str) -> None:
    who = payer(artifact, (WIDE, 50))
    key = _suspended(database, who)
    with database.write() as tx:
        ledger.resolve(tx, key, None, detail="not in the report", report_sha256="f" * 64)
    assert counters(database, WIDE) == (0, 0)
    assert (books(database).suspense_nano_usd, books(database).problems) == (0, ())
    with database.read() as connection:
        spent = ledger.spent(connection, artifact=artifact)
    assert (spent.cost_nano_usd, spent.suspense_nano_usd, spent.attempts) == (0, 0, 1)


def test_a_suspense_that_was_billed_is_booked_at_what_was_billed(database: Database, artifact: str) -> None:
    who = payer(artifact, (WIDE, 50), (NARROW, 50))
    key = _suspended(database, who)
    with database.write() as tx:
        ledger.resolve(tx, key, USAGE, detail="response c-1", report_sha256="f" * 64)
    assert counters(database, WIDE) == counters(database, NARROW) == (0, 35)
    assert (books(database).suspense_nano_usd, books(database).problems) == (0, ())
    with database.read() as connection:
        assert ledger.spent(connection, artifact=artifact).cost_nano_usd == 35
        (row,) = ledger.cost_rows(connection, by="step")
    assert (row["key"], row["cost_nano_usd"], row["suspense_nano_usd"], row["attempts"]) == ("draft", 35, 0, 1)


def test_a_suspense_is_resolved_once(database: Database, artifact: str) -> None:
    who = payer(artifact, (WIDE, 50))
    key = _suspended(database, who)
    with database.write() as tx:
        ledger.resolve(tx, key, None, detail="not in the report", report_sha256="f" * 64)
    for usage in (None, USAGE):
        with pytest.raises(AlreadySettled), database.write() as tx:
            ledger.resolve(tx, key, usage, detail="again", report_sha256="f" * 64)
    assert counters(database, WIDE) == (0, 0)


def test_what_is_not_in_suspense_cannot_be_resolved(database: Database, artifact: str) -> None:
    who = payer(artifact, (WIDE, 100))
    settled = reserve(database, who, 50)
    settle(database, who, settled)
    before = counters(database, WIDE)
    with pytest.raises(LedgerError, match="is not in suspense"), database.write() as tx:
        ledger.resolve(tx, settled, None, detail="", report_sha256="f" * 64)
    assert counters(database, WIDE) == before


def test_a_wrong_settlement_is_reversed_and_booked_again(database: Database, artifact: str) -> None:
    """Nothing that stands is changed: six entries tell what happened, and their sums say what is right."""
    who = payer(artifact, (WIDE, 100))
    key = reserve(database, who, 50)
    with database.write() as tx:
        ledger.settle(tx, who, key, USAGE, answer="{}", response_id="c-1", estimated=True)
    right = Usage(input_tokens=20, cached_input_tokens=0, output_tokens=1)
    for _ in range(2):
        with database.write() as tx:
            ledger.correct(tx, key, right, report_sha256="f" * 64)
    assert counters(database, WIDE) == (0, 22)
    assert books(database).problems == ()
    with database.read() as connection:
        spent = ledger.spent(connection, artifact=artifact)
        assert (spent.cost_nano_usd, spent.input_tokens, spent.cached_input_tokens, spent.output_tokens) == (
            22,
            20,
            0,
            1,
        )
        assert spent.attempts == 1
        calls = connection.execute(sa.select(tables.entry).where(tables.entry.c.kind == "call")).all()
    assert {call.run_id for call in calls if call.id > 3} >= {"report " + "f" * 64}, "and say what they rest on"
    assert sum(call.reverses is not None for call in calls) == 5, "three of the first settlement, two of the second"


def test_an_answer_that_is_none_is_paid_and_not_kept(database: Database, artifact: str) -> None:
    """A stream that broke off cost money; the operation is still open to another try."""
    who = payer(artifact, (WIDE, 100))
    key = reserve(database, who, 50)
    with database.write() as tx:
        ledger.settle(tx, who, key, USAGE, answer=None, response_id="c-1", estimated=True, detail="cut")
    assert counters(database, WIDE) == (0, 35)
    with database.read() as connection:
        assert ledger.answer_of(connection, key.rpartition("/")[0]) is None
        outcome = connection.execute(sa.select(tables.outcome)).one()
    assert (outcome.kind, outcome.response_id, outcome.detail) == ("settled", "c-1", "estimated; cut")


def test_a_kept_answer_that_was_changed_is_not_served(database: Database, artifact: str) -> None:
    """It was paid for one text: another one under its name must not reach a draft."""
    key = reserve(database, payer(artifact, (WIDE, 100)), 50)
    settle(database, payer(artifact, (WIDE, 100)), key)
    with database.write() as tx:
        without_guard(tx, tables.answer)
        tx.execute(tables.answer.update().values(record='{"text": "another"}'))
    with pytest.raises(LedgerError, match="not the one that was paid"), database.read() as connection:
        ledger.answer_of(connection, key.rpartition("/")[0])


def _suspended(database: Database, who: Payer) -> str:
    key = reserve(database, who, 50)
    with database.write() as tx:
        ledger.suspend(tx, who, key, why="time-out")
    return key
