"""What each configured tier would serve a step with, and at most at what cost.

Belongs here: pure functions of (policy, brief). Does not: choosing (`route`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from finops_ai.briefs import Brief
from finops_ai.policy import TIER_ORDER, Policy, ServiceLevel, TierName, TokenBounds, price_of
from finops_ai.pricing import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A tier for one call. `price` and worst case (nano-USD) None: unpriced, which blocks and is never 0."""

    tier: TierName
    model: str
    engine: str
    level: ServiceLevel
    price: Price | None
    worst_case_nano_usd: int | None


def offers_of(policy: Policy, brief: Brief, *, bounds: TokenBounds, on: date) -> Mapping[TierName, Offer]:
    """One offer per configured tier, cheapest tier first, at the service level that the brief's profile may use."""
    found: dict[TierName, Offer] = {}
    for name in TIER_ORDER:
        if name not in policy.tiers:
            continue
        tier = policy.tiers[name]
        level: ServiceLevel = tier.service_levels.get(brief.profile, "standard")
        price = price_of(tier, on=on, policy_sha256=policy.sha256, level=level)
        found[name] = Offer(
            tier=name,
            model=tier.model,
            engine=tier.engine,
            level=level,
            price=price,
            worst_case_nano_usd=_worst_case(price, bounds),
        )
    return found


def _worst_case(price: Price | None, bounds: TokenBounds) -> int | None:
    if price is None:
        return None
    return price.worst_case_nano_usd(
        input_tokens_max=bounds.input_tokens_max, output_tokens_max=bounds.output_tokens_max
    )
