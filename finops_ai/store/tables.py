"""Every table of the project, in the order of the workflow.

Belongs here: columns, keys and the constraints that hold whatever the code above them does. Does not: queries.
A change here needs a migration beside it (a test compares the two).

Rows are only ever added, and triggers in the database see to it, with one exception: `budget`, whose two counters sum up
`entry` so that a limit can be guarded in one statement (`ledger` proves that they agree). Money is integer nano-USD. Times
are text, UTC, ISO 8601 with microseconds and `Z`, which sorts as it reads and is the same on both databases.
"""

import sqlalchemy as sa

REVISION_TABLE = "alembic_version"

# One naming rule, so that a migration can name what it changes.
metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rows only in an INTEGER primary key
_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())


def _id() -> sa.Column[int]:
    return sa.Column("id", _Id, primary_key=True, autoincrement=True)


def _text(name: str, *, nullable: bool = False, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable, primary_key=primary_key)


def _artifact() -> sa.Column[str]:
    return sa.Column("artifact", sa.Text, sa.ForeignKey("artifact.key"), nullable=False)


def _int(name: str, default: int | None = None) -> sa.Column[int]:
    server_default = None if default is None else sa.text(str(default))
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=server_default)


# --- intake ---------------------------------------------------------------------------------------------------------

artifact = sa.Table(
    "artifact",
    metadata,
    _text("key", primary_key=True),
    sa.Column("brief", sa.JSON, nullable=False),
    _text("brief_sha256"),
    _text("folder"),  # where the brief lay: its local sources may be read from below here
    _text("created_at"),
)

submission = sa.Table(  # whoever submitted a brief is one of its authors, and may not approve it
    "submission",
    metadata,
    _id(),
    _artifact(),
    _text("submitted_by"),
    _text("via"),
    _text("at"),
    sa.UniqueConstraint("artifact", "submitted_by"),
)

# --- the workflow's own record ----------------------------------------------------------------------------------------

step_output = sa.Table(  # the newest row of a step is what the next step reads
    "step_output",
    metadata,
    _id(),
    _artifact(),
    _text("step"),
    _int("loop"),
    _text("output_sha256"),
    _text("policy_sha256"),
    _text("run_id"),
    _text("at"),
    sa.Index(None, "artifact", "step"),
)

step_failure = sa.Table(
    "step_failure",
    metadata,
    _id(),
    _artifact(),
    _text("step"),
    _int("loop"),
    _text("error"),
    sa.Column("permanent", sa.Boolean, nullable=False),  # trying again cannot help: something must change first
    _text("policy_sha256"),
    _text("run_id"),
    _text("at"),
    sa.Index(None, "artifact"),
)

gate_verdict = sa.Table(  # a verdict speaks of one subject: another draft has another digest, and so no verdict yet
    "gate_verdict",
    metadata,
    _id(),
    _artifact(),
    _int("loop"),
    _text("gate"),
    _text("subject_sha256"),
    sa.Column("passed", sa.Boolean, nullable=False),
    _text("verdict_sha256"),
    _text("policy_sha256"),
    _text("run_id"),
    _text("at"),
    sa.Index(None, "artifact", "gate"),
)

# --- snapshots: what was retrieved and read before; a loss costs another fetch, and nothing else ------------------------

retrieval = sa.Table(
    "retrieval",
    metadata,
    _id(),
    _text("uri"),
    _text("url"),
    _text("host"),
    _text("name"),
    _text("content_type"),
    _text("etag"),
    _text("last_modified"),
    sa.Column("redirected", sa.Boolean, nullable=False),
    _text("snapshot_sha256"),
    _text("at"),
    sa.Index(None, "uri"),
)

extraction = sa.Table(  # equal bytes, read by the same readers, give an equal text
    "extraction",
    metadata,
    _text("snapshot_sha256", primary_key=True),
    _text("media_type", primary_key=True),
    _text("extractor", primary_key=True),
    _text("extraction_sha256"),
    _text("at"),
)

# --- evidence: what may reach a prompt, and what may not, in tables of their own ----------------------------------------

