"""What Dagster does with blocking checks, as far as the gates depend on it.

These test no code of the project. Each fact is either relied upon, or the reason why something is verified again before
publishing; when an upgrade changes one, this file says which.
"""

import warnings
from collections.abc import Callable, Iterator

import dagster as dg
import pytest
from dagster._check import CheckError
from dagster._core.event_api import PartitionKeyFilter

ARTIFACTS = dg.DynamicPartitionsDefinition(name="artifacts")
GATE = dg.AssetCheckKey(dg.AssetKey("draft"), "quality")
BAD = "art-bad"  # the one artifact whose gate does not pass

Outcome = Callable[[str], dg.AssetCheckResult | None]
Assets = list[dg.AssetsDefinition]


@pytest.fixture(autouse=True)
def previews_are_known() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield


@pytest.fixture
def instance() -> dg.DagsterInstance:
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions("artifacts", ["art-a", BAD, "art-c"])
    return instance


def error(artifact: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=artifact != BAD, severity=dg.AssetCheckSeverity.ERROR)


def warn(artifact: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=artifact != BAD, severity=dg.AssetCheckSeverity.WARN)


def nothing(artifact: str) -> None:
    return None


def workflow(outcome: Outcome, *, partitioned_check: bool = True) -> Assets:
    """`draft`, its gate within the same step, and `published` behind it."""
    partitions = ARTIFACTS if partitioned_check else None
    spec = dg.AssetCheckSpec("quality", asset="draft", blocking=True, partitions_def=partitions)

    @dg.asset(partitions_def=ARTIFACTS, check_specs=[spec], backfill_policy=dg.BackfillPolicy.single_run())
    def draft(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        verdicts = [outcome(artifact) for artifact in context.partition_keys]
        one_for_all = next((verdict for verdict in verdicts if verdict and not verdict.passed), verdicts[0])
        return dg.MaterializeResult(check_results=[one_for_all] if one_for_all else [])

    @dg.asset(partitions_def=ARTIFACTS, deps=[draft], backfill_policy=dg.BackfillPolicy.single_run())
    def published() -> None: ...

    return [draft, published]


def run(
    assets: Assets, instance: dg.DagsterInstance, artifact: str, selection: str | None = None
) -> dg.ExecuteInProcessResult:
    return dg.materialize(assets, partition_key=artifact, instance=instance, selection=selection, raise_on_error=False)


def is_published(instance: dg.DagsterInstance, artifact: str) -> bool:
    records = dg.AssetRecordsFilter(asset_key=dg.AssetKey("published"), asset_partitions=[artifact])
    return bool(instance.fetch_materializations(records, limit=1).records)


def latest_status(instance: dg.DagsterInstance, artifact: str | None) -> str | None:
    """The gate's latest status for one artifact; for None, whichever artifact was last."""
    only = PartitionKeyFilter(key=artifact) if artifact else None
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([GATE], partition_filter=only)
    return latest[GATE].status.value if GATE in latest else None


# --- relied upon


def test_within_a_run_a_failed_check_stops_what_comes_after_it(instance: dg.DagsterInstance) -> None:
    assert not run(workflow(error), instance, BAD).success
    assert not is_published(instance, BAD)


def test_the_asset_of_a_failed_check_is_materialized_all_the_same(instance: dg.DagsterInstance) -> None:
    """Which is why a green partition means produced, not approved."""
    result = run(workflow(error), instance, BAD)
    assert result.asset_materializations_for_node("draft")


def test_a_declared_check_without_a_result_fails_the_run(instance: dg.DagsterInstance) -> None:
    assert not run(workflow(nothing), instance, "art-a").success
    assert not is_published(instance, "art-a")
    assert latest_status(instance, "art-a") != "SUCCEEDED"


def test_a_step_that_raises_before_its_verdict_leaves_no_verdict(instance: dg.DagsterInstance) -> None:
    def raising(artifact: str) -> dg.AssetCheckResult:
        raise RuntimeError(artifact)

    assert not run(workflow(raising), instance, "art-a").success
    assert not is_published(instance, "art-a")
    assert latest_status(instance, "art-a") != "SUCCEEDED"


def test_the_latest_verdict_of_one_artifact_can_be_asked_for(instance: dg.DagsterInstance) -> None:
    for artifact in ("art-a", BAD):
        run(workflow(error), instance, artifact)
    assert [latest_status(instance, artifact) for artifact in ("art-a", BAD, "art-c")] == ["SUCCEEDED", "FAILED", None]


def test_a_gate_is_judged_again_by_materializing_its_partition_again(instance: dg.DagsterInstance) -> None:
    run(workflow(error), instance, BAD)
    mended = workflow(lambda artifact: dg.AssetCheckResult(passed=True))
    assert run(mended, instance, BAD).success
    assert latest_status(instance, BAD) == "SUCCEEDED"


# --- worked around


def test_a_partitioned_check_is_still_a_preview() -> None:
    """The one warning the factory silences. Gone: take the filter away. Another text: look what changed."""
    with pytest.warns(dg.PreviewWarning, match="^Specifying a partitions_def on an AssetCheckSpec"):
        dg.AssetCheckSpec("quality", asset="draft", partitions_def=ARTIFACTS)


def test_a_check_without_partitions_mixes_the_verdicts_of_all_artifacts(instance: dg.DagsterInstance) -> None:
    """Which is why every gate is partitioned."""
    assets = workflow(error, partitioned_check=False)
    (evaluation,) = run(assets, instance, BAD).get_asset_check_evaluations()
    assert evaluation.partition is None
    run(assets, instance, "art-a")
    assert latest_status(instance, None) == "SUCCEEDED"
    assert latest_status(instance, BAD) is None


@pytest.mark.parametrize("annotation", [dg.MaterializeResult[None], None])
def test_a_gated_step_is_annotated_with_the_bare_result_type(annotation: object) -> None:
    """Which is why gated steps carry `type: ignore[type-arg]`: strict typing asks for what Dagster refuses."""

    def draft(context: dg.AssetExecutionContext): ...  # type: ignore[no-untyped-def]

    draft.__annotations__["return"] = annotation
    with pytest.raises(dg.DagsterInvariantViolationError, match="Expected Tuple annotation"):
        dg.asset(check_specs=[dg.AssetCheckSpec("quality", asset="draft")])(draft)


def test_a_check_with_severity_warn_never_blocks(instance: dg.DagsterInstance) -> None:
    """Which is why the factory never uses it."""
    result = run(workflow(warn), instance, BAD)
    assert result.success
    assert [evaluation.passed for evaluation in result.get_asset_check_evaluations()] == [False]
    assert is_published(instance, BAD)


def test_across_runs_a_failed_check_blocks_nothing(instance: dg.DagsterInstance) -> None:
    """Which is why `published` verifies every gate again."""
    assets = workflow(error)
    assert not run(assets, instance, BAD).success
    assert run(assets, instance, BAD, selection="published").success
    assert is_published(instance, BAD)


def test_a_run_over_a_range_has_one_verdict_for_all_of_it(instance: dg.DagsterInstance) -> None:
    """Which is why gated steps never run as a range: the verdict belongs to no artifact."""
    job = dg.define_asset_job("all", selection=["draft"])
    definitions = dg.Definitions(workflow(error), jobs=[job])
    tags = {"dagster/asset_partition_range_start": "art-a", "dagster/asset_partition_range_end": "art-c"}
    result = definitions.resolve_job_def("all").execute_in_process(instance=instance, tags=tags, raise_on_error=False)
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.partition is None
    assert [latest_status(instance, artifact) for artifact in ("art-a", BAD, "art-c")].count("SUCCEEDED") == 0


def test_a_check_cannot_be_run_again_on_its_own_for_one_partition(instance: dg.DagsterInstance) -> None:
    """Which is why the runbook says: materialize the partition again."""

    @dg.asset(partitions_def=ARTIFACTS)
    def draft() -> None: ...

    @dg.asset_check(asset=draft, partitions_def=ARTIFACTS)
    def quality() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    only_the_check = dg.AssetSelection.checks(quality)
    with pytest.raises(CheckError, match="no PartitionsDefinition shared"):
        dg.materialize([draft, quality], selection=only_the_check, partition_key="art-a", instance=instance)


def test_anybody_can_report_a_passed_verdict_without_a_run(instance: dg.DagsterInstance) -> None:
    """Which is why a status is not evidence: `published` reads the verdict that the packet's digest covers."""
    run(workflow(error), instance, BAD)
    forged = dg.AssetCheckEvaluation(
        asset_key=GATE.asset_key, check_name=GATE.name, passed=True, metadata={}, blocking=True, partition=BAD
    )
    instance.report_runless_asset_event(forged)
    assert latest_status(instance, BAD) == "SUCCEEDED"
