"""Reading the books: what was spent, by whatever one asks, and the proof that they balance.

Belongs here: sums over `entry`. Does not: writing entries (`calls`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from finops_ai.ledger.model import Spent
from finops_ai.store import tables

SPEND_KINDS = ("call", "compute", "review")
GROUPS = ("artifact", "step", "loop", "workload", "cost_centre", "tier", "model", "kind", "month")

_entry = tables.entry


def _tokens(*units: str) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((_entry.c.unit.in_(units), _entry.c.quantity), else_=0)), 0)


def _amount(*kinds: str) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((_entry.c.kind.in_(kinds), _entry.c.amount_nano_usd), else_=0)), 0)


_SUMS: tuple[sa.ColumnElement[Any], ...] = (
    _amount(*SPEND_KINDS).label("cost_nano_usd"),
    _tokens("input_tokens", "cached_input_tokens").label("input_tokens"),
    _tokens("cached_input_tokens").label("cached_input_tokens"),
    _tokens("output_tokens").label("output_tokens"),
    sa.func.count(sa.case((_entry.c.kind.in_(("call", "suspense")), _entry.c.reservation)).distinct()).label(
        "attempts"
    ),
    _amount("suspense").label("suspense_nano_usd"),
)


def spent(connection: sa.Connection, **where: Any) -> Spent:
    """Sums of the entries whose columns equal `where`: `spent(c, artifact=key, step="draft", run_id=run)`."""
    return _spent(connection, [_entry.c[name] == value for name, value in where.items()])


def _spent(connection: sa.Connection, conditions: Sequence[sa.ColumnElement[bool]]) -> Spent:
    sums = connection.execute(sa.select(*_SUMS).where(*conditions)).mappings().one()
    spending = _entry.c.kind.in_(SPEND_KINDS)
    ids = connection.scalars(sa.select(_entry.c.id).where(*conditions, spending).order_by(_entry.c.id))
    return Spent(**{name: int(value) for name, value in sums.items()}, entry_ids=tuple(ids))


def spent_until(connection: sa.Connection, *, artifact: str, at: str) -> Spent:
    """What an artifact had cost at a moment: the same whenever it is asked again."""
    return _spent(connection, [_entry.c.artifact == artifact, _entry.c.at <= at])


def cost_rows(
    connection: sa.Connection, *, by: str, month: str | None = None, artifact: str | None = None
) -> list[Mapping[str, Any]]:
    """Sums per value of one of GROUPS, dearest first. Raises KeyError for another group."""
    if by not in GROUPS:
        raise KeyError(by)
    column = _entry.c[by]
    query = (
        sa.select(column.label("key"), *_SUMS)
        .where(_entry.c.kind.in_((*SPEND_KINDS, "suspense")))
        .group_by(column)
        .order_by(sa.desc("cost_nano_usd"), column)
    )
    if month:
        query = query.where(_entry.c.month == month)
    if artifact:
        query = query.where(_entry.c.artifact == artifact)
    # PostgreSQL sums bigints as NUMERIC
    sums = [column.name for column in _SUMS]
    return [dict(row) | {name: int(row[name]) for name in sums} for row in connection.execute(query).mappings()]


def entries_without(connection: sa.Connection, known: Collection[int], *, month: str) -> list[sa.Row[Any]]:
    """Spend entries of a month that are not among the known ones: failed steps, decisions, what nothing else shows."""
    query = sa.select(_entry).where(_entry.c.month == month, _entry.c.kind.in_(SPEND_KINDS)).order_by(_entry.c.id)
    return [row for row in connection.execute(query) if row.id not in known]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The state of the books. `problems` is empty when they balance."""

    entries: int
    open_reservations: int
    suspense_nano_usd: int
    problems: tuple[str, ...]

    @property
    def balanced(self) -> bool:
        """Every counter agrees with the entries that explain it."""
        return not self.problems


def check(connection: sa.Connection) -> Check:
    """Prove the books: each budget's two counters equal the sums of its entries; count what is still open."""
    moved: dict[str, int] = {}
    for account, sign in ((_entry.c.debit, 1), (_entry.c.credit, -1)):
        sums = sa.select(account, sa.func.sum(_entry.c.amount_nano_usd)).group_by(account)
        for name, amount in connection.execute(sums):
            moved[name] = moved.get(name, 0) + sign * int(amount)
    problems = [f"accounts sum to {total} nano-USD, not 0"] if (total := sum(moved.values())) else []
    for row in connection.execute(sa.select(tables.budget)):
        for counter, found in (("reserved", row.reserved_nano_usd), ("spent", row.spent_nano_usd)):
            if (explained := moved.get(f"budget/{row.id}/{counter}", 0)) != found:
                problems.append(f"budget {row.id}: {counter} is {found} nano-USD, its entries say {explained}")
    reservation, outcome = tables.reservation, tables.outcome
    joined = reservation.outerjoin(outcome, outcome.c.reservation == reservation.c.key)
    unresolved = sa.select(sa.func.count()).select_from(joined).where(outcome.c.reservation.is_(None))
    return Check(
        entries=connection.scalar(sa.select(sa.func.count()).select_from(_entry)) or 0,
        open_reservations=connection.scalar(unresolved) or 0,
        suspense_nano_usd=spent(connection).suspense_nano_usd,
        problems=tuple(problems),
    )


def price_version(connection: sa.Connection, entry_ids: Sequence[int]) -> str:
    """Source and version of the prices behind these entries; `none` where nothing was priced by a book."""
    prices = connection.scalars(sa.select(_entry.c.price).where(_entry.c.id.in_(entry_ids)))
    found = {f"{price['source']} {price['version']}" for price in prices if price}
    return ", ".join(sorted(found)) or "none"
