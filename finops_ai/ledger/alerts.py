"""What people are told about budgets: a threshold that was reached, a hold that was refused. Each once per limit.

Belongs here: the rows, and which of them nobody was told of yet. Does not: the thresholds (`budgets`), telling (the package
`alerts`). A row is written in the transaction that caused it, so that no crash can lose it and none can double it.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from finops_ai.ledger.model import BudgetExceeded
from finops_ai.store import insert_once, tables, utc_now

REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing to tell. `level` is a share of the limit (`80%`) or `refused`. Amounts are nano-USD at that moment."""

    id: int
    budget_id: str
    level: str
    limit_nano_usd: int
    spent_nano_usd: int
    reserved_nano_usd: int
    at: str


def record(tx: sa.Connection, budget: Any, level: str) -> None:
    """`budget` is a row of the table, as it is now."""
    insert_once(
        tx,
        tables.budget_alert,
        budget_id=budget.id,
        level=level,
        limit_nano_usd=budget.limit_nano_usd,
        spent_nano_usd=budget.spent_nano_usd,
        reserved_nano_usd=budget.reserved_nano_usd,
        at=utc_now(),
    )


def record_refusal(tx: sa.Connection, error: BudgetExceeded) -> None:
    """In a transaction of its own: the one that was refused is undone, its budgets may never have been stored."""
    budget = tables.budget
    insert_once(tx, budget, id=error.budget_id, limit_nano_usd=error.limit_nano_usd)
    record(tx, tx.execute(sa.select(budget).where(budget.c.id == error.budget_id)).one(), REFUSED)


def untold(connection: sa.Connection, *, limit: int) -> list[Alert]:
    """Alerts that were not delivered yet, oldest first."""
    alert, delivery = tables.budget_alert, tables.alert_delivery
    columns = [alert.c[name] for name in Alert.__slots__]
    query = sa.select(*columns).outerjoin(delivery, delivery.c.alert_id == alert.c.id)
    waiting = query.where(delivery.c.alert_id.is_(None)).order_by(alert.c.id).limit(limit)
    return [Alert(**row) for row in connection.execute(waiting).mappings()]


def told(tx: sa.Connection, alert_id: int) -> None:
    """This alert was delivered."""
    insert_once(tx, tables.alert_delivery, alert_id=alert_id, at=utc_now())
