"""The migrations lead to exactly the tables that the code speaks of, once, however many processes ask for them."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from finops_ai import store
from finops_ai.settings import Settings
from finops_ai.store import Database, open_database, tables
from finops_ai.store.database import MIGRATION_HEAD, SCHEMA
from finops_ai_tests.records import at_once


@pytest.fixture
def migrated(untouched: Settings) -> Any:
    """An engine without the project's own schema translation: it sees the tables as the database has them."""
    database = open_database(untouched)
    database.engine.dispose()
    if untouched.postgres_url is None:
        engine = sa.create_engine(database.engine.url)
    else:
        engine = sa.create_engine(untouched.postgres_url, connect_args={"options": f"-csearch_path={SCHEMA}"})
    yield engine
    engine.dispose()


def test_a_migrated_database_is_what_the_tables_say(migrated: sa.Engine) -> None:
    """A column that is in `tables` and in no migration works on a new machine and fails on every old one."""
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []


def test_every_check_of_the_tables_is_in_the_database(migrated: sa.Engine) -> None:
    """Alembic does not compare them, and they are what stops a negative amount whatever the code does."""
    inspector = sa.inspect(migrated)
    found = {
        (table, check["name"]) for table in tables.metadata.tables for check in inspector.get_check_constraints(table)
    }
    wanted = {
        (table.name, constraint.name)
        for table in tables.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, sa.CheckConstraint)
    }
    assert wanted <= found
    assert len(wanted) == 11, "a check that lost its place in the tables is no longer compared"


def test_the_checks_refuse_what_the_code_should_never_write(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), database.write() as tx:
        tx.execute(tables.budget.insert().values(id="b", limit_nano_usd=1, spent_nano_usd=-1))
    texts = dict.fromkeys((c.name for c in tables.entry.columns if isinstance(c.type, sa.Text)), "x")
    good: dict[str, Any] = texts | {"credit": "y", "reservation": None, "amount_nano_usd": 1, "loop": 0, "price": {}}
    good |= {"estimated": False, "overrun": False}
    with database.write() as tx:
        tx.execute(tables.entry.insert().values(good))
    for wrong in ({"credit": "x"}, {"amount_nano_usd": -1}, {"reservation": "nobody's"}):
        with pytest.raises(sa.exc.IntegrityError), database.write() as tx:
            tx.execute(tables.entry.insert().values(good | wrong))


def test_the_head_that_opening_looks_for_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == MIGRATION_HEAD


def test_processes_that_open_a_new_database_at_once_all_get_it(untouched: Settings) -> None:
    """The web UI, the daemon and a run start together on the first day."""

    def work(number: int) -> int:
        with open_database(untouched).write() as tx:
            tx.execute(tables.budget.insert().values(id=f"b{number}", limit_nano_usd=1))
            return int(tx.scalar(sa.text("SELECT 1")) or 0)

    assert at_once(work, 4) == [1, 1, 1, 1]
    with open_database(untouched).read() as connection:
        assert len(connection.execute(sa.select(tables.budget)).all()) == 4


def test_opening_again_migrates_nothing(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command of the command line opens the database: a tenth of a second each time would be felt."""
    monkeypatch.setattr(command, "upgrade", lambda *_: pytest.fail("migrated again"))
    open_database(settings).engine.dispose()


def test_a_migration_that_dies_half_way_leaves_nothing(untouched: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the tables and no revision would fail for ever after: `table already exists`."""
    upgrade = command.upgrade

    def dies(*arguments: Any) -> None:
        upgrade(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", dies)
        with pytest.raises(KeyboardInterrupt):
            open_database(untouched)
    with open_database(untouched).read() as connection:
        assert connection.execute(sa.select(tables.artifact)).all() == []
