"""The values that a review is made of: what the records say of one artifact, and of one month, as that month ended.

Belongs here: value types. Does not: reading them (`records`), what follows from them (`economics`, `safeguards`).

An artifact belongs to the UTC month of its outcome, an amount to the UTC month of its booking. So what an artifact cost before
the month of its outcome is in an earlier month's spend. All money is integer nano-USD, times are text as they are stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

from finops_ai.policy import TIER_ORDER

State = Literal["published", "rejected", "held", "failed", "open"]
NO_MODEL = "no model"  # the tier of work that called none
NO_ARTIFACT = "no artifact"  # the state of work that belongs to none


class Ratio(NamedTuple):
    """An exact fraction. Over 0 it has no value, which is not 0."""

    numerator: int
    denominator: int


class Spend(NamedTuple):
    """Ledger entries of one month that agree in everything but their amounts. Reversals count against what they take back."""

    month: str
    artifact: str
    workload: str
    cost_centre: str
    kind: str  # call, compute, review, retrieval, suspense
    loop: int
    tier: str  # "": no model was called
    estimated: bool  # our own count, where the provider gave none
    amount_nano_usd: int
    input_tokens: int  # cached ones included
    cached_input_tokens: int
    output_tokens: int
    calls: int
    overruns: int  # calls that cost more than was held, or than a budget had left
    unpriced: int  # calls booked without a price: there must be none
    entries: int
    first_entry: int
    last_entry: int


class Verdict(NamedTuple):
    """What a gate said of one subject."""

    id: int
    artifact: str
    loop: int
    gate: str
    passed: bool
    verdict_sha256: str
    at: str


class Decided(NamedTuple):
    """One signed word of a reviewer, or of the policy."""

    id: int
    artifact: str
    packet_digest: str
    reviewer: str
    role: str
    verdict: str
    review_seconds: int
    at: str


class Packed(NamedTuple):
    """A packet, since when it can be signed."""

    artifact: str
    digest: str
    loop: int
    at: str


class Premium(NamedTuple):
    """A use of a tier above economy."""

    artifact: str
    step: str
    loop: int
    tier: str
    reason: str
    owner: str
    at: str


class Output(NamedTuple):
    """The newest outputs of an artifact's steps in one month."""

    artifact: str
    loop: int
    at: str


class StepOutput(NamedTuple):
    """One output of a step whose outputs are looked at one by one."""

    artifact: str
    step: str
    output_sha256: str
    at: str


class Failure(NamedTuple):
    """A step that raised."""

    artifact: str
    step: str
    permanent: bool
    unpriced: bool  # a call that was refused because no price is known
    at: str


class Permitted(NamedTuple):
    """The right to publish a packet, as it was taken."""

    artifact: str
    packet_digest: str
    at: str


class Delivered(NamedTuple):
    """Files at a target."""

    artifact: str
    target: str
    files: tuple[str, ...]
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What the brief says."""

    key: str
    topic: str
    workload: str
    cost_centre: str
    impact: str
    profile: str
    value_nano_usd: int  # declared before anything was spent
    at: str


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """One artifact as the records had it when a month ended."""

    intake: Intake
    state: State
    outcome_at: str  # "" while it is open
    loop: int  # the newest that was begun; 0 is the first
    verdicts: tuple[Verdict, ...] = ()  # in order, as are all of these
    decisions: tuple[Decided, ...] = ()
    packets: tuple[Packed, ...] = ()
    premiums: tuple[Premium, ...] = ()
    failures: tuple[Failure, ...] = ()
    delivered: tuple[Delivered, ...] = ()
    spend: tuple[Spend, ...] = ()  # of its whole life until then
    permit: Permitted | None = None
    newest_packet: str = ""  # the digest that is up for sign-off; "" where there is none, or work went on behind it

    @property
    def key(self) -> str:
        """Its key."""
        return self.intake.key

    @property
    def month(self) -> str:
        """Of its outcome; "" while it is open."""
        return self.outcome_at[:7]

    @cached_property
    def cost_nano_usd(self) -> int:
        """Of its whole life, suspense left out."""
        return sum(row.amount_nano_usd for row in self.spend if row.kind != "suspense")

    @cached_property
    def tier(self) -> str:
        """The highest that it used."""
        used = {row.tier for row in self.spend if row.tier}
        return max(used, key=_rank) if used else NO_MODEL

    @cached_property
    def loops(self) -> Mapping[str, int]:
        """The loop of each packet, by digest."""
        return {packet.digest: packet.loop for packet in self.packets}

    @property
    def first_pass(self) -> bool:
        """Published from its first loop."""
        permit = self.permit
        return self.state == "published" and permit is not None and self.loops.get(permit.packet_digest) == 0


def _rank(tier: str) -> int:
    order: tuple[str, ...] = TIER_ORDER
    return order.index(tier) if tier in order else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetOfMonth:
    """A budget of one month. Nano-USD."""

    id: str
    limit_nano_usd: int
    spent_nano_usd: int
    reserved_nano_usd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The proof of the books, and what finance was given."""

    problems: tuple[str, ...] = ()  # of accounts, budgets and the hash chain; none: balanced and whole
    last_entry: int = 0  # of the month or before it
    seal_sha256: str = ""  # the first seal that covers the month whole; "": there is none yet
    closed: tuple[tuple[str, int, int, str, str], ...] = ()  # (month, charges, nano-USD, by whom, SHA-256)
    resolved: tuple[tuple[str, str, int], ...] = ()  # (reservation, billed or not_billed, nano-USD of the suspense)


