"""The `model_route` step: which tier writes this loop's draft, and why."""

from typing import Any

import dagster as dg

from finops_ai.orchestration.workbench import Step, StepRefused
from finops_ai.policy import bounds_for
from finops_ai.routing import choose_route


def model_route(step: Step) -> dg.MaterializeResult[Any]:
    """Not without the policy gate's verdict on the current claims, whichever run asks."""
    step.require_gate("policy", step.digest_of("claims"))
    progress, policy = step.progress, step.bench.policy
    if not progress.loops_left:
        raise StepRefused(f"no loop is left: profile {step.brief.profile} allows {progress.loops_max} reworks")
    past = [progress.ended[loop] for loop in sorted(progress.ended)]
    route = choose_route(
        step.brief, loop=step.loop, past=past, tiers=policy.tiers, bounds=bounds_for(policy, step.brief)
    )
    tier = policy.tiers[route.tier]
    return step.finish(
        route.as_dict(),
        model=tier.model,
        tier=route.tier,
        metadata={
            "route": f"{route.tier}: {tier.model} ({tier.engine})",
            "reason": route.reason,
            "exception": f"{route.exception.detail} (owner {route.exception.owner})" if route.exception else "none",
            "bounds": f"{route.bounds.input_tokens_max} tokens in, {route.bounds.output_tokens_max} out",
        },
    )
