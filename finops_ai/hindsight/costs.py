"""What the booked tokens, seconds and bytes would have cost under another policy.

Belongs here: one cost per booking, with the reason where it is an estimate. Does not: which route (`outcomes`), sums over
budgets (`limits`). All amounts are nano-USD, rounded per booking as the ledger rounds them: a policy against itself gives the
booked sum to the nano-dollar, as long as its prices still say what they said.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from finops_ai.artifacts import STEPS
from finops_ai.hindsight.model import Past, PastCall, PastCost
from finops_ai.policy import Policy, Tier, bounds_for, price_of, rate_of
from finops_ai.pricing import Level
from finops_ai.routing import Route, offers_of

_GATED = STEPS.index("risk_assessment")  # what comes after it happens only where the policy gate passes
_ROUTED = "draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPart:
    """One booking. `note`: why it is an estimate, or ""; `amount_nano_usd` None: unpriced."""

    day: str
    step: str
    amount_nano_usd: int | None
    model: str = ""
    note: str = ""
    in_budgets: bool = True  # minutes of review are booked whatever the budgets say


def cost_parts(past: Past, policy: Policy, *, routes: Mapping[int, Route], stopped: bool) -> Iterator[CostPart]:
    """Everything that the policy would have let happen. `stopped`: by the policy gate, so nothing after it."""
    loops_max = policy.profiles[past.brief.profile].loops_max

    def happens(booked: PastCall | PastCost) -> bool:
        after_gate = booked.step not in STEPS or STEPS.index(booked.step) > _GATED
        return booked.loop <= loops_max and not (stopped and after_gate)

    yield from (_other(cost, policy) for cost in past.costs if happens(cost))
    yield from (_call(call, policy, routes) for call in past.calls if happens(call))
    if not stopped:
        yield from _never_called(past, policy, routes)


def _other(cost: PastCost, policy: Policy) -> CostPart:
    rate = rate_of(policy, cost.kind)
    amount = 0 if rate is None else rate.cost_nano_usd(cost.quantity)
    return CostPart(day=cost.day, step=cost.step, amount_nano_usd=amount, in_budgets=cost.kind != "review")


def _call(call: PastCall, policy: Policy, routes: Mapping[int, Route]) -> CostPart:
    tier, level = _served_by(call, policy, routes)
    if tier is None or tier.engine == "extractive":
        return CostPart(day=call.day, step=call.step, amount_nano_usd=0, note=f"no call where {call.model} was called")
    price = price_of(tier, on=date.fromisoformat(call.day), policy_sha256=policy.sha256, level=level)
    amount = None if price is None else sum(price.cost_nano_usd(call.usage).values())
    note = "" if tier.model == call.model else f"tokens of {call.model} at the price of {tier.model}"
    if not note and call.estimated:
        note = f"tokens of {call.model} are an estimate in the ledger"
    return CostPart(day=call.day, step=call.step, amount_nano_usd=amount, model=tier.model, note=note)


def _served_by(call: PastCall, policy: Policy, routes: Mapping[int, Route]) -> tuple[Tier | None, Level]:
    """A draft is written by the tier of its route; every other step asks the economy tier, if any."""
    if call.step == _ROUTED:
        route = routes[call.loop]
        return policy.tiers[route.tier], route.level
    return (None if policy.verification.by == "none" else policy.tiers["economy"]), "standard"


def _never_called(past: Past, policy: Policy, routes: Mapping[int, Route]) -> Iterator[CostPart]:
    """A loop in which nothing was called has no tokens: at most its worst case."""
    called = {call.loop for call in past.calls if call.step == _ROUTED}
    drafted = {draft.loop for draft in past.drafts}
    on = date.fromisoformat(past.assessed_on)
    offers = offers_of(policy, past.brief, bounds=bounds_for(policy, past.brief), on=on)
    for loop in sorted(drafted & routes.keys() - called):
        offer = offers[routes[loop].tier]
        if offer.engine != "extractive":
            note = f"no tokens of {offer.model} are known: its worst case"
            amount = offer.worst_case_nano_usd
            yield CostPart(day=past.assessed_on, step=_ROUTED, amount_nano_usd=amount, model=offer.model, note=note)
