"""The FOCUS export of a month: complete or not at all, and equal to the ledger to the nano-USD.

Belongs here: staging charges for DuckDB, writing the file, comparing what was written with the books. Does not: the mapping
(`focus`), closing a month (`closing`).

Charges go from the database's cursor through a file into DuckDB, which maps and writes them: memory does not grow with the
month. Everything is read from one snapshot of the database, so that a call that is settled meanwhile is in all of it or in none.
"""

import csv
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from finops_ai.finance.charges import Charge, Digest, booked_nano_usd, charges, entries_of, suspense_nano_usd
from finops_ai.finance.closing import ClosedMonth, ClosedMonthChanged, closed_month, differences
from finops_ai.finance.focus import ROWS, SERVICES, Account
from finops_ai.finance.prices import Sku, sku_of
from finops_ai.pricing import NANO, format_usd
from finops_ai.store import Database, following_month, tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY_MAX = "1GB"
THREADS = 2
TOLD_EVERY = 10_000  # charges
OURS = Account()

_STAGED = {
    "charge": {
        "artifact": "VARCHAR", "day": "VARCHAR", "step": "VARCHAR", "loop": "BIGINT", "kind": "VARCHAR", "tier": "VARCHAR",
        "model": "VARCHAR", "cost_centre": "VARCHAR", "workload": "VARCHAR", "corrects": "BIGINT", "quantity": "BIGINT",
        "amount_nano_usd": "BIGINT", "entries": "BIGINT", "first_entry": "BIGINT", "sku": "BIGINT", "rate_nano_usd": "BIGINT",
    },
    "sku": {
        "sku": "BIGINT", "sku_id": "VARCHAR", "sku_meter": "VARCHAR", "level": "VARCHAR", "price_source": "VARCHAR",
        "price_version": "VARCHAR", "consumed_unit": "VARCHAR", "per_consumed": "BIGINT", "pricing_unit": "VARCHAR",
        "per_priced": "BIGINT", "provider_name": "VARCHAR", "service_category": "VARCHAR", "service_subcategory": "VARCHAR",
        "service_name": "VARCHAR",
    },
    "approved": {"artifact": "VARCHAR"},
}  # fmt: skip

Told = Callable[[int, int], None]  # entries that are in charges so far, of how many


class ExportDiffers(Exception):
    """What was written is not what the ledger says. Nothing was left behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written. Amounts are nano-USD, but for `rounding_usd`, which is finer.

    `suspense_nano_usd`: the worst case of the month's calls whose end is unknown; not in the export.
    `closed`: what finance was given before, which this is again; None while the month is open.
    """

    month: str
    rows: int
    charges: int
    total_nano_usd: int
    ledger_nano_usd: int
    corrections: int  # rows
    corrected_usd: Decimal
    roundings: int  # rows
    rounding_usd: Decimal
    suspense_nano_usd: int
    closed: ClosedMonth | None

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: amounts are decimal texts in USD."""
        return {
            "month": self.month,
            "rows": self.rows,
            "charges": self.charges,
            "total_usd": format_usd(self.total_nano_usd),
            "ledger_usd": format_usd(self.ledger_nano_usd),
            "corrections": self.corrections,
            "corrected_usd": _text(self.corrected_usd),
            "roundings": self.roundings,
            "rounding_usd": _text(self.rounding_usd),
            "suspense_usd": format_usd(self.suspense_nano_usd),
            "closed": self.closed is not None,
            "sha256": self.closed.sha256 if self.closed else None,
        }


def export_focus(
    database: Database, *, month: str, out: Path, account: Account = OURS, told: Told = lambda _done, _of: None
) -> Exported:
    """Write a month's charges to a .csv or .parquet file.

    Raises ClosedMonthChanged where a closed month is not what finance was given, UnpricedCharge, ExportDiffers; ValueError for
    another ending or what is no month.
    """
    import duckdb

    if out.suffix not in (".csv", ".parquet"):
        raise ValueError(f"{out.name}: the file ends in .csv or .parquet")
    with _snapshot(database) as connection, tempfile.TemporaryDirectory(dir=out.parent, prefix=".charges-") as folder:
        staging, written = Staging(Path(folder), account), Path(folder) / f"written{out.suffix}"
        given = closed_month(connection, month)
        found = _counted(charges(connection, month), entries_of(connection, month), told)
        staging.take(connection, month, found, given)
        with duckdb.connect(str(Path(folder) / "charges.duckdb"), config=staging.config) as engine:
            staging.load(engine)
            _write(engine, written, month, account)
            result = _compared(engine, written, connection, month, given)
        written.replace(out)
        return result


@contextmanager
def _snapshot(database: Database) -> Iterator[sa.Connection]:
    """One state of the books for every query. A transaction on SQLite sees nothing else."""
    with database.read() as connection:
        if not database.is_sqlite:
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


class Staging:
    """The tables that the mapping reads, as files of a folder."""

    def __init__(self, folder: Path, account: Account) -> None:
        self._folder = folder
        self._account = account
        self._skus: dict[tuple[str, ...], tuple[int, Sku]] = {}
        self.config: dict[str, Any] = {
            "memory_limit": MEMORY_MAX,
            "threads": THREADS,
            "temp_directory": str(folder),
            "autoinstall_known_extensions": False,
        }

    def take(self, connection: sa.Connection, month: str, found: Iterable[Charge], given: ClosedMonth | None) -> None:
        """Read the month's charges once, into the files. Raises ClosedMonthChanged where they are not those of `given`."""
        digest = Digest()
        self._write("charge", map(self._row, found if given is None else digest.over(found)))
        if given and (problems := differences(connection, given, digest.as_dict())):
            raise ClosedMonthChanged("; ".join(problems))
        self._write("sku", (self._sku_row(number, sku) for number, sku in self._skus.values()))
        self._write("approved", ([key] for key in _published(connection, month)))

    def load(self, engine: "DuckDBPyConnection") -> None:
        """Read the files into tables."""
        # a join that begins with the charges keeps them in order
        engine.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        for table, columns in _STAGED.items():
            engine.execute(
                f"CREATE TABLE {table} AS FROM read_csv(?, columns = {columns}, header = false, auto_detect = false, "
                "delim = ',', quote = '\"', escape = '\"', nullstr = '\\N')",
                [str(self._folder / f"{table}.csv")],
            )

    def _write(self, table: str, rows: Iterable[Iterable[Any]]) -> None:
        with (self._folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)

    def _row(self, charge: Charge) -> tuple[Any, ...]:
        key = (charge.kind, charge.meter, charge.model, charge.provider, charge.price)
        found = self._skus.get(key)
        if found is None:
            found = self._skus[key] = (len(self._skus), sku_of(charge))
        number, sku = found
        rate = sku.rate_nano_usd if sku.rate_nano_usd is not None else sku.rate_of(charge)
        artifact, day, step, loop, kind, _, tier, model, _, _, *others = charge
        return (artifact, day, step, loop, kind, tier, model, *others, number, rate)

    def _sku_row(self, number: int, sku: Sku) -> list[Any]:
        meter = sku.meter
        return [
            number, sku.id, meter.name, sku.level, sku.price_source, sku.price_version, meter.consumed_unit,
            meter.per_consumed, meter.pricing_unit, meter.per_priced,
            sku.provider if sku.kind == "call" else self._account.name, *SERVICES[sku.kind],
        ]  # fmt: skip


