"""How far an artifact has come, read from the records that its steps left.

Belongs here: the newest output, failure and verdict of each step, and what ended each loop. Does not: what follows from
them (`state`), writing them (`recording`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from finops_ai.briefs import Brief, brief_of
from finops_ai.calls import pending_of
from finops_ai.policy import Policy, Stage
from finops_ai.publishing import GateRecord, Receipt, has_open_intent, newest_gates, receipts_of
from finops_ai.rollout import stage_of
from finops_ai.routing import EndedLoop
from finops_ai.signoff import Standing, current_packet, decisions_of, is_permitted, standing_of
from finops_ai.store import tables

STEPS = (
    "brief", "sources", "claims", "confirmed_facts", "rumors", "risk_assessment", "model_route", "draft",
    "review_packet", "published", "analytics",
)  # fmt: skip

EDITIONS_MAX = 1_000  # of a document: a profile limits what a model is paid for, and none is


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOutput:
    """The newest output of one step."""

    id: int  # grows with every output of any step
    step: str
    loop: int
    output_sha256: str
    policy_sha256: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailure:
    """The newest failure, if no output is newer: work that went on has left it behind."""

    step: str
    error: str
    permanent: bool
    policy_sha256: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Everything that decides an artifact's state: values only, so that the decision is a pure function."""

    artifact: str
    brief: Brief
    loops_max: int
    policy_sha256: str  # in force now
    stage: Stage  # the workload's, in force now
    outputs: Mapping[str, StepOutput]
    failure: StepFailure | None
    gates: Mapping[str, GateRecord]
    ended: Mapping[int, EndedLoop]
    digest: str | None
    standing: Standing | None
    permitted: bool
    delivery_open: bool
    receipts: tuple[Receipt, ...]
    pending_batch: str | None = None  # the provider's name of what it will answer later, and since when

    @property
    def loop(self) -> int:
        """The newest loop that was begun."""
        return max((output.loop for output in self.outputs.values()), default=0)

    @property
    def next_loop(self) -> int:
        """The loop that a new draft belongs to: this one, or the next where this one has ended."""
        return self.loop + 1 if self.loop in self.ended else self.loop

    @property
    def loops_left(self) -> bool:
        """The profile allows the loop that a new draft would begin."""
        return self.next_loop <= self.loops_max

    def output(self, step: str) -> str | None:
        """The digest of a step's newest output."""
        found = self.outputs.get(step)
        return found.output_sha256 if found else None


def progress_of(connection: sa.Connection, policy: Policy, artifact: str) -> Progress:
    """Raises UnknownArtifact."""
    brief = brief_of(connection, artifact)
    digest = current_packet(connection, artifact)
    outputs = _outputs(connection, artifact)
    return Progress(
        artifact=artifact,
        brief=brief,
        loops_max=EDITIONS_MAX if brief.is_document else policy.profiles[brief.profile].loops_max,
        policy_sha256=policy.sha256,
        stage=stage_of(connection, policy, brief.workload),
        outputs=outputs,
        failure=_failure(connection, artifact, outputs),
        gates=newest_gates(connection, artifact),
        ended=ended_loops(connection, artifact),
        digest=digest,
        standing=standing_of(connection, policy, artifact=artifact, packet_digest=digest) if digest else None,
        permitted=bool(digest) and is_permitted(connection, digest or ""),
        delivery_open=bool(digest) and has_open_intent(connection, digest or ""),
        receipts=tuple(receipts_of(connection, artifact)),
        pending_batch=_pending_batch(connection, artifact, outputs),
    )


def ended_loops(connection: sa.Connection, artifact: str) -> dict[int, EndedLoop]:
    """Loops ended by a quality gate that failed on their newest draft, or by a reviewer who asked for changes."""
    ended: dict[int, EndedLoop] = {}
    verdict = tables.gate_verdict
    quality = sa.select(verdict).where(verdict.c.artifact == artifact, verdict.c.gate == "quality")
    for row in connection.execute(quality.order_by(verdict.c.id)):
        if row.passed:
            ended.pop(row.loop, None)
        else:
            ended[row.loop] = EndedLoop(loop=row.loop, ended_by="failed_gate", detail="the quality gate failed")
    packet = tables.packet
    loops = dict(
        connection.execute(sa.select(packet.c.digest, packet.c.loop).where(packet.c.artifact == artifact)).all()
    )
    for decision in decisions_of(connection, artifact):
        if decision.verdict == "request_changes":
            loop = loops[decision.packet_digest]
            detail = f"{decision.reviewer} ({decision.role}): {decision.reason}"
            ended[loop] = EndedLoop(
                loop=loop, ended_by="request_changes", detail=detail, higher_tier=decision.higher_tier
            )
    return ended


def _outputs(connection: sa.Connection, artifact: str) -> dict[str, StepOutput]:
    row = tables.step_output
    query = sa.select(*(row.c[name] for name in StepOutput.__slots__)).where(row.c.artifact == artifact)
    return {found["step"]: StepOutput(**found) for found in connection.execute(query.order_by(row.c.id)).mappings()}


def _pending_batch(connection: sa.Connection, artifact: str, outputs: Mapping[str, StepOutput]) -> str | None:
    """The newest, unless its step went on without it (another policy may have asked another model)."""
    for batch in reversed(pending_of(connection, artifact)):
        if batch.step not in outputs or outputs[batch.step].at < batch.at:
            return f"{batch.batch_id} (since {batch.at})"
    return None


def _failure(connection: sa.Connection, artifact: str, outputs: Mapping[str, StepOutput]) -> StepFailure | None:
    row = tables.step_failure
    query = sa.select(*(row.c[name] for name in StepFailure.__slots__)).where(row.c.artifact == artifact)
    found = connection.execute(query.order_by(row.c.id.desc()).limit(1)).mappings().one_or_none()
    if found is None:
        return None
    newest_output = max((output.at for output in outputs.values()), default="")
    return None if newest_output > found["at"] else StepFailure(**found)