@dataclass(frozen=True, kw_only=True)
class View:
    """Everything about one month, as it ended."""

    month: str
    ends_at: str  # its last moment; for a month that is not over, that of the newest record
    artifacts: tuple[Artifact, ...]  # every one that was taken in by then
    spend: tuple[Spend, ...]  # booked in the month
    suspense: tuple[Spend, ...]  # what stands of it: booked in this month or before
    estimated: tuple[Spend, ...]  # calls that stand at our own count: booked in this month or before
    named: frozenset[tuple[str, str]]  # ("cost_centre" or "workload", name): those that the policy names
    addressing: Mapping[str, int | None] = field(default_factory=dict)  # artifact: sources that address a model, as
    # assessed in the month; None: the assessment is not at hand
    reasons: tuple[tuple[str, str, str], ...] = ()  # (gate, why, control) of each miss of a failed verdict

    @cached_property
    def ended(self) -> tuple[Artifact, ...]:
        """Those whose outcome is in the month."""
        return tuple(one for one in self.artifacts if one.month == self.month)

    @cached_property
    def published(self) -> tuple[Artifact, ...]:
        """Those that were published in the month."""
        return tuple(one for one in self.ended if one.state == "published")

    @cached_property
    def states(self) -> Mapping[str, State]:
        """The state of each, by key."""
        return {one.key: one.state for one in self.artifacts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the same work costs, and how good it is, where `finops_ai` does not do it."""

    unit_cost: Ratio  # nano-USD over results
    quality: Ratio | None  # results accepted over results
    source: str  # what was measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A budget's month as it is expected to end. Nano-USD."""

    budget: str
    limit_nano_usd: int
    spent_nano_usd: int
    expected_nano_usd: int
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a review shows beside the records of artifacts. All of it may be missing, and the review then says so."""

    baseline: Baseline | None = None  # of all work
    baselines: Mapping[str, Baseline] = field(default_factory=dict)  # by workload
    forecasts: tuple[Forecast, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """A month with those before it, and what belongs to the whole."""

    months: tuple[View, ...]  # oldest first; the last is the month under review
    over: bool
    policy_sha256: str
    not_booked: tuple[str, ...]  # kinds of cost that the policy leaves out
    quorums: Mapping[str, Mapping[str, int]]  # impact: role: how many must approve
    budgets: tuple[BudgetOfMonth, ...]
    alerts: tuple[tuple[str, str, str], ...]  # (budget, level, at) in the month
    stages: tuple[tuple[str, str, str, str], ...]  # (workload, from, to, reason) in the month
    books: Books
    unreadable: int  # records of gates or risk that are not at hand, or not what they should be

    @property
    def view(self) -> View:
        """The month under review."""
        return self.months[-1]

    @property
    def previous(self) -> View | None:
        """The month before, where there are records of it."""
        return self.months[-2] if len(self.months) > 1 else None
