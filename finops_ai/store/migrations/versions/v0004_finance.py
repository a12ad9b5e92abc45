"""Closed months, imported usage logs, and the rollout stage of each workload."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

APPEND_ONLY = ("closed_month", "usage_import", "stage_change")


def upgrade() -> None:
    """Nothing of before changes."""
    op.create_table(
        "closed_month",
        *_texts("month", "sha256", "closed_by", "at"),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("entry", "charges", "total_nano_usd")),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_closed_month")),
        sa.ForeignKeyConstraint(["entry"], ["entry.id"], name=op.f("fk_closed_month_entry")),
    )
    op.create_table(
        "usage_import",
        _id(),
        *_texts("file_sha256", "format", "options_sha256", "name", "at"),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("rows", "events", "duplicates", "quarantined")),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_import")),
        sa.UniqueConstraint(
            "file_sha256", "format", "options_sha256", name=op.f("uq_usage_import_file_sha256_format_options_sha256")
        ),
    )
    op.create_table(
        "stage_change",
        _id(),
        *_texts("workload", "from_stage", "to_stage", "reason", "detail", "at"),
        sa.Column("packet_digest", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stage_change")),
        sa.ForeignKeyConstraint(["packet_digest"], ["packet.digest"], name=op.f("fk_stage_change_packet_digest")),
        sa.CheckConstraint("from_stage <> to_stage", name=op.f("ck_stage_change_two_stages")),
        sa.CheckConstraint("reason IN ('promotion', 'breach', 'request')", name=op.f("ck_stage_change_reason")),
    )
    op.create_index(op.f("ix_stage_change_workload"), "stage_change", ["workload"])
    _forbid_changes()
    _forbid_entries_of_closed_months()


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _forbid_changes() -> None:
    for table in APPEND_ONLY:
        if op.get_bind().dialect.name == "sqlite":
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table}: rows are only ever added'); END"
                )
        else:  # the function is that of revision 0003
            op.execute(
                f"CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION only_added()"
            )


def _forbid_entries_of_closed_months() -> None:
    """In the database, because no process's clock can be trusted to be in the right month: one may run behind."""
    told = "entry: its month is closed; does this machine''s clock run behind?"
    closed = "SELECT 1 FROM {prefix}closed_month AS closed WHERE closed.month = {row}.month"
    if op.get_bind().dialect.name == "sqlite":
        found = closed.format(prefix="", row="NEW")
        op.execute(
            f"CREATE TRIGGER entry_not_in_closed_month BEFORE INSERT ON entry WHEN EXISTS ({found}) "
            f"BEGIN SELECT RAISE(ABORT, '{told}'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION not_in_closed_month() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF EXISTS ({closed.format(prefix='finops_ai.', row='NEW')}) THEN "
        f"RAISE EXCEPTION '{told}' USING ERRCODE = 'check_violation'; "
        "END IF; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER entry_not_in_closed_month BEFORE INSERT ON entry "
        "FOR EACH ROW EXECUTE FUNCTION not_in_closed_month()"
    )
