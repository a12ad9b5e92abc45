"""The routing decision as a pure function.

An expensive tier is an exception: it has a reason from a closed list, an owner, and the gate that made it necessary.
Measured in public outcomes, routing on the prompt barely beats prompt length, while escalating after a gate that looked
at the answer recovers most of the quality gap; so economy comes first, and a failed gate is what moves it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from finops_ai.briefs import Brief
from finops_ai.policy import TIER_ORDER, TierName, TokenBounds


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedLoop:
    """A loop whose draft must not be published, and what said so."""

    loop: int
    ended_by: Literal["failed_gate", "request_changes"]
    detail: str  # the gate and what failed in it, or the reviewer's reason


@dataclass(frozen=True, slots=True, kw_only=True)
class TierException:
    """Why a step is served above economy."""

    reason: Literal["failed_gate"]
    detail: str
    owner: str
    above: TierName


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who writes this loop's draft, within which bounds, and why."""

    step: str
    loop: int
    tier: TierName
    bounds: TokenBounds
    reason: str
    exception: TierException | None = None

    def as_dict(self) -> dict[str, Any]:
        """The stored form."""
        exception = self.exception
        return {
            "step": self.step,
            "loop": self.loop,
            "tier": self.tier,
            "input_tokens_max": self.bounds.input_tokens_max,
            "output_tokens_max": self.bounds.output_tokens_max,
            "reason": self.reason,
            "exception": {name: getattr(exception, name) for name in exception.__slots__} if exception else None,
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Route":
        """The value of a stored form."""
        return cls(
            step=stored["step"],
            loop=stored["loop"],
            tier=stored["tier"],
            bounds=TokenBounds(
                input_tokens_max=stored["input_tokens_max"], output_tokens_max=stored["output_tokens_max"]
            ),
            reason=stored["reason"],
            exception=TierException(**stored["exception"]) if stored["exception"] else None,
        )


def choose_route(
    brief: Brief, *, loop: int, past: Sequence[EndedLoop], tiers: Collection[TierName], bounds: TokenBounds
) -> Route:
    """The draft's route in this loop. `tiers` are those the policy configures; economy is always among them."""
    escalation = next((p for p in reversed(past) if p.ended_by == "failed_gate"), None)
    above = next((t for t in TIER_ORDER[1:] if t in tiers), None) if escalation else None
    if escalation is None or above is None:
        reason = "economy by default" if escalation is None else "economy: the policy configures no higher tier"
        return Route(step="draft", loop=loop, tier="economy", bounds=bounds, reason=reason)
    exception = TierException(reason="failed_gate", detail=escalation.detail, owner=brief.owner, above="economy")
    reason = f"exception: {escalation.detail} in loop {escalation.loop}"
    return Route(step="draft", loop=loop, tier=above, bounds=bounds, reason=reason, exception=exception)
