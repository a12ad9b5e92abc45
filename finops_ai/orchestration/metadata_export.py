"""Every materialization's `finops/` metadata as a table for finance, reconciled with the ledger.

Belongs here: reading Dagster's record through its public API in pages, and comparing it with the books. Does not: sums of
the books (`ledger`). The ledger is the finance record; what only one of the two knows, or what they know differently, is listed,
never hidden.

Memory does not grow with the month: rows go to a file page by page, and DuckDB compares them with the month's entries.
"""

import csv
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.orchestration.cost_metadata import KEYS
from finops_ai.pricing import NANO, format_usd
from finops_ai.store import Database, month_bounds, preceding_month, tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PAGE_ROWS = 200
ENTRIES_AT_ONCE = 10_000
MICROSECOND_S = 1e-6
MEMORY_MAX = "1GB"
NULL = "\\N"
COLUMNS = ("asset", "partition", "run_id", "at", "data_version", *KEYS)
Told = Callable[[str, int], None]  # the asset that is being read, rows so far


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written, and how it compares with the books.

    `unknown_to_dagster`: entries that no materialization names: failed steps, decisions, what a run spent after its step.
    `unlike_the_ledger`: materializations whose cost is not the sum of the entries that they name.
    """

    rows: int
    metadata_usd: str
    ledger_usd: str
    unknown_to_dagster: tuple[str, ...]
    unlike_the_ledger: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For `--json`. `differences` are both lists."""
        found = {name: getattr(self, name) for name in ("rows", "metadata_usd", "ledger_usd")}
        lists = {name: list(getattr(self, name)) for name in ("unknown_to_dagster", "unlike_the_ledger")}
        return found | lists | {"differences": [*self.unknown_to_dagster, *self.unlike_the_ledger]}


def export_metadata(
    instance: dg.DagsterInstance,
    database: Database,
    *,
    month: str,
    out: Path,
    told: Told = lambda _asset, _rows: None,
) -> Exported:
    """Write one row per materialization of a UTC month to a .csv or .parquet file; complete or not at all.

    Every asset that the instance has a materialization of, of this code location's or not.
    """
    import duckdb

    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".metadata-") as name:
        folder = Path(name)
        _stage(folder / "materialization.csv", _rows(instance, month, told))
        with database.read() as connection:
            _stage(folder / "entry.csv", _entries(connection, month))
        config: dict[str, Any] = {"memory_limit": MEMORY_MAX, "temp_directory": name}
        with duckdb.connect(str(folder / "metadata.duckdb"), config=config) as engine:
            _load(engine, folder)
            written = folder / f"written{out.suffix}"
            form = "PARQUET" if out.suffix == ".parquet" else "CSV, HEADER"
            quoted = str(written).replace("'", "''")
            engine.execute(f"COPY materialization TO '{quoted}' (FORMAT {form})")
            result = _compared(engine, month)
        written.replace(out)
        return result


def materializations(instance: dg.DagsterInstance, asset: dg.AssetKey, *, month: str) -> Iterator[dict[str, Any]]:
    """Rows of one asset, oldest first."""
    start, end = month_bounds(month)
    wanted = dg.AssetRecordsFilter(
        asset_key=asset,
        after_timestamp=start.timestamp() - MICROSECOND_S,  # "after" leaves out the moment itself
        before_timestamp=end.timestamp(),
    )
    cursor: str | None = None
    while True:
        page = instance.fetch_materializations(wanted, limit=PAGE_ROWS, cursor=cursor, ascending=True)
        yield from (_row(asset, record) for record in page.records)
        if not page.has_more:
            return
        cursor = page.cursor


def _rows(instance: dg.DagsterInstance, month: str, told: Told) -> Iterator[list[Any]]:
    count = 0
    for asset in sorted(instance.all_asset_keys()):
        for row in materializations(instance, asset, month=month):
            count += 1
            yield [row[name] for name in COLUMNS]
            if count % PAGE_ROWS == 0:
                told(row["asset"], count)
        told(asset.to_user_string(), count)


def _row(asset: dg.AssetKey, record: dg.EventLogRecord) -> dict[str, Any]:
    materialization = record.asset_materialization
    assert materialization is not None
    found = {name: value.value for name, value in materialization.metadata.items()}
    tags = materialization.tags or {}
    return {
        "asset": asset.to_user_string(),
        "partition": materialization.partition,
        "run_id": record.run_id,
        "at": datetime.fromtimestamp(record.timestamp, tz=UTC).isoformat(),
        "data_version": tags.get("dagster/data_version"),
    } | {key: _value(key, found.get(f"finops/{key}")) for key in KEYS}


def _value(key: str, shown: Any) -> Any:
    """Dagster keeps amounts as floats, which hold a nano-USD exactly up to nine million US dollars."""
    return format_usd(round(shown * NANO)) if isinstance(shown, float) and key.endswith("_usd") else shown


