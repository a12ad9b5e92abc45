"""Exceptions on record: each use of a tier above economy, with its reason and its owner.

Belongs here: the rows and their count. Does not: granting one (`route`).
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from finops_ai.ledger import Payer
from finops_ai.routing.route import Route
from finops_ai.store import insert_once, tables, utc_now


def record_exception(tx: sa.Connection, payer: Payer, route: Route) -> None:
    """Once per step, loop and tier, however often the loop is routed again. A route at economy leaves nothing."""
    if route.exception is None:
        return
    insert_once(
        tx,
        tables.tier_exception,
        artifact=payer.artifact,
        step=route.step,
        loop=route.loop,
        tier=route.tier,
        reason=route.exception.reason,
        detail=route.exception.detail,
        owner=route.exception.owner,
        run_id=payer.run_id,
        at=utc_now(),
    )


def exceptions_of(connection: sa.Connection, *, artifact: str) -> list[Mapping[str, Any]]:
    """An artifact's exceptions, oldest first."""
    row = tables.tier_exception
    query = sa.select(*(row.c[name] for name in ("step", "loop", "tier", "reason", "detail", "owner", "at")))
    found = connection.execute(query.where(row.c.artifact == artifact).order_by(row.c.at, row.c.loop)).mappings()
    return [dict(exception) for exception in found]


def exception_counts(connection: sa.Connection, *, month: str | None = None) -> dict[str, int]:
    """How many exceptions there were (in a UTC month), by reason."""
    row = tables.tier_exception
    query = sa.select(row.c.reason, sa.func.count()).group_by(row.c.reason).order_by(row.c.reason)
    return dict(connection.execute(query.where(row.c.at.startswith(month)) if month else query).all())
