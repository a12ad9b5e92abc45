"""The FOCUS export of a month: complete or not at all, and equal to the ledger to the nano-USD.

Belongs here: what the mapping needs beside the charges, writing the file, comparing what was written with the books. Does not:
the charges (`charges`), the mapping (`focus`), closing a month (`closing`).

Everything is read from one snapshot of the database, so that a call that is settled meanwhile is in all of it or in none.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from finops_ai.finance import staging
from finops_ai.finance.charges import Charges, booked_nano_usd, charges, entries_of, suspense_nano_usd
from finops_ai.finance.closing import ClosedMonth, ClosedMonthChanged, closed_month, differences
from finops_ai.finance.focus import COST_DECIMALS, ROWS, SERVICES, WITHOUT_PRICE, Account
from finops_ai.finance.prices import UnpricedCharge, sku_of
from finops_ai.pricing import NANO, format_usd
from finops_ai.store import Database, following_month, tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_AT_ONCE = 10_000
_CSV = "delim = ',', quote = '\"', escape = '\"'"  # said, so that nothing is guessed from what a workload is called
OURS = Account()

_SKU = {
    "service": "BIGINT", "kind": "VARCHAR", "model": "VARCHAR", "rate_nano_usd": "BIGINT", "sku_id": "VARCHAR",
    "sku_meter": "VARCHAR", "level": "VARCHAR", "price_source": "VARCHAR", "price_version": "VARCHAR",
    "consumed_unit": "VARCHAR", "per_consumed": "BIGINT", "pricing_unit": "VARCHAR", "per_priced": "BIGINT",
    "provider_name": "VARCHAR", "service_category": "VARCHAR", "service_subcategory": "VARCHAR", "service_name": "VARCHAR",
}  # fmt: skip
_APPROVED = {"artifact": "VARCHAR"}

Told = Callable[[int, int], None]  # entries that were read so far, of how many


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
    if out.suffix not in (".csv", ".parquet"):
        raise ValueError(f"{out.name}: the file ends in .csv or .parquet")
    with _snapshot(database) as connection:
        given, of = closed_month(connection, month), entries_of(connection, month)
        with charges(connection, month, folder=out.parent, told=lambda done: told(done, of)) as found:
            if given and (problems := differences(connection, given, found.digest())):
                raise ClosedMonthChanged("; ".join(problems))
            _stage(found, "sku", _SKU, _skus(found, account))
            _stage(found, "approved", _APPROVED, ([artifact] for artifact in _published(connection, month)))
            written = found.folder / f"written{out.suffix}"
            _write(found.engine, written, month, account)
            result = _compared(found, written, connection, month, given)
            written.replace(out)
        return result


@contextmanager
def _snapshot(database: Database) -> Iterator[sa.Connection]:
    """One state of the books for every query. A transaction on SQLite sees nothing else."""
    with database.read() as connection:
        if not database.is_sqlite:
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def _stage(found: Charges, table: str, columns: staging.Columns, rows: Iterable[list[Any]]) -> None:
    file = found.folder / table
    staging.write(file, map(json.dumps, rows))
    found.engine.execute(f"CREATE TABLE {table} AS {staging.rows_of(columns)}", [str(file)])


def _skus(found: Charges, account: Account) -> Iterator[list[Any]]:
    """Per service. Raises UnpricedCharge."""
    for service, charge in found.by_service():
        sku = sku_of(charge)
        meter = sku.meter
        yield [
            service, sku.kind, sku.model, sku.rate_nano_usd, sku.id, meter.name, sku.level, sku.price_source,
            sku.price_version, meter.consumed_unit, meter.per_consumed, meter.pricing_unit, meter.per_priced,
            sku.provider if sku.kind == "call" else account.name, *SERVICES[sku.kind],
        ]  # fmt: skip


def _published(connection: sa.Connection, month: str) -> Iterator[str]:
    """Artifacts that were at a target by the end of the month: for a month that is over, the same for ever."""
    publication, receipt = tables.publication, tables.receipt
    query = (
        sa.select(publication.c.artifact)
        .join(receipt, receipt.c.publication_key == publication.c.key)
        .where(receipt.c.at < following_month(month))
        .distinct()
    )
    return iter(connection.scalars(query, execution_options={"yield_per": ROWS_AT_ONCE}))


def _write(engine: "DuckDBPyConnection", written: Path, month: str, account: Account) -> None:
    form = "FORMAT PARQUET" if _is_parquet(written) else "FORMAT CSV, HEADER"
    values = {
        "account_id": account.id,
        "account_name": account.name,
        "period_start": f"{month}-01T00:00:00Z",
        "period_end": f"{following_month(month)}-01T00:00:00Z",
    }
    name = str(written).replace("'", "''")
    if without := engine.execute(f"{WITHOUT_PRICE} LIMIT 1").fetchone():
        raise UnpricedCharge(f"entry {without[0]}: an amount, no quantity and no price")
    engine.execute(f"COPY ({ROWS}) TO '{name}' ({form})", values)


def _compared(
    found: Charges, written: Path, connection: sa.Connection, month: str, given: ClosedMonth | None
) -> Exported:
    """Read back what was written, and compare it with the books. Raises ExportDiffers."""
    reader = "read_parquet(?)" if _is_parquet(written) else f"read_csv(?, header = true, all_varchar = true, {_CSV})"
    query = f"""
        SELECT count(*), coalesce(sum(cost), 0),
            count(*) FILTER (ChargeClass = 'Correction'), coalesce(sum(cost) FILTER (ChargeClass = 'Correction'), 0),
            count(*) FILTER (ChargeCategory = 'Adjustment'), coalesce(sum(cost) FILTER (ChargeCategory = 'Adjustment'), 0)
        FROM (SELECT BilledCost::DECIMAL(38, {COST_DECIMALS}) AS cost, ChargeClass, ChargeCategory FROM {reader})
    """  # noqa: S608 - one of the two above
    rows, total, corrections, corrected, roundings, rounding = found.engine.execute(query, [str(written)]).fetchall()[0]
    booked = booked_nano_usd(connection, month)
    if Fraction(total) * NANO != booked:  # not as decimals: their product is rounded to 28 digits
        raise ExportDiffers(f"{month}: the file comes to {total:f} USD, the ledger to {format_usd(booked)} USD")
    return Exported(
        month=month,
        rows=rows,
        charges=len(found),
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
