"""Where a simulated quarter is kept while it passes: the same records and bytes, without waiting for the disk.

Belongs here: what makes a simulation fast. Does not: anything that a deployment should do: a quarter that a power cut
destroys is simulated again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from upath import UPath

from finops_ai.publishing import LocalFolder
from finops_ai.settings import Settings
from finops_ai.store import Database, ObjectStore, open_database, sha256_hex


class DayByDay(Database):
    """One transaction for all that is written between two commits: nobody else looks, and nothing is ever undone.

    Commits are not synced: `PRAGMA synchronous=OFF` on SQLite, `synchronous_commit` off on PostgreSQL.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(_unsynced(open_database(settings)), locks=settings.home / "locks")
        self._open: sa.Connection | None = None

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """The transaction that is open. It is not undone where the block raises: that ends the simulation."""
        if self._open is None:
            self._open = self.engine.connect().execution_options(finops_write=True)
            self._open.begin()
        yield self._open

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """The same connection: it sees what was written."""
        with self.write() as connection:
            yield connection

    def commit(self) -> None:
        """The end of a day."""
        if self._open is not None:
            self._open.commit()
            self._open.close()
            self._open = None

    def close(self) -> None:
        """Keep what was written, and let go of the database."""
        self.commit()
        self.engine.dispose()


class UnsyncedObjects(ObjectStore):
    """The same bytes under the same names, in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(UPath(folder))
        self._folder = folder
        self._known: set[str] = set()

    def put(self, content: bytes) -> str:
        """See ObjectStore."""
        digest = sha256_hex(content)
        if digest not in self._known:
            _write(self._folder / digest[:2] / digest, content)
            self._known.add(digest)
        return digest


class UnsyncedFolder(LocalFolder):
    """The same bytes under the same addresses, in a folder that nobody else writes to."""

    def put(self, artifact: str, name: str, content: bytes) -> str:
        """See LocalFolder."""
        path = self.root / artifact / name
        _write(path, content)
        return str(path)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _unsynced(database: Database) -> sa.Engine:
    engine = database.engine
    engine.dispose()
    statement = "PRAGMA synchronous=OFF" if database.is_sqlite else "SET synchronous_commit TO off"

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.commit()

    return engine
