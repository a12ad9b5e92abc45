"""What happened in a simulated quarter, as plain values that no database was asked for.

Belongs here: the values, and the notes from which they are made. Does not: making anything happen (`quarter_life`). A
figure that is computed from the records can be computed from these values again, independently.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bench.quarter_ground import call_nano_usd, worst_case_nano_usd
from finops_ai.artifacts import State
from finops_ai.briefs import Form, Impact, Profile
from finops_ai.policy import ServiceLevel, TierName
from finops_ai.store import utc_now

Ending = Literal["failed_gate", "request_changes", "reject", ""]
"""What ended a loop; "": nothing did, its draft is (or may yet be) the one that is published."""

Kind = Literal["call", "compute", "review", "retrieval", "suspense"]
TOKEN_METERS = ("input_tokens", "cached_input_tokens", "output_tokens")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One amount as it was booked: a meter of a call, the time of a step or a reviewer, fetched bytes.

    Below 0: taken back by a correction, or by the end of a suspense. `quantity` is in `unit` and has the amount's sign.
    """

    at: str
    kind: Kind
    step: str
    loop: int
    tier: TierName | None
    model: str | None
    unit: str
    quantity: int
    amount_nano_usd: int
    estimated: bool = False

    @property
    def month(self) -> str:
        """YYYY-MM."""
        return self.at[:7]

    @property
    def tokens(self) -> int:
        """Of any meter; 0 where something else was counted."""
        return self.quantity if self.unit in TOKEN_METERS else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Who wrote a loop's draft. `exception`: the reason on record for a tier above economy, "" at economy."""

    loop: int
    tier: TierName
    level: ServiceLevel
    exception: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One decision. `seconds`: what was booked as review; the policy takes none."""

    at: str
    reviewer: str
    role: str
    verdict: Literal["approve", "request_changes", "reject"]
    seconds: int
    loop: int
    higher_tier: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """One artifact's quarter."""

    key: str
    workload: str
    cost_centre: str
    owner: str
    impact: Impact
    profile: Profile
    form: Form
    value_usd: int  # declared in the brief
    injections: int  # sources with text that addresses a model
    created_at: str
    state: State  # when the quarter ended
    ended_by: tuple[Ending, ...]  # of each loop that was begun
    tiers: tuple[Served, ...]
    costs: tuple[Cost, ...]  # what was spent, in order
    suspense: tuple[Cost, ...]  # what went into suspense and out again: no spending
    decisions: tuple[Said, ...]
    published_at: str | None

    @property
    def loops(self) -> int:
        """How many were begun: 1 is a first pass without rework, 0 never came to a draft."""
        return len(self.ended_by)

    @property
    def cost_nano_usd(self) -> int:
        """All that was spent on it until the quarter ended."""
        return sum(cost.amount_nano_usd for cost in self.costs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One intended call: who is asked, in which step, at most at what cost."""

    step: str
    served: Served
    model: str
    input_tokens_max: int
    output_tokens_max: int

    @property
    def worst_case_nano_usd(self) -> int:
        """What is held before it is made."""
        return worst_case_nano_usd(
            self.served.tier,
            self.served.level,
            input_tokens=self.input_tokens_max,
            output_tokens=self.output_tokens_max,
        )

    def cost(
        self, at: datetime, *, kind: Kind, unit: str, quantity: int, amount_nano_usd: int, estimated: bool
    ) -> Cost:
        """One amount of it."""
        return Cost(
            at=utc_now(at),
            kind=kind,
            step=self.step,
            loop=self.served.loop,
            tier=self.served.tier,
            model=self.model,
            unit=unit,
            quantity=quantity,
            amount_nano_usd=amount_nano_usd,
            estimated=estimated,
        )


@dataclass(kw_only=True)
class Notes:
    """What is written down while an artifact lives."""

    state: State = "submitted"
    ended_by: list[Ending] = field(default_factory=list)
    tiers: list[Served] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    suspense: list[Cost] = field(default_factory=list)
    decisions: list[Said] = field(default_factory=list)
    published_at: str | None = None

    def called(self, call: "Call", at: datetime, tokens: Mapping[str, int], *, estimated: bool, sign: int = 1) -> None:
        """A call's meters, or (-1) what is taken back of them: its input and output always, the others where they counted."""
        for meter, amount in call_nano_usd(call.served.tier, call.served.level, tokens).items():
            if tokens[meter] or meter != "cached_input_tokens":
                quantity, amount_nano_usd = sign * tokens[meter], sign * amount
                self.costs.append(
                    call.cost(
                        at,
                        kind="call",
                        unit=meter,
                        quantity=quantity,
                        amount_nano_usd=amount_nano_usd,
                        estimated=estimated,
                    )
                )

    def suspended(self, call: "Call", at: datetime, *, sign: int = 1) -> None:
        """A call's worst case went into suspense, or (-1) came out of it."""
        amount = sign * call.worst_case_nano_usd
        self.suspense.append(
            call.cost(at, kind="suspense", unit="", quantity=0, amount_nano_usd=amount, estimated=True)
        )
