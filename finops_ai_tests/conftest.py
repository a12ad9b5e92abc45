"""What every test may ask for: a clean environment, a real PostgreSQL, the reference data.

Belongs here: fixtures that more than one package's tests need. Does not: how the server is run (`postgres`).
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from finops_ai.settings import Settings
from finops_ai.store import Database, ObjectStore, open_database, open_objects
from finops_ai_tests.postgres import PostgresServer, PostgresUnavailable, running_postgres

FOR_THE_SUITE = {"FINOPS_AI_DATA", "FINOPS_AI_TESTS_LONG"}  # say what to test on, not how the project behaves
REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own database and home are neither used nor touched."""
    for name in [name for name in os.environ if name.startswith("FINOPS_AI_") or name == "DAGSTER_HOME"]:
        if name not in FOR_THE_SUITE:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for the whole session."""
    try:
        with running_postgres() as server:
            yield server
    except PostgresUnavailable as unavailable:
        _cannot_test(str(unavailable))


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A fresh, empty database, in the form the settings hand it out."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A deployment that nobody has opened yet: once on SQLite, once on PostgreSQL."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    return Settings(home=tmp_path / "home", postgres_url=url, user="operator")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """Its records."""
    opened = open_database(settings)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """Records of a person's own machine, for what does not depend on the database."""
    opened = open_database(Settings(home=tmp_path / "home", user="operator"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    """An object store in a folder."""
    return open_objects(Settings(home=tmp_path / "home"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The reference data, which is larger than a repository should be."""
    folder = Path(os.environ.get("FINOPS_AI_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        _cannot_test(f"no reference data at {folder}; name its folder in FINOPS_AI_DATA")
    return folder


def _cannot_test(reason: str) -> None:
    """On a laptop a missing part is skipped and said; a build server that skips would be green for nothing."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)
