"""Reading the books: what was spent, by whatever one asks, and the proof that they balance.

Belongs here: sums over `entry`. Does not: writing entries (`calls`).
"""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from finops_ai.ledger.budgets import reached
from finops_ai.ledger.model import Spent
from finops_ai.store import tables

SPEND_KINDS = ("call", "compute", "review", "retrieval")
GROUPS = ("artifact", "step", "loop", "workload", "cost_centre", "tier", "model", "kind", "month")

_entry = tables.entry
_SIGN = sa.case((_entry.c.reverses.is_(None), 1), else_=-1)  # a reversal counts against what it takes back


def _tokens(*units: str) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((_entry.c.unit.in_(units), _SIGN * _entry.c.quantity), else_=0)), 0)


def _amount(*kinds: str) -> sa.ColumnElement[int]:
    counted = sa.case((_entry.c.kind.in_(kinds), _SIGN * _entry.c.amount_nano_usd), else_=0)
    return sa.func.coalesce(sa.func.sum(counted), 0)


_SUMS: tuple[sa.ColumnElement[Any], ...] = (
    _amount(*SPEND_KINDS).label("cost_nano_usd"),
    _tokens("input_tokens", "cached_input_tokens", "cache_write_input_tokens").label("input_tokens"),
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
    connection: sa.Connection,
    *,
    by: str,
    month: str | None = None,
    artifact: str | None = None,
    workload: str | None = None,
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
    if workload:
        query = query.where(_entry.c.workload == workload)
    # PostgreSQL sums bigints as NUMERIC
    sums = [column.name for column in _SUMS]
    return [dict(row) | {name: int(row[name]) for name in sums} for row in connection.execute(query).mappings()]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """A budget as it stands. Amounts are nano-USD; `reached`: the highest threshold that spending has passed, or ""."""

    id: str
    limit_nano_usd: int
    spent_nano_usd: int
    reserved_nano_usd: int
    reached: str

    @property
    def spent_percent(self) -> float:
        """Of the limit, to one decimal. A limit of 0 is full."""
        return round(100 * self.spent_nano_usd / self.limit_nano_usd, 1) if self.limit_nano_usd else 100.0


def states(connection: sa.Connection, budget_ids: Collection[str] | None = None) -> list[BudgetState]:
    """Budgets that have been touched, fullest first; all of them, or those that are named."""
    budget = tables.budget
    query = sa.select(budget) if budget_ids is None else sa.select(budget).where(budget.c.id.in_(budget_ids))
    found = [
        BudgetState(
            id=row.id,
            limit_nano_usd=row.limit_nano_usd,
            spent_nano_usd=row.spent_nano_usd,
            reserved_nano_usd=row.reserved_nano_usd,
            reached=_reached(row),
        )
        for row in connection.execute(query)
    ]
    return sorted(found, key=lambda state: (-state.spent_percent, state.id))


def _reached(row: sa.Row[Any]) -> str:
    percents = reached(row.alerts_percent, row.limit_nano_usd, row.spent_nano_usd)
    return f"{max(percents)}%" if percents else ""


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
    moved = _moved(connection)
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


def _moved(connection: sa.Connection) -> Counter[str]:
    """The balance of every account. An entry on several budgets moves its amount in each of them."""
    moved: Counter[str] = Counter()
    for account, sign in ((_entry.c.debit, 1), (_entry.c.credit, -1)):
        sums = sa.select(account, _entry.c.budgets, sa.func.sum(_entry.c.amount_nano_usd))
        for name, budgets, amount in connection.execute(sums.group_by(account, _entry.c.budgets)):
            for place in _accounts(name, budgets):
                moved[place] += sign * int(amount)
    return moved


def _accounts(account: str, budgets: str | None) -> list[str]:
    if budgets is None:
        return [account]
    _, _, counter = account.partition("/")
    return [f"budget/{budget_id}/{counter}" for budget_id in json.loads(budgets)]


def price_version(connection: sa.Connection, entry_ids: Sequence[int]) -> str:
    """Source and version of the prices behind these entries; `none` where nothing was priced by a book."""
    prices = connection.scalars(sa.select(_entry.c.price).where(_entry.c.id.in_(entry_ids)))
    found = {f"{price['source']} {price['version']}" for price in prices if price}
    return ", ".join(sorted(found)) or "none"
