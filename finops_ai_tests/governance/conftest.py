"""The quarter that the tests of a review read: made once on each database, changed by nobody."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.settings import Settings
from finops_ai.store import open_database, open_objects
from finops_ai_tests.governance.ground import Ground, quarter


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A quarter in which every story happens in every month, its books sealed."""
    url = None
    if request.param == "postgresql":
        server, migrated = (request.getfixturevalue(name) for name in ("postgres_server", "migrated_postgres"))
        url = server.create_database("governance", like=migrated)
    settings = Settings(home=tmp_path_factory.mktemp("governance"), postgres_url=url, user="operator")
    database = open_database(settings)
    database.engine.dispose()

    @sa.event.listens_for(database.engine, "connect")
    def not_synced(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=OFF" if database.is_sqlite else "SET synchronous_commit TO off")
        cursor.close()
        connection.commit()

    made = Ground(database, open_objects(settings))
    quarter(made)
    ledger.seal(database)
    yield made
    database.engine.dispose()
