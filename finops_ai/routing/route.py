"""The routing decision as a pure function.

An expensive tier is an exception: it has a reason from a closed list, an owner, and what made it necessary. Measured on
public outcomes, routing on the prompt alone barely beats prompt length, while escalating after a check that looked at the
answer recovers most of the quality gap; so economy comes first, and a failed gate is what moves it. A rule of the policy,
or a reviewer, may ask for more.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from finops_ai.briefs import Brief
from finops_ai.policy import TIER_ORDER, Routing, ServiceLevel, TierName, TokenBounds
from finops_ai.pricing import format_usd
from finops_ai.routing.offers import Offer

Reason = Literal["impact_rule", "task_type", "failed_gate", "reviewer_asked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedLoop:
    """A loop whose draft must not be published, and what said so."""

    loop: int
    ended_by: Literal["failed_gate", "request_changes"]
    detail: str  # the gate and what failed in it, or the reviewer's reason
    higher_tier: bool = False  # the reviewer asked for a better model too


@dataclass(frozen=True, slots=True, kw_only=True)
class TierException:
    """Why a step is served above economy."""

    reason: Reason
    detail: str
    owner: str
    above: TierName = "economy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A configured tier, and why it serves or does not. The cost is the worst case, in US dollars; None: unpriced."""

    tier: TierName
    model: str
    worst_case_usd: str | None
    chosen: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who writes this loop's draft, within which bounds, and why."""

    step: str
    loop: int
    tier: TierName
    bounds: TokenBounds
    reason: str
    level: ServiceLevel = "standard"
    exception: TierException | None = None
    alternatives: tuple[Alternative, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The stored form."""
        stored: dict[str, Any] = asdict(self)
        bounds: dict[str, int] = stored.pop("bounds")
        return stored | bounds

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
            level=stored.get("level", "standard"),
            exception=TierException(**stored["exception"]) if stored["exception"] else None,
            alternatives=tuple(Alternative(**kept) for kept in stored.get("alternatives", ())),
        )


def choose_route(
    brief: Brief,
    *,
    step: str,
    loop: int,
    past: Sequence[EndedLoop],
    offers: Mapping[TierName, Offer],
    rules: Routing,
    bounds: TokenBounds,
    budget_left_nano_usd: int,
) -> Route:
    """The route of a step in this loop.

    The dearest tier that is wanted and can be paid serves; each one above it that was wanted says why it does not. Economy
    is always served: what no budget can hold is refused where it is held, before anything is sent.
    """
    wanted = _wanted(brief, past, offers, rules)
    refusals = {tier: why for tier in wanted if (why := _cannot(offers[tier], budget_left_nano_usd))}
    tier = next((t for t in reversed(TIER_ORDER) if t in wanted and t not in refusals), TIER_ORDER[0])
    exception = wanted.get(tier)
    return Route(
        step=step,
        loop=loop,
        tier=tier,
        bounds=bounds,
        level=offers[tier].level,
        reason=_reason(exception, refusals, past),
        exception=exception,
        alternatives=tuple(_alternative(offer, tier, refusals, budget_left_nano_usd) for offer in offers.values()),
    )


def _wanted(
    brief: Brief, past: Sequence[EndedLoop], offers: Mapping[TierName, Offer], rules: Routing
) -> dict[TierName, TierException]:
    """Each tier above economy that something asks for, with what asks for it; an escalation goes up by one tier, once."""
    asked = dict(_by_rule(brief, rules))
    start = max(asked, key=TIER_ORDER.index, default=TIER_ORDER[0])
    if why := _escalation(brief, past, start):
        above = next((tier for tier in TIER_ORDER[TIER_ORDER.index(start) + 1 :] if tier in offers), None)
        asked |= {above: why} if above else {}
    return {tier: why for tier, why in asked.items() if tier in offers}


def _by_rule(brief: Brief, rules: Routing) -> Iterator[tuple[TierName, TierException]]:
    owner = rules.owner or brief.owner
    form, impact = brief.intent.form, brief.impact
    if (tier := rules.forms.get(form, TIER_ORDER[0])) != TIER_ORDER[0]:
        yield tier, TierException(reason="task_type", detail=f"the policy routes a {form} to {tier}", owner=owner)
    if (tier := rules.impacts.get(impact, TIER_ORDER[0])) != TIER_ORDER[0]:
        detail = f"the policy routes {impact} impact to {tier}"
        yield tier, TierException(reason="impact_rule", detail=detail, owner=owner)


def _escalation(brief: Brief, past: Sequence[EndedLoop], above: TierName) -> TierException | None:
    for ended in reversed(past):
        if ended.ended_by == "failed_gate":
            return TierException(reason="failed_gate", detail=_in_loop(ended), owner=brief.owner, above=above)
        if ended.higher_tier:
            return TierException(reason="reviewer_asked", detail=_in_loop(ended), owner=brief.owner, above=above)
    return None


def _in_loop(ended: EndedLoop) -> str:
    return f"{ended.detail} in loop {ended.loop}"


def _cannot(offer: Offer, budget_left_nano_usd: int) -> str:
    if offer.worst_case_nano_usd is None:
        return f"no price is known for {offer.model}"
    if offer.worst_case_nano_usd > budget_left_nano_usd:
        most, left = format_usd(offer.worst_case_nano_usd), format_usd(max(budget_left_nano_usd, 0))
        return f"it may cost {most} USD, and the tightest budget has {left} left"
    return ""


def _reason(exception: TierException | None, refusals: Mapping[TierName, str], past: Sequence[EndedLoop]) -> str:
    failed = any(ended.ended_by == "failed_gate" for ended in past)
    if exception:
        reason = f"exception: {exception.detail}"
    elif refusals or not failed:
        reason = "economy by default"
    else:
        reason = "economy: the policy configures no higher tier"
    return "; ".join([reason, *(f"not {tier}: {why}" for tier, why in refusals.items())])


def _alternative(offer: Offer, chosen: TierName, refusals: Mapping[TierName, str], left_nano_usd: int) -> Alternative:
    worst_case = offer.worst_case_nano_usd
    if offer.tier == chosen:
        why = "serves"
    elif offer.tier in refusals:
        why = refusals[offer.tier]
    elif TIER_ORDER.index(offer.tier) > TIER_ORDER.index(chosen):
        why = _cannot(offer, left_nano_usd) or "nothing asks for it: no rule, no failed gate, no reviewer"
    else:
        why = "something asks for more"
    return Alternative(
        tier=offer.tier,
        model=offer.model,
        worst_case_usd=None if worst_case is None else format_usd(worst_case),
        chosen=offer.tier == chosen,
        why=why,
    )
