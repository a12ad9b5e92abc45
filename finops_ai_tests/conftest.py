"""What every test may ask for: a clean environment, a real PostgreSQL, the reference data.

Belongs here: fixtures that more than one package's tests need. Does not: how the server is run (`postgres`).
"""

import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from finops_ai.settings import Settings
from finops_ai.store import Database, ObjectStore, open_database, open_objects
from finops_ai_tests.postgres import PostgresServer, PostgresUnavailable, running_postgres

FOR_THE_SUITE = {"FINOPS_AI_DATA", "FINOPS_AI_TESTS_LONG"}  # say what to test on, not how the project behaves
REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """A parallel worker ignores Ctrl-C, and so would every process that it starts: some tests send one."""
    if hasattr(config, "workerinput"):
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A developer's own database and home are neither used nor touched; what a deployment sets does not outlive its test.

    Opening an instance tells the environment where its records are, and the next module would look for them there.
    """
    for name in ours_in_the_environment():
        monkeypatch.delenv(name)
    yield
    for name in ours_in_the_environment():
        del os.environ[name]


def ours_in_the_environment() -> list[str]:
    """The variables that decide how the project behaves."""
    names = (name for name in os.environ if name.startswith("FINOPS_AI_") or name == "DAGSTER_HOME")
    return [name for name in names if name not in FOR_THE_SUITE]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for the whole session."""
    try:
        with running_postgres() as server:
            yield server
    except PostgresUnavailable as unavailable:
        cannot_test(str(unavailable))


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with our tables: a copy of it is there sooner than a migration is done."""
    url = postgres_server.create_database("migrated")
    open_database(Settings(home=tmp_path_factory.mktemp("migrated"), postgres_url=url)).engine.dispose()
    return "migrated"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with our tables, to be copied."""
    home = tmp_path_factory.mktemp("migrated")
    opened = open_database(Settings(home=home))
    with opened.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    opened.engine.dispose()
    return home / "finops_ai.db"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, migrated_postgres: str) -> Iterator[str]:
    """A fresh database with our tables and nothing in them, in the form the settings hand it out."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres_server.create_database(name, like=migrated_postgres)
    postgres_server.drop_database(name)


@pytest.fixture
def empty_postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A database in which there is nothing at all."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A deployment with our tables and nothing in them: once on SQLite, once on PostgreSQL."""
    if request.param == "postgresql":
        return Settings(home=tmp_path / "home", postgres_url=request.getfixturevalue("postgres_url"), user="operator")
    _copy_to(tmp_path / "home", request.getfixturevalue("migrated_sqlite"))
    return Settings(home=tmp_path / "home", user="operator")


@pytest.fixture(params=["sqlite", "postgresql"])
def untouched(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A deployment that nobody has opened yet."""
    url = request.getfixturevalue("empty_postgres_url") if request.param == "postgresql" else None
    return Settings(home=tmp_path / "home", postgres_url=url, user="operator")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """Its records."""
    opened = open_database(settings)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def sqlite_database(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Database]:
    """Records of a person's own machine, for what does not depend on the database."""
    _copy_to(tmp_path / "home", migrated_sqlite)
    opened = open_database(Settings(home=tmp_path / "home", user="operator"))
    yield opened
    opened.engine.dispose()


def _copy_to(home: Path, file: Path) -> None:
    home.mkdir(exist_ok=True)
    shutil.copy(file, home / file.name)


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    """An object store in a folder."""
    return open_objects(Settings(home=tmp_path / "home"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The reference data, which is larger than a repository should be."""
    folder = Path(os.environ.get("FINOPS_AI_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        cannot_test(f"no reference data at {folder}; name its folder in FINOPS_AI_DATA")
    return folder


def cannot_test(reason: str) -> None:
    """On a laptop a missing part is skipped and said; a build server that skips would be green for nothing."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)