# --- the two records side by side

_TYPES = {name: "DECIMAL(38, 9)" for name in KEYS if name.endswith("_usd")} | {
    "loop": "BIGINT", "input_tokens": "BIGINT", "cached_input_tokens": "BIGINT", "output_tokens": "BIGINT",
    "attempts": "BIGINT", "compute_seconds": "DOUBLE",
}  # fmt: skip
_TABLES = {
    "materialization": {name: _TYPES.get(name, "VARCHAR") for name in COLUMNS},
    "entry": {
        "id": "BIGINT", "month": "VARCHAR", "kind": "VARCHAR", "artifact": "VARCHAR", "step": "VARCHAR", "run_id": "VARCHAR",
        "nano_usd": "BIGINT",
    },
}  # fmt: skip
_NAMED = """
    SELECT rowid AS materialization, unnest(string_split(ledger_entries, ', '))::BIGINT AS id
    FROM materialization WHERE ledger_entries <> 'none'
"""
_UNKNOWN_TO_DAGSTER = f"""
    SELECT id, nano_usd, kind, artifact, step, run_id FROM entry
    WHERE month = $month AND id NOT IN (SELECT id FROM ({_NAMED})) ORDER BY id
"""  # noqa: S608 - made of constants
_UNLIKE_THE_LEDGER = f"""
    SELECT asset, partition, run_id, (coalesce(cost_usd, 0) * {NANO})::BIGINT AS shown, coalesce(booked, 0)
    FROM materialization LEFT JOIN (
        SELECT materialization, sum(nano_usd)::BIGINT AS booked FROM ({_NAMED}) JOIN entry USING (id) GROUP BY ALL
    ) AS sums ON sums.materialization = materialization.rowid
    WHERE shown <> coalesce(booked, 0) ORDER BY materialization.rowid
"""  # noqa: S608 - made of constants
_NAMED_TWICE = f"SELECT id, count(*) FROM ({_NAMED}) GROUP BY id HAVING count(*) > 1 ORDER BY id"  # noqa: S608 - the same
_TOTALS = f"""
    SELECT (SELECT count(*) FROM materialization), (SELECT (coalesce(sum(cost_usd), 0) * {NANO})::BIGINT FROM materialization),
        (SELECT coalesce(sum(nano_usd), 0)::BIGINT FROM entry WHERE month = $month)
"""  # noqa: S608 - made of constants


def _entries(connection: sa.Connection, month: str) -> Iterator[tuple[Any, ...]]:
    """What was spent in the month, and in the one before: a step's last entry may be of the old month, its end of the new."""
    entry = tables.entry
    signed = sa.case((entry.c.reverses.is_(None), 1), else_=-1) * entry.c.amount_nano_usd
    columns = (*(entry.c[name] for name in ("id", "month", "kind", "artifact", "step", "run_id")), signed)
    months = (preceding_month(month), month)
    query = sa.select(*columns).where(entry.c.month.in_(months), entry.c.kind.in_(ledger.SPEND_KINDS))
    for page in connection.execute(query, execution_options={"yield_per": ENTRIES_AT_ONCE}).partitions():
        yield from map(tuple, page)


def _stage(file: Path, rows: Iterable[Iterable[Any]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows([NULL if value is None else value for value in row] for row in rows)


def _load(engine: "DuckDBPyConnection", folder: Path) -> None:
    for table, columns in _TABLES.items():
        engine.execute(
            f"CREATE TABLE {table} AS FROM read_csv(?, columns = {columns}, header = false, auto_detect = false, "
            f"delim = ',', quote = '\"', escape = '\"', nullstr = '{NULL}')",
            [str(folder / f"{table}.csv")],
        )


def _compared(engine: "DuckDBPyConnection", month: str) -> Exported:
    def rows(query: str) -> list[Any]:
        return engine.execute(query, {"month": month} if "$month" in query else None).fetchall()

    ((count, shown, booked),) = rows(_TOTALS)
    return Exported(
        rows=count,
        metadata_usd=format_usd(shown),
        ledger_usd=format_usd(booked),
        unknown_to_dagster=tuple(
            f"entry {number}: {format_usd(nano_usd)} USD, {kind} of {artifact} {step} (run {run_id})"
            for number, nano_usd, kind, artifact, step, run_id in rows(_UNKNOWN_TO_DAGSTER)
        ),
        unlike_the_ledger=(
            *(
                f"{asset} of {partition} (run {run_id}): {format_usd(shown)} USD, its entries come to {format_usd(booked)} USD"
                for asset, partition, run_id, shown, booked in rows(_UNLIKE_THE_LEDGER)
            ),
            *(f"entry {number}: named by {times} materializations" for number, times in rows(_NAMED_TWICE)),
        ),
    )