confirmed_fact = sa.Table(
    "confirmed_fact",
    metadata,
    _text("artifact", primary_key=True),
    _text("claims_sha256", primary_key=True),
    _text("claim_id", primary_key=True),
    _int("position"),
    _text("text"),
    _text("source_uri"),
    _text("source_title"),
    _text("snapshot_sha256"),
    _text("text_sha256"),
    _int("span_start"),
    _int("span_end"),
    _text("why"),
)

rumor = sa.Table(
    "rumor",
    metadata,
    _text("artifact", primary_key=True),
    _text("claims_sha256", primary_key=True),
    _text("claim_id", primary_key=True),
    _int("position"),
    _text("text"),
    _text("source_uri"),
    _text("why"),
)

# --- sign-off -----------------------------------------------------------------------------------------------------------

reviewer = sa.Table(  # one row per grant; a revoked name may be granted anew, with another token
    "reviewer",
    metadata,
    _id(),
    _text("name"),
    _text("role"),
    _text("token_sha256"),
    _text("granted_at"),
    _text("granted_by"),
    sa.UniqueConstraint("token_sha256"),
)

reviewer_revocation = sa.Table(
    "reviewer_revocation",
    metadata,
    sa.Column("reviewer_id", _Id, sa.ForeignKey("reviewer.id"), primary_key=True, autoincrement=False),
    _text("revoked_at"),
    _text("revoked_by"),
)

packet = sa.Table(
    "packet",
    metadata,
    _text("digest", primary_key=True),
    _artifact(),
    _int("loop"),
    _text("created_at"),
    sa.Index(None, "artifact"),
)

decision = sa.Table(
    "decision",
    metadata,
    _id(),  # given in commit order: the sign_off sensor reads behind a cursor
    sa.Column("packet_digest", sa.Text, sa.ForeignKey("packet.digest"), nullable=False),
    _artifact(),
    _text("reviewer"),
    _text("role"),
    _text("verdict"),
    _text("reason"),
    _text("identified_by"),
    _int("review_seconds", 0),
    _text("at"),
    _flag("higher_tier"),  # asked for together with changes: a reason to route the next loop above economy
    sa.UniqueConstraint("packet_digest", "reviewer"),
    sa.CheckConstraint("verdict IN ('approve', 'request_changes', 'reject')", name="verdict"),
)

# --- publishing ---------------------------------------------------------------------------------------------------------

permit = sa.Table(  # single use: the primary key is the right to publish one digest, once
    "permit",
    metadata,
    sa.Column("packet_digest", sa.Text, sa.ForeignKey("packet.digest"), primary_key=True),
    _artifact(),
    sa.Column("decision_ids", sa.JSON, nullable=False),
    _text("run_id"),
    _text("at"),
)

publication = sa.Table(  # the intent, committed before anything appears at a target
    "publication",
    metadata,
    _text("key", primary_key=True),
    sa.Column("packet_digest", sa.Text, sa.ForeignKey("permit.packet_digest"), nullable=False),
    _artifact(),
    _text("target"),
    _text("at"),
)

receipt = sa.Table(
    "receipt",
    metadata,
    sa.Column("publication_key", sa.Text, sa.ForeignKey("publication.key"), primary_key=True),
    sa.Column("files", sa.JSON, nullable=False),
    _text("run_id"),
    _text("at"),
)

# --- money ----------------------------------------------------------------------------------------------------------------

budget = sa.Table(
    "budget",
    metadata,
    _text("id", primary_key=True),
    _int("limit_nano_usd"),
    _int("reserved_nano_usd", 0),
    _int("spent_nano_usd", 0),
    sa.CheckConstraint("limit_nano_usd >= 0", name="limit"),
    sa.CheckConstraint("reserved_nano_usd >= 0", name="reserved"),
    sa.CheckConstraint("spent_nano_usd >= 0", name="spent"),  # no spent <= limit: an overrun must still be booked
    sa.Column(
        "alerts_percent", sa.Text, nullable=False, server_default=sa.text("''")
    ),  # "50,80,100": of the limit, when spent
)

