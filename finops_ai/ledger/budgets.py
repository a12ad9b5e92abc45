"""The guard: holds and charges on budgets, all of them or none, safe under any number of processes.

Belongs here: the counters of `budget`. Does not: the entries that explain them, what a hold is for (`calls`).

All budgets change in one statement, and on PostgreSQL their rows are locked in the order of their ids first, so that two payers
with some budgets in common never wait for each other in a ring. SQLite has one writer at a time. Whatever else is to be written
before goes `first`, in the same trip to the database.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from finops_ai.ledger import alerts
from finops_ai.ledger.model import Budget, BudgetExceeded
from finops_ai.store import Prepared, Step, insert_once, run, tables

_budget = tables.budget
_amount, _spent, _held = (sa.bindparam(name, type_=sa.BigInteger) for name in ("amount", "spent", "held"))
_left = _budget.c.limit_nano_usd - _budget.c.reserved_nano_usd - _budget.c.spent_nano_usd
_STATES = sa.select(_budget).where(_budget.c.id.in_(sa.bindparam("ids", expanding=True)))


@cache
def _holding(count: int) -> Prepared:
    """The guard in WHERE is the lock: the row is read again after it is locked, where reading first would be a race."""
    return _changing(count, {"reserved_nano_usd": _budget.c.reserved_nano_usd + _amount}, _left >= _amount)


@cache
def _charging(count: int) -> Prepared:
    spent, reserved = _budget.c.spent_nano_usd + _spent, _budget.c.reserved_nano_usd - _held
    return _changing(count, {"spent_nano_usd": spent, "reserved_nano_usd": reserved})


def _changing(count: int, values: Mapping[str, Any], *guard: sa.ColumnElement[bool]) -> Prepared:
    """Change so many budgets, those whose guard holds, and return the rows as they are then."""
    named = _budget.c.id.in_([sa.bindparam(f"id_{n}", type_=sa.Text) for n in range(count)])
    locked = sa.select(_budget.c.id).where(named).order_by(_budget.c.id).with_for_update().cte("locked")
    chosen = {"sqlite": named, "postgresql": _budget.c.id == locked.c.id}
    return Prepared(lambda dialect: _budget.update().where(chosen[dialect], *guard).values(values).returning(_budget))


def open_budgets(tx: sa.Connection, budgets: Sequence[Budget]) -> None:
    """Make sure that each budget exists with its limit and alerts of today; they change when the policy does."""
    found = {row.id: row for row in tx.execute(_STATES, {"ids": [b.id for b in budgets]})}
    for budget in budgets:
        values = {"limit_nano_usd": budget.limit_nano_usd, "alerts_percent": _text_of(budget)}
        if budget.id not in found:
            insert_once(tx, _budget, id=budget.id, **values)
        elif not _is_of_today(found[budget.id], budget):
            tx.execute(_budget.update().where(_budget.c.id == budget.id).values(**values))


def hold(tx: sa.Connection, budgets: Sequence[Budget], amount_nano_usd: int, *, first: Sequence[Step] = ()) -> None:
    """Hold on every budget or, by raising BudgetExceeded, on none: that undoes the transaction."""
    ids = [budget.id for budget in budgets]
    held = _changed(tx, _holding, ids, {"amount": amount_nano_usd}, first)
    if all(budget.id in held and _is_of_today(held[budget.id], budget) for budget in budgets):
        return
    # new, or with another limit than today's: give back, open them, and try once more
    if held:
        _changed(tx, _charging, list(held), {"spent": 0, "held": amount_nano_usd})
    open_budgets(tx, budgets)
    held = _changed(tx, _holding, ids, {"amount": amount_nano_usd})
    refused = next((budget_id for budget_id in ids if budget_id not in held), None)
    if refused is not None:
        row = tx.execute(_STATES, {"ids": [refused]}).one()
        raise BudgetExceeded(
            budget_id=refused,
            limit=row.limit_nano_usd,
            spent=row.spent_nano_usd,
            reserved=row.reserved_nano_usd,
            asked=amount_nano_usd,
        )


def _changed(
    tx: sa.Connection,
    statement: Callable[[int], Prepared],
    ids: Sequence[str],
    amounts: Mapping[str, int],
    first: Sequence[Step] = (),
) -> dict[str, Any]:
    named = {f"id_{n}": budget_id for n, budget_id in enumerate(ids)}
    return {row.id: row for row in run(tx, *first, (statement(len(ids)), {**named, **amounts}))}


def _is_of_today(row: Any, budget: Budget) -> bool:
    return bool(row.limit_nano_usd == budget.limit_nano_usd and row.alerts_percent == _text_of(budget))


def _text_of(budget: Budget) -> str:
    return ",".join(map(str, budget.alerts_percent))


def charge(
    tx: sa.Connection,
    budget_ids: Sequence[str],
    *,
    spent_nano_usd: int,
    held_nano_usd: int = 0,
    first: Sequence[Step] = (),
) -> bool:
    """Book what was spent (less than 0: given back) and return what was held for it. True: a budget is over its limit now.

    Never refused: the money is gone, and books that hide it are worth nothing. A threshold that this passes leaves an
    alert in the same transaction.
    """
    over = False
    amounts = {"spent": spent_nano_usd, "held": held_nano_usd}
    for row in _changed(tx, _charging, budget_ids, amounts, first).values():
        over |= row.spent_nano_usd + row.reserved_nano_usd > row.limit_nano_usd
        for percent in passed(row.alerts_percent, row.limit_nano_usd, spent_nano_usd, row.spent_nano_usd):
            alerts.record(tx, row, f"{percent}%")
    return over


def passed(alerts_percent: str, limit_nano_usd: int, added_nano_usd: int, spent_nano_usd: int) -> list[int]:
    """The thresholds (`"50,80,100"`: percent of the limit) that these newly spent nano-USD reached."""
    reached_before = reached(alerts_percent, limit_nano_usd, spent_nano_usd - added_nano_usd)
    return [p for p in reached(alerts_percent, limit_nano_usd, spent_nano_usd) if p not in reached_before]


def reached(alerts_percent: str, limit_nano_usd: int, spent_nano_usd: int) -> list[int]:
    """The thresholds at or below what is spent."""
    percents = [int(percent) for percent in alerts_percent.split(",") if percent]
    return [percent for percent in percents if percent * limit_nano_usd <= spent_nano_usd * 100]


def left_nano_usd(tx: sa.Connection, budgets: Sequence[Budget]) -> int:
    """What the tightest of these budgets can still hold. A budget without a row yet has its whole limit."""
    rows = tx.execute(
        sa.select(_budget.c.id, _budget.c.reserved_nano_usd + _budget.c.spent_nano_usd).where(
            _budget.c.id.in_([b.id for b in budgets])
        )
    )
    used = dict(rows.all())
    return min(int(b.limit_nano_usd - used.get(b.id, 0)) for b in budgets)
