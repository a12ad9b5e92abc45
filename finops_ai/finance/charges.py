"""Charges: what the entries of a month come to, one row per day, artifact, step, loop, tier, model, price and meter.

Belongs here: grouping entries, and the canonical order and text of charges. Does not: how FOCUS writes them (`focus`),
closing a month (`closing`).

An entry belongs to the month of its booking. What takes back an entry of the same month counts on the day of that entry, so
that the two net out. What takes back an entry of an earlier month is a correction, whether that month was closed or not: what
finance reads about a month must not depend on when another one is closed. What is then booked in its place is part of the same
correction: both stand on the day that is corrected, and a charge says what the correction changed. A call whose end is unknown
is no charge until it is resolved.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import sqlalchemy as sa

from finops_ai.ledger import SPEND_KINDS
from finops_ai.store import tables

ROWS_AT_ONCE = 10_000
DAY_CHARACTERS = len("YYYY-MM-DD")
PROVIDER_ACCOUNT = "provider/"

_entry, _reversed = tables.entry, tables.entry.alias("reversed")
# in canonical order; what tells most charges apart comes first, which is what sorting them costs least
_KEY = (
    "artifact", "day", "step", "loop", "kind", "meter", "tier", "model", "provider", "price", "cost_centre", "workload",
    "corrects",
)  # fmt: skip


class Charge(NamedTuple):
    """One charge. The fields, in this order, are what a closed month's digest is over."""

    artifact: str
    day: str  # UTC; of an earlier month where it is a correction
    step: str
    loop: int
    kind: str
    meter: str
    tier: str  # as model: "" where no model was asked
    model: str
    provider: str
    price: str  # as it is stored: JSON
    cost_centre: str
    workload: str
    corrects: int  # 1: changes what was charged in an earlier month
    quantity: int  # of the meter's unit; less than 0 in some corrections
    amount_nano_usd: int  # the sum of its entries, each rounded to whole nano-USD
    entries: int
    first_entry: int


def charges(connection: sa.Connection, month: str) -> Iterator[Charge]:
    """The charges of a month in canonical order. Grouped by the database, read in bounded memory."""
    query = _charges(month, dialect=connection.dialect.name)
    found = connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})
    for page in found.partitions():
        yield from map(Charge._make, page)


def booked_nano_usd(connection: sa.Connection, month: str) -> int:
    """What the ledger says was spent in a month: by another way than the charges, which must come to the same."""
    sign = sa.case((_entry.c.reverses.is_(None), 1), else_=-1)
    total = sa.func.coalesce(sa.func.sum(sign * _entry.c.amount_nano_usd), 0)
    return int(connection.scalar(sa.select(total).where(*_spending(month))) or 0)


def entries_of(connection: sa.Connection, month: str) -> int:
    """How many entries the charges of a month are made of."""
    return connection.scalar(sa.select(sa.func.count()).select_from(_entry).where(*_spending(month))) or 0


def suspense_nano_usd(connection: sa.Connection, month: str) -> int:
    """The worst case of this month's calls whose end is still unknown: in no charge, and not nothing."""
    reversal = tables.entry.alias("reversal")
    standing = (
        sa.select(sa.func.coalesce(sa.func.sum(_entry.c.amount_nano_usd), 0))
        .outerjoin(reversal, reversal.c.reverses == _entry.c.id)
        .where(_entry.c.month == month, _entry.c.kind == "suspense", _entry.c.reverses.is_(None))
        .where(reversal.c.id.is_(None))
    )
    return int(connection.scalar(standing) or 0)


class Digest:
    """The SHA-256 over charges in canonical form: one JSON list per line, in order."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self.charges = 0
        self.total_nano_usd = 0

    def over(self, found: Iterable[Charge]) -> Iterator[Charge]:
        """The same charges, taken in as they pass."""
        for charge in found:
            self._sha256.update(json.dumps(charge, separators=(",", ":")).encode() + b"\n")
            self.charges += 1
            self.total_nano_usd += charge.amount_nano_usd
            yield charge

    def as_dict(self) -> dict[str, Any]:
        """What a closed month keeps."""
        names = ("charges", "total_nano_usd")
        return {"sha256": self._sha256.hexdigest()} | {name: getattr(self, name) for name in names}


def _spending(month: str) -> list[sa.ColumnElement[bool]]:
    return [_entry.c.month == month, _entry.c.kind.in_(SPEND_KINDS)]


def _charges(month: str, *, dialect: str) -> sa.Select[Any]:
    rows = _classified(month)
    quantity, amount = (
        sa.cast(sa.func.sum(rows.c[name]), sa.BigInteger).label(name) for name in ("quantity", "amount_nano_usd")
    )
    key = [_in_bytes(rows.c[name], dialect).label(name) for name in _KEY]
    first = sa.func.min(rows.c.id).label("first_entry")
    grouped = sa.select(*key, quantity, amount, sa.func.count().label("entries"), first).group_by(*key)
    nothing_left = sa.and_(sa.func.sum(rows.c.quantity) == 0, sa.func.sum(rows.c.amount_nano_usd) == 0)
    return grouped.having(sa.not_(nothing_left)).order_by(*key)


def _in_bytes(column: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[Any]:
    """Text in the order of its bytes, which is SQLite's own: PostgreSQL's depends on the machine that it was set up on."""
    is_text = isinstance(column.type, sa.Text)
    return sa.collate(column, "C") if is_text and dialect == "postgresql" else column


def _classified(month: str) -> sa.Subquery:
    """The month's entries with their sign, the day they count on, and whether they correct an earlier month."""
    corrected = _corrected(month)
    takes_back = _entry.c.reverses.is_not(None)
    sign = sa.case((takes_back, -1), else_=1)
    earlier = _reversed.c.month < _entry.c.month
    provider = sa.case((takes_back, _entry.c.debit), else_=_entry.c.credit)
    columns: dict[str, sa.ColumnElement[Any]] = {
        "day": sa.func.substr(
            sa.func.coalesce(corrected.c.at, _reversed.c.at, _entry.c.at), 1, DAY_CHARACTERS, type_=sa.Text
        ),
        **{name: _entry.c[name] for name in ("artifact", "step", "loop", "cost_centre", "workload", "kind")},
        **{name: sa.func.coalesce(_entry.c[name], "") for name in ("tier", "model")},
        "provider": sa.func.substr(provider, len(PROVIDER_ACCOUNT) + 1, type_=sa.Text),
        "price": sa.cast(_entry.c.price, sa.Text),  # PostgreSQL compares no JSON
        "meter": _entry.c.unit,
        "corrects": sa.case((sa.or_(earlier, corrected.c.reservation.is_not(None)), 1), else_=0),
        "quantity": sign * _entry.c.quantity,
        "amount_nano_usd": sign * _entry.c.amount_nano_usd,
        "id": _entry.c.id,
    }
    joined = _entry.outerjoin(_reversed, _reversed.c.id == _entry.c.reverses).outerjoin(
        corrected, corrected.c.reservation == _entry.c.reservation
    )
    labelled = [column.label(name) for name, column in columns.items()]
    return sa.select(*labelled).select_from(joined).where(*_spending(month)).subquery("classified")


def _corrected(month: str) -> sa.CTE:
    """Calls of earlier months that this month corrects, with the moment at which they were charged first."""
    return (
        sa.select(_entry.c.reservation, sa.func.min(_reversed.c.at).label("at"))
        .join(_reversed, _reversed.c.id == _entry.c.reverses)
        .where(*_spending(month), _reversed.c.month < month, _entry.c.reservation.is_not(None))
        .group_by(_entry.c.reservation)
        .cte("corrected")
    )
