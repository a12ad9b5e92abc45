"""The right to publish one digest, once: computed afresh, in the transaction that takes it.

Belongs here: everything that must hold at the moment of publishing, and the row that says it did. Does not: how files
get to a target (`outbox`). A blocking check of the orchestrator holds only inside one run; this holds always.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from finops_ai.policy import REQUIRED_GATES
from finops_ai.signoff import Packet, Standing
from finops_ai.store import insert_once, tables, utc_now


class PublishingRefused(Exception):
    """Something that must hold does not, or no longer does. Each objection on a line of its own."""

    def __init__(self, objections: Sequence[str]) -> None:
        self.objections = tuple(objections)
        super().__init__("not published:\n" + "\n".join(f"- {objection}" for objection in objections))


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRecord:
    """The newest verdict of one gate."""

    gate: str
    passed: bool
    subject_sha256: str
    verdict_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """The right, as it was taken. Its fields, not the clock, go into the statement: publishing again gives equal bytes."""

    packet_digest: str
    artifact: str
    decision_ids: tuple[int, ...]
    run_id: str
    at: str


def objections(
    packet: Packet,
    *,
    current_digest: str | None,
    policy_sha256: str,
    standing: Standing,
    gates: Mapping[str, GateRecord],
    found_files: Mapping[str, str],
    over_budget: str,
) -> list[str]:
    """Why this packet may not be published. Empty: it may. An absent gate is a failed gate."""
    found = []
    if current_digest != packet.digest:
        found.append(f"the packet under review is {current_digest} now, not {packet.digest}")
    if packet.policy_sha256 != policy_sha256:
        found.append(
            f"the policy changed since sign-off ({packet.policy_sha256[:12]} → {policy_sha256[:12]}); run it again"
        )
    if standing.rejected:
        found.append("a reviewer rejected it: a veto wins")
    if standing.changes_requested:
        found.append("a reviewer asked for changes")
    if standing.missing:
        found.append("approvals are missing: " + ", ".join(f"{role} ({n})" for role, n in standing.missing.items()))
    if not (standing.approved or found):
        found.append("it is not approved")
    found += [_gate_objection(gate, gates.get(gate), packet) for gate in REQUIRED_GATES]
    found += [
        f"{name}: its bytes are not those that were signed"
        for name, sha in packet.files.items()
        if found_files.get(name) != sha
    ]
    found.append(over_budget)
    return [objection for objection in found if objection]


def _gate_objection(gate: str, record: GateRecord | None, packet: Packet) -> str:
    if record is None:
        return f"gate {gate} has no verdict; an absent verdict is a failed one"
    if not record.passed:
        return f"gate {gate} failed"
    subject = {"policy": packet.claims_sha256, "quality": packet.draft_sha256, "readiness": packet.digest}[gate]
    if record.subject_sha256 != subject:
        return f"the newest verdict of gate {gate} is about something else ({record.subject_sha256[:12]}, not {subject[:12]})"
    if gate in packet.gates and packet.gates[gate] != record.verdict_sha256:
        return f"gate {gate} has another verdict now than the one that was signed"
    return ""


def take_permit(tx: sa.Connection, packet: Packet, *, decision_ids: Sequence[int], run_id: str) -> Permit:
    """Take the right, or find it taken for this digest by an earlier try that did not finish."""
    permit = tables.permit
    insert_once(
        tx,
        permit,
        packet_digest=packet.digest,
        artifact=packet.artifact,
        decision_ids=list(decision_ids),
        run_id=run_id,
        at=utc_now(),
    )
    row = tx.execute(sa.select(permit).where(permit.c.packet_digest == packet.digest)).one()
    return Permit(
        packet_digest=row.packet_digest,
        artifact=row.artifact,
        decision_ids=tuple(row.decision_ids),
        run_id=row.run_id,
        at=row.at,
    )


def newest_gates(connection: sa.Connection, artifact: str) -> dict[str, GateRecord]:
    """The newest verdict of every gate that has one."""
    verdict = tables.gate_verdict
    rows = connection.execute(sa.select(verdict).where(verdict.c.artifact == artifact).order_by(verdict.c.id))
    return {
        row.gate: GateRecord(
            gate=row.gate, passed=row.passed, subject_sha256=row.subject_sha256, verdict_sha256=row.verdict_sha256
        )
        for row in rows
    }
