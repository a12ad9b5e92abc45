"""The `analytics` step: what this approved artifact really cost, and how it got there."""

from datetime import datetime
from typing import Any

import dagster as dg

from finops_ai import ledger, signoff
from finops_ai.briefs import registered_at
from finops_ai.orchestration.workbench import Step
from finops_ai.pricing import format_usd


def analytics(step: Step) -> dg.MaterializeResult[Any]:
    """Figures from the ledger and the decisions; nothing is counted here that is not booked there."""
    with step.bench.database.read() as connection:
        rows = ledger.cost_rows(connection, by="step", artifact=step.artifact)
        whole = ledger.spent(connection, artifact=step.artifact)
        rework = sum(
            r["cost_nano_usd"] for r in ledger.cost_rows(connection, by="loop", artifact=step.artifact) if r["key"]
        )
        decisions = signoff.decisions_of(connection, step.artifact)
        started = registered_at(connection, step.artifact)
    summary = {
        "cost_nano_usd": whole.cost_nano_usd,
        "rework_nano_usd": rework,
        "loops": step.loop + 1,
        "cycle_seconds": _seconds_between(started, step.progress.receipts[0].at),
        "approvals": [f"{d.reviewer} ({d.role}, {d.identified_by})" for d in decisions if d.verdict == "approve"],
        "by_step_nano_usd": {row["key"]: row["cost_nano_usd"] for row in rows},
    }
    lines = [f"| {row['key']} | {format_usd(row['cost_nano_usd'])} |" for row in rows]
    return step.finish(
        summary,
        metadata={
            "cost per approved artifact": f"{format_usd(whole.cost_nano_usd)} USD",
            "rework": f"{format_usd(rework)} USD in {step.loop} reworks",
            "cycle time": f"{summary['cycle_seconds']} s from intake to the first publication",
            "approved by": ", ".join(summary["approvals"]),
        },
        body={"cost by step": dg.MetadataValue.md("\n".join(["| step | USD |", "|---|---|", *lines]))},
    )


def _seconds_between(start: str, end: str) -> int:
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
