"""How Alembic reaches the database: on the connection, and so in the transaction, that `store.database` opened."""

import sqlalchemy as sa
from alembic import context

from finops_ai.store import tables
from finops_ai.store.database import SCHEMA

connection = context.config.attributes["connection"]
if connection.dialect.name != "sqlite":  # for this transaction: an ALTER TABLE does not know the schema translation
    connection.execute(sa.text(f"SET LOCAL search_path TO {SCHEMA}"))
context.configure(
    connection=connection,
    target_metadata=tables.metadata,
    version_table=tables.REVISION_TABLE,
    version_table_schema=None if connection.dialect.name == "sqlite" else SCHEMA,
    render_as_batch=True,
)
context.run_migrations()
