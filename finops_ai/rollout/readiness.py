"""Is a workload ready for its next stage, and has it lost its present one? Pure functions of evidence.

Belongs here: the criteria, what each asks for, what counts as a breach. Does not: reading the evidence (`evidence`), acting on
it (`changes`). A figure that cannot be formed is a criterion that is not met, and never a breach: nothing was shown either way.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from finops_ai.policy import Rollout, Stage
from finops_ai.pricing import format_usd
from finops_ai.rollout.evidence import Evidence
from finops_ai.rollout.stages import effective_stage, stage_after

SHOWN_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the same outcome cost before, in nano-USD, and where that figure comes from."""

    unit_cost_nano_usd: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """The leaders' word on one promotion: the packet that they signed, and whether its quorum is reached."""

    packet_digest: str
    workload: str
    to_stage: Stage
    evidence_until: str  # the moment of the scorecard that they saw
    approved: bool
    told: str  # who signed, or who is missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One condition of the next stage."""

    name: str
    met: bool
    evidence: str
    needed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """All of them, for one workload at one moment."""

    workload: str
    since: str
    at: str
    stage: Stage  # in force: the lower of the next two
    ceiling: Stage
    earned: Stage
    next_stage: Stage | None  # None: the last one is reached
    criteria: tuple[Criterion, ...]

    @property
    def unmet(self) -> tuple[Criterion, ...]:
        """What is missing."""
        return tuple(criterion for criterion in self.criteria if not criterion.met)

    @property
    def ready(self) -> bool:
        """Every criterion holds."""
        return not self.unmet

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"criteria": [asdict(c) for c in self.criteria], "ready": self.ready}


def scorecard(evidence: Evidence, rules: Rollout, *, baseline: Baseline | None, sign_off: SignOff | None) -> Scorecard:
    """Every criterion of the next stage, met or not, with its figures."""
    following = stage_after(evidence.earned)
    return Scorecard(
        workload=evidence.workload,
        since=evidence.since,
        at=evidence.at,
        stage=evidence.stage,
        ceiling=evidence.ceiling,
        earned=evidence.earned,
        next_stage=following,
        criteria=(
            _value(evidence),
            _baseline(baseline),
            _gates(evidence),
            _quality(evidence, rules),
            _unit_cost(evidence, rules, baseline),
            _suspense(evidence),
            _reservations(evidence),
            _ceiling(evidence, following),
            _sign_off(evidence, following, sign_off),
        ),
    )


def breaches(evidence: Evidence, rules: Rollout, baseline: Baseline | None = None) -> tuple[str, ...]:
    """Which figures have fallen so low that the present stage is lost. Too few artifacts are none."""
    found = [
        f"{evidence.suspense_overdue} reservations in suspense for more than {rules.suspense_days_max} days"
    ] * bool(evidence.suspense_overdue)
    if evidence.ended >= rules.artifacts_min:
        found += [text for text, good in (*_shares(evidence, rules), *_costs(evidence, rules, baseline)) if not good]
    return tuple(found)


def _value(e: Evidence) -> Criterion:
    declared = e.briefs > 0 and not e.briefs_without_value
    measured = e.published > 0 and e.published_cost_nano_usd > 0
    left_out = f"; not booked: {', '.join(e.not_booked)}" if e.not_booked else ""
    return Criterion(
        name="value",
        met=declared and measured,
        evidence=f"{e.briefs - e.briefs_without_value} of {e.briefs} briefs declare a value metric; {e.published} published "
        f"artifacts cost {format_usd(e.published_cost_nano_usd)} USD as a whole (the ledger) and declare a value of "
        f"{format_usd(e.published_value_nano_usd)} USD (their briefs){left_out}",
        needed="every brief of the window declares a value metric, and the whole cost of what was published is booked: what is "
        "measured is cost over declared value, not the value itself",
    )


def _baseline(baseline: Baseline | None) -> Criterion:
    told = f"{format_usd(baseline.unit_cost_nano_usd)} USD an outcome ({baseline.source})" if baseline else "none"
    return Criterion(
        name="baseline",
        met=baseline is not None and baseline.unit_cost_nano_usd > 0,
        evidence=told,
        needed="what the same outcome cost before, above 0",
    )


def _gates(e: Evidence) -> Criterion:
    count = len(e.published_ungated)
    names = ", ".join(e.published_ungated[:SHOWN_MAX]) + (", …" if count > SHOWN_MAX else "")
    return Criterion(
        name="gates",
        met=e.published > 0 and not count,
        evidence=f"{e.published - count} of {e.published} published artifacts passed every gate"
        + (f"; not {names}" if count else ""),
        needed="every published artifact of the window passed every required gate under the policy of its packet",
    )


