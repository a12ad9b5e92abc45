"""The assets as the web UI shows them: one per step of the workflow, in the order in which they run, then scheduled work.

Belongs here: each one's place in the graph, its gate, and what an operator reads about it. Does not: doing it. That is the
function of the same name in the module of the same name, which reads its inputs, makes one call into a domain package and
describes the result; nothing of it is imported here, so that loading the workflow costs little more than loading Dagster.
"""

from finops_ai.orchestration.assets._step import scheduled_asset, workflow_step
from finops_ai.orchestration.gates import policy_gate, quality_gate, readiness_gate
from finops_ai.orchestration.partitions import DAYS, MONTHS

WORKFLOW = [
    workflow_step(
        "brief",
        "What is wanted, why, for whom, from which sources, at what cost. Registered once; never changed afterwards.",
        group="1_intake",
        kinds=["yaml"],
    ),
    workflow_step(
        "sources",
        """Exact bytes under their SHA-256, and the visible text in them. A source that fails is recorded with its reason.

        It never stops the others; how many may fail is for the policy gate to judge.
        """,
        group="2_evidence",
        deps=["brief"],
        kinds=["python"],
    ),
    workflow_step(
        "claims",
        "Checkable sentences with offsets into their snapshot, judged offline: "
        "confirmed, needs_review, rumor, contradicted.",
        group="2_evidence",
        deps=["sources"],
        kinds=["python"],
    ),
    workflow_step(
        "confirmed_facts",
        "The confirmed claims, in a table of their own: the only statements that reach a prompt or a draft.",
        group="2_evidence",
        deps=["claims"],
        kinds=["table"],
    ),
    workflow_step(
        "rumors",
        "Claims that no acceptable source holds, in a table of their own. Nothing downstream depends on this asset.",
        group="2_evidence",
        deps=["claims"],
        kinds=["table"],
    ),
    workflow_step(
        "risk_assessment",
        """Sources, claims, prices and budget as figures, judged by the **policy gate**.

        Green here means *assessed*, not *allowed*: the verdict is the policy check (Checks tab), the metadata entry
        `gate`, and `finops-ai status`. Where it failed, the run fails and everything after it stays red or missing.
        """,
        group="3_policy",
        deps=["confirmed_facts"],
        kinds=["yaml"],
        gate=policy_gate(),
    ),
    workflow_step(
        "model_route",
        "Economy by default; the next tier up is an exception with its reason, its owner and the gate that failed.",
        group="3_policy",
        deps=["risk_assessment"],
        kinds=["python"],
    ),
    workflow_step(
        "draft",
        """This loop's draft, judged by the **quality gate** sentence by sentence.

        Green here means *written*, not *good*: the verdict is the quality check (Checks tab), the metadata entry `gate`,
        and `finops-ai status`. A call that fails leaves no materialization, but its cost is in the ledger.
        """,
        group="4_draft",
        deps=["confirmed_facts", "model_route"],
        kinds=["openai"],
        gate=quality_gate(),
    ),
    workflow_step(
        "review_packet",
        """Draft, claims, gate results, policy and targets under one digest, judged by the **readiness gate**.

        Green here means *assembled*; what it waits for is in `finops-ai status`. A changed draft, policy, gate result or
        target is another digest: approvals of the old one count for nothing.
        """,
        group="4_draft",
        deps=["draft"],
        kinds=["html"],
        gate=readiness_gate(),
    ),
    workflow_step(
        "published",
        """The files at every target, each with its signed statements beside it.

        It takes nothing from the run that started it: gates, decisions, digest, policy and budget are verified here, in
        the transaction that takes the single-use permit. Running it again publishes nothing twice.
        """,
        group="5_publishing",
        deps=["review_packet"],
        kinds=["file"],
    ),
    workflow_step(
        "analytics",
        "Whole cost by step and kind, rework share, cycle time and approvals of one published artifact.",
        group="5_publishing",
        deps=["published"],
        kinds=["table"],
    ),
]

SCHEDULED = [
    scheduled_asset(
        "usage_events",
        """What AI workloads used on a UTC day: logs from the folder `usage/inbox`, and the calls of our own workflow.

        A log is read once, whichever day's run meets it; a bad row goes to a quarantine with its reason.
        """,
        partitions=DAYS,
        group="6_baseline",
        kinds=["parquet"],
    ),
    scheduled_asset(
        "workload_baseline",
        "Cost, tokens, cache share, latency, errors, quality and cycle time of each workload on a UTC day.",
        partitions=DAYS,
        group="6_baseline",
        deps=["usage_events"],
        kinds=["duckdb"],
    ),
    scheduled_asset(
        "spend_anomalies",
        "Days on which a workload spent more or less than that weekday usually does, explained by workload and model.",
        partitions=DAYS,
        group="6_baseline",
        deps=["workload_baseline"],
        kinds=["python"],
    ),
    scheduled_asset(
        "budget_forecast",
        "What the month will have cost at its end, with an interval, seen from this UTC day.",
        partitions=DAYS,
        group="6_baseline",
        deps=["workload_baseline"],
        kinds=["python"],
    ),
    scheduled_asset(
        "finance_export",
        """The month's charges as FOCUS and every materialization's cost metadata, reconciled with the ledger.

        A month that is over is closed first: from then on it does not change, and its digest is part of the hash chain.
        """,
        partitions=MONTHS,
        group="7_finance",
        kinds=["parquet"],
    ),
    scheduled_asset(
        "governance_review",
        """The monthly review: one document in three parts, put up for the signatures of its three leaders.

        Green here means *written*, not *signed*: it is an artifact like others, whose state `finops-ai status` shows.
        """,
        partitions=MONTHS,
        group="7_finance",
        deps=["finance_export"],
        kinds=["html"],
    ),
]

ASSETS = [*WORKFLOW, *SCHEDULED]

__all__ = ["ASSETS", "SCHEDULED", "WORKFLOW"]
