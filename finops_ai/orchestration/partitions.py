"""The partitionings: one per artifact for the workflow, days and months for what is measured on a schedule.

Belongs here: their definitions. Does not: adding partitions (`lane`, `sensors`). Keys are never renamed or deleted: the
history of an artifact hangs on them.
"""

import dagster as dg

ARTIFACTS = dg.DynamicPartitionsDefinition(name="artifact")
ARTIFACT_TAG = "finops/artifact"  # one run per artifact at a time: `dagster.yaml` limits it
WORKLOAD_TAG = "finops/workload"
LOOP_TAG = "finops/loop"

FIRST_MONTH = "2023-01"  # older logs are imported all the same; a day before it has no partition to show them in
DAYS = dg.DailyPartitionsDefinition(start_date=f"{FIRST_MONTH}-01", timezone="UTC")
MONTHS = dg.MonthlyPartitionsDefinition(start_date=FIRST_MONTH, timezone="UTC", fmt="%Y-%m")
