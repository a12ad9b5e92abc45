"""Statements that are rendered once and sent together: for the few that run several times in every paid call.

Belongs here: from a SQLAlchemy statement to the text that a driver takes, and one trip to the database for several of them.
Does not: what a statement says (the domain packages), transactions (`database`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

_POSITIONAL = {"sqlite": "qmark", "postgresql": "format"}


class Prepared:
    """A statement whose values are all named `bindparam`s, given as a driver takes them: JSON as its text.

    Finding the compiled form of a statement and preparing it anew for each execution is what SQLAlchemy does well for any
    statement, in more time than SQLite takes to run it.
    """

    def __init__(self, build: Callable[[str], sa.ClauseElement]) -> None:
        """`build` makes the statement for a dialect, given by its name."""
        self._build = build
        self._rendered: dict[str, tuple[str, Sequence[str]]] = {}

    def rendered(self, tx: sa.Connection) -> tuple[str, Sequence[str]]:
        """The text, and the names of its values in their order."""
        name = tx.dialect.name
        if name not in self._rendered:
            schemas = tx.get_execution_options().get("schema_translate_map")
            positional: Any = type(tx.dialect)
            compiled: Any = self._build(name).compile(
                dialect=positional(paramstyle=_POSITIONAL[name]),
                schema_translate_map=schemas,
                render_schema_translate=schemas is not None,
            )
            self._rendered[name] = str(compiled), tuple(compiled.positiontup or ())
        return self._rendered[name]


Step = tuple[Prepared, Mapping[str, Any]]
# what follows it in a transaction can be taken back: PostgreSQL goes on with nothing after a statement that failed
SAVEPOINT: Step = Prepared(lambda _: sa.text("SAVEPOINT before_this")), {}


def take_back(tx: sa.Connection) -> None:
    """Undo what was done since the last SAVEPOINT."""
    tx.exec_driver_sql("ROLLBACK TO SAVEPOINT before_this")


def run(tx: sa.Connection, *steps: Step) -> sa.CursorResult[Any]:
    """Run them in this order; the result of the last. On PostgreSQL they are one message, and wait for one answer."""
    texts, values = [], []
    for prepared, given in steps:
        text, names = prepared.rendered(tx)
        texts.append(text)
        values.append(tuple([given[name] for name in names]))
    if tx.dialect.name == "postgresql":
        return tx.exec_driver_sql(";\n".join(texts), tuple(chain.from_iterable(values)))
    for text, row in zip(texts[:-1], values[:-1], strict=True):
        tx.exec_driver_sql(text, row)
    return tx.exec_driver_sql(texts[-1], values[-1])


def inserted(table: sa.Table, *rows: Mapping[str, Any], once: bool = False) -> Step:
    """Insert these rows, each with a value for every column but a counted one. `once`: unless their keys exist."""
    return _insert(table, len(rows), once=once), {
        f"{name}_{n}": row[name] for n, row in enumerate(rows) for name in row
    }


@cache
def _insert(table: sa.Table, rows: int, *, once: bool) -> Prepared:
    names = [column.name for column in table.columns if column is not table.autoincrement_column]
    values = [{name: sa.bindparam(f"{name}_{n}", type_=sa.Text) for name in names} for n in range(rows)]
    return Prepared(lambda dialect: (insert_new(dialect, table) if once else table.insert()).values(values))


@cache
def insert_new(dialect: str, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """Both databases have it, each under its own dialect."""
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def is_taken(table: sa.Table, error: sa.exc.IntegrityError) -> bool:
    """Did an insert fail because one of its keys exists in this table?"""
    raised: Any = error.orig
    if hasattr(raised, "diag"):
        return bool(raised.pgcode == "23505" and raised.diag.table_name == table.name)
    taken = raised.sqlite_errorname in ("SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE")
    return taken and f"failed: {table.name}." in str(raised)
