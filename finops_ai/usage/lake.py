"""The events that are kept: Parquet files, one folder for each day, and the record of which of them count.

Belongs here: writing the files of one import, which of its events are new, where readers find what is kept. Does not: reading
logs (`adapters`), figures over events (the package `baseline`).

A file counts once the row of its import is in `usage_import`, and not before: what a crash leaves behind is never read, and
the same import, made again, writes over it. Events pass through a file and DuckDB, which spills to disk, so that memory does not
grow with the log.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from hashlib import file_digest
from operator import attrgetter
from pathlib import Path
from typing import IO, TYPE_CHECKING

import sqlalchemy as sa

from finops_ai.store import tables
from finops_ai.usage.model import COLUMNS, UsageEvent
from finops_ai.usage.reading import Rejected, UsageError

if TYPE_CHECKING:
    import duckdb

MEMORY_MAX = "512MB"
DISK_MAX = "20GB"
_ROWS_AT_ONCE = 10_000
_SQL_TYPES = {"string": "VARCHAR", "timestamp": "TIMESTAMP", "int64": "BIGINT", "float64": "DOUBLE", "date": "DATE"}
_NAMES = tuple(COLUMNS)
_TIMES = [_NAMES.index(name) for name, kind in COLUMNS.items() if kind == "timestamp"]
_VALUES = attrgetter(*_NAMES)
_NOT_COMPARED = {"event_id", "price_version"}  # the same cost by a newer edition of a price book is the same cost


class LakeFailed(UsageError):
    """What is kept cannot be read, or no more be written: nothing is wrong with the log that was to be added."""


class PartMissing(LakeFailed):
    """A file that counts is not there: figures without it would be too low, and nobody would know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file of events. `path` is relative to the folder of events."""

    path: str
    day: str
    events: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """What came of the events of one file. Conflicts are ids that are kept already, with other figures."""

    parts: tuple[Part, ...]
    events: int
    duplicates: int
    conflicts: int
    bases: dict[str, int]  # price basis → events
    unpriced: dict[str, int]  # model → events


def folder_of(home: Path) -> Path:
    """Where the files of events lie, below the home of a deployment."""
    return home / "usage" / "events"


def paths(connection: sa.Connection, home: Path, *, first: date | None = None, last: date | None = None) -> list[Path]:
    """The files that count, of all days or of those from `first` to `last`, both included. Raises PartMissing."""
    folder = folder_of(home)
    found = [
        folder / part.path
        for part in registered(connection)
        if (first is None or part.day >= first.isoformat()) and (last is None or part.day <= last.isoformat())
    ]
    if missing := [path for path in found if not path.is_file()]:
        raise PartMissing(
            [{"file": str(path), "reason": "this file of usage events is registered and gone"} for path in missing]
        )
    return found


def registered(connection: sa.Connection) -> Iterator[Part]:
    """Every file that counts, in the order of the imports."""
    table = tables.usage_import
    for parts in connection.scalars(sa.select(table.c.parts).order_by(table.c.id)):
        yield from (Part(**part) for part in parts)


def damaged(connection: sa.Connection, home: Path) -> list[str]:
    """The files that no longer hold the bytes that were registered, or are gone."""
    folder = folder_of(home)
    return [part.path for part in registered(connection) if _sha256_or_none(folder / part.path) != part.sha256]


class Staging:
    """The events of one file on their way: written down one by one, then sorted by DuckDB."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._file = folder / "events.csv"
        self._file.touch()
        self._stream: IO[str] | None = (
            None  # opened for the first event: an import may have more files than a process may open
        )
        self.count = 0

    def add(self, event: UsageEvent) -> None:
        """Times lose their zone here: every column of times is UTC."""
        if self._stream is None:
            self._stream = self._file.open("a", encoding="utf-8", newline="")
            self._writer = csv.writer(self._stream)
        values = list(_VALUES(event))
        for index in _TIMES:
            values[index] = _written(values[index])
        self._writer.writerow((self.count, *values))
        self.count += 1

    def close(self) -> Path:
        """Nothing more comes. The file of what came."""
        if self._stream:
            self._stream.close()
            self._stream = None
        return self._file

    def sort(self, kept: Sequence[Path], *, into: Path, name: str, refuse: Callable[[Rejected], None]) -> Sorted:
        """Write what is new into one file for each day, named `name`; nothing of it counts yet. Conflicts go to `refuse`."""
        import duckdb

        file = self.close()
        try:
            return self._sorted(file, kept, into=into, name=name, refuse=refuse)
        except duckdb.Error as error:  # a full disk, a file of events that is damaged
            raise LakeFailed([{"reason": f"events could not be sorted: {str(error).splitlines()[0]}"}]) from None

    def _sorted(
        self, file: Path, kept: Sequence[Path], *, into: Path, name: str, refuse: Callable[[Rejected], None]
    ) -> Sorted:
        import duckdb

        with duckdb.connect(str(self.folder / "work.duckdb")) as connection:
            connection.execute(f"SET memory_limit = '{MEMORY_MAX}'")
            connection.execute(f"SET max_temp_directory_size = '{DISK_MAX}'")
            connection.execute("SET preserve_insertion_order = false")
            _load(connection, file, kept)
            differing = 0
            for conflict in _conflicts(connection):
                refuse(conflict)
                differing += 1
            fresh = _one(connection, "SELECT count(*) FROM fresh")
            return Sorted(
                parts=tuple(_write(connection, into, name)),
                events=fresh,
                duplicates=self.count - fresh - differing,
                conflicts=differing,
                bases=_counted(connection, "price_basis", "true"),
                unpriced=_counted(connection, "model", "price_basis = 'none' AND record = 'usage'"),
            )


