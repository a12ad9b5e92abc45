"""The stage of a workload: the lower of what the policy grants and what it has earned.

Belongs here: the order of stages, reading the newest change. Does not: changing a stage (`changes`), what a stage allows
(`intake`, `policy`). So an edit of the policy promotes nobody, and no signature passes the ceiling that the policy sets.
"""

from typing import cast

import sqlalchemy as sa

from finops_ai.briefs import is_result
from finops_ai.policy import STAGES, Policy, Stage, stage_ceiling
from finops_ai.store import tables


def effective_stage(*, ceiling: Stage, earned: Stage) -> Stage:
    """The lower of the two."""
    return min(ceiling, earned, key=STAGES.index)


def stage_after(stage: Stage) -> Stage | None:
    """The next one. None: this is the last."""
    return next(iter(STAGES[STAGES.index(stage) + 1 :]), None)


def stage_before(stage: Stage) -> Stage | None:
    """The one below. None: this is the first."""
    return next(reversed(STAGES[: STAGES.index(stage)]), None)


def earned_stage(connection: sa.Connection, workload: str) -> Stage:
    """Of the newest change; without any it is a pilot."""
    change = tables.stage_change
    query = sa.select(change.c.to_stage).where(change.c.workload == workload)
    return cast("Stage", connection.scalar(query.order_by(change.c.id.desc()).limit(1)) or STAGES[0])


def stage_of(connection: sa.Connection, policy: Policy, workload: str) -> Stage:
    """The stage that is in force now."""
    return effective_stage(ceiling=stage_ceiling(policy, workload), earned=earned_stage(connection, workload))


def changed_at(connection: sa.Connection, workload: str) -> str:
    """When the stage changed last; "": never."""
    change = tables.stage_change
    return connection.scalar(sa.select(sa.func.max(change.c.at)).where(change.c.workload == workload)) or ""


def artifacts_of(workload: str) -> sa.ColumnElement[bool]:
    """The condition on `artifact` that a brief names this workload. Reviews and promotions show nothing of any."""
    return sa.and_(tables.artifact.c.brief["workload"].as_string() == workload, is_result())


def is_known(connection: sa.Connection, policy: Policy, workload: str) -> bool:
    """The policy names it, or an artifact has it."""
    if workload in policy.budgets.workloads:
        return True
    return connection.scalar(sa.select(tables.artifact.c.key).where(artifacts_of(workload)).limit(1)) is not None


def alone_on(tx: sa.Connection, workload: str) -> None:
    """Until `tx` ends, whoever asks for the same waits. A writer on SQLite is alone anyway."""
    if tx.dialect.name == "postgresql":
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"workload {workload}"))))
