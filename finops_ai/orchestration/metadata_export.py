"""Every materialization's `finops/` metadata as a table for finance, reconciled with the ledger.

Belongs here: reading Dagster's record through its public API in pages, and comparing it with the books. Does not: sums of
the books (`ledger`). The ledger is the finance record; what only one of the two knows is listed, never hidden.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg

from finops_ai import ledger
from finops_ai.artifacts import STEPS
from finops_ai.orchestration.cost_metadata import KEYS
from finops_ai.pricing import NANO, format_usd
from finops_ai.store import Database

PAGE_ROWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written, and how it compares with the books."""

    rows: int
    metadata_usd: str
    ledger_usd: str
    differences: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {name: getattr(self, name) for name in self.__slots__} | {"differences": list(self.differences)}


def export_metadata(instance: dg.DagsterInstance, database: Database, *, month: str, out: Path) -> Exported:
    """Write one row per materialization of a UTC month to a .csv or .parquet file."""
    rows = [row for step in STEPS for row in materializations(instance, step, month=month)]
    write_table(rows, out)
    entries = {int(number) for row in rows for number in str(row["ledger_entries"]).split(", ") if number.isdigit()}
    with database.read() as connection:
        total = ledger.spent(connection, month=month)
        outside = ledger.entries_without(connection, entries, month=month)
    shown = sum(round(Decimal(str(row["cost_usd"])) * NANO) for row in rows)
    return Exported(
        rows=len(rows),
        metadata_usd=format_usd(int(shown)),
        ledger_usd=format_usd(total.cost_nano_usd),
        differences=tuple(
            f"entry {e.id}: {format_usd(ledger.signed(e))} USD, {e.kind} of {e.artifact} {e.step} (run {e.run_id})"
            for e in outside
        ),
    )


def materializations(instance: dg.DagsterInstance, step: str, *, month: str) -> Iterator[dict[str, Any]]:
    """Rows of one asset, oldest first."""
    start, end = month_bounds(month)
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(step), after_timestamp=start, before_timestamp=end)
    cursor: str | None = None
    while True:
        page = instance.fetch_materializations(wanted, limit=PAGE_ROWS, cursor=cursor, ascending=True)
        yield from (_row(step, record) for record in page.records)
        if not page.has_more:
            return
        cursor = page.cursor


def month_bounds(month: str) -> tuple[float, float]:
    """Unix seconds of the first moment of a UTC month and of the next."""
    year, number = map(int, month.split("-"))
    following = (year + number // 12, number % 12 + 1)
    return datetime(year, number, 1, tzinfo=UTC).timestamp(), datetime(*following, 1, tzinfo=UTC).timestamp()


def write_table(rows: list[dict[str, Any]], out: Path) -> None:
    """CSV or Parquet by the file's ending; complete or not at all."""
    import duckdb
    import pandas as pd

    frame = pd.DataFrame(rows, columns=["asset", "partition", "run_id", "at", "data_version", *KEYS])
    aside = out.with_name(f".{out.name}.tmp")
    with duckdb.connect() as connection:
        connection.register("rows", frame)
        form = "PARQUET" if out.suffix == ".parquet" else "CSV, HEADER"
        name = str(aside).replace("'", "''")
        connection.execute(f"COPY (SELECT * FROM rows) TO '{name}' (FORMAT {form})")  # noqa: S608 - quoted above
    aside.replace(out)


def _row(step: str, record: dg.EventLogRecord) -> dict[str, Any]:
    materialization = record.asset_materialization
    assert materialization is not None
    found = {name: value.value for name, value in materialization.metadata.items()}
    tags = materialization.tags or {}
    return {
        "asset": step,
        "partition": materialization.partition,
        "run_id": record.run_id,
        "at": datetime.fromtimestamp(record.timestamp, tz=UTC).isoformat(),
        "data_version": tags.get("dagster/data_version"),
    } | {key: found.get(f"finops/{key}") for key in KEYS}
