"""One artifact on its way through the quarter: where it is in time, who pays, what is noted of it.

Belongs here: what calls (`quarter_calls`) and steps (`quarter_life`) share. Does not: either of them.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa

from bench.quarter_agenda import Agenda, Way
from bench.quarter_ground import (
    COMPUTE_NANO_USD_PER_HOUR,
    LOOPS_MAX,
    MICROSECONDS_PER_HOUR,
    REVIEW_NANO_USD_PER_DAY_MAX,
    half_up,
)
from bench.quarter_plan import Plan
from bench.quarter_truth import Cost, Kind, Notes
from finops_ai import ledger
from finops_ai.artifacts import record_output, record_verdict
from finops_ai.briefs import Brief, Form, Profile
from finops_ai.evidence import Claim, Source
from finops_ai.facts import ConfirmedFact
from finops_ai.generation import Draft
from finops_ai.ledger import Budget, Payer
from finops_ai.orchestration.gate_factory import GateVerdict
from finops_ai.policy import Policy, TierName, bounds_for, budgets_for
from finops_ai.provenance import SigningKey
from finops_ai.publishing import Target
from finops_ai.routing import EndedLoop, Offer, offers_of
from finops_ai.signoff import Reviewer
from finops_ai.store import Database, ObjectStore, today, utc_now

STEP_SECONDS: Mapping[str, tuple[float, float]] = {
    "sources": (1.5, 14.0),
    "claims": (0.5, 4.0),
    "risk_assessment": (0.3, 1.2),
    "draft": (0.5, 2.0),
    "review_packet": (0.3, 1.2),
}
OTHER_STEP_SECONDS = (0.05, 0.4)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What all artifacts share."""

    folder: Path  # where the briefs lay, as it were
    database: Database
    objects: ObjectStore
    policy: Policy
    policy_sha256: str
    targets: Mapping[str, Target]
    key: SigningKey
    reviewers: Mapping[str, Reviewer]
    agenda: Agenda
    offers: dict[tuple[Form, Profile], Mapping[TierName, Offer]] = field(default_factory=dict)
    reviewed_nano_usd: Counter[tuple[str, str]] = field(default_factory=Counter)  # by workload and day

    def offers_to(self, brief: Brief) -> Mapping[TierName, Offer]:
        """Of every tier: they differ by form and profile only, since all prices are the policy's own."""
        kind = (brief.intent.form, brief.profile)
        if kind not in self.offers:
            self.offers[kind] = offers_of(self.policy, brief, bounds=bounds_for(self.policy, brief), on=today())
        return self.offers[kind]

    def may_review(self, workload: str, day: str, amount_nano_usd: int) -> bool:
        """There is room for it on that day; if so, it is taken."""
        if self.reviewed_nano_usd[workload, day] + amount_nano_usd > REVIEW_NANO_USD_PER_DAY_MAX:
            return False
        self.reviewed_nano_usd[workload, day] += amount_nano_usd
        return True


