"""One artifact as people ask about it: where it stands, why, what it cost, what to do next.

Belongs here: the answer as values. Does not: how it looks (`cli`, and later the desk).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.artifacts.progress import Progress, progress_of
from finops_ai.artifacts.state import position
from finops_ai.briefs import is_result
from finops_ai.policy import Assessment, Policy, budgets_for, look_first
from finops_ai.pricing import format_usd
from finops_ai.publishing import REQUIRED_GATES
from finops_ai.routing import exceptions_of
from finops_ai.signoff import decisions_of
from finops_ai.store import ObjectStore, tables, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What `status` shows."""

    artifact: str
    topic: str
    state: str
    impact: str
    profile: str
    loop: int
    digest: str | None  # of the packet under review; what `decide` needs
    cost_usd: str
    budget_usd: str
    suspense_usd: str
    gates: tuple[dict[str, Any], ...]  # name, passed (None: no verdict yet), severity, failures
    decisions: tuple[dict[str, Any], ...]
    waiting_for: str
    missing_roles: tuple[str, ...]
    exception: str  # why a tier above economy was used; "" when none was
    exceptions: tuple[Mapping[str, Any], ...]  # each use of one, with its reason and its owner
    budgets: tuple[dict[str, Any], ...]  # those that it is held against, fullest first
    look_first: tuple[str, ...]  # what a reviewer should look at before anything else
    files: tuple[str, ...]


def overview_of(connection: sa.Connection, objects: ObjectStore, policy: Policy, artifact: str) -> Overview:
    """Raises UnknownArtifact."""
    progress = progress_of(connection, policy, artifact)
    here = position(progress)
    spent = ledger.spent(connection, artifact=artifact)
    route_sha256 = progress.output("model_route")
    route = objects.get_json(route_sha256) if route_sha256 else {}
    missing = progress.standing.missing if progress.standing and here.state == "awaiting_sign_off" else {}
    return Overview(
        artifact=artifact,
        topic=progress.brief.topic,
        state=here.state,
        impact=progress.brief.impact,
        profile=progress.brief.profile,
        loop=progress.loop,
        digest=progress.digest,
        cost_usd=format_usd(spent.cost_nano_usd),
        budget_usd=f"{progress.brief.budget_usd:.2f}",
        suspense_usd=format_usd(spent.suspense_nano_usd),
        gates=tuple(_gate(progress, objects, gate) for gate in REQUIRED_GATES),
        decisions=tuple(
            {
                "reviewer": d.reviewer,
                "role": d.role,
                "verdict": d.verdict,
                "reason": d.reason,
                "at": d.at,
                "digest": d.packet_digest,
            }
            for d in decisions_of(connection, artifact)
        ),
        waiting_for=here.waiting_for,
        missing_roles=tuple(missing),
        exception=(route.get("exception") or {}).get("detail", ""),
        exceptions=tuple(exceptions_of(connection, artifact=artifact)),
        budgets=tuple(budget_row(state) for state in ledger.states(connection, _budget_ids(policy, progress))),
        look_first=_look_first(progress, objects),
        files=tuple(file.address for receipt in progress.receipts for file in receipt.files),
    )


def _look_first(progress: Progress, objects: ObjectStore) -> tuple[str, ...]:
    assessed = progress.output("risk_assessment")
    if assessed is None or progress.brief.is_document:
        return ()
    return tuple(look_first(Assessment.from_dict(objects.get_json(assessed))))


def _budget_ids(policy: Policy, progress: Progress) -> list[str]:
    today = utc_now()[:10]
    budgets = budgets_for(
        policy, progress.brief, artifact=progress.artifact, step="draft", day=today, stage=progress.stage
    )
    return [budget.id for budget in budgets]


def budget_row(state: ledger.BudgetState) -> dict[str, Any]:
    """A budget as people read it: amounts in US dollars."""
    return {
        "id": state.id,
        "limit_usd": format_usd(state.limit_nano_usd),
        "spent_usd": format_usd(state.spent_nano_usd),
        "reserved_usd": format_usd(state.reserved_nano_usd),
        "spent_percent": state.spent_percent,
        "reached": state.reached,
    }


def _gate(progress: Progress, objects: ObjectStore, gate: str) -> dict[str, Any]:
    record = progress.gates.get(gate)
    empty: dict[str, Any] = {"failures": [], "error": ""}
    verdict = objects.get_json(record.verdict_sha256) if record else empty
    failures = [
        {name: failure[name] for name in ("expectation", "column", "sample", "unexpected", "control", "why")}
        for failure in verdict["failures"]
    ]
    passed = record.passed if record else None
    return {"name": gate, "passed": passed, "severity": "ERROR", "failures": failures, "error": verdict["error"]}


def published_count(connection: sa.Connection, *, month: str | None = None) -> int:
    """Artifacts with at least one receipt (in a month, by the time of the first). A document of our own is no result."""
    artifact, publication, receipt = tables.artifact, tables.publication, tables.receipt
    first = (
        sa.select(publication.c.artifact, sa.func.min(receipt.c.at).label("at"))
        .join(receipt, receipt.c.publication_key == publication.c.key)
        .join(artifact, artifact.c.key == publication.c.artifact)
        .where(is_result())
        .group_by(publication.c.artifact)
        .subquery()
    )
    query = sa.select(sa.func.count()).select_from(first)
    return connection.scalar(query.where(first.c.at.startswith(month)) if month else query) or 0
