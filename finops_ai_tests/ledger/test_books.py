"""The books balance after anything, say so, and find what was tampered with."""

import json
from collections.abc import Callable
from itertools import count

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from finops_ai import ledger
from finops_ai.ledger import GROUPS, AlreadySettled, BudgetExceeded, KeyReused, Payer
from finops_ai.pricing import Usage
from finops_ai.store import Database, tables
from finops_ai_tests.records import brief, hold_of, payer, registered, without_guard

_worlds = count()
amounts = st.integers(min_value=0, max_value=60)


class Books(RuleBasedStateMachine):
    """Two artifacts that share an organisation, with a dictionary beside them that says what must be true."""

    keys = Bundle("keys")

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        world = next(_worlds)
        self.payers = [
            payer(
                registered(database, brief(topic=f"world {world} artifact {n}")),
                (f"organisation/{world}", 150),
                (f"artifact/{world}/{n}", 100),
            )
            for n in range(2)
        ]
        self.limits = {b.id: b.limit_nano_usd for who in self.payers for b in who.budgets}
        self.reserved = dict.fromkeys(self.limits, 0)
        self.spent = dict.fromkeys(self.limits, 0)
        self.held: dict[str, tuple[int, int]] = {}  # open key -> payer, amount
        self.closed: dict[str, int] = {}
        self.suspense = self.cost = 0
        self.attempts = 0
        with database.read() as connection:
            self.before = ledger.check(connection)

    def fits(self, who: Payer, amount: int) -> bool:
        return all(self.limits[b.id] - self.reserved[b.id] - self.spent[b.id] >= amount for b in who.budgets)

    def give_back(self, who: Payer, amount: int) -> None:
        for b in who.budgets:
            self.reserved[b.id] -= amount

    @rule(target=keys, number=st.integers(0, 1), amount=amounts)
    def reserve(self, number: int, amount: int) -> object:
        who = self.payers[number]
        self.attempts += 1
        try:
            with self.database.write() as tx:
                operation = ledger.open_operation(tx, who, request_sha256="r" * 64)
                wanted = hold_of(operation, amount, attempt=self.attempts)
                assert ledger.reserve(tx, who, wanted)
        except BudgetExceeded:
            assert not self.fits(who, amount)
            return multiple()
        assert self.fits(who, amount)
        for b in who.budgets:
            self.reserved[b.id] += amount
        self.held[wanted.key] = (number, amount)
        return wanted.key

    @rule(key=keys, more=st.integers(0, 1))
    def reserve_again(self, key: str, more: int) -> None:
        number, amount = self.held.get(key) or (self.closed[key], None)
        if amount is None:
            return
        operation, _, attempt = key.rpartition("/")
        again = hold_of(operation, amount + more, attempt=int(attempt))
        try:
            with self.database.write() as tx:
                assert not ledger.reserve(tx, self.payers[number], again)
        except KeyReused:
            assert more

    def close(self, key: str, action: Callable[[sa.Connection, Payer], None]) -> tuple[Payer, int] | None:
        number, amount = self.held.pop(key, (self.closed.get(key, 0), -1))
        who = self.payers[number]
        try:
            with self.database.write() as tx:
                action(tx, who)
        except AlreadySettled:
            assert amount == -1
            return None
        assert amount >= 0
        self.closed[key] = number
        return who, amount

    @rule(key=keys, used=st.tuples(amounts, st.integers(0, 100), amounts))
    def settle(self, key: str, used: tuple[int, int, int]) -> None:
        usage = Usage(input_tokens=used[0], cached_input_tokens=used[0] * used[1] // 100, output_tokens=used[2])

        def action(tx: sa.Connection, who: Payer) -> None:
            ledger.settle(tx, who, key, usage, answer=json.dumps(key))

        if done := self.close(key, action):
            fresh, cached = usage.input_tokens - usage.cached_input_tokens, usage.cached_input_tokens
            cost = fresh + (cached + 1) // 2 + 2 * usage.output_tokens
            self.give_back(*done)
            self.charge(done[0], cost)

    def charge(self, who: Payer, cost: int) -> None:
        self.cost += cost
        for b in who.budgets:
            self.spent[b.id] += cost

    @rule(key=keys)
    def release(self, key: str) -> None:
        if done := self.close(key, lambda tx, who: ledger.release(tx, who, key, proof="HTTP 401")):
            self.give_back(*done)

    @rule(key=consumes(keys))
    def suspend(self, key: str) -> None:
        if done := self.close(key, lambda tx, who: ledger.suspend(tx, who, key, why="time-out")):
            self.suspense += done[1]

    @rule(number=st.integers(0, 1), amount=amounts, kind=st.sampled_from(["compute", "review"]))
    def book(self, number: int, amount: int, kind: str) -> None:
        who = self.payers[number]
        with self.database.write() as tx:
            ledger.book(tx, who, kind=kind, quantity=amount, unit="compute_us", amount_nano_usd=amount)
        self.charge(who, amount)

    @rule(number=st.integers(0, 1))
    def die_and_come_back(self, number: int) -> None:
        who = self.payers[number]
        mine = {key: amount for key, (owner, amount) in self.held.items() if owner == number}
        with self.database.write() as tx:
            assert set(ledger.suspend_open(tx, who)) == set(mine)
        for key, amount in mine.items():
            del self.held[key]
            self.closed[key] = number
            self.suspense += amount

    @initialize()
    def nothing_yet(self) -> None:
        assert not self.held

    @invariant()
    def the_books_agree_with_the_dictionary(self) -> None:
        with self.database.read() as connection:
            check = ledger.check(connection)
            rows = connection.execute(sa.select(tables.budget).where(tables.budget.c.id.in_(self.limits))).all()
            spent = [ledger.spent(connection, artifact=who.artifact) for who in self.payers]
            left = [ledger.left_nano_usd(connection, who.budgets) for who in self.payers]
        assert check.problems == ()
        assert check.open_reservations - self.before.open_reservations == len(self.held)
        assert check.suspense_nano_usd - self.before.suspense_nano_usd == self.suspense
        counted = {row.id: (row.reserved_nano_usd, row.spent_nano_usd) for row in rows}
        for name in self.limits:
            assert counted.get(name, (0, 0)) == (self.reserved[name], self.spent[name])
        assert sum(s.cost_nano_usd for s in spent) == self.cost
        assert left == [
            min(self.limits[b.id] - self.reserved[b.id] - self.spent[b.id] for b in who.budgets) for who in self.payers
        ]


def test_the_books_balance_after_anything(database: Database) -> None:
    """Many worlds on SQLite; fewer, and always the same, on PostgreSQL, where each step is a round trip."""
    run_state_machine_as_test(
        lambda: Books(database),  # type: ignore[arg-type]  # any factory will do
        settings=hypothesis_settings(
            max_examples=20 if database.is_sqlite else 5,
            stateful_step_count=20,
            derandomize=not database.is_sqlite,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def busy(database: Database) -> Database:
    """Books with a settled call, a suspended one, a released one, an open one, compute and review, in two loops."""
    for n, loop in ((0, 0), (1, 1)):
        who = payer(registered(database, brief(topic=f"artifact {n}")), ("org", 10_000), (f"a{n}", 5_000), loop=loop)
        with database.write() as tx:
            operation = ledger.open_operation(tx, who, request_sha256="r" * 64)
            for attempt in range(1, 5):
                ledger.reserve(tx, who, hold_of(operation, 100, attempt=attempt))
            usage = Usage(input_tokens=30 + n, cached_input_tokens=10, output_tokens=5)
            ledger.settle(tx, who, f"{operation}/1", usage, answer="{}")
            ledger.suspend(tx, who, f"{operation}/2", why="time-out")
            ledger.release(tx, who, f"{operation}/3", proof="HTTP 401")
            ledger.book(tx, who, kind="compute", quantity=7, unit="compute_us", amount_nano_usd=7)
            ledger.book(tx, who, kind="review", quantity=3, unit="review_s", amount_nano_usd=300)
    return database


@pytest.mark.parametrize("by", GROUPS)
def test_costs_by_anything_sum_up_to_what_was_spent(busy: Database, by: str) -> None:
    with busy.read() as connection:
        rows, spent = ledger.cost_rows(connection, by=by), ledger.spent(connection)
    for figure in ("cost_nano_usd", "input_tokens", "cached_input_tokens", "output_tokens", "suspense_nano_usd"):
        assert sum(int(row[figure]) for row in rows) == getattr(spent, figure), figure
    assert spent.cost_nano_usd == 35 + 36 + 2 * 307
    assert [row["cost_nano_usd"] for row in rows] == sorted((row["cost_nano_usd"] for row in rows), reverse=True)


def test_costs_can_be_asked_for_one_month_and_one_artifact(busy: Database) -> None:
    with busy.read() as connection:
        (one,) = ledger.cost_rows(connection, by="loop", artifact=_artifact(connection, loop=1))
        assert (one["key"], one["cost_nano_usd"], one["attempts"]) == (1, 343, 2)
        assert ledger.cost_rows(connection, by="loop", month="1999-01") == []
        with pytest.raises(KeyError):
            ledger.cost_rows(connection, by="price")


def _artifact(connection: sa.Connection, *, loop: int) -> str:
    return str(connection.scalar(sa.select(tables.entry.c.artifact).where(tables.entry.c.loop == loop).limit(1)))


def test_what_had_been_spent_at_a_moment_does_not_change_later(busy: Database) -> None:
    with busy.read() as connection:
        artifact = _artifact(connection, loop=0)
        at = str(connection.scalar(sa.select(sa.func.max(tables.entry.c.at))))
        before = ledger.spent_until(connection, artifact=artifact, at=at)
    with busy.write() as tx:
        ledger.book(tx, payer(artifact, ("org", 1)), kind="compute", quantity=1, unit="compute_us", amount_nano_usd=1)
    with busy.read() as connection:
        assert ledger.spent_until(connection, artifact=artifact, at=at) == before
        assert ledger.spent(connection, artifact=artifact).cost_nano_usd == before.cost_nano_usd + 1


@pytest.mark.parametrize(
    ("tampering", "said"),
    [
        (sa.update(tables.budget).values(spent_nano_usd=tables.budget.c.spent_nano_usd - 1), "spent is"),
        (sa.update(tables.budget).values(reserved_nano_usd=tables.budget.c.reserved_nano_usd + 1), "reserved is"),
        (sa.update(tables.entry).where(tables.entry.c.kind == "charge").values(amount_nano_usd=1), "spent is"),
        (sa.delete(tables.entry).where(tables.entry.c.kind == "hold"), "reserved is"),
    ],
)
def test_a_tampered_record_no_longer_balances(busy: Database, tampering: sa.Executable, said: str) -> None:
    with busy.write() as tx:
        assert ledger.check(tx).balanced
        without_guard(tx, tables.entry)
        tx.execute(tampering)
        check = ledger.check(tx)
    assert not check.balanced
    assert said in check.problems[0]
