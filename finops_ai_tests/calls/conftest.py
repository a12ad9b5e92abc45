"""A desk on a person's own machine: nothing here depends on the database."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from finops_ai.calls import FoundForms, PaidCalls
from finops_ai.settings import Settings
from finops_ai.store import Database, ObjectStore, open_database
from finops_ai_tests.calls.desk import LIMIT, Desk, Provider
from finops_ai_tests.records import payer, registered


@pytest.fixture(scope="session")
def migrated_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Records with one artifact, and its key; made once and copied, since making them takes longer than most tests."""
    home = tmp_path_factory.mktemp("migrated")
    database = open_database(Settings(home=home, user="operator"))
    artifact = registered(database)
    database.engine.dispose()
    return home, artifact


@pytest.fixture
def copied_database(migrated_home: tuple[Path, str], tmp_path: Path) -> Iterator[Database]:
    home = shutil.copytree(migrated_home[0], tmp_path / "copied")
    opened = open_database(Settings(home=home, user="operator"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def desk(
    copied_database: Database, migrated_home: tuple[Path, str], objects: ObjectStore, httpserver: HTTPServer
) -> Desk:
    slept: list[float] = []
    calls = PaidCalls(
        database=copied_database,
        objects=objects,
        payer=payer(migrated_home[1], ("cost_centre", LIMIT)),
        sleep=slept.append,
        clock=lambda: sum(slept),
        forms=FoundForms(),  # of its own: every test has its endpoint at the same address
    )
    provider = Provider(httpserver)
    for path in ("/v1/chat/completions", "/v1/responses"):
        httpserver.expect_request(path, method="POST").respond_with_handler(provider.serve)
    return Desk(calls, provider, slept)
