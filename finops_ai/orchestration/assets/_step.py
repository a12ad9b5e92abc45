"""How an asset is declared, and its function found when a run needs it: a step of the workflow, or scheduled work.

Belongs here: what all of them share: partitions, the workbench, the group that sorts them in the web UI, their gate. Does
not: what each of them is (`assets`), what each of them does (the module of its name).
"""

import inspect
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import dagster as dg

from finops_ai.orchestration.gate_factory import Gate
from finops_ai.orchestration.partitions import ARTIFACTS

if TYPE_CHECKING:
    from finops_ai.orchestration.workbench import Workbench


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
            result: dg.MaterializeResult[Any] = function_of(name)(step)
            return result

    return run


def scheduled_asset(
    name: str,
    description: str,
    *,
    partitions: dg.PartitionsDefinition[str],
    group: str,
    deps: Sequence[str] = (),
    kinds: Sequence[str] = (),
) -> dg.AssetsDefinition:
    """Declare scheduled work: an asset that runs its function once per day or month, several of them in one run.

    Ungated, so that a range may be one run; each partition has its own cost and metadata all the same.
    """

    def run(context: dg.AssetExecutionContext) -> None:
        from finops_ai.orchestration.platform import platform_work  # here, as the function itself

        bench: Workbench = context.resources.workbench
        for partition in context.partition_keys:
            with platform_work(context, bench, asset=name, partition=partition) as work:
                function_of(name)(work)

    with warnings.catch_warnings():
        # known and wanted; a test of Dagster's facts fails when a range is no longer one run
        warnings.filterwarnings("ignore", message="Parameter `backfill_policy`", category=dg.BetaWarning)
        return dg.asset(
            name=name,
            description=inspect.cleandoc(description),
            group_name=group,
            deps=list(deps),
            kinds=set(kinds) or None,
            partitions_def=partitions,
            backfill_policy=dg.BackfillPolicy.single_run(),
            required_resource_keys={"workbench"},
        )(run)


def function_of(name: str) -> "Callable[[Any], Any]":
    """What an asset does: the function of its name in the module of its name, imported by the first run that needs it.

    Whoever only looks at the workflow (a code server, the web UI) loads no database, no reader of sources, no writer.
    """
    function: Callable[[Any], Any] = getattr(import_module(f"finops_ai.orchestration.assets.{name}"), name)
    return function
