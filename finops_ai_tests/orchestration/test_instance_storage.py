"""One environment decides where Dagster's record lives, and the pool in between loses nothing."""

import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage

from finops_ai.orchestration.instance_storage import parts_of, pooled_engine, pooled_postgres, storage_for
from finops_ai.settings import Settings, SettingsError
from finops_ai_tests.conftest import REPOSITORY
from finops_ai_tests.postgres import PostgresServer


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the project's own dagster.yaml in it."""
    shutil.copy(REPOSITORY / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("FINOPS_AI_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def engine(postgres_url: str) -> Iterator[sa.Engine]:
    """The pooled engine of a database in which Dagster's tables exist."""
    pooled_postgres(postgres_url)
    yield pooled_engine(postgres_url)
    pooled_engine(postgres_url).dispose()


def server_process(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())


def in_forked_child(work: Callable[[], None]) -> int:
    """Exit code of a child that did `work`, leaving by `_exit` so that no clean-up of the suite runs in it."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001  # pytest must not go on in the child
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_without_an_address_the_record_is_sqlite_below_the_home(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions("artifacts", ["art-1"])
    assert list((home / "dagster").rglob("*.db"))
    assert sorted(path.name for path in home.iterdir()) == ["dagster", "dagster.yaml"], (
        "the home holds nothing unexpected"
    )


def test_with_an_address_the_record_is_in_postgresql_and_nowhere_else(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINOPS_AI_POSTGRES_URL", postgres_url)
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions("artifacts", ["art-1"])
    with pooled_engine(postgres_url).connect() as connection:
        assert connection.execute(sa.text("SELECT partition FROM dynamic_partitions")).scalars().all() == ["art-1"]
    assert not (home / "dagster").exists()


def test_an_address_without_a_driver_reaches_the_one_that_is_installed(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLAlchemy reads a bare `postgresql://` as psycopg 3, and would fail on opening the instance."""
    monkeypatch.setenv("FINOPS_AI_POSTGRES_URL", postgres_url.replace("+psycopg2", ""))
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, PostgresEventLogStorage)


def test_production_without_an_address_refuses_to_open(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINOPS_AI_ENV", "production")
    with pytest.raises(SettingsError, match="FINOPS_AI_POSTGRES_URL"):
        dg.DagsterInstance.get()
    assert not (home / "dagster").exists()


def test_a_run_on_the_pool_keeps_its_events(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three storages share one engine: a whole run must still be written and read back."""

    @dg.asset
    def draft() -> None: ...

    shutil.copy(REPOSITORY / "dagster.yaml", tmp_path)
    monkeypatch.setenv("FINOPS_AI_POSTGRES_URL", postgres_url)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        run = dg.materialize([draft], instance=instance)
        assert instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.SUCCESS  # type: ignore[union-attr]
        assert instance.get_latest_materialization_event(dg.AssetKey("draft"))


def test_dagster_postgres_still_opens_a_connection_per_statement(postgres_url: str) -> None:
    """The private attribute that the pool replaces: when this fails, upstream has changed and the pool may go."""
    stock = DagsterPostgresStorage(postgres_url)
    for part in parts_of(stock):
        assert isinstance(part._engine.pool, sa.NullPool)


def test_all_three_storages_use_the_one_pool(postgres_url: str, tmp_path: Path) -> None:
    storage = storage_for(Settings(home=tmp_path, postgres_url=postgres_url))
    assert {id(part._engine) for part in parts_of(storage)} == {id(pooled_engine(postgres_url))}


def test_a_connection_is_used_again(engine: sa.Engine) -> None:
    assert server_process(engine) == server_process(engine)


def test_a_forked_child_never_speaks_on_its_parents_connection(engine: sa.Engine) -> None:
    """Two processes on one socket read each other's answers."""
    of_the_parent = server_process(engine)

    def work() -> None:
        assert server_process(engine) != of_the_parent

    assert in_forked_child(work) == 0
    assert server_process(engine) == of_the_parent, "the child must not have closed what is its parent's"


def test_connections_that_the_server_ended_are_replaced_unseen(
    engine: sa.Engine, postgres_server: PostgresServer
) -> None:
    before = server_process(engine)
    postgres_server.terminate_connections(str(engine.url.database))
    assert server_process(engine) != before


def test_opening_the_instance_imports_nothing_heavy(home: Path) -> None:
    """Every process of a deployment opens the instance: seconds here are seconds for each run."""
    code = (
        "import sys, dagster as dg; dg.DagsterInstance.get();"
        "print(sorted({'pandas', 'great_expectations', 'openai', 'dagster_postgres'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout.strip() == "[]"
