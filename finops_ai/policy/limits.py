"""What the policy says of one brief: its budgets, its bounds, its price.

Belongs here: pure functions of (policy, brief). Does not: counting against a budget (`ledger`), choosing a tier (`routing`).
"""

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from finops_ai.briefs import Brief, Problem
from finops_ai.ledger import Budget, Rate
from finops_ai.policy.model import ContextRates, LevelPrice, Limit, Narrowing, Period, Policy, Stage, Tier
from finops_ai.pricing import ContextTier, Level, Price, own_price, own_rates, public_price, to_nano_usd

CostKind = Literal["compute", "review", "retrieval"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenBounds:
    """What one call of a step may take in and give out."""

    input_tokens_max: int
    output_tokens_max: int


def budgets_for(
    policy: Policy, brief: Brief, *, artifact: str, step: str, day: str, stage: Stage
) -> tuple[Budget, ...]:
    """Every budget that a step of this artifact touches on a UTC day (YYYY-MM-DD), widest first.

    That is the order in which they are locked: two steps that touch the same ones never wait for each other in a ring.
    `stage` is the workload's effective one (`rollout.stage_of`).
    """
    limits: dict[str, Decimal] = {}
    if (stage_usd := policy.rollout.stages[stage].day_usd) is not None:
        limits[stage_budget_id(brief.workload, day)] = stage_usd
    limits[f"artifact/{artifact}"] = brief.budget_usd
    if step in policy.budgets.steps:
        limits[f"step/{artifact}/{step}"] = policy.budgets.steps[step]
    shared = budgets_above(policy, cost_centre=brief.cost_centre, workload=brief.workload, day=day)
    return (*shared, *(_budget(policy, name, usd) for name, usd in limits.items()))


def budgets_above(policy: Policy, *, cost_centre: str, workload: str, day: str) -> tuple[Budget, ...]:
    """The budgets that a cost centre's work for a workload shares with other work on a UTC day, widest first."""
    return tuple(
        _budget(policy, _budget_id(scope, period, day), usd)
        for scope, limit in _limits_above(policy, cost_centre, workload).items()
        for period, usd in limit.given.items()
    )


def _budget(policy: Policy, name: str, usd: Decimal) -> Budget:
    alerts = tuple(sorted(policy.budgets.alerts_percent))
    return Budget(id=name, limit_nano_usd=to_nano_usd(usd), alerts_percent=alerts)


def stage_budget_id(workload: str, day: str) -> str:
    """One budget per day, whatever the stage: what was spent before a change of stage counts after it.

    A stage without `day_usd` counts against none: who comes back from it has the whole day's limit of the stage below.
    """
    return f"stage/{workload}/{day}"


def stage_ceiling(policy: Policy, workload: str) -> Stage:
    """The highest stage that the policy grants. Being granted is not having earned (`rollout`)."""
    return policy.budgets.workloads.get(workload, policy.budgets.defaults.workload).stage


def _limits_above(policy: Policy, cost_centre: str, workload: str) -> dict[str, Limit]:
    budgets = policy.budgets
    return {
        "organisation": budgets.organisation,
        f"cost_centre/{cost_centre}": budgets.cost_centres.get(cost_centre, budgets.defaults.cost_centre),
        f"workload/{workload}": budgets.workloads.get(workload, budgets.defaults.workload),
    }


def _budget_id(scope: str, period: Period, day: str) -> str:
    when = {"month": day[:7], "day": day, "total": "total"}[period]
    return f"{scope}/{when}"


def impossible_budget(policy: Policy, brief: Brief, *, file: str) -> list[Problem]:
    """A brief that asks for more than a budget above it ever holds at once can never be paid: say so at intake."""
    return [
        Problem(file, "budget_usd", f"{brief.budget_usd} is more than {_told(scope, period)} ({usd} USD)")
        for scope, limit in _limits_above(policy, brief.cost_centre, brief.workload).items()
        for period, usd in limit.given.items()
        if brief.budget_usd > usd
    ]


def _told(scope: str, period: Period) -> str:
    kind, _, name = scope.partition("/")
    who = f"{kind.replace('_', ' ')} {name}" if name else f"the {kind}"
    return f"{who} may spend in total" if period == "total" else f"{who} may spend in a {period}"


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


def rate_of(policy: Policy, kind: CostKind) -> Rate | None:
    """The policy's rate of a cost beside tokens: compute in microseconds, review in seconds, retrieval in bytes. None: off."""
    usd, per, unit = {
        "compute": (policy.rates.compute_usd_per_hour, 3_600_000_000, "compute_us"),
        "review": (policy.rates.review_usd_per_hour, 3_600, "review_s"),
        "retrieval": (policy.rates.retrieval_usd_per_gb, 1_000_000_000, "retrieval_bytes"),
    }[kind]
    if usd is None:
        return None
    return Rate(nano_usd=to_nano_usd(usd), per=per, unit=unit, source="policy", version=policy.sha256[:12])


EXTRACTIVE_PRICE = Price(
    input_nano_usd=0, cached_input_nano_usd=0, output_nano_usd=0, source="no model", version="extractive"
)


def price_of(
    tier: Tier,
    *,
    on: date,
    policy_sha256: str,
    level: Level = "standard",
) -> Price | None:
    """The policy's own price, else the public book's for the tier's endpoint. None: unpriced, which blocks a call and is never 0.

    An own price without the asked level is the own standard price: no discount is assumed. Not for `priority`, which costs
    more: where the own price does not state it, the call is unpriced.
    """
    if tier.engine == "extractive":
        return EXTRACTIVE_PRICE
    if tier.price is None:
        return public_price(tier.model, on=on, level=level, provider=tier.base_url)
    found = None if level == "standard" else tier.price.levels.get(level)
    if found is None and level == "priority":
        return None
    written: LevelPrice = tier.price if found is None else found
    return own_price(
        input_usd_per_mtok=written.input_usd_per_mtok,
        cached_input_usd_per_mtok=written.cached_input_usd_per_mtok,
        cache_write_usd_per_mtok=written.cache_write_usd_per_mtok,
        output_usd_per_mtok=written.output_usd_per_mtok,
        above=[_context_tier(part) for part in written.above],
        version=policy_sha256[:12],
        level="standard" if found is None else level,
    )


def _context_tier(written: ContextRates) -> ContextTier:
    rates = own_rates(
        input_usd_per_mtok=written.input_usd_per_mtok,
        cached_input_usd_per_mtok=written.cached_input_usd_per_mtok,
        cache_write_usd_per_mtok=written.cache_write_usd_per_mtok,
        output_usd_per_mtok=written.output_usd_per_mtok,
    )
    return ContextTier(**asdict(rates), above_input_tokens=written.input_tokens)
