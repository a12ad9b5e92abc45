"""Changing the stage of a workload: up by signature, down by figures or on request; one step at a time.

Belongs here: the rows of `stage_change`, and what must hold when one is added. Does not: the criteria (`readiness`). Every
change looks at the records again under the workload's lock, so that two processes at once change it once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from finops_ai.policy import STAGES, Policy, Stage
from finops_ai.rollout.evidence import Evidence, evidence_of
from finops_ai.rollout.readiness import Baseline, Scorecard, SignOff, breaches, scorecard
from finops_ai.rollout.stages import alone_on, earned_stage, stage_before, stage_of
from finops_ai.store import Database, now, tables, utc_now


class StageError(Exception):
    """The stage cannot be changed so. The message says what does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demotion:
    """A workload that loses a stage, and the figures that took it."""

    workload: str
    from_stage: Stage  # that was earned
    to_stage: Stage  # the one below that in force, or the first
    detail: str


def promote(
    tx: sa.Connection, policy: Policy, workload: str, *, baseline: Baseline | None, sign_off: SignOff | None
) -> Scorecard:
    """Open the next stage, once for one signed packet. Raises StageError with every criterion that does not hold now."""
    alone_on(tx, workload)
    card = scorecard(evidence_of(tx, policy, workload, now()), policy.rollout, baseline=baseline, sign_off=sign_off)
    objections = [f"{c.name}: {c.evidence}; needed: {c.needed}" for c in card.unmet]
    if sign_off is not None and _is_used(tx, sign_off.packet_digest):
        objections.append(f"sign_off: packet {sign_off.packet_digest[:12]} has opened a stage already")
    if objections or card.next_stage is None or sign_off is None:
        raise StageError(f"{workload} is not promoted:\n" + "\n".join(f"- {objection}" for objection in objections))
    _record(
        tx,
        workload,
        from_stage=card.earned,
        to_stage=card.next_stage,
        reason="promotion",
        detail="; ".join(f"{c.name}: {c.evidence}" for c in card.criteria),
        packet_digest=sign_off.packet_digest,
    )
    return card


def demotions_due(
    evidence: Iterable[Evidence], policy: Policy, baselines: Mapping[str, Baseline] = {}
) -> list[Demotion]:
    """Workloads that have earned a stage above the first, and whose figures have fallen below what it asks for."""
    return [
        Demotion(workload=e.workload, from_stage=e.earned, to_stage=below, detail="; ".join(found))
        for e in evidence
        if (below := _below(stage=e.stage, earned=e.earned))
        and (found := breaches(e, policy.rollout, baselines.get(e.workload)))
    ]


def above_pilot(connection: sa.Connection) -> list[str]:
    """The workloads that have a stage to lose, whether or not the policy grants it now."""
    changed = connection.scalars(sa.select(tables.stage_change.c.workload).distinct())
    return sorted(workload for workload in changed if earned_stage(connection, workload) != STAGES[0])


def apply_demotions(database: Database, policy: Policy, baselines: Mapping[str, Baseline] = {}) -> list[Demotion]:
    """Record what is due. Safe to run as often as one likes: what took a stage is not counted against the next one."""
    with database.read() as connection:
        workloads = above_pilot(connection)
    applied = []
    for workload in workloads:
        with database.write() as tx:
            alone_on(tx, workload)
            if earned_stage(tx, workload) == STAGES[0]:
                continue
            due = demotions_due([evidence_of(tx, policy, workload, now())], policy, baselines)
            for demotion in due:
                _record_demotion(tx, demotion, reason="breach")
            applied += due
    return applied


def request_demotion(database: Database, policy: Policy, workload: str, *, why: str, by: str) -> Demotion:
    """A person takes a workload back by a stage. Raises StageError where there is no stage below, or no reason."""
    why = " ".join(why.split())
    if not why:
        raise StageError("a demotion needs a reason")
    with database.write() as tx:
        alone_on(tx, workload)
        stage, earned = stage_of(tx, policy, workload), earned_stage(tx, workload)
        below = _below(stage=stage, earned=earned)
        if below is None:
            raise StageError(f"{workload} is in stage {stage}; there is none below")
        demotion = Demotion(workload=workload, from_stage=earned, to_stage=below, detail=f"{by}: {why}")
        _record_demotion(tx, demotion, reason="request")
    return demotion


def _below(*, stage: Stage, earned: Stage) -> Stage | None:
    """What is left after a demotion; None: there is nothing to lose.

    A policy that grants the first stage alone protects nothing: what was earned would be in force again with its next edit.
    """
    return stage_before(stage) or (stage if earned != stage else None)


def _record_demotion(tx: sa.Connection, demotion: Demotion, *, reason: str) -> None:
    _record(
        tx,
        demotion.workload,
        from_stage=demotion.from_stage,
        to_stage=demotion.to_stage,
        reason=reason,
        detail=demotion.detail,
        packet_digest=None,
    )


def _is_used(tx: sa.Connection, packet_digest: str) -> bool:
    change = tables.stage_change
    return tx.scalar(sa.select(change.c.id).where(change.c.packet_digest == packet_digest).limit(1)) is not None


def _record(tx: sa.Connection, workload: str, **values: str | None) -> None:
    tx.execute(tables.stage_change.insert().values(workload=workload, at=utc_now(), **values))
