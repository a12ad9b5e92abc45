"""The code location, assembled.

Belongs here: putting assets, jobs, sensors and resources together. Does not: defining any of them. `build_definitions` is
the one seam for tests and other deployments.
"""

from collections.abc import Mapping

import dagster as dg

from finops_ai.orchestration.assets import ASSETS
from finops_ai.orchestration.jobs import JOBS, SCHEDULES
from finops_ai.orchestration.resources import workbench_resource
from finops_ai.orchestration.sensors import SENSORS


def build_definitions(overrides: Mapping[str, object] | None = None) -> dg.Definitions:
    """Everything Dagster needs to know. `overrides` replaces resources by name (`workbench`).

    The executor is in-process: one artifact is one run in one process, and volume comes from more runs.
    """
    return dg.Definitions(
        assets=ASSETS,
        jobs=JOBS,
        schedules=SCHEDULES,
        sensors=SENSORS,
        resources={"workbench": workbench_resource, **(overrides or {})},
        executor=dg.in_process_executor,
    )
