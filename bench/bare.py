"""What Dagster costs by itself: the workflow's graph with nothing in it.

Belongs here: as many partitioned assets, blocking checks and metadata entries, in as many runs. Does not: anything of the
project, so that the difference to the workflow is the project.
"""

import warnings

import dagster as dg

PARTITIONS = dg.DynamicPartitionsDefinition(name="bare")
PRODUCED = (
    "brief", "sources", "claims", "confirmed_facts", "rumors", "risk_assessment", "model_route", "draft",
    "review_packet",
)  # fmt: skip
PUBLISHED = ("published", "analytics")
JUDGED = {"risk_assessment", "draft", "review_packet"}
ENTRIES = 16
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def jobs() -> list[dg.JobDefinition]:
    """Two, as the workflow runs them for an artifact that the policy signs; resolved once, as a process does."""
    steps = (*PRODUCED, *PUBLISHED)
    definitions = dg.Definitions(
        assets=[_asset(name, after) for name, after in zip(steps, ("", *steps), strict=False)],
        jobs=[
            dg.define_asset_job("produce", selection=dg.AssetSelection.assets(*PRODUCED)),
            dg.define_asset_job("publish", selection=dg.AssetSelection.assets(*PUBLISHED)),
        ],
        executor=dg.in_process_executor,
    )
    return [definitions.resolve_job_def("produce"), definitions.resolve_job_def("publish")]


def run(instance: dg.DagsterInstance, wanted: list[dg.JobDefinition], partition: str) -> None:
    """One artifact's worth of nothing."""
    instance.add_dynamic_partitions(str(PARTITIONS.name), [partition])
    for job in wanted:
        result = job.execute_in_process(partition_key=partition, instance=instance, run_config=QUIET)
        assert result.success


def _asset(name: str, after: str) -> dg.AssetsDefinition:
    metadata: dict[str, str | int | float] = {f"text_{n}": f"value {n}" for n in range(ENTRIES - 6)}
    metadata |= {f"number_{n}": n / 10 for n in range(6)}

    @dg.asset(name=name, deps=[after] if after else [], partitions_def=PARTITIONS, check_specs=_checks(name))
    def empty() -> dg.MaterializeResult:  # type: ignore[type-arg]  # a generic alias reads as one of several outputs
        results = [dg.AssetCheckResult(passed=True, check_name="gate")] if name in JUDGED else []
        return dg.MaterializeResult(metadata=metadata, check_results=results)

    return empty


def _checks(name: str) -> list[dg.AssetCheckSpec]:
    if name not in JUDGED:
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # partitioned checks, as the workflow has them
        return [dg.AssetCheckSpec("gate", asset=name, blocking=True, partitions_def=PARTITIONS)]