budget_alert = (
    sa.Table(  # a threshold that was passed, or a hold that was refused: once per limit, in the charging transaction
        "budget_alert",
        metadata,
        _id(),
        sa.Column("budget_id", sa.Text, sa.ForeignKey("budget.id"), nullable=False),
        _text("level"),  # "80%", or "refused"
        _int("limit_nano_usd"),
        _int("spent_nano_usd"),
        _int("reserved_nano_usd"),
        _text("at"),
        sa.UniqueConstraint("budget_id", "level", "limit_nano_usd"),
    )
)

alert_delivery = sa.Table(
    "alert_delivery",
    metadata,
    sa.Column("alert_id", _Id, sa.ForeignKey("budget_alert.id"), primary_key=True, autoincrement=False),
    _text("at"),
)

operation = sa.Table(
    "operation",
    metadata,
    _text("key", primary_key=True),
    _artifact(),
    _text("step"),
    _int("loop"),
    _text("request_sha256"),
    _text("at"),
)

reservation = sa.Table(
    "reservation",
    metadata,
    _text("key", primary_key=True),  # the idempotency key, stored before the call
    sa.Column("operation", sa.Text, sa.ForeignKey("operation.key"), nullable=False),
    _int("attempt"),
    _artifact(),
    _text("step"),
    _int("amount_nano_usd"),
    sa.Column("budget_ids", sa.JSON, nullable=False),
    sa.Column(
        "terms", sa.JSON, nullable=False
    ),  # model, tier, price: what a settlement needs even if the policy changes
    _text("run_id"),
    _text("at"),
    sa.UniqueConstraint("operation", "attempt"),
    sa.CheckConstraint("amount_nano_usd >= 0", name="amount"),
    sa.Index(None, "artifact"),
)

answer = sa.Table(  # an operation that is answered is never paid again
    "answer",
    metadata,
    sa.Column("operation", sa.Text, sa.ForeignKey("operation.key"), primary_key=True),
    sa.Column("reservation", sa.Text, sa.ForeignKey("reservation.key"), nullable=False),
    _text("response_sha256"),
    sa.Column("record", sa.Text, nullable=False, server_default=sa.text("''")),  # JSON; "": kept by an older version
    _text("at"),
)

outcome = sa.Table(  # the primary key is "settled once"
    "outcome",
    metadata,
    sa.Column("reservation", sa.Text, sa.ForeignKey("reservation.key"), primary_key=True),
    _text("kind"),
    _text("detail"),
    _text("at"),
    sa.Column(
        "response_id", sa.Text, nullable=False, server_default=sa.text("''")
    ),  # the provider's, where one was seen
    sa.CheckConstraint("kind IN ('settled', 'released', 'suspended')", name="kind"),
    sa.Index(None, "response_id"),
)

resolution = sa.Table(  # how a reservation left suspense: once, and on a provider's word
    "resolution",
    metadata,
    sa.Column("reservation", sa.Text, sa.ForeignKey("outcome.reservation"), primary_key=True),
    _text("kind"),
    _text("detail"),
    _text("report_sha256"),
    _text("at"),
    sa.CheckConstraint("kind IN ('billed', 'not_billed')", name="kind"),
)

batch_call = sa.Table(  # a held call that the provider answers later, in a batch
    "batch_call",
    metadata,
    sa.Column("reservation", sa.Text, sa.ForeignKey("reservation.key"), primary_key=True),
    _text("batch_id"),
    sa.Column("endpoint", sa.JSON, nullable=False),  # where to ask for it, even if the policy changes
    _text("at"),
)

