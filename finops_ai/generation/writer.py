"""Writing a draft by the engine that the route names.

Belongs here: the choice of engine. Does not: the choice of tier (`routing`).
"""

from finops_ai.calls import Answer, PaidCalls
from finops_ai.generation.extractive import write_extractive
from finops_ai.generation.model import Assignment, Draft
from finops_ai.generation.prompt import messages_for
from finops_ai.policy import ServiceLevel, Tier, TierName
from finops_ai.pricing import Price


def write_draft(
    assignment: Assignment,
    calls: PaidCalls,
    *,
    tier_name: TierName,
    tier: Tier,
    price: Price | None,
    level: ServiceLevel = "standard",
) -> tuple[Draft, Answer | None]:
    """(the draft, the model's answer that it is; None: no model was asked). Raises what `PaidCalls.complete` raises."""
    if tier.engine == "extractive":
        return write_extractive(assignment), None
    answer = calls.complete(
        messages_for(assignment), tier_name=tier_name, tier=tier, bounds=assignment.bounds, price=price, level=level
    )
    return Draft(markdown=answer.text.strip() + "\n", engine=tier.engine, model=tier.model), answer
