"""What another policy would have done to the artifacts of a month: the past, judged again under two policies.

Belongs here: the past as values, what a policy makes of it, the comparison. Does not: running a gate (`orchestration`), and
anything that would change a record. What is compared happened once: drafts, facts, tokens and minutes are as they were, and
loops ended as they did; only what the policy decides about them is decided again.
"""

from finops_ai.hindsight.comparison import ASSUMPTIONS, Comparison, Difference, compared
from finops_ai.hindsight.costs import CostPart, cost_parts
from finops_ai.hindsight.limits import LimitHit, limits_hit
from finops_ai.hindsight.model import Assessed, Month, Outcome, Past, PastCall, PastCost, PastDraft
from finops_ai.hindsight.outcomes import Judge, Rows, draft_rows, outcome_under, risk_rows, routes_under
from finops_ai.hindsight.records import assessed_in, month_of, past_of

__all__ = [
    "ASSUMPTIONS",
    "Assessed",
    "Comparison",
    "CostPart",
    "Difference",
    "Judge",
    "LimitHit",
    "Month",
    "Outcome",
    "Past",
    "PastCall",
    "PastCost",
    "PastDraft",
    "Rows",
    "assessed_in",
    "compared",
    "cost_parts",
    "draft_rows",
    "limits_hit",
    "month_of",
    "outcome_under",
    "past_of",
    "risk_rows",
    "routes_under",
]
