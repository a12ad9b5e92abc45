"""How a step of the workflow is declared, and found when a run needs it.

Belongs here: what all of them share: partitions, the workbench, the group that sorts them in the web UI, their gate. Does
not: what each of them is (`assets`), what each of them does (the module of its name).
"""

import inspect
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import dagster as dg

from finops_ai.orchestration.gate_factory import Gate
from finops_ai.orchestration.partitions import ARTIFACTS

if TYPE_CHECKING:
    from finops_ai.orchestration.workbench import Step, Workbench

    StepFunction = Callable[[Step], dg.MaterializeResult[Any]]


def workflow_step(
    name: str,
    description: str,
    *,
    group: str,
    deps: Sequence[str] = (),
    kinds: Sequence[str] = (),
    gate: Gate | None = None,
) -> dg.AssetsDefinition:
    """Declare a step: an asset that runs its function inside `Workbench.step`.

    A gate is declared in the asset that it judges, so that a missing verdict fails the run instead of letting it pass.
    """

    @dg.asset(
        name=name,
        description=inspect.cleandoc(description),
        group_name=group,
        deps=list(deps),
        kinds=set(kinds) or None,
        partitions_def=ARTIFACTS,
        check_specs=[gate.spec(ARTIFACTS)] if gate else [],
        required_resource_keys={"workbench"},
        output_required=True,
    )
    def run(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # a generic alias reads as one of several outputs
        bench: Workbench = context.resources.workbench
        with bench.step(context, name) as step:
            return function_of(name)(step)

    return run


def function_of(name: str) -> "StepFunction":
    """What a step does: the function of its name in the module of its name, imported by the first run that needs it.

    Whoever only looks at the workflow (a code server, the web UI) loads no database, no reader of sources, no writer.
    """
    function: StepFunction = getattr(import_module(f"finops_ai.orchestration.assets.{name}"), name)
    return function
