"""The hash chain over the books, reversals, what a provider's report resolved, alerts; and rows that cannot be changed."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# as of this revision: a later one adds its own
APPEND_ONLY = (
    "artifact", "submission", "step_output", "step_failure", "gate_verdict", "confirmed_fact", "rumor", "reviewer",
    "reviewer_revocation", "packet", "decision", "permit", "publication", "receipt", "budget_alert", "alert_delivery",
    "operation", "reservation", "answer", "outcome", "resolution", "batch_call", "tier_exception", "entry", "seal",
)  # fmt: skip


def upgrade() -> None:
    """New columns have defaults that say what held before them."""
    op.add_column("decision", sa.Column("higher_tier", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("budget", sa.Column("alerts_percent", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("outcome", sa.Column("response_id", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.create_index(op.f("ix_outcome_response_id"), "outcome", ["response_id"])
    op.add_column("answer", sa.Column("record", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.add_column("entry", sa.Column("reverses", sa.BigInteger(), nullable=True))
    op.add_column("entry", sa.Column("budgets", sa.Text(), nullable=True))
    only = sa.text("reverses IS NOT NULL")
    op.create_index(
        op.f("ix_entry_reverses"), "entry", ["reverses"], unique=True, sqlite_where=only, postgresql_where=only
    )
    op.create_index(op.f("ix_entry_reservation"), "entry", ["reservation"])
    op.drop_index(op.f("ix_entry_month"), "entry")  # every row paid for it, and only reports asked
    _create_alerts()
    _create_calls()
    op.create_table(
        "seal",
        _id(),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("first_entry", "last_entry", "entries")),
        *_texts("sha256", "at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal")),
        sa.UniqueConstraint("first_entry", name=op.f("uq_seal_first_entry")),
    )
    _forbid_changes()


def _create_alerts() -> None:
    amounts = ("limit_nano_usd", "spent_nano_usd", "reserved_nano_usd")
    op.create_table(
        "budget_alert",
        _id(),
        *_texts("budget_id", "level", "at"),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in amounts),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_alert")),
        sa.ForeignKeyConstraint(["budget_id"], ["budget.id"], name=op.f("fk_budget_alert_budget_id")),
        sa.UniqueConstraint(
            "budget_id", "level", "limit_nano_usd", name=op.f("uq_budget_alert_budget_id_level_limit_nano_usd")
        ),
    )
    op.create_table(
        "alert_delivery",
        sa.Column("alert_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *_texts("at"),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alert_delivery")),
        sa.ForeignKeyConstraint(["alert_id"], ["budget_alert.id"], name=op.f("fk_alert_delivery_alert_id")),
    )


def _create_calls() -> None:
    op.create_table(
        "resolution",
        *_texts("reservation", "kind", "detail", "report_sha256", "at"),
        sa.PrimaryKeyConstraint("reservation", name=op.f("pk_resolution")),
        sa.ForeignKeyConstraint(["reservation"], ["outcome.reservation"], name=op.f("fk_resolution_reservation")),
        sa.CheckConstraint("kind IN ('billed', 'not_billed')", name=op.f("ck_resolution_kind")),
    )
    op.create_table(
        "batch_call",
        *_texts("reservation", "batch_id", "at"),
        sa.Column("endpoint", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("reservation", name=op.f("pk_batch_call")),
        sa.ForeignKeyConstraint(["reservation"], ["reservation.key"], name=op.f("fk_batch_call_reservation")),
    )
    op.create_table(
        "tier_exception",
        *_texts("artifact", "step", "tier", "reason", "detail", "owner", "run_id", "at"),
        sa.Column("loop", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("artifact", "step", "loop", "tier", name=op.f("pk_tier_exception")),
        sa.ForeignKeyConstraint(["artifact"], ["artifact.key"], name=op.f("fk_tier_exception_artifact")),
    )


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _forbid_changes() -> None:
    """A record is corrected by another record. Who means to change one must first take a trigger away."""
    if op.get_bind().dialect.name == "sqlite":
        for table in APPEND_ONLY:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table}: rows are only ever added'); END"
                )
        return
    op.execute(
        "CREATE FUNCTION only_added() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '%: rows are only ever added', TG_TABLE_NAME USING ERRCODE = '23001'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION only_added()"
        )
