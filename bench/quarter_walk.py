"""One artifact on its way through the quarter: where it is in time, who pays, what is noted of it.

Belongs here: what calls (`quarter_calls`) and steps (`quarter_life`) share. Does not: either of them.
"""

import heapq
import itertools
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from bench.quarter_ground import (
    COMPUTE_NANO_USD_PER_HOUR,
    MICROSECONDS_PER_HOUR,
    REVIEW_NANO_USD_PER_DAY_MAX,
    half_up,
)
from bench.quarter_plan import Plan
from bench.quarter_truth import Cost, Kind, Notes
from finops_ai import ledger
from finops_ai.briefs import Brief, Form, Profile
from finops_ai.ledger import Budget, Payer
from finops_ai.policy import Policy, TierName, bounds_for, budgets_for
from finops_ai.provenance import SigningKey
from finops_ai.publishing import Target
from finops_ai.routing import Offer, offers_of
from finops_ai.signoff import Reviewer
from finops_ai.store import Database, ObjectStore, simulated, today, utc_now

Way = Iterator[datetime]
"""What happens, in pieces: each `yield` is the moment of the next one. Nothing happens after the quarter's end."""


class Agenda:
    """Everything that goes on at the same time, always the earliest next: the clock never moves backwards."""

    def __init__(self, end: datetime) -> None:
        self._end = end
        self._numbers = itertools.count()
        self._waiting: list[tuple[datetime, int, Way]] = []
        self._now: datetime | None = None

    def add(self, way: Way) -> None:
        """Begin it: it runs to the first moment that it waits for."""
        moment = next(way, None)
        if moment is not None and moment < self._end:  # what would come later does not come in this quarter
            moment = max(moment, self._now or moment)
            heapq.heappush(self._waiting, (moment, next(self._numbers), way))

    def run(self) -> None:
        """Until nothing is left, each piece at its moment."""
        while self._waiting:
            self._now, _, way = heapq.heappop(self._waiting)
            with simulated(self._now):
                self.add(way)


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
    """One artifact, its plan, its moment."""

    ground: Ground
    plan: Plan
    rng: random.Random
    at: datetime
    notes: Notes = field(default_factory=Notes)
    loop: int = 0
    run_id: str = ""
    _budgets_by_day: dict[str, tuple[Budget, ...]] = field(default_factory=dict)

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
