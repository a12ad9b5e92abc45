"""The wing that knows Dagster: assets, gates, partitions, jobs, schedules, sensors, resources, instance storage.

Belongs here: whatever imports dagster. Does not: a rule of the workflow or of the money (their own packages).
"""
