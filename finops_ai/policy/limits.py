"""What the policy says of one brief: its budgets, its bounds, its price.

Belongs here: pure functions of (policy, brief). Does not: counting against a budget (`ledger`), choosing a tier (`routing`).
"""

from dataclasses import dataclass
from datetime import date

from finops_ai.briefs import Brief, Problem
from finops_ai.ledger import Budget
from finops_ai.policy.model import Narrowing, Policy, Tier
from finops_ai.pricing import Price, own_price, public_price, to_nano_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBounds:
    """What one call of a step may take in and give out."""

    input_tokens_max: int
    output_tokens_max: int


def budgets_for(policy: Policy, brief: Brief, *, artifact: str, step: str, month: str) -> tuple[Budget, ...]:
    """Every budget that a step of this artifact touches, widest first: the order in which they are locked."""
    budgets = policy.budgets
    centre = budgets.cost_centres.get(brief.cost_centre, budgets.defaults.cost_centre)
    workload = budgets.workloads.get(brief.workload, budgets.defaults.workload)
    limits = {
        f"organisation/{month}": budgets.organisation.month_usd,
        f"cost_centre/{brief.cost_centre}/{month}": centre.month_usd,
        f"workload/{brief.workload}/{month}": workload.month_usd,
        f"artifact/{artifact}": brief.budget_usd,
    }
    if step in budgets.steps:
        limits[f"step/{artifact}/{step}"] = budgets.steps[step]
    return tuple(Budget(id=name, limit_nano_usd=to_nano_usd(usd)) for name, usd in limits.items())


def impossible_budget(policy: Policy, brief: Brief, *, file: str) -> list[Problem]:
    """A brief that asks for more than a month of the budgets above it can never be paid: say so at intake."""
    centre = policy.budgets.cost_centres.get(brief.cost_centre, policy.budgets.defaults.cost_centre)
    workload = policy.budgets.workloads.get(brief.workload, policy.budgets.defaults.workload)
    above = {
        "the organisation": policy.budgets.organisation.month_usd,
        f"cost centre {brief.cost_centre}": centre.month_usd,
        f"workload {brief.workload}": workload.month_usd,
    }
    return [
        Problem(file, "budget_usd", f"{brief.budget_usd} is more than {name} may spend in a month ({limit} USD)")
        for name, limit in above.items()
        if brief.budget_usd > limit
    ]


def bounds_for(policy: Policy, brief: Brief) -> TokenBounds:
    """The draft's bounds for this intent and profile. A narrowing can only make them smaller."""
    step = policy.bounds.draft
    narrowings = [step.forms.get(brief.intent.form, Narrowing()), step.profiles.get(brief.profile, Narrowing())]
    return TokenBounds(
        input_tokens_max=min([step.input_tokens_max] + [n.input_tokens_max for n in narrowings if n.input_tokens_max]),
        output_tokens_max=min(
            [step.output_tokens_max] + [n.output_tokens_max for n in narrowings if n.output_tokens_max]
        ),
    )


def verification_bounds(policy: Policy) -> TokenBounds:
    """Of one call of the model verifier."""
    step = policy.bounds.claims
    return TokenBounds(input_tokens_max=step.input_tokens_max, output_tokens_max=step.output_tokens_max)


EXTRACTIVE_PRICE = Price(
    input_nano_usd=0, cached_input_nano_usd=0, output_nano_usd=0, source="no model", version="extractive"
)


def price_of(tier: Tier, *, bounds: TokenBounds, on: date, policy_sha256: str) -> Price | None:
    """The policy's own price, else the public book's. None: unpriced, which blocks a call and is never 0."""
    if tier.engine == "extractive":
        return EXTRACTIVE_PRICE
    if tier.price is not None:
        return own_price(
            input_usd_per_mtok=tier.price.input_usd_per_mtok,
            cached_input_usd_per_mtok=tier.price.cached_input_usd_per_mtok,
            output_usd_per_mtok=tier.price.output_usd_per_mtok,
            version=policy_sha256[:12],
        )
    return public_price(tier.model, on=on, input_tokens_max=bounds.input_tokens_max)
