"""What is allowed, what it may cost, who must agree: one versioned YAML file and its application to a brief.

Belongs here: loading, and pure functions of (policy, brief). Does not: enforcing (the gates, the ledger, `signoff`).
"""

from finops_ai.policy.limits import (
    EXTRACTIVE_PRICE,
    CostKind,
    TokenBounds,
    bounds_for,
    budgets_above,
    budgets_for,
    impossible_budget,
    price_of,
    rate_of,
    verification_bounds,
)
from finops_ai.policy.model import (
    TIER_ORDER,
    Approval,
    DraftForm,
    Policy,
    PolicyError,
    Routing,
    ServiceLevel,
    Tier,
    TierName,
    load_policy,
)
from finops_ai.policy.risk import Assessment, describe, look_first, risk_row

__all__ = [
    "EXTRACTIVE_PRICE",
    "TIER_ORDER",
    "Approval",
    "Assessment",
    "CostKind",
    "DraftForm",
    "Policy",
    "PolicyError",
    "Routing",
    "ServiceLevel",
    "Tier",
    "TierName",
    "TokenBounds",
    "bounds_for",
    "budgets_above",
    "budgets_for",
    "describe",
    "impossible_budget",
    "load_policy",
    "look_first",
    "price_of",
    "rate_of",
    "risk_row",
    "verification_bounds",
]
