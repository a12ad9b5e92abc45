"""What another policy would have done last month, with the gates that judge in the workflow.

Belongs here: reading the month, judging, comparing. Does not: what is compared (`hindsight`). Nothing is written.
"""

import json
from collections.abc import Callable
from typing import Literal

from finops_ai.hindsight import (
    Comparison,
    CostPart,
    Outcome,
    Past,
    Rows,
    assessed_in,
    compared,
    limits_hit,
    month_of,
    outcome_under,
    past_of,
)
from finops_ai.orchestration.gate_factory import Gate, judge
from finops_ai.orchestration.gates import policy_gate, quality_gate
from finops_ai.policy import Policy
from finops_ai.store import Database, ObjectStore


class CachedJudge:
    """Verdicts by what was judged: both policies often ask the same of the same draft, and a verdict takes a while."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[bool, str]] = {}

    def __call__(self, name: Literal["policy", "quality"], policy: Policy, rows: Rows) -> tuple[bool, str]:
        """Did the rows pass this policy's gate, and the verdict in a line."""
        limits = dict(getattr(policy.gates, name))
        key = json.dumps([name, limits, [dict(row) for row in rows]], sort_keys=True, default=str)
        if key not in self._known:
            gate: Gate = (policy_gate if name == "policy" else quality_gate)(**limits)
            verdict = judge(gate, rows)
            self._known[key] = (verdict.passed, verdict.line)
        return self._known[key]


def compare_policies(
    database: Database,
    objects: ObjectStore,
    old: Policy,
    new: Policy,
    *,
    month: str,
    on_progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Comparison:
    """The artifacts that were assessed in the month (YYYY-MM), under both policies."""
    judged = CachedJudge()
    found: dict[str, list[tuple[Past, Outcome, list[CostPart]]]] = {"old": [], "new": []}
    with database.read() as connection:
        assessed, about = assessed_in(connection, month), month_of(connection, month)
        for number, one in enumerate(assessed, 1):
            past = past_of(connection, objects, one)
            for name, policy in (("old", old), ("new", new)):
                found[name].append((past, *outcome_under(past, policy, judged)))
            on_progress(number, len(assessed))
    hits = {
        name: limits_hit([(past, parts) for past, _, parts in found[name]], about, policy)
        for name, policy in (("old", old), ("new", new))
    }
    return compared(
        [outcome for _, outcome, _ in found["old"]],
        [outcome for _, outcome, _ in found["new"]],
        limits_old=hits["old"],
        limits_new=hits["new"],
    )
