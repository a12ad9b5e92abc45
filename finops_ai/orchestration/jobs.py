"""The jobs that an operator can launch: stretches of the workflow, signing, the ledger, measuring, closing; and when they run.

Belongs here: selections, the jobs of a single op, schedules. Does not: deciding which job an artifact needs (`artifacts.position`).
"""

from enum import Enum
from typing import TYPE_CHECKING

import dagster as dg
from dagster import AssetSelection

from finops_ai.orchestration.partitions import ARTIFACTS

if TYPE_CHECKING:
    from finops_ai.orchestration.workbench import Workbench
    from finops_ai.signoff import Reviewer, Verdict

produce = dg.define_asset_job(
    "produce",
    selection=AssetSelection.assets(
        "brief",
        "sources",
        "claims",
        "confirmed_facts",
        "rumors",
        "risk_assessment",
        "model_route",
        "draft",
        "review_packet",
    ),
    description="From the brief to a packet that can be signed. Stops at a gate that fails. Safe to run again.",
)
rework = dg.define_asset_job(
    "rework",
    selection=AssetSelection.assets("model_route", "draft", "review_packet"),
    description="The next loop of an artifact whose draft failed the quality gate, or whose reviewer asked for changes.",
)
publish = dg.define_asset_job(
    "publish",
    selection=AssetSelection.assets("published", "analytics"),
    description="Publish what is signed. Verifies everything again; running it twice publishes nothing twice.",
)


class SignOffDecision(Enum):
    """Named as the Launchpad wants them written: it takes an enum's name, not its value."""

    APPROVE = "approve"
    REQUEST_CHANGES = "request_changes"
    REJECT = "reject"


class SignOff(dg.Config):
    """One signed decision on one packet."""

    decision: SignOffDecision
    reviewer: str
    reason: str
    packet_digest: str
    higher_tier: bool = False  # with REQUEST_CHANGES: ask for a better model in the next loop
    signature: str = ""  # from `finops-ai decide … --launchpad`; not needed behind an authenticating proxy


@dg.op(required_resource_keys={"workbench"}, tags={"kind": "sign_off"})
def sign_off_decision(context: dg.OpExecutionContext, config: SignOff) -> None:
    """Record one decision, by the same path as `finops-ai decide`. A signature proves who is speaking."""
    from finops_ai import signoff  # here, as in every step: looking at the jobs needs no database

    bench: Workbench = context.resources.workbench
    verdict: Verdict = config.decision.value
    try:
        reviewer, identified_by = _identified(bench, config)
        decision = signoff.record_decision(
            bench.database,
            bench.policy,
            artifact=context.partition_key,
            packet_digest=config.packet_digest.strip(),
            reviewer=reviewer,
            verdict=verdict,
            reason=config.reason,
            identified_by=identified_by,
            higher_tier=config.higher_tier,
        )
    except (signoff.DecisionRefused, signoff.ReviewerError) as error:
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error
    context.log.info("decision %d: %s by %s (%s)", decision.id, verdict, decision.reviewer, decision.role)


def _identified(bench: "Workbench", config: SignOff) -> "tuple[Reviewer, str]":
    """Dagster's web UI knows no users: a name alone proves nothing, unless a proxy before it has proved it."""
    from finops_ai import signoff

    with bench.database.read() as connection:
        if config.signature:
            verdict, digest = config.decision.value, config.packet_digest.strip()
            found = signoff.by_signature(
                connection, name=config.reviewer, signature=config.signature, digest=digest, verdict=verdict
            )
            return found, "launchpad"
        if bench.settings.trust_launchpad:
            return signoff.by_name(connection, config.reviewer), "proxy"
    raise signoff.ReviewerError(
        "a signature is required: run `finops-ai decide … --launchpad` with your token and paste what it prints "
        "(or set FINOPS_AI_LAUNCHPAD_IDENTITY=proxy where an authenticating proxy stands before this UI)"
    )


@dg.job(
    partitions_def=ARTIFACTS,
    description="Sign a packet: APPROVE, REQUEST_CHANGES or REJECT. `finops-ai decide … --launchpad` prints the config.",
)
def record_sign_off() -> None:
    """One decision."""
    sign_off_decision()


@dg.op(required_resource_keys={"workbench"}, tags={"kind": "ledger"})
def seal_entries(context: dg.OpExecutionContext) -> None:
    """Chain what was booked since the last seal, and prove the whole chain. A chain that is broken fails the run."""
    from finops_ai import ledger
    from finops_ai.store import LockTaken

    bench: Workbench = context.resources.workbench
    try:
        sealed = ledger.seal(bench.database)
    except LockTaken:
        sealed = 0  # another process is sealing the same entries
    with bench.database.read() as connection:
        chain = ledger.prove(connection)
        books = ledger.check(connection)
    if problems := [*chain.problems, *books.problems]:
        raise dg.Failure("the books do not hold: " + "; ".join(problems), allow_retries=False)
    context.log.info("sealed %d entries; head %s", sealed, chain.head)


@dg.job(description="Seal the ledger's newest entries into its hash chain and prove all of it. Runs every hour.")
def seal_ledger() -> None:
    """One batch."""
    seal_entries()


@dg.op(required_resource_keys={"workbench"}, tags={"kind": "rollout"})
def demote_workloads(context: dg.OpExecutionContext) -> None:
    """A stage that is no longer earned is lost before the next day's work is let in."""
    from finops_ai.orchestration.promotions import demote

    for demotion in demote(context.resources.workbench):
        context.log.warning(
            "%s: %s to %s: %s", demotion.workload, demotion.from_stage, demotion.to_stage, demotion.detail
        )


@dg.job(description="Take workloads back by a stage whose quality or unit cost has fallen too low. Runs every hour.")
def check_stages() -> None:
    """All workloads above the first stage."""
    demote_workloads()


measure = dg.define_asset_job(
    "measure",
    selection=AssetSelection.assets("usage_events", "workload_baseline", "spend_anomalies", "budget_forecast"),
    description="What AI workloads used on a UTC day, and what that says of cost, quality and the month's end.",
)

close_month = dg.define_asset_job(
    "close_month",
    selection=AssetSelection.assets("finance_export", "governance_review"),
    description="Close a month that is over, export it for finance, and put its governance review up for signatures.",
)

JOBS = (produce, rework, publish, record_sign_off, seal_ledger, check_stages, measure, close_month)

SCHEDULES = (
    dg.ScheduleDefinition(
        name="check_stages_hourly",
        job=check_stages,
        cron_schedule="37 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    ),
    dg.build_schedule_from_partitioned_job(
        measure, hour_of_day=2, minute_of_hour=17, default_status=dg.DefaultScheduleStatus.RUNNING
    ),
    dg.build_schedule_from_partitioned_job(
        close_month,
        day_of_month=2,  # a call that began on the last day has ended by then
        hour_of_day=3,
        minute_of_hour=23,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    ),
    dg.ScheduleDefinition(
        name="seal_ledger_hourly",
        job=seal_ledger,
        cron_schedule="7 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    ),
)
