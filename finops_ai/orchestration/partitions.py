"""The one partitioning of the workflow: a partition per artifact.

Belongs here: its definition. Does not: adding partitions (`lane`, `sensors`). Keys are never renamed or deleted: the
history of an artifact hangs on them.
"""

import dagster as dg

ARTIFACTS = dg.DynamicPartitionsDefinition(name="artifact")
ARTIFACT_TAG = "finops/artifact"  # one run per artifact at a time: `dagster.yaml` limits it
WORKLOAD_TAG = "finops/workload"
LOOP_TAG = "finops/loop"