tier_exception = sa.Table(  # work above economy: why, and who answers for it
    "tier_exception",
    metadata,
    sa.Column("artifact", sa.Text, sa.ForeignKey("artifact.key"), primary_key=True),
    _text("step", primary_key=True),
    sa.Column("loop", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("tier", primary_key=True),
    _text("reason"),
    _text("detail"),
    _text("owner"),
    _text("run_id"),
    _text("at"),
)

_REVERSES = "reverses IS NOT NULL"

# Double entry: each row moves one amount from `credit` to `debit`, so the sum over all accounts is always 0. Where `budgets`
# names some, the row moves it in each of them: their accounts are `budgets/available`, `budgets/reserved`, `budgets/spent`.
entry = sa.Table(
    "entry",
    metadata,
    _id(),
    _text("at"),
    _text("month"),
    _text("kind"),
    _text("debit"),
    _text("credit"),
    _int("amount_nano_usd"),
    _text("artifact"),
    _text("step"),
    _int("loop"),
    _text("cost_centre"),
    _text("workload"),
    _text("tier", nullable=True),
    _text("model", nullable=True),
    sa.Column("reservation", sa.Text, sa.ForeignKey("reservation.key"), nullable=True),
    _int("quantity", 0),
    _text("unit", nullable=True),  # a meter of `pricing.Usage`, compute_us, review_s, retrieval_bytes
    sa.Column("price", sa.JSON, nullable=False),
    sa.Column("estimated", sa.Boolean, nullable=False),
    sa.Column("overrun", sa.Boolean, nullable=False),
    _text("policy_sha256"),
    _text("run_id"),
    sa.Column("reverses", sa.BigInteger, nullable=True),  # the entry that this one takes back: at most one does
    _text("budgets", nullable=True),  # a JSON list of ids
    sa.CheckConstraint("amount_nano_usd >= 0", name="amount"),
    sa.CheckConstraint("debit <> credit", name="two_accounts"),
    sa.Index(None, "artifact", "step"),
    sa.Index(None, "reservation"),
    sa.Index(None, "reverses", unique=True, sqlite_where=sa.text(_REVERSES), postgresql_where=sa.text(_REVERSES)),
)

seal = sa.Table(  # a link of the hash chain over the entries: each covers all entries since the one before
    "seal",
    metadata,
    _id(),
    _int("first_entry"),
    _int("last_entry"),
    _int("entries"),
    _text("sha256"),  # over the seal before and every entry from the first to the last
    _text("at"),
    sa.UniqueConstraint("first_entry"),
)

closed_month = sa.Table(  # what finance was given for a month: it does not change any more
    "closed_month",
    metadata,
    _text("month", primary_key=True),
    # an entry of kind `close`, which makes the digest part of the hash chain
    sa.Column("entry", sa.BigInteger, sa.ForeignKey("entry.id"), nullable=False),
    _text("sha256"),  # over the month's charges
    _int("charges"),
    _int("total_nano_usd"),
    _text("closed_by"),
    _text("at"),
)

# --- measured workloads and their way from pilot to scale -----------------------------------------------------------------

usage_import = sa.Table(  # one file that was read in one way: reading it so again adds nothing
    "usage_import",
    metadata,
    _id(),
    _text("file_sha256"),
    _text("format"),
    _text("options_sha256"),
    _text("name"),
    _int("rows"),
    _int("events"),
    _int("duplicates"),
    _int("quarantined"),
    sa.Column("parts", sa.JSON, nullable=False),  # the Parquet files that it added, each with its SHA-256
    _text("at"),
    sa.UniqueConstraint("file_sha256", "format", "options_sha256"),
)

stage_change = sa.Table(  # the newest row of a workload is the stage that it has earned; none: pilot
    "stage_change",
    metadata,
    _id(),
    _text("workload"),
    _text("from_stage"),
    _text("to_stage"),
    _text("reason"),
    _text("detail"),
    sa.Column("packet_digest", sa.Text, sa.ForeignKey("packet.digest"), nullable=True),  # what the leaders signed
    _text("at"),
    sa.CheckConstraint("from_stage <> to_stage", name="two_stages"),
    sa.CheckConstraint("reason IN ('promotion', 'breach', 'request')", name="reason"),
    sa.Index(None, "workload"),
)

# A cache may be emptied, and a counter counts; everything else is a record.
APPEND_ONLY = [name for name in metadata.tables if name not in ("budget", "retrieval", "extraction")]
