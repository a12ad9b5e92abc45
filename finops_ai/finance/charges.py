"""Charges: what the entries of a month come to, one row per day, artifact, step, loop, tier, model, price and meter.

Belongs here: which entries count and how, grouping them, the canonical order and text of charges. Does not: how FOCUS writes
them (`focus`), closing a month (`closing`).

An entry belongs to the month of its booking. What takes back an entry of the same month counts on the day of that entry, so
that the two net out. What takes back an entry of an earlier month is a correction, whether that month was closed or not: what
finance reads about a month must not depend on when another one is closed. What is then booked in its place is part of the same
correction: both stand on the day that is corrected, and a charge says what the correction changed. A call whose end is unknown
is no charge until it is resolved.

Entries are grouped by DuckDB, from a file: SQLite took longer to sort a large month than all the rest takes, and memory does not
grow with the month.
"""

import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from finops_ai.finance import staging
from finops_ai.ledger import SPEND_KINDS
from finops_ai.store import tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_AT_ONCE = 10_000
DAY_CHARACTERS = len("YYYY-MM-DD")
PROVIDER_ACCOUNT = "provider/"

Told = Callable[[int], None]  # entries that were read so far

_entry, _reversed = tables.entry, tables.entry.alias("reversed")


class Charge(NamedTuple):
    """One charge. The fields, in this order, are what a closed month's digest is over."""

    artifact: str
    day: str  # UTC; of an earlier month where it is a correction
    step: str
    loop: int
    tier: str  # "" where no model was asked
    cost_centre: str
    workload: str
    corrects: int  # 1: changes what was charged in an earlier month
    kind: str
    meter: str
    model: str
    provider: str
    price: str
    quantity: int  # of the meter's unit; less than 0 in some corrections
    amount_nano_usd: int  # the sum of its entries, each rounded to whole nano-USD
    entries: int
    first_entry: int


@dataclass(frozen=True, slots=True)
class Digest:
    """What a closed month keeps: how many charges, what they come to, the SHA-256 over them."""

    sha256: str
    charges: int
    total_nano_usd: int


_SERVICE = ("kind", "meter", "model", "provider", "price")
_STAGED = {
    "artifact": "VARCHAR", "day": "VARCHAR", "step": "VARCHAR", "loop": "BIGINT", "tier": "VARCHAR", "cost_centre": "VARCHAR",
    "workload": "VARCHAR", "corrects": "BIGINT", "quantity": "BIGINT", "amount_nano_usd": "BIGINT", "id": "BIGINT",
    "service": "BIGINT",
}  # fmt: skip
_ENTRY = tuple(name for name in _STAGED if name != "service")
_KEY = ", ".join(name for name in _STAGED if name not in ("quantity", "amount_nano_usd", "id"))
# a charge's first entry is no other charge's, so that the order is one on every database
_GROUPED = f"""
    CREATE TABLE charge AS
    SELECT {_KEY}, sum(quantity)::BIGINT AS quantity, sum(amount_nano_usd)::BIGINT AS amount_nano_usd, count(*) AS entries,
        min(id) AS first_entry
    FROM ({staging.rows_of(_STAGED)}) AS entry
    GROUP BY {_KEY} HAVING sum(entry.quantity) <> 0 OR sum(entry.amount_nano_usd) <> 0
    ORDER BY first_entry
"""  # noqa: S608 - made of the constants above
_FIELDS = ", ".join(Charge._fields)
_CHARGES = f"SELECT {_FIELDS}, service FROM charge JOIN service USING (service)"  # noqa: S608 - names of ours
_TEXTS = f"SELECT json_array({_FIELDS})::VARCHAR FROM ({_CHARGES}) ORDER BY first_entry"  # noqa: S608 - names of ours
_FIRST = "(SELECT service, min(first_entry) AS first_entry FROM charge GROUP BY service)"


class Charges:
    """The charges of a month: the table `charge` of a DuckDB, in canonical order, and `service`, what many of them share."""

    def __init__(self, engine: "DuckDBPyConnection", folder: Path) -> None:
        self.engine = engine
        self.folder = folder  # for as long as the charges are there

    def __len__(self) -> int:
        return int(self.engine.execute("SELECT count(*) FROM charge").fetchall()[0][0])

    def __iter__(self) -> Iterator[Charge]:
        """In canonical order."""
        return (Charge._make(fields) for *fields, _ in self._rows(f"{_CHARGES} ORDER BY first_entry"))

    def by_service(self) -> Iterator[tuple[int, Charge]]:
        """The number of each service that was charged for, with the first charge of it."""
        rows = self._rows(f"{_CHARGES} JOIN {_FIRST} USING (service, first_entry) ORDER BY service")
        return ((service, Charge._make(fields)) for *fields, service in rows)

    def digest(self) -> Digest:
        """The SHA-256 is over the charges in canonical form: one JSON list per line, in order, in UTF-8.

        Without spaces; only quotes, backslashes and control characters are escaped, the latter in upper-case hexadecimals.
        """
        sha256 = hashlib.sha256()
        for (text,) in self._rows(_TEXTS):
            sha256.update(f"{text}\n".encode())
        total = self.engine.execute("SELECT coalesce(sum(amount_nano_usd), 0) FROM charge").fetchall()[0][0]
        return Digest(sha256=sha256.hexdigest(), charges=len(self), total_nano_usd=int(total))

    def _rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        found = self.engine.cursor().execute(query)
        while page := found.fetchmany(ROWS_AT_ONCE):
            yield from page


@contextmanager
def charges(
    connection: sa.Connection, month: str, *, folder: Path | None = None, told: Told = lambda _entries: None
) -> Iterator[Charges]:
    """Read a month's entries once and group them, in bounded memory: what is large lies in a folder within `folder`."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".charges-") as name, staging.engine(Path(name)) as engine:
        numbers: defaultdict[str, int] = defaultdict(count().__next__)
        entries, services = Path(name) / "entries", Path(name) / "services"
        staging.write(entries, _entries(connection, month, numbers, told))
        staging.write(services, (f"{service[:-1]},{number}]" for service, number in numbers.items()))
        engine.execute(_GROUPED, [str(entries)])
        columns = dict.fromkeys(_SERVICE, "VARCHAR") | {"service": "BIGINT"}
        engine.execute(f"CREATE TABLE service AS {staging.rows_of(columns)}", [str(services)])
        entries.unlink()
        yield Charges(engine, Path(name))


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


def _spending(month: str) -> list[sa.ColumnElement[bool]]:
    return [_entry.c.month == month, _entry.c.kind.in_(SPEND_KINDS)]


def _entries(connection: sa.Connection, month: str, numbers: Mapping[str, int], told: Told) -> Iterator[str]:
    """The month's entries as JSON lists, each with the number of its service: a price is long, and seldom a new one."""
    rows = _classified(month)
    json_array = sa.func.json_array if connection.dialect.name == "sqlite" else sa.func.json_build_array
    own, service = (sa.cast(json_array(*(rows.c[name] for name in names)), sa.Text) for names in (_ENTRY, _SERVICE))
    done = 0
    found = connection.execute(sa.select(own, service), execution_options={"yield_per": ROWS_AT_ONCE})
    for page in found.partitions():
        yield from [f"{entry[:-1]},{numbers[text]}]" for entry, text in page]
        done += len(page)
        told(done)


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