@dataclass(kw_only=True)
class Walk:
    """One artifact, its plan, its moment; and what its later steps need of the earlier ones."""

    ground: Ground
    plan: Plan
    rng: random.Random
    at: datetime
    notes: Notes = field(default_factory=Notes)
    loop: int = 0
    run_id: str = ""
    digests: dict[str, str] = field(default_factory=dict)  # of each step's newest output
    verdicts: dict[str, str] = field(default_factory=dict)  # of each gate's newest verdict
    past: list[EndedLoop] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    facts: list[ConfirmedFact] = field(default_factory=list)
    draft: Draft = field(default_factory=lambda: Draft(markdown="", engine="", model=""))
    _budgets_by_day: dict[str, tuple[Budget, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, ground: Ground, plan: Plan) -> "Walk":
        """Before anything happened."""
        return cls(ground=ground, plan=plan, rng=random.Random(plan.seed), at=plan.created_at)

    def until(self, moment: datetime) -> datetime:
        """Its next moment, and never the same one twice."""
        self.at = max(moment, self.at + timedelta(microseconds=1))
        return self.at

    def after(self, least_s: float, most_s: float) -> datetime:
        """Its next moment, so many seconds from now."""
        microseconds = self.rng.randrange(round(least_s * 1_000_000), round(most_s * 1_000_000))
        return self.until(self.at + timedelta(microseconds=microseconds))

    def new_run(self) -> None:
        """As a Dagster run would be named."""
        self.run_id = f"run-{self.rng.getrandbits(48):012x}"

    def payer(self, step: str) -> Payer:
        """On whose account a step works now."""
        brief = self.plan.brief
        return Payer(
            artifact=self.plan.key,
            step=step,
            loop=self.loop,
            cost_centre=brief.cost_centre,
            workload=brief.workload,
            budgets=self._budgets(utc_now(self.at)[:10]),
            policy_sha256=self.ground.policy_sha256,
            run_id=self.run_id,
        )

    def _budgets(self, day: str) -> tuple[Budget, ...]:
        """The same for every step: this policy gives steps none of their own."""
        if day not in self._budgets_by_day:
            plan = self.plan
            found = budgets_for(self.ground.policy, plan.brief, artifact=plan.key, step="", day=day, stage="pilot")
            self._budgets_by_day = {day: found}
        return self._budgets_by_day[day]

    def loop_ended(
        self, by: Literal["failed_gate", "request_changes"], detail: str, *, higher_tier: bool = False
    ) -> None:
        """Its draft must not be published; another is due, or nothing more where no loop is left."""
        self.past.append(EndedLoop(loop=self.loop, ended_by=by, detail=detail, higher_tier=higher_tier))
        self.notes.ended_by[self.loop] = by
        self.notes.state = "producing" if self.loop < LOOPS_MAX[self.plan.brief.profile] else "held"

    def step(
        self,
        name: str,
        output: Callable[[], Any],
        *,
        verdict: Callable[[], GateVerdict] | None = None,
        subject: str = "",
        also: Callable[[sa.Connection], None] = lambda _tx: None,
    ) -> Way:
        """Some seconds of work; then its output, its verdict and its cost in one transaction, as every step records them."""
        objects = self.ground.objects
        least_s, most_s = STEP_SECONDS.get(name, OTHER_STEP_SECONDS)
        microseconds = self.rng.randrange(round(least_s * 1_000_000), round(most_s * 1_000_000))
        yield self.until(self.at + timedelta(microseconds=microseconds))
        payer, digest = self.payer(name), objects.put_json(output())
        judged = verdict() if verdict else None
        self.digests[name] = digest
        with self.ground.database.write() as tx:
            also(tx)
            record_output(tx, payer, digest)
            if judged:
                self.verdicts[judged.gate] = objects.put_json(judged.as_dict())
                record_verdict(
                    tx,
                    payer,
                    gate=judged.gate,
                    subject_sha256=subject or digest,
                    passed=judged.passed,
                    verdict_sha256=self.verdicts[judged.gate],
                )
            self.book_compute(tx, payer, microseconds)

    def book_compute(self, tx: sa.Connection, payer: Payer, microseconds: int) -> None:
        """A step's own time."""
        amount = half_up(microseconds, COMPUTE_NANO_USD_PER_HOUR, MICROSECONDS_PER_HOUR)
        self.book(tx, payer, kind="compute", quantity=microseconds, unit="compute_us", amount_nano_usd=amount)

    def book(
        self,
        tx: sa.Connection,
        payer: Payer,
        *,
        kind: Kind,
        quantity: int,
        unit: str,
        amount_nano_usd: int,
    ) -> None:
        """A cost beside tokens, in the books and in the notes."""
        ledger.book(tx, payer, kind=kind, quantity=quantity, unit=unit, amount_nano_usd=amount_nano_usd)
        self.note(payer.step, kind=kind, quantity=quantity, unit=unit, amount_nano_usd=amount_nano_usd)

    def note(self, step: str, *, kind: Kind, quantity: int, unit: str, amount_nano_usd: int) -> None:
        """What was booked beside tokens."""
        self.notes.costs.append(
            Cost(
                at=utc_now(self.at),
                kind=kind,
                step=step,
                loop=self.loop,
                tier=None,
                model=None,
                unit=unit,
                quantity=quantity,
                amount_nano_usd=amount_nano_usd,
            )
        )