def _counted(found: Iterable[Charge], of: int, told: Told) -> Iterator[Charge]:
    """The same charges; tells how many entries they have come to."""
    done = 0
    for number, charge in enumerate(found, 1):
        done += charge.entries
        if number % TOLD_EVERY == 0:
            told(done, of)
        yield charge
    told(of, of)


def _published(connection: sa.Connection, month: str) -> Iterator[str]:
    """Artifacts that were at a target by the end of the month: for a month that is over, the same for ever."""
    publication, receipt = tables.publication, tables.receipt
    query = (
        sa.select(publication.c.artifact)
        .join(receipt, receipt.c.publication_key == publication.c.key)
        .where(receipt.c.at < following_month(month))
        .distinct()
    )
    return iter(connection.scalars(query, execution_options={"yield_per": TOLD_EVERY}))


def _write(engine: "DuckDBPyConnection", written: Path, month: str, account: Account) -> None:
    form = "FORMAT PARQUET" if _is_parquet(written) else "FORMAT CSV, HEADER"
    values = {
        "account_id": account.id,
        "account_name": account.name,
        "period_start": f"{month}-01T00:00:00Z",
        "period_end": f"{following_month(month)}-01T00:00:00Z",
    }
    name = str(written).replace("'", "''")
    engine.execute(f"COPY ({ROWS}) TO '{name}' ({form})", values)


def _compared(
    engine: "DuckDBPyConnection",
    written: Path,
    connection: sa.Connection,
    month: str,
    given: ClosedMonth | None,
) -> Exported:
    """Read back what was written, and compare it with the books. Raises ExportDiffers."""
    reader = "read_parquet(?)" if _is_parquet(written) else "read_csv(?, types = {'BilledCost': 'DECIMAL(38, 24)'})"
    rows, total, corrections, corrected, roundings, rounding = (
        engine.execute(
            f"""
        SELECT count(*), coalesce(sum(BilledCost), 0),
            count(*) FILTER (ChargeClass = 'Correction'), coalesce(sum(BilledCost) FILTER (ChargeClass = 'Correction'), 0),
            count(*) FILTER (ChargeCategory = 'Adjustment'),
            coalesce(sum(BilledCost) FILTER (ChargeCategory = 'Adjustment'), 0)
        FROM {reader}
        """,  # noqa: S608 - one of the two above
            [str(written)],
        ).fetchone()
        or ()
    )
    booked = booked_nano_usd(connection, month)
    if Fraction(total) * NANO != booked:  # not as decimals: their product is rounded to 28 digits
        raise ExportDiffers(f"{month}: the file comes to {total:f} USD, the ledger to {format_usd(booked)} USD")
    return Exported(
        month=month,
        rows=rows,
        charges=engine.execute("SELECT count(*) FROM charge").fetchall()[0][0],
        total_nano_usd=booked,
        ledger_nano_usd=booked,
        corrections=corrections,
        corrected_usd=corrected,
        roundings=roundings,
        rounding_usd=rounding,
        suspense_nano_usd=suspense_nano_usd(connection, month),
        closed=given,
    )


def _is_parquet(written: Path) -> bool:
    return written.suffix == ".parquet"


def _text(usd: Decimal) -> str:
    """As `format_usd`, with as many decimals as it takes."""
    whole, _, decimals = f"{usd:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"
