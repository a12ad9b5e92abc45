"""The guard: holds and charges on budgets, all of them or none, safe under any number of processes.

Belongs here: the counters of `budget` and the entries that explain them. Does not: what a hold is for (`calls`).
"""

from collections.abc import Sequence

import sqlalchemy as sa

from finops_ai.ledger import alerts
from finops_ai.ledger.model import Budget, BudgetExceeded
from finops_ai.store import insert_once, tables

_budget = tables.budget


def open_budgets(tx: sa.Connection, budgets: Sequence[Budget]) -> None:
    """Make sure that each budget exists with its limit and alerts of today; they change when the policy does."""
    rows = tx.execute(sa.select(_budget).where(_budget.c.id.in_([b.id for b in budgets])))
    found = {row.id: (row.limit_nano_usd, row.alerts_percent) for row in rows}
    for budget in budgets:
        wanted = (budget.limit_nano_usd, ",".join(map(str, budget.alerts_percent)))
        values = {"limit_nano_usd": wanted[0], "alerts_percent": wanted[1]}
        if budget.id not in found:
            insert_once(tx, _budget, id=budget.id, **values)
        elif found[budget.id] != wanted:
            tx.execute(_budget.update().where(_budget.c.id == budget.id).values(**values))


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
    """Book what was spent (less than 0: given back) and return what was held for it. True: a budget is over its limit now.

    Never refused: the money is gone, and books that hide it are worth nothing. A threshold that this passes leaves an
    alert in the same transaction.
    """
    over = False
    for budget_id in budget_ids:  # one by one: they are locked in this order, which one statement would not promise
        charged = _budget.update().where(_budget.c.id == budget_id).returning(_budget)  # of the row as it is now
        row = tx.execute(
            charged.values(
                spent_nano_usd=_budget.c.spent_nano_usd + spent_nano_usd,
                reserved_nano_usd=_budget.c.reserved_nano_usd - held_nano_usd,
            )
        ).one()
        over |= row.spent_nano_usd + row.reserved_nano_usd > row.limit_nano_usd
        for percent in passed(row.alerts_percent, row.limit_nano_usd, spent_nano_usd, row.spent_nano_usd):
            alerts.record(tx, row, f"{percent}%")
    return over


def passed(alerts_percent: str, limit_nano_usd: int, added_nano_usd: int, spent_nano_usd: int) -> list[int]:
    """The thresholds (`"50,80,100"`: percent of the limit) that these newly spent nano-USD reached."""
    before = spent_nano_usd - added_nano_usd
    percents = [int(percent) for percent in alerts_percent.split(",") if percent]
    return [p for p in percents if before * 100 < p * limit_nano_usd <= spent_nano_usd * 100]


def left_nano_usd(tx: sa.Connection, budgets: Sequence[Budget]) -> int:
    """What the tightest of these budgets can still hold. A budget without a row yet has its whole limit."""
    rows = tx.execute(
        sa.select(_budget.c.id, _budget.c.reserved_nano_usd + _budget.c.spent_nano_usd).where(
            _budget.c.id.in_([b.id for b in budgets])
        )
    )
    used = dict(rows.all())
    return min(int(b.limit_nano_usd - used.get(b.id, 0)) for b in budgets)
