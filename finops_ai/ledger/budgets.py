"""The guard: holds and charges on budgets, all of them or none, safe under any number of processes.

Belongs here: the counters of `budget` and the entries that explain them. Does not: what a hold is for (`calls`).
"""

from collections.abc import Sequence

import sqlalchemy as sa

from finops_ai.ledger.model import Budget, BudgetExceeded
from finops_ai.store import insert_once, tables

_budget = tables.budget


def open_budgets(tx: sa.Connection, budgets: Sequence[Budget]) -> None:
    """Make sure that each budget exists with its limit of today; a limit changes when the policy does."""
    limits = dict(
        tx.execute(
            sa.select(_budget.c.id, _budget.c.limit_nano_usd).where(_budget.c.id.in_([b.id for b in budgets]))
        ).all()
    )
    for budget in budgets:
        if budget.id not in limits:
            insert_once(tx, _budget, id=budget.id, limit_nano_usd=budget.limit_nano_usd)
        elif limits[budget.id] != budget.limit_nano_usd:
            tx.execute(_budget.update().where(_budget.c.id == budget.id).values(limit_nano_usd=budget.limit_nano_usd))


def hold(tx: sa.Connection, budget_ids: Sequence[str], amount_nano_usd: int) -> None:
    """Hold on every budget or, by raising BudgetExceeded, on none.

    The guard in WHERE is the lock: the row is re-read after it is locked, where reading first would be a race.
    """
    left = _budget.c.limit_nano_usd - _budget.c.reserved_nano_usd - _budget.c.spent_nano_usd
    for budget_id in budget_ids:
        guarded = _budget.update().where(_budget.c.id == budget_id, left >= amount_nano_usd)
        held = tx.execute(guarded.values(reserved_nano_usd=_budget.c.reserved_nano_usd + amount_nano_usd))
        if held.rowcount == 0:
            row = tx.execute(sa.select(_budget).where(_budget.c.id == budget_id)).one()
            raise BudgetExceeded(
                budget_id=budget_id,
                limit=row.limit_nano_usd,
                spent=row.spent_nano_usd,
                reserved=row.reserved_nano_usd,
                asked=amount_nano_usd,
            )


def charge(tx: sa.Connection, budget_ids: Sequence[str], *, spent_nano_usd: int, held_nano_usd: int = 0) -> bool:
    """Book what was spent and give back what was held for it. True: a budget is over its limit now.

    Never refused: the money is gone, and books that hide it are worth nothing.
    """
    over = False
    over_limit = _budget.c.spent_nano_usd + _budget.c.reserved_nano_usd > _budget.c.limit_nano_usd
    for budget_id in budget_ids:  # one by one: they are locked in this order, which one statement would not promise
        charged = _budget.update().where(_budget.c.id == budget_id).returning(over_limit)  # of the row as it is now
        over |= bool(
            tx.scalar(
                charged.values(
                    spent_nano_usd=_budget.c.spent_nano_usd + spent_nano_usd,
                    reserved_nano_usd=_budget.c.reserved_nano_usd - held_nano_usd,
                )
            )
        )
    return over


def left_nano_usd(tx: sa.Connection, budgets: Sequence[Budget]) -> int:
    """What the tightest of these budgets can still hold. A budget without a row yet has its whole limit."""
    rows = tx.execute(
        sa.select(_budget.c.id, _budget.c.reserved_nano_usd + _budget.c.spent_nano_usd).where(
            _budget.c.id.in_([b.id for b in budgets])
        )
    )
    used = dict(rows.all())
    return min(int(b.limit_nano_usd - used.get(b.id, 0)) for b in budgets)
