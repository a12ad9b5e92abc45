"""${message}."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Forward only: records of money and sign-off are not thrown away by a downgrade."""
    ${upgrades if upgrades else "pass"}
