"""Where expressions over usage events are run: DuckDB in this process, or Spark where one machine is too small.

Belongs here: compiling an expression to SQL, running it over Parquet files, rows as plain Python. Does not: what is
computed (`measures`).

Ibis writes the SQL and no more. Its own DuckDB backend asks for Arrow tables in a way that DuckDB 2 no longer has, and its
Spark backend needs pyarrow; neither is loaded here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from finops_ai.usage import COLUMNS

if TYPE_CHECKING:
    import ibis

TABLE = "usage_event"
Row = dict[str, Any]


class EngineUnavailable(Exception):
    """What an engine needs is not installed; the message says what."""


class EngineExhausted(Exception):
    """The events are too many for the memory of this machine, or for what it may take of it."""


class EventsUnreadable(Exception):
    """A file of events does not hold what was written into it; the message names it."""


class Engine(Protocol):
    """The same expression gives the same rows, in the same Python types, from each of them.

    Integers come back as int however the engine sums them, days as date, text as str, what has no value as None.
    """

    def rows(self, expression: "ibis.Table") -> list[Row]:
        """Run an expression over `events()`."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


def events() -> "ibis.Table":
    """All usage events, as a table that expressions begin with. It names no file: an engine does."""
    import ibis

    return ibis.table(dict(COLUMNS), name=TABLE)


class DuckDB:
    """The default. Quantiles are exact and are not spilled to disk: they take some 25 bytes for each event with latencies.
    Beyond `memory_limit`, or DuckDB's own, EngineExhausted is raised, and nothing is approximated. Raises EventsUnreadable.
    """

    def __init__(self, files: Iterable[Path], *, threads: int | None = None, memory_limit: str | None = None) -> None:
        import duckdb

        options: dict[str, Any] = {"threads": threads, "memory_limit": memory_limit}
        given = {name: value for name, value in options.items() if value is not None}
        self._connection = duckdb.connect(config={**given, "preserve_insertion_order": False})
        paths = [str(path) for path in files]
        if paths:
            # a partition's day stands in its path, in the file, or in both: the path wins, and is a date
            partitioned = any("day=" in path for path in paths)
            with _readable():
                found = self._connection.read_parquet(paths, hive_partitioning=partitioned, union_by_name=True)
        else:
            found = self._connection.sql(_nothing('"'))
        found.create_view(TABLE)

    def rows(self, expression: "ibis.Table") -> list[Row]:
        """Run it. Raises EngineExhausted where it needs more memory than it may have."""
        import ibis

        with _readable():
            cursor = self._connection.execute(str(ibis.to_sql(expression, dialect="duckdb")))
            found = cursor.fetchall()
        names = [column[0] for column in cursor.description]
        return [_plain(dict(zip(names, row, strict=True))) for row in found]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()


@contextmanager
def _readable() -> Iterator[None]:
    """DuckDB's errors that say something of the events or of this machine, as ours."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        reason = str(error).partition("\n")[0]
        raise EngineExhausted(f"{reason}; take fewer days at once, more memory, or the engine spark") from None
    except (duckdb.InvalidInputException, duckdb.IOException) as error:
        raise EventsUnreadable(str(error).partition("\n")[0]) from None


class Spark:
    """For events that one machine cannot read in time; the extra `spark`, and Java 17 or newer.

    `master` and everything else come from Spark's own configuration; without any, it runs on all cores of this machine.
    Raises EngineUnavailable without pyspark or without a Java that it can start.
    """

    def __init__(self, files: Iterable[Path], *, master: str | None = None) -> None:
        self._session, self._ours = _spark_session(master)
        paths = [str(path) for path in files]
        if paths:
            reader = self._session.read
            if root := _partition_root(paths):
                reader = reader.option("basePath", root)  # else the days in the paths are no column
            found = reader.option("mergeSchema", "true").parquet(*paths)
        else:
            found = self._session.sql(_nothing("`"))
        found.createOrReplaceTempView(TABLE)

    def rows(self, expression: "ibis.Table") -> list[Row]:
        """Run it as one Spark job and collect: a baseline is small, whatever it was computed from."""
        return [_plain(row.asDict()) for row in self._session.sql(spark_sql(expression)).collect()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._ours:
            self._session.stop()


def spark_sql(expression: "ibis.Table") -> str:
    """The expression in Spark's SQL. Needs neither pyspark nor Java."""
    import ibis
    from ibis.config import Config

    class SparkOptions(Config):  # type: ignore[misc]  # ibis has no types
        treat_nan_as_null: bool = False

    if ibis.options.pyspark is None:  # the compiler reads it, and only the backend, which needs pyarrow, would set it
        ibis.options.pyspark = SparkOptions()
    return str(ibis.to_sql(expression, dialect="pyspark"))


def _spark_session(master: str | None) -> tuple[Any, bool]:
    """A session with settings and views of its own, and whether Spark was started for it."""
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise EngineUnavailable("Spark is not installed: pip install 'finops_ai[spark]'") from None
    running = SparkSession.getActiveSession()
    if running is None:
        builder = SparkSession.builder.appName("finops_ai baseline").config("spark.ui.enabled", "false")
        builder = builder.config("spark.ui.showConsoleProgress", "false")
        try:
            running, ours = (builder.master(master) if master else builder).getOrCreate(), True
        except (PySparkException, OSError) as error:
            raise EngineUnavailable(f"Spark did not start; it needs Java 17 or newer: {error}") from None
    else:
        running, ours = running.newSession(), False
    running.conf.set("spark.sql.session.timeZone", "UTC")
    running.conf.set("spark.sql.ansi.enabled", "true")  # a sum too large for 64 bits is an error, not another number
    return running, ours


def _partition_root(paths: Sequence[str]) -> str | None:
    """The folder above the first `key=value` of partitioned files."""
    parts = Path(paths[0]).parts
    place = next((n for n, part in enumerate(parts) if "=" in part), None)
    return str(Path(*parts[:place])) if place else None


def _nothing(quote: str) -> str:
    """Every column and no row: for a baseline of no files. `string` and the rest are names that both engines know."""
    types = {"int64": "bigint", "float64": "double"}
    columns = (f"CAST(NULL AS {types.get(kind, kind)}) AS {quote}{name}{quote}" for name, kind in COLUMNS.items())
    return f"SELECT {', '.join(columns)} LIMIT 0"


def _plain(row: Mapping[str, Any]) -> Row:
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    """Spark and DuckDB differ in what a sum of integers is; a whole Decimal is an int here."""
    if isinstance(value, Decimal):
        if value != value.to_integral_value():
            raise ValueError(f"{value}: sums of money and tokens are whole")
        return int(value)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date | str | int | float) or value is None:
        return value
    return tuple(_value(part) for part in value)
