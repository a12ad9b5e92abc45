"""Unit economics of a month: pure functions from its values to figures, for the whole or for any part of it.

Belongs here: what results cost, how much of it was rework, what exceptions bought. Does not: gates, approvals and waiting
(`safeguards`), how a figure is shown (`review`). The names follow the FinOps Foundation's "FinOps for AI".

The cost of a month is everything that was booked in it: tokens, compute, retrieval and minutes of review, failed and repeated
work, and work on what was never approved. Divided by what was published in the month, it is the cost per approved artifact.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from finops_ai.governance.model import NO_ARTIFACT, NO_MODEL, Artifact, Premium, Ratio, Spend, View
from finops_ai.governance.views import ended_by
from finops_ai.ledger import SPEND_KINDS

Dimension = Literal["workload", "cost_centre", "tier", "profile", "impact"]
DIMENSIONS: tuple[Dimension, ...] = ("workload", "cost_centre", "impact", "profile", "tier")
NOT_RECORDED = "not recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Economics:
    """Counts and amounts of one month. Nano-USD; ratios are exact."""

    submitted: int
    published: int
    first_pass: int  # published from their first loop
    rejected: int
    held: int
    failed: int
    open: int  # when the month ended
    held_at_end: int  # since whichever month
    cycle_seconds: tuple[int, ...]  # from submission to publication, of each that was published
    spend_nano_usd: int
    by_kind: Mapping[str, int]
    rework_nano_usd: int  # of every loop after the first
    rework_loops: int
    approved_nano_usd: int  # on what was published when the month ended
    unapproved_nano_usd: int  # on what was rejected, held or failed by then
    unallocated_nano_usd: int  # on a cost centre or workload that the policy does not name
    exceptions: int  # uses of a tier above economy
    worked_on: int  # artifacts with an entry in the month
    with_exception: int  # of these
    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    calls: int
    overruns: int
    unpriced: int
    estimated_nano_usd: int  # calls at our own count that stand when the month ended, whenever they were booked
    confirmed_nano_usd: int  # calls of the month at the provider's count
    suspense_nano_usd: int  # what stands when the month ended, whenever it was booked
    value_nano_usd: int  # declared for what was published

    @property
    def ended(self) -> int:
        """Artifacts whose outcome is in the month."""
        return self.published + self.rejected + self.held + self.failed

    @property
    def unit_cost(self) -> Ratio:
        """Nano-USD per approved artifact."""
        return Ratio(self.spend_nano_usd, self.published)

    @property
    def rework_share(self) -> Ratio:
        """Rework cost ratio."""
        return Ratio(self.rework_nano_usd, self.spend_nano_usd)

    @property
    def first_pass_yield(self) -> Ratio:
        """Of all outcomes, those that needed no second loop."""
        return Ratio(self.first_pass, self.ended)

    @property
    def unapproved_share(self) -> Ratio:
        """Spend on what was never approved."""
        return Ratio(self.unapproved_nano_usd, self.spend_nano_usd)

    @property
    def exception_rate(self) -> Ratio:
        """Artifacts that needed a dearer tier, of those that were worked on."""
        return Ratio(self.with_exception, self.worked_on)

    @property
    def cached_input_share(self) -> Ratio:
        """Input tokens served from a cache."""
        return Ratio(self.cached_input_tokens, self.input_tokens)

    @property
    def unpriced_share(self) -> Ratio:
        """Calls without a price. A call that has none is refused, so any is a fault."""
        return Ratio(self.unpriced, self.calls)

    @property
    def unallocated_share(self) -> Ratio:
        """Spend that nobody named in the policy answers for."""
        return Ratio(self.unallocated_nano_usd, self.spend_nano_usd)

    @property
    def overrun_rate(self) -> Ratio:
        """Reservation overrun rate."""
        return Ratio(self.overruns, self.calls)

    @property
    def suspense_share(self) -> Ratio:
        """Of what was spent or may have been."""
        return Ratio(self.suspense_nano_usd, self.spend_nano_usd + self.suspense_nano_usd)

    @property
    def reconciliation_gap(self) -> Ratio:
        """What no provider has confirmed, over that and what was confirmed in the month."""
        unconfirmed = self.suspense_nano_usd + self.estimated_nano_usd
        return Ratio(unconfirmed, unconfirmed + self.confirmed_nano_usd)

    @property
    def cost_to_value(self) -> Ratio:
        """Spend over the value that the briefs of what was published had declared."""
        return Ratio(self.spend_nano_usd, self.value_nano_usd)


def economics_of(view: View) -> Economics:
    """The figures of a month, or of a part of it (`grouped`)."""
    spend, outcomes = view.spend, Counter(one.state for one in view.ended)
    exceptions = exceptions_in(view)
    worked_on = {row.artifact for row in spend} & view.states.keys()
    return Economics(
        submitted=sum(one.intake.at[:7] == view.month for one in view.artifacts),
        published=outcomes["published"],
        first_pass=sum(one.first_pass for one in view.published),
        rejected=outcomes["rejected"],
        held=outcomes["held"],
        failed=outcomes["failed"],
        open=sum(one.state == "open" for one in view.artifacts),
        held_at_end=sum(one.state == "held" for one in view.artifacts),
        cycle_seconds=tuple(seconds_between(one.intake.at, one.outcome_at) for one in view.published),
        spend_nano_usd=total(spend),
        by_kind={kind: total([row for row in spend if row.kind == kind]) for kind in SPEND_KINDS},
        rework_nano_usd=total([row for row in spend if row.loop]),
        rework_loops=len({(row.artifact, row.loop) for row in spend if row.loop}),
        approved_nano_usd=total([row for row in spend if state_of(view, row) == "published"]),
        unapproved_nano_usd=total([row for row in spend if state_of(view, row) in ("rejected", "held", "failed")]),
        unallocated_nano_usd=total([row for row in spend if not is_allocated(view, row)]),
        exceptions=len(exceptions),
        worked_on=len(worked_on),
        with_exception=len({one.artifact for one in exceptions} & worked_on),
        input_tokens=sum(row.input_tokens for row in spend),
        cached_input_tokens=sum(row.cached_input_tokens for row in spend),
        output_tokens=sum(row.output_tokens for row in spend),
        calls=sum(row.calls for row in spend),
        overruns=sum(row.overruns for row in spend),
        unpriced=sum(row.unpriced for row in spend),
        estimated_nano_usd=total(view.estimated),
        confirmed_nano_usd=total([row for row in spend if row.kind == "call" and not row.estimated]),
        suspense_nano_usd=total(view.suspense),
        value_nano_usd=sum(one.intake.value_nano_usd for one in view.published),
    )


def grouped(view: View, by: Dimension) -> dict[str, View]:
    """The parts of a month by one property, each a view of its own; their sums are those of the whole.

    By tier, an artifact and all that it cost belong to the highest tier that it used: what a dear result cost is more than
    its dear calls.
    """
    artifacts: dict[str, list[Artifact]] = defaultdict(list)
    for one in view.artifacts:
        artifacts[_property(one, by)].append(one)
    known = {one.key: one for one in view.artifacts}

    def parted(rows: Sequence[Spend]) -> Mapping[str, list[Spend]]:
        parts: dict[str, list[Spend]] = defaultdict(list)
        for row in rows:
            parts[_group_of(known.get(row.artifact), row, by)].append(row)
        return parts

    spend, suspense, estimated = parted(view.spend), parted(view.suspense), parted(view.estimated)
    return {
        name: replace(
            view,
            artifacts=tuple(artifacts.get(name, ())),
            spend=tuple(spend.get(name, ())),
            suspense=tuple(suspense.get(name, ())),
            estimated=tuple(estimated.get(name, ())),
        )
        for name in sorted({*artifacts, *spend, *suspense, *estimated})
    }


def _property(artifact: Artifact, by: Dimension) -> str:
    return artifact.tier if by == "tier" else str(getattr(artifact.intake, by))


def _group_of(artifact: Artifact | None, row: Spend, by: Dimension) -> str:
    if by in ("workload", "cost_centre"):  # the entry's own word, which is what a charge says
        return str(getattr(row, by))
    if artifact is None:
        return (row.tier or NO_MODEL) if by == "tier" else NO_ARTIFACT
    return _property(artifact, by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """What one use of a dearer tier cost, and whether its draft passed the quality gate; None: not judged yet."""

    premium: Premium
    cost_nano_usd: int
    passed: bool | None


def bought(view: View) -> list[Bought]:
    """Every exception of the month with what came of it until the month ended."""
    known = {one.key: one for one in view.artifacts}
    return [
        Bought(premium=one, cost_nano_usd=_cost_of(known[one.artifact], one), passed=_passed(known[one.artifact], one))
        for one in exceptions_in(view)
    ]


def exceptions_in(view: View) -> list[Premium]:
    """Those that were recorded in the month."""
    return [one for artifact in view.artifacts for one in artifact.premiums if one.at[:7] == view.month]


def _cost_of(artifact: Artifact, premium: Premium) -> int:
    return total(
        [row for row in artifact.spend if (row.kind, row.tier, row.loop) == ("call", premium.tier, premium.loop)]
    )


def _passed(artifact: Artifact, premium: Premium) -> bool | None:
    judged = [v.passed for v in artifact.verdicts if v.gate == "quality" and v.loop == premium.loop]
    return judged[-1] if judged else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rework:
    """A loop after the first that was paid for in the month."""

    artifact: str
    loop: int
    cause: str  # what ended the loop before it
    cost_nano_usd: int
    first_entry: int
    last_entry: int


def rework_of(view: View) -> list[Rework]:
    """Every repeated loop of the month with its cause: the gate that failed, or the role that asked for changes."""
    rows: dict[tuple[str, int], list[Spend]] = defaultdict(list)
    for row in view.spend:
        if row.loop:
            rows[row.artifact, row.loop].append(row)
    known = {one.key: one for one in view.artifacts}
    return [
        Rework(
            artifact=artifact,
            loop=loop,
            cause=_cause(known.get(artifact), loop),
            cost_nano_usd=total(found),
            first_entry=min(row.first_entry for row in found),
            last_entry=max(row.last_entry for row in found),
        )
        for (artifact, loop), found in sorted(rows.items())
    ]


def _cause(artifact: Artifact | None, loop: int) -> str:
    if artifact is None:
        return NOT_RECORDED
    ended = ended_by(artifact.verdicts, artifact.decisions, artifact.packets)
    return ended.get(loop - 1, (NOT_RECORDED, ""))[0]


def total(rows: Sequence[Spend]) -> int:
    """Nano-USD."""
    return sum(row.amount_nano_usd for row in rows)


def state_of(view: View, row: Spend) -> str:
    """Of the artifact that an amount was spent on, when the month ended."""
    return view.states.get(row.artifact, NO_ARTIFACT)


def is_allocated(view: View, row: Spend) -> bool:
    """The policy names both its cost centre and its workload."""
    return {("cost_centre", row.cost_centre), ("workload", row.workload)} <= view.named


def percentile(values: Sequence[int], percent: int) -> int | None:
    """Nearest rank: a value that was measured, never one between two. None of nothing."""
    if not values:
        return None
    return sorted(values)[-(-len(values) * percent // 100) - 1]


def seconds_between(start: str, end: str) -> int:
    """Whole seconds, rounded down."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)) // timedelta(seconds=1)