def _quality(e: Evidence, rules: Rollout) -> Criterion:
    shares = list(_shares(e, rules))
    enough = e.ended >= rules.artifacts_min
    return Criterion(
        name="quality",
        met=enough and bool(shares) and all(good for _, good in shares),
        evidence="; ".join([f"{e.ended} artifacts ended", *(text for text, _ in shares)]),
        needed=f"at least {rules.artifacts_min} artifacts ended in the window, approved share at least "
        f"{rules.approved_share_min}, first-pass yield at least {rules.first_pass_yield_min}",
    )


def _shares(e: Evidence, rules: Rollout) -> Iterator[tuple[str, bool]]:
    """(what was found, whether it is good enough): compared as whole numbers of artifacts."""
    if e.ended:
        yield (
            f"approved share {e.published / e.ended:.3f} ({e.published} of {e.ended})",
            e.published >= rules.approved_share_min * e.ended,
        )
        yield (
            f"first-pass yield {e.first_pass / e.ended:.3f} ({e.first_pass} of {e.ended})",
            e.first_pass >= rules.first_pass_yield_min * e.ended,
        )


def _unit_cost(e: Evidence, rules: Rollout, baseline: Baseline | None) -> Criterion:
    costs = list(_costs(e, rules, baseline))
    return Criterion(
        name="unit_cost",
        met=baseline is not None and bool(costs) and all(good for _, good in costs),
        evidence="; ".join(text for text, _ in costs) or "nothing was published",
        needed=f"cost per approved artifact at most {rules.unit_cost_to_baseline_max} times the baseline, cost over declared "
        f"value at most {rules.cost_to_value_max}",
    )


def _costs(e: Evidence, rules: Rollout, baseline: Baseline | None) -> Iterator[tuple[str, bool]]:
    """As `_shares`. What ended without approval is part of the cost of what was approved."""
    if not e.published:
        if e.ended_cost_nano_usd:
            yield f"{format_usd(e.ended_cost_nano_usd)} USD spent, nothing approved", False
        return
    ratio = e.published_cost_nano_usd / e.published_value_nano_usd
    yield (
        f"cost over declared value {ratio:.4f}",
        e.published_cost_nano_usd <= rules.cost_to_value_max * e.published_value_nano_usd,
    )
    unit = (
        f"{format_usd(round(e.ended_cost_nano_usd / e.published))} USD per approved artifact, unapproved work included"
    )
    if baseline is None:
        yield unit, True
    else:
        limit_nano_usd = rules.unit_cost_to_baseline_max * baseline.unit_cost_nano_usd * e.published
        against = f"{unit}, against {format_usd(baseline.unit_cost_nano_usd)} ({baseline.source})"
        yield against, e.ended_cost_nano_usd <= limit_nano_usd


def _suspense(e: Evidence) -> Criterion:
    return Criterion(
        name="suspense",
        met=e.suspense == 0,
        evidence=f"{e.suspense} reservations, {format_usd(e.suspense_nano_usd)} USD",
        needed="none: `finops-ai ledger reconcile` closes them on the provider's word",
    )


def _reservations(e: Evidence) -> Criterion:
    return Criterion(
        name="reservations",
        met=e.reservations_overdue == 0,
        evidence=f"{e.reservations_overdue} without an outcome for more than a day",
        needed="none: the next run of their artifact moves them to suspense",
    )


def _ceiling(e: Evidence, following: Stage | None) -> Criterion:
    """The next stage is allowed where the ceiling would not stand in its way once it is earned."""
    allowed = following is not None and effective_stage(ceiling=e.ceiling, earned=following) == following
    return Criterion(
        name="ceiling",
        met=allowed,
        evidence=f"the policy grants {e.ceiling}, {e.earned} is earned",
        needed=f"budgets.workloads.{e.workload}.stage: {following} or above"
        if following
        else "there is no stage above",
    )


def _sign_off(e: Evidence, following: Stage | None, signed: SignOff | None) -> Criterion:
    fits = signed is not None and (signed.workload, signed.to_stage) == (e.workload, following)
    current = signed is not None and signed.evidence_until > e.since
    if signed is None:
        told = "no packet"
    elif not fits:
        told = f"packet {signed.packet_digest[:12]} is for {signed.workload} to {signed.to_stage}"
    elif not current:
        told = f"packet {signed.packet_digest[:12]} shows evidence until {signed.evidence_until}, none of which counts any more"
    else:
        told = f"packet {signed.packet_digest[:12]}: {signed.told}"
    return Criterion(
        name="sign_off",
        met=signed is not None and fits and current and signed.approved,
        evidence=told,
        needed="the governance quorum of the policy on a promotion packet of this workload to its next stage, with evidence "
        f"since {e.since}",
    )
