"""Which limits the month would have passed under a policy: budgets, and the new artifacts of a day.

Belongs here: sums against limits. Does not: the parts that are summed (`costs`). Only what was booked is summed: a hold, which
is a worst case, may be refused earlier.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from finops_ai.hindsight.costs import CostPart
from finops_ai.hindsight.model import Month, Past
from finops_ai.policy import Policy, Stage, budgets_for, stage_ceiling
from finops_ai.rollout import effective_stage


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitHit:
    """A limit that is passed. In nano-USD, or in artifacts where the id begins with `artifacts/`."""

    id: str
    limit: int
    found: int


def limits_hit(past: Iterable[tuple[Past, list[CostPart]]], month: Month, policy: Policy) -> list[LimitHit]:
    """Every limit of the policy that these costs and registrations pass, by id."""
    spent: Counter[str] = Counter()
    limits: dict[str, int] = {}
    for one, parts in past:
        for part in (part for part in parts if part.in_budgets):
            stage = _stage(policy, month, one.brief.workload, part.day)
            for budget in budgets_for(
                policy, one.brief, artifact=one.artifact, step=part.step, day=part.day, stage=stage
            ):
                spent[budget.id] += part.amount_nano_usd or 0
                limits[budget.id] = budget.limit_nano_usd
    passed = [LimitHit(id=name, limit=limits[name], found=spent[name]) for name in limits if spent[name] > limits[name]]
    return sorted([*passed, *_artifacts(month, policy)], key=lambda hit: hit.id)


def _artifacts(month: Month, policy: Policy) -> Iterator[LimitHit]:
    for (workload, day), count in month.registered.items():
        limit = policy.rollout.stages[_stage(policy, month, workload, day)].artifacts_day_max
        if limit is not None and count > limit:
            yield LimitHit(id=f"artifacts/{workload}/{day}", limit=limit, found=count)


def _stage(policy: Policy, month: Month, workload: str, day: str) -> Stage:
    return effective_stage(ceiling=stage_ceiling(policy, workload), earned=month.earned_on(workload, day))
