"""The past of an artifact as values, and what a policy would have made of it.

Belongs here: value types. Does not: reading them (`records`), computing (`outcomes`, `costs`, `limits`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from finops_ai.briefs import Brief
from finops_ai.policy import STAGES, Assessment, CostKind, Stage
from finops_ai.pricing import Usage
from finops_ai.routing import EndedLoop, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """The newest risk assessment of an artifact in a month."""

    artifact: str
    loop: int
    output_sha256: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDraft:
    """The newest draft of a loop, with its sentences as they were judged against their facts."""

    loop: int
    markdown: str
    sentences: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """What was booked for one attempt of a model call."""

    day: str  # when it was reserved
    step: str
    loop: int
    tier: str
    model: str
    level: str
    usage: Usage
    estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCost:
    """What was booked beside calls: compute, review, retrieval."""

    day: str
    step: str
    loop: int
    kind: CostKind
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """All of one artifact that a policy could have decided differently."""

    artifact: str
    brief: Brief
    assessed_on: str  # a day
    assessed_loop: int
    assessment: Assessment
    loops: tuple[int, ...]  # that were routed
    ended: Mapping[int, EndedLoop]
    drafts: tuple[PastDraft, ...]
    calls: tuple[PastCall, ...]
    costs: tuple[PastCost, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What is not about one artifact: new artifacts per workload and day, and the changes of stage until its end."""

    registered: Mapping[tuple[str, str], int]
    stage_changes: tuple[tuple[str, str, Stage], ...] = ()  # workload, day, stage; in order

    def earned_on(self, workload: str, day: str) -> Stage:
        """The stage that the workload had earned by the end of a day."""
        found = [stage for name, when, stage in self.stage_changes if name == workload and when <= day]
        return found[-1] if found else STAGES[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one policy makes of an artifact. A gate that stops it leaves what would have followed empty."""

    artifact: str
    policy_passed: bool
    policy_why: str
    quality_passed: bool | None  # of the newest draft that the policy allows; None: there is none
    quality_why: str
    routes: tuple[Route, ...]
    models: Mapping[int, str]  # loop -> who writes
    loops_refused: int  # reworks that were done, and that the policy does not allow
    cost_nano_usd: int
    notes: tuple[str, ...] = ()  # each says why the cost is an estimate
    unpriced: tuple[str, ...] = ()  # models without a price: their cost is not in the sum
    quorum: Mapping[str, int] = field(default_factory=dict)  # empty: the policy signs

    @property
    def stopped(self) -> bool:
        """By a gate: nobody is asked to sign it."""
        return not self.policy_passed or self.quality_passed is False

    @property
    def persons(self) -> int:
        """Who must agree before it is published."""
        return 0 if self.stopped else sum(self.quorum.values())
