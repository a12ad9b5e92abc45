"""Several statements in one trip to the database do what they do one by one, and the database's own words are understood."""

import pytest
import sqlalchemy as sa

from finops_ai.store import Database, Prepared, inserted, is_taken, run, tables, utc_now

OUTCOME = {"kind": "settled", "detail": "100 % paid", "response_id": "", "at": utc_now()}
SPENDING = Prepared(
    lambda _: (
        tables.budget.update()
        .where(tables.budget.c.id == sa.bindparam("which"))
        .values(spent_nano_usd=tables.budget.c.spent_nano_usd + sa.bindparam("more"))
        .returning(tables.budget)
    )
)


def budget(name: str) -> dict[str, object]:
    return {"id": name, "limit_nano_usd": 9, "reserved_nano_usd": 0, "spent_nano_usd": 0, "alerts_percent": "50,80"}


def test_steps_run_in_their_order_and_the_result_is_that_of_the_last(database: Database) -> None:
    rows = inserted(tables.budget, budget("100 %s"), budget("b"))
    with database.write() as tx:
        (row,) = run(tx, rows, (SPENDING, {"which": "b", "more": 2}), (SPENDING, {"which": "b", "more": 3}))
        assert (row.id, row.spent_nano_usd) == ("b", 5)
    with database.read() as connection:
        assert set(connection.scalars(sa.select(tables.budget.c.id))) == {"100 %s", "b"}


def test_a_step_that_fails_undoes_those_before_it_with_their_transaction(database: Database) -> None:
    twice = inserted(tables.budget, budget("a"))
    with pytest.raises(sa.exc.IntegrityError), database.write() as tx:
        run(tx, twice, twice)
    with database.read() as connection:
        assert connection.execute(sa.select(tables.budget)).all() == []


def test_an_insert_of_what_exists_changes_nothing_where_it_is_asked_for_once(database: Database) -> None:
    with database.write() as tx:
        row = inserted(tables.budget, budget("a"), once=True)
        assert [run(tx, row).rowcount for _ in range(2)] == [1, 0]


def test_a_key_that_exists_is_told_from_every_other_refusal(database: Database) -> None:
    """A settlement that came second is not the same as one of a reservation that nobody made."""
    with database.write() as tx:
        run(tx, inserted(tables.budget, budget("a")))
    refused = {
        "exists": inserted(tables.budget, budget("a")),
        "nobody made it": inserted(tables.outcome, OUTCOME | {"reservation": "k"}),
        "less than nothing": (SPENDING, {"which": "a", "more": -1}),
    }
    found = {}
    for name, step in refused.items():
        with pytest.raises(sa.exc.IntegrityError) as error, database.write() as tx:
            run(tx, step)
        found[name] = is_taken(tables.budget, error.value), is_taken(tables.outcome, error.value)
    assert found == {"exists": (True, False), "nobody made it": (False, False), "less than nothing": (False, False)}
