"""The `model_route` step: which tier writes this loop's draft, and why."""

from dataclasses import asdict
from typing import Any

import dagster as dg

from finops_ai.artifacts import next_route
from finops_ai.orchestration.workbench import Step, StepRefused, table
from finops_ai.routing import Route, record_exception
from finops_ai.store import today


def model_route(step: Step) -> dg.MaterializeResult[Any]:
    """Not without the policy gate's verdict on the current claims, whichever run asks."""
    step.require_gate("policy", step.digest_of("claims"))
    progress, policy = step.progress, step.bench.policy
    if not progress.loops_left:
        raise StepRefused(f"no loop is left: profile {step.brief.profile} allows {progress.loops_max} reworks")
    with step.bench.database.read() as connection:
        route = next_route(connection, policy, progress, on=today())
    tier = policy.tiers[route.tier]
    return step.finish(
        route.as_dict(),
        also=lambda tx: record_exception(tx, step.payer, route),
        model=tier.model,
        tier=route.tier,
        metadata={
            "route": f"{route.tier}: {tier.model} ({tier.engine}, {route.level} service)",
            "reason": route.reason,
            "exception": _exception_line(route),
            "bounds": f"{route.bounds.input_tokens_max} tokens in, {route.bounds.output_tokens_max} out",
        },
        body={"alternatives": table([_row(asdict(alternative)) for alternative in route.alternatives])},
    )


def _exception_line(route: Route) -> str:
    exception = route.exception
    return f"{exception.reason}: {exception.detail} (owner {exception.owner})" if exception else "none"


def _row(alternative: dict[str, Any]) -> dict[str, Any]:
    return alternative | {"worst_case_usd": alternative["worst_case_usd"] or "unpriced"}
