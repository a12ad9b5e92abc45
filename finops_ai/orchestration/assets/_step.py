"""How a step of the workflow is declared.

Belongs here: what all of them share: partitions, the workbench, the group that sorts them in the web UI, their gate.
"""

from collections.abc import Callable, Sequence
from typing import Any

import dagster as dg

from finops_ai.orchestration.gate_factory import Gate
from finops_ai.orchestration.partitions import ARTIFACTS
from finops_ai.orchestration.workbench import Step, Workbench
from finops_ai.policy import Policy, load_policy

StepFunction = Callable[[dg.AssetExecutionContext, Step], dg.MaterializeResult[Any]]


def workflow_step(
    *, group: str, deps: Sequence[str] = (), kinds: Sequence[str] = (), gate: Callable[[Policy], Gate] | None = None
) -> Callable[[StepFunction], dg.AssetsDefinition]:
    """Declare a step: a function of (context, step) becomes an asset of the same name, run inside `Workbench.step`.

    A gate is declared in the asset that it judges, so that a missing verdict fails the run instead of letting it pass.
    """

    def declare(function: StepFunction) -> dg.AssetsDefinition:
        name = function.__name__
        # the thresholds of a running gate come from the policy in force; its declaration only needs name and text
        specs = [gate(load_policy()).spec(ARTIFACTS)] if gate else []

        @dg.asset(
            name=name,
            description=function.__doc__,
            group_name=group,
            deps=list(deps),
            kinds=set(kinds) or None,
            partitions_def=ARTIFACTS,
            check_specs=specs,
            required_resource_keys={"workbench"},
            output_required=True,
        )
        def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # a generic alias reads as one of several outputs
            bench: Workbench = context.resources.workbench
            with bench.step(context, name) as step:
                return function(context, step)

        return run

    return declare
