"""What a run is given: the workbench of its deployment.

Belongs here: the resource by its name. Does not: what a workbench is, or how it is opened (`workbench`).
"""

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from finops_ai.orchestration.workbench import Workbench


@dg.resource(description="Records, objects and policy of this deployment, as its environment names them.")
def workbench_resource() -> "Workbench":
    """Opened when a run begins, so that a run sees one policy from beginning to end."""
    from finops_ai.orchestration.workbench import open_workbench

    return open_workbench()
