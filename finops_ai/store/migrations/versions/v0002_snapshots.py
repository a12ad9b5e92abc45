"""What was retrieved and read before."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Two tables; nothing that stands is touched."""
    op.create_table(
        "retrieval",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("uri", "url", "host", "name", "content_type", "etag", "last_modified", "snapshot_sha256", "at")
        ),
        sa.Column("redirected", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retrieval")),
    )
    op.create_index(op.f("ix_retrieval_uri"), "retrieval", ["uri"])
    op.create_table(
        "extraction",
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("snapshot_sha256", "media_type", "extractor", "extraction_sha256", "at")
        ),
        sa.PrimaryKeyConstraint("snapshot_sha256", "media_type", "extractor", name=op.f("pk_extraction")),
    )
