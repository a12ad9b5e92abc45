"""Two policies side by side: the sums of a month, and the artifacts that they treat differently.

Belongs here: differences and sums. Does not: how they look (`cli`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from finops_ai.hindsight.limits import LimitHit
from finops_ai.hindsight.model import Outcome
from finops_ai.pricing import format_usd

ASSUMPTIONS = (
    "Loops end as they did, and every draft, token, minute and byte is as it was.",
    "The policy gate sees the evidence, and what the tightest budget had left, as they were recorded.",
    "A cost is exact where the model is the same, and otherwise an estimate; a call in suspense is in no sum.",
    "Limits are held against booked costs of these artifacts; holds, which are worst cases, may be refused earlier.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that the policies do differently to one artifact."""

    artifact: str
    what: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The whole answer: sums as (figure, old, new)."""

    artifacts: int
    sums: tuple[tuple[str, str, str], ...]
    differences: tuple[Difference, ...]
    limits_old: tuple[LimitHit, ...]
    limits_new: tuple[LimitHit, ...]


def compared(
    old: Sequence[Outcome],
    new: Sequence[Outcome],
    *,
    limits_old: Sequence[LimitHit] = (),
    limits_new: Sequence[LimitHit] = (),
) -> Comparison:
    """The same artifacts in the same order under both policies."""
    pairs = list(zip(old, new, strict=True))
    before, after = dict(_sums(old, limits_old)), dict(_sums(new, limits_new))
    return Comparison(
        artifacts=len(pairs),
        sums=tuple((name, before[name], after[name]) for name in before),
        differences=tuple(difference for pair in pairs for difference in _differences(*pair)),
        limits_old=tuple(limits_old),
        limits_new=tuple(limits_new),
    )


def _sums(outcomes: Sequence[Outcome], limits: Sequence[LimitHit]) -> Iterator[tuple[str, str]]:
    yield "blocked by the policy gate", str(sum(not o.policy_passed for o in outcomes))
    yield "blocked by the quality gate", str(sum(o.quality_passed is False for o in outcomes))
    yield "loops routed above economy", str(sum(route.tier != "economy" for o in outcomes for route in o.routes))
    yield "reworks refused", str(sum(o.loops_refused for o in outcomes))
    yield "cost USD", format_usd(sum(o.cost_nano_usd for o in outcomes))
    yield "of that, USD of artifacts with an estimate", format_usd(sum(o.cost_nano_usd for o in outcomes if o.notes))
    yield "artifacts with an unpriced model", str(sum(bool(o.unpriced) for o in outcomes))
    yield "approvals by persons", str(sum(o.persons for o in outcomes))
    yield "limits passed", str(len(limits))


def _differences(old: Outcome, new: Outcome) -> Iterator[Difference]:
    told = ((name, _told(old)[name], _told(new)[name]) for name in _told(old))
    for what, before, after in told:
        if before != after:
            yield Difference(artifact=old.artifact, what=what, old=before, new=after)


def _told(o: Outcome) -> dict[str, str]:
    quality = {True: "passed", False: f"blocked: {o.quality_why}", None: "no draft"}[o.quality_passed]
    cost = format_usd(o.cost_nano_usd)
    if o.notes:
        cost += f" (estimate: {'; '.join(o.notes)})"
    if o.unpriced:
        cost += f" (without {', '.join(o.unpriced)}: unpriced)"
    return {
        "policy gate": "passed" if o.policy_passed else f"blocked: {o.policy_why}",
        "quality gate": quality,
        "route": ", ".join(f"loop {r.loop}: {r.tier} {o.models[r.loop]} ({r.level})" for r in o.routes) or "none",
        "reworks refused": str(o.loops_refused),
        "cost USD": cost,
        "approvals": _approvals(o),
    }


def _approvals(o: Outcome) -> str:
    """Who must agree. What is stopped is not published without anybody's word: it is not published."""
    if o.stopped:
        return "none: it is stopped"
    return ", ".join(f"{role} {count}" for role, count in sorted(o.quorum.items())) or "no person"