def _written(moment: datetime | None) -> str:
    return "" if moment is None else moment.replace(tzinfo=None).isoformat(sep=" ")


def _load(connection: "duckdb.DuckDBPyConnection", file: Path, kept: Sequence[Path]) -> None:
    """`staged`: all of the file; `known`: what is kept under the same ids; `fresh`: the first of each id that is not."""
    types = {"position": "BIGINT"} | {name: _SQL_TYPES[kind] for name, kind in COLUMNS.items()}
    texts = [name for name, kind in COLUMNS.items() if kind == "string"]
    connection.execute(
        "CREATE TABLE staged AS SELECT * FROM read_csv($file, header=false, delim=',', quote='\"', escape='\"', nullstr='', "  # noqa: S608 - our names
        f"auto_detect=false, max_line_size=16777216, columns={types!r}, force_not_null={texts!r})",
        {"file": str(file)},
    )
    columns = ", ".join(f'"{name}"' for name in _NAMES)
    source = "read_parquet($files, hive_partitioning=false)" if kept else "staged WHERE false"
    only = "WHERE event_id IN (SELECT event_id FROM staged)" if kept else ""
    connection.execute(
        f"CREATE TABLE known AS SELECT {columns} FROM {source} {only}",  # noqa: S608 - our names
        {"files": [str(path) for path in kept]} if kept else {},
    )
    connection.execute(
        "CREATE TABLE fresh AS SELECT * FROM staged WHERE event_id NOT IN (SELECT event_id FROM known) "
        "AND position IN (SELECT min(position) FROM staged GROUP BY event_id)"
    )


def _conflicts(connection: "duckdb.DuckDBPyConnection") -> Iterator[Rejected]:
    """What is not new and not the same: in which columns it differs from what is kept, and its values."""
    columns = ", ".join(f'"{name}"' for name in _NAMES)
    differs = ", ".join(
        f'CASE WHEN s."{name}" IS DISTINCT FROM k."{name}" THEN \'{name}\' END'
        for name in _NAMES
        if name not in _NOT_COMPARED
    )
    mine = ", ".join(f's."{name}"' for name in _NAMES)
    found = connection.cursor().execute(
        f"SELECT concat_ws(', ', {differs}) AS differing, {mine} FROM staged s "  # noqa: S608 - our names
        f"JOIN (SELECT {columns} FROM known UNION ALL SELECT {columns} FROM fresh) k USING (event_id) "
        "WHERE differing <> '' ORDER BY s.position"
    )
    while rows := found.fetchmany(_ROWS_AT_ONCE):
        for row in rows:
            event = dict(zip(_NAMES, row[1:], strict=True))
            raw = json.dumps(event, default=str, ensure_ascii=False)
            yield Rejected(line=0, field=row[0], reason=f"{event['event_id']} is kept with other figures", raw=raw)


def _write(connection: "duckdb.DuckDBPyConnection", into: Path, name: str) -> Iterator[Part]:
    columns = ", ".join(f'"{column}"' for column in _NAMES)
    days = connection.execute("SELECT day, count(*) FROM fresh GROUP BY day ORDER BY day").fetchall()
    for day, events in days:
        path = f"day={day}/{name}.parquet"
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        aside = into / f"day={day}" / f".{name}.tmp"
        quoted = str(aside).replace("'", "''")
        connection.execute(
            f"COPY (SELECT {columns} FROM fresh WHERE day = $day ORDER BY started_at, event_id) "  # noqa: S608 - quoted
            f"TO '{quoted}' (FORMAT PARQUET, COMPRESSION ZSTD)",
            {"day": day},
        )
        digest = _made_durable(aside, into / path)
        yield Part(path=path, day=str(day), events=events, sha256=digest)


def _made_durable(aside: Path, target: Path) -> str:
    """The database's row must not outlive the file that it speaks of."""
    with aside.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    aside.replace(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return digest


def _sha256_or_none(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _one(connection: "duckdb.DuckDBPyConnection", query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _counted(connection: "duckdb.DuckDBPyConnection", column: str, condition: str) -> dict[str, int]:
    query = f"SELECT {column}, count(*) AS n FROM fresh WHERE {condition} GROUP BY 1 ORDER BY n DESC, 1 LIMIT 20"  # noqa: S608 - names of ours
    return dict(connection.execute(query).fetchall())


_FIELDS = {field.name for field in fields(UsageEvent)} | {"day"}
assert set(COLUMNS) == _FIELDS, "an event's fields and the columns of the files are the same"
