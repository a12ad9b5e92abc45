"""What is allowed, what it may cost, who must agree: one versioned YAML file and its application to a brief.

Belongs here: loading, and pure functions of (policy, brief). Does not: enforcing (the gates, the ledger, `signoff`).
"""

from finops_ai.policy.limits import (
    EXTRACTIVE_PRICE,
    TokenBounds,
    bounds_for,
    budgets_for,
    impossible_budget,
    price_of,
    stage_budget_id,
    stage_ceiling,
    verification_bounds,
)
from finops_ai.policy.model import (
    REQUIRED_GATES,
    STAGES,
    TIER_ORDER,
    Approval,
    DraftForm,
    Policy,
    PolicyError,
    Rollout,
    Routing,
    ServiceLevel,
    Stage,
    StageLimits,
    Tier,
    TierName,
    load_policy,
)
from finops_ai.policy.risk import Assessment, describe, look_first, risk_row

__all__ = [
    "EXTRACTIVE_PRICE",
    "REQUIRED_GATES",
    "STAGES",
    "TIER_ORDER",
    "Approval",
    "Assessment",
    "DraftForm",
    "Policy",
    "PolicyError",
    "Rollout",
    "Routing",
    "ServiceLevel",
    "Stage",
    "StageLimits",
    "Tier",
    "TierName",
    "TokenBounds",
    "bounds_for",
    "budgets_for",
    "describe",
    "impossible_budget",
    "load_policy",
    "look_first",
    "price_of",
    "risk_row",
    "stage_budget_id",
    "stage_ceiling",
    "verification_bounds",
]
