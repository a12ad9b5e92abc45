"""The project's own database: one SQLAlchemy engine on SQLite or PostgreSQL, migrated when it is opened.

Belongs here: connections, transactions, locks that die with their process. Does not: what the tables mean
(`tables`), queries (the domain packages), Dagster's own storage (`orchestration.instance_storage`).
"""

import contextlib
import fcntl
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from finops_ai.settings import Settings
from finops_ai.store import tables
from finops_ai.store.statements import insert_new

SCHEMA = (
    "finops_ai"  # PostgreSQL only: Dagster's tables, its alembic_version too, live in `public` of the same database
)
MIGRATION_HEAD = "0004"
_MIGRATION_LOCK = "migrate"


class StoreError(Exception):
    """Parent of what can go wrong with stored records."""


class LockTaken(StoreError):
    """Another process holds this lock; it is freed when that process ends, however it ends."""


class Database:
    """Transactions and locks on one engine. Safe to share between threads; a forked child opens its own."""

    def __init__(self, engine: sa.Engine, *, locks: Path) -> None:
        self.engine = engine
        self._locks = locks

    @property
    def is_sqlite(self) -> bool:
        """SQLite locks the whole file where PostgreSQL locks rows."""
        return self.engine.dialect.name == "sqlite"

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction, durable when the block ends, undone when it raises."""
        with self.engine.connect().execution_options(finops_write=True) as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for queries only."""
        with self.engine.connect() as connection:
            yield connection

    def wait_for_writers(self, tx: sa.Connection, table: sa.Table) -> None:
        """Until nobody is writing to the table; whoever wants to, waits until `tx` ends. A writer on SQLite is alone."""
        if not self.is_sqlite:
            tx.execute(sa.text(f"LOCK TABLE {SCHEMA}.{table.name} IN SHARE MODE"))

    @contextlib.contextmanager
    def exclusive(self, name: str) -> Iterator[None]:
        """Hold the named lock across processes. Raises LockTaken at once where another holds it.

        A kill -9 frees it: a lock file held by `flock`, or a PostgreSQL session lock, ends with its process.
        """
        with self._flock(name) if self.is_sqlite else self._advisory_lock(name):
            yield

    @contextlib.contextmanager
    def _flock(self, name: str) -> Iterator[None]:
        self._locks.mkdir(parents=True, exist_ok=True)
        with (self._locks / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockTaken(f"another process is working on {name}") from None
            yield

    @contextlib.contextmanager
    def _advisory_lock(self, name: str) -> Iterator[None]:
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(number))):
                raise LockTaken(f"another process is working on {name}")
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))


def open_database(settings: Settings) -> Database:
    """Open and, where it is behind, migrate."""
    if settings.postgres_url:
        engine = sa.create_engine(
            settings.postgres_url,
            pool_size=2,
            max_overflow=8,
            pool_pre_ping=True,
            pool_recycle=300,
            execution_options={"schema_translate_map": {None: SCHEMA}},
        )
    else:
        settings.home.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(f"sqlite:///{settings.home / 'finops_ai.db'}", connect_args={"timeout": 60})
        _make_sqlite_durable(engine)
    database = Database(engine, locks=settings.home / "locks")
    with _opening(settings.home) if database.is_sqlite else contextlib.nullcontext():
        _migrate(database)
    return database


@contextlib.contextmanager
def _opening(home: Path) -> Iterator[None]:
    """One process after another: SQLite turns to WAL without waiting for its busy timeout, and fails where two try."""
    with (home / "opening.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def insert_once(tx: sa.Connection, table: sa.Table, **values: Any) -> bool:
    """Insert a row unless its key exists. False: it does, and nothing was written."""
    return tx.execute(insert_new(tx.dialect.name, table), values).rowcount == 1


def insert_missing(tx: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those rows whose keys do not exist, in one round to the database."""
    if rows:
        tx.execute(insert_new(tx.dialect.name, table), rows)


def _make_sqlite_durable(engine: sa.Engine) -> None:
    """WAL with full sync: a commit survives power loss. Transactions begin where we say, not where the driver guesses."""

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=60000"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        # IMMEDIATE: a reader that becomes a writer in mid-transaction is refused by SQLite without waiting
        writing = connection.get_execution_options().get("finops_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _migrate(database: Database) -> None:
    if _current_revision(database) == MIGRATION_HEAD:
        return
    from alembic import command  # a tenth of a second, paid only when there is something to migrate
    from alembic.config import Config

    with database.write() as connection:
        if not database.is_sqlite:  # two processes may open a new database at once; on SQLite `_opening` sees to it
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(_MIGRATION_LOCK))))
            connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _current_revision(database: Database) -> str | None:
    schema = None if database.is_sqlite else SCHEMA
    with database.read() as connection:
        if not sa.inspect(connection).has_table(tables.REVISION_TABLE, schema=schema):
            return None
        return connection.scalar(
            sa.select(sa.column("version_num")).select_from(sa.table(tables.REVISION_TABLE, schema=schema))
        )
