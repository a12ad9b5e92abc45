"""People are told once when a share of a limit is spent or a call is refused; in the transaction that caused it."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finops_ai import ledger
from finops_ai.ledger import Budget, BudgetExceeded, Payer
from finops_ai.ledger.budgets import passed
from finops_ai.store import Database
from finops_ai_tests.records import hold_of, payer, registered

LIMIT = 1_000


@pytest.fixture
def who(database: Database) -> Payer:
    return payer_of(registered(database))


def payer_of(artifact: str, limit: int = LIMIT) -> Payer:
    plain = payer(artifact)
    budget = Budget(id="workload/w/2026-11", limit_nano_usd=limit, alerts_percent=(50, 80, 100))
    return Payer(**{name: getattr(plain, name) for name in plain.__slots__} | {"budgets": (budget,)})


def spend(database: Database, who: Payer, amount: int) -> None:
    with database.write() as tx:
        ledger.book(tx, who, kind="compute", quantity=1, unit="compute_us", amount_nano_usd=amount)


def untold(database: Database) -> list[tuple[str, str]]:
    with database.read() as connection:
        return [(alert.budget_id, alert.level) for alert in ledger.untold(connection, limit=10)]


def test_a_threshold_is_told_when_spending_reaches_it(database: Database, who: Payer) -> None:
    spend(database, who, 499)
    assert untold(database) == []
    spend(database, who, 1)
    assert untold(database) == [("workload/w/2026-11", "50%")]
    spend(database, who, 200)
    assert len(untold(database)) == 1, "and only once"
    spend(database, who, 400)
    assert [level for _, level in untold(database)] == ["50%", "80%", "100%"], "two were passed at once"


def test_a_transaction_that_is_undone_tells_nobody(database: Database, who: Payer) -> None:
    with suppress(KeyError), database.write() as tx:
        ledger.book(tx, who, kind="compute", quantity=1, unit="compute_us", amount_nano_usd=LIMIT)
        raise KeyError
    assert untold(database) == []


def test_a_raised_limit_is_a_new_one_to_tell_of(database: Database, who: Payer) -> None:
    spend(database, who, 600)
    raised = payer_of(who.artifact, limit=2 * LIMIT)
    spend(database, raised, 500)
    assert [level for _, level in untold(database)] == ["50%", "50%"]


def test_a_refusal_is_told_although_its_transaction_is_undone(database: Database, who: Payer) -> None:
    spend(database, who, 10)
    with database.write() as tx:
        operation = ledger.open_operation(tx, who, request_sha256="r" * 64)
    with pytest.raises(BudgetExceeded) as refused, database.write() as tx:
        ledger.reserve(tx, who, hold_of(operation, LIMIT))
    for _ in range(2):
        with database.write() as tx:
            ledger.record_refusal(tx, refused.value)
    assert untold(database) == [("workload/w/2026-11", "refused")]


def test_a_refusal_by_a_budget_that_was_never_stored_is_told_too(database: Database, who: Payer) -> None:
    """The transaction that opened it was the one that was refused."""
    error = BudgetExceeded(budget_id="artifact/new", limit=5, spent=0, reserved=0, asked=6)
    with database.write() as tx:
        ledger.record_refusal(tx, error)
    assert untold(database) == [("artifact/new", "refused")]


def test_what_was_told_is_not_told_again(database: Database, who: Payer) -> None:
    spend(database, who, LIMIT)
    with database.read() as connection:
        first, *_ = ledger.untold(connection, limit=10)
    for _ in range(2):
        with database.write() as tx:
            ledger.told(tx, first.id)
    assert [level for _, level in untold(database)] == ["80%", "100%"]


def test_money_that_comes_back_tells_nobody(database: Database, who: Payer) -> None:
    assert passed("50", LIMIT, -600, 100) == []


@given(
    amounts=st.lists(st.integers(min_value=0, max_value=400), max_size=10),
    limit=st.integers(min_value=1, max_value=900),
)
def test_each_threshold_is_passed_once_however_the_money_goes(amounts: list[int], limit: int) -> None:
    told: list[int] = []
    for n in range(len(amounts)):
        told += passed("50,80,100", limit, amounts[n], sum(amounts[: n + 1]))
    assert told == [percent for percent in (50, 80, 100) if percent * limit <= 100 * sum(amounts)]


def test_the_state_of_a_budget_says_how_full_it_is(database: Database, who: Payer) -> None:
    spend(database, who, 850)
    with database.read() as connection:
        (state,) = ledger.states(connection)
        assert ledger.states(connection, ["another"]) == []
    assert (state.spent_percent, state.reached) == (85.0, "80%")
