"""Where Dagster keeps its own record: PostgreSQL when an address is configured, SQLite otherwise.

Belongs here: the storage class that `dagster.yaml` names, and the pool its connections come from. Does not: reading the
environment (`settings`), the project's own tables (`store`), which no Dagster process needs in order to start.

Private API, used here and nowhere else: DagsterStorage, DagsterSqliteStorage, `_engine` of the PostgreSQL storages.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from finops_ai.settings import Settings, load_settings

POOL_SIZE = 2  # kept per process: a run needs one connection at a time, its event watcher a second
IDLE_SECONDS_MAX = 300  # below the idle cut-off of common proxies, so that this end closes first


class EnvironmentStorage(DagsterStorage, ConfigurableClass):
    """The class named in `dagster.yaml`. It is never instantiated: it only chooses."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Nothing to configure: one file serves a laptop and production."""
        return {}

    @classmethod
    def from_config_value(  # type: ignore[override]  # upstream types it as Self; Dagster itself asks for a DagsterStorage
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> DagsterStorage:
        """Raises SettingsError when production lacks an address: never a silent SQLite."""
        del config_value
        return storage_for(load_settings(), inst_data)


def storage_for(settings: Settings, inst_data: ConfigurableClassData | None = None) -> DagsterStorage:
    """The storage these settings ask for; tables and folders are created when missing."""
    if settings.postgres_url is None:
        return DagsterSqliteStorage.from_local(str(settings.home / "dagster"), inst_data)
    return pooled_postgres(settings.postgres_url, inst_data)


def pooled_postgres(url: str, inst_data: ConfigurableClassData | None = None) -> DagsterStorage:
    """The stock storage, which creates its tables, with its connection-per-statement engines replaced.

    Opening a connection per statement makes a run 3.7 times as long. Upstream's own `optimize_for_webserver` replaces
    `_engine` in the same way, so the web UI keeps its settings.
    """
    from dagster_postgres import DagsterPostgresStorage  # here: SQLite needs none of it

    storage = DagsterPostgresStorage(url, inst_data=inst_data)
    engine = pooled_engine(url)
    for part in parts_of(storage):
        stock_pool = part._engine.pool  # noqa: SLF001 - this module's one private name, guarded by a test
        assert isinstance(stock_pool, sa.NullPool), "dagster-postgres pools by itself now: drop this module's pool"
        part._engine = engine  # noqa: SLF001 - as above
    return storage


def parts_of(storage: DagsterStorage) -> tuple[Any, Any, Any]:
    """Runs, events, schedules: each holds an engine of its own in an attribute that its type does not declare."""
    return storage.run_storage, storage.event_log_storage, storage.schedule_storage


@cache
def pooled_engine(url: str) -> sa.Engine:
    """One engine for the whole process, however many instances are opened in it.

    `max_overflow=-1`: the pool bounds what is *kept*, never what may be opened. Dagster nests connections (an index
    transaction inside an event), so a hard limit could make a thread wait for itself. `pool_pre_ping` costs a tenth of
    a run and is what survives a database restart.
    """
    engine = sa.create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=POOL_SIZE,
        max_overflow=-1,
        pool_recycle=IDLE_SECONDS_MAX,
        pool_pre_ping=True,
    )
    # A forked child must not speak on its parent's sockets. close=False: they are still the parent's to use.
    os.register_at_fork(after_in_child=lambda: engine.dispose(close=False))
    return engine
