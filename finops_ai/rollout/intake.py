"""How much of a workload's stage a UTC day has used, and the refusal of a new artifact beyond it.

Belongs here: counting artifacts, and the guard. Does not: registering (`briefs`), spending (the ledger's budgets).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.briefs import BriefError, BriefFile, Problem, registered_at
from finops_ai.policy import Policy, Stage, stage_budget_id
from finops_ai.pricing import to_nano_usd
from finops_ai.rollout.stages import alone_on, artifacts_of, stage_of
from finops_ai.store import tables, today


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """A UTC day of a workload against its stage. Amounts are nano-USD; a limit of None: budgets alone limit it."""

    day: str
    stage: Stage
    artifacts: int
    artifacts_max: int | None
    spent_nano_usd: int  # against the stage's budget: 0 where there is none
    reserved_nano_usd: int
    limit_nano_usd: int | None


def admit_new(tx: sa.Connection, new: Sequence[BriefFile], *, policy: Policy) -> None:
    """Raises BriefError where these briefs, registered in `tx`, are more than a stage allows on this day.

    The count is taken under the workload's lock and after the insertion, so that of two submitters at once the second
    counts what the first one added. Locks are taken in the order of names: two batches never wait for each other in a ring.
    """
    workloads = sorted({file.brief.workload for file in new})
    problems = [
        problem
        for workload in workloads
        if (problem := _too_many(tx, policy, workload, [file for file in new if file.brief.workload == workload]))
    ]
    if problems:
        raise BriefError(problems)


def _too_many(tx: sa.Connection, policy: Policy, workload: str, new: Sequence[BriefFile]) -> Problem | None:
    alone_on(tx, workload)
    stage = stage_of(tx, policy, workload)
    limit = policy.rollout.stages[stage].artifacts_day_max
    if limit is None:
        return None
    for day in sorted({registered_at(tx, new[0].brief.key)[:10], today().isoformat()}):  # two, around midnight
        count = _registered_on(tx, workload, day)
        if count > limit:
            before = max(count - len(new), 0)
            beyond = new[max(limit - before, 0)]
            reason = (
                f"{workload} is in stage {stage}: at most {limit} new artifacts a UTC day, and {before} are registered on "
                f"{day} ({len(new)} more asked for); `finops-ai readiness {workload}` says what the next stage needs"
            )
            return Problem(beyond.name or beyond.brief.key, "workload", reason)
    return None


def _registered_on(connection: sa.Connection, workload: str, day: str) -> int:
    created = tables.artifact.c.created_at
    following = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    query = sa.select(sa.func.count()).where(created >= day, created < following, artifacts_of(workload))
    return connection.scalar(query) or 0


def today_of(connection: sa.Connection, policy: Policy, workload: str) -> Today:
    """What this day has used of the limits of the stage in force."""
    stage, day = stage_of(connection, policy, workload), today().isoformat()
    limits = policy.rollout.stages[stage]
    used = next(iter(ledger.states(connection, [stage_budget_id(workload, day)])), None)
    return Today(
        day=day,
        stage=stage,
        artifacts=_registered_on(connection, workload, day),
        artifacts_max=limits.artifacts_day_max,
        spent_nano_usd=used.spent_nano_usd if used else 0,
        reserved_nano_usd=used.reserved_nano_usd if used else 0,
        limit_nano_usd=None if limits.day_usd is None else to_nano_usd(limits.day_usd),
    )
