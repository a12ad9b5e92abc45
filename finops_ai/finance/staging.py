"""Rows of the books in DuckDB: through a file, so that memory does not grow with their number.

Belongs here: the engine and its limits, rows into it. Does not: what the rows are (`charges`, `export`).

A row is a line of text, a JSON list: both databases make it themselves, and a row costs Python one object rather than one per
column.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY_MAX = "1GB"
THREADS = 2

Columns = Mapping[str, str]  # name -> type of DuckDB


@contextmanager
def engine(folder: Path) -> Iterator["DuckDBPyConnection"]:
    """A DuckDB whose tables, and whatever exceeds its memory, lie in the folder."""
    import duckdb

    config: dict[str, Any] = {
        "memory_limit": MEMORY_MAX,
        "threads": THREADS,
        "temp_directory": str(folder),
        "autoinstall_known_extensions": False,
    }
    with duckdb.connect(str(folder / "staged.duckdb"), config=config) as connection:
        # a join that begins with the charges keeps them in order
        connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        yield connection


def write(file: Path, rows: Iterable[str]) -> None:
    """Rows into a file, a line each."""
    with file.open("w", encoding="utf-8") as out:
        out.writelines(f"{row}\n" for row in rows)


def rows_of(columns: Columns) -> str:
    """The SQL that reads such a file, whose name is its one parameter."""
    typed = ", ".join(f"fields[{at}]::{kind} AS {name}" for at, (name, kind) in enumerate(columns.items(), 1))
    lines = "read_json(?, format = 'newline_delimited', records = 'false', columns = {fields: 'VARCHAR[]'})"
    return f"SELECT {typed} FROM {lines}"  # noqa: S608 - names and types of ours
