"""What a gate stops, and that nothing gets round it."""

from typing import Any

import dagster as dg

from finops_ai_tests.deployment import Deployment

VAGUE: dict[str, Any] = {"sources": [{"uri": "forum.md", "grade": "rumor"}]}


def check_evaluations(home: Deployment, run_id: str) -> list[dg.AssetCheckEvaluation]:
    records = home.instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    return [r.dagster_event.asset_check_evaluation_data for r in records if r.dagster_event]


def test_the_policy_gate_stops_before_any_model_is_routed(either_home: Deployment) -> None:
    artifact = either_home.submit(**VAGUE)
    (done,) = either_home.run(artifact)
    assert not done.succeeded
    steps = {m.asset_key.to_user_string() for m in either_home.materializations(artifact)}
    assert "risk_assessment" in steps
    assert not steps & {"model_route", "draft", "review_packet", "published"}
    assert either_home.position(artifact).state == "held"


def test_a_failed_gate_says_what_it_found_why_and_which_control(home: Deployment) -> None:
    artifact = home.submit(**VAGUE)
    (done,) = home.run(artifact)
    (evaluation,) = check_evaluations(home, done.run_id)
    assert (evaluation.passed, evaluation.blocking, evaluation.severity) == (False, True, dg.AssetCheckSeverity.ERROR)
    assert evaluation.partition == artifact
    failures = evaluation.metadata["failures"]
    assert isinstance(failures, dg.TableMetadataValue)
    assert [record.data["column"] for record in failures.records] == ["confirmed_facts"]
    assert "NIST AI 600-1 MS-2.5-003" in str(evaluation.description)
    gate = home.overview(artifact).gates[0]
    assert gate["failures"][0]["control"] == "NIST AI 600-1 MS-2.5-003"


def test_a_held_artifact_is_not_tried_again_unless_a_person_names_it(home: Deployment) -> None:
    artifact = home.submit(**VAGUE)
    home.run(artifact)
    assert home.run(artifact) == []
    assert [done.job for done in home.run(artifact, retry_held=True)] == ["produce"]


def test_publishing_without_a_sign_off_is_refused_whoever_starts_the_run(home: Deployment) -> None:
    """A blocking check holds only inside one run; the permit holds in every run."""
    artifact = home.submit(impact="high")
    home.run(artifact)
    assert not home.lane.run(artifact, "publish").succeeded
    assert home.files() == {}


def test_a_pass_reported_from_outside_opens_nothing(home: Deployment) -> None:
    """Anybody who reaches the web server can report a check result; our own record of verdicts does not hear it."""
    artifact = home.submit(**VAGUE)
    home.run(artifact)
    home.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("risk_assessment"), check_name="policy", passed=True, metadata={}, partition=artifact
        )
    )
    assert not home.lane.run(artifact, "rework").succeeded
    assert "model_route" not in {m.asset_key.to_user_string() for m in home.materializations(artifact)}


def test_changed_claims_need_a_new_policy_verdict(home: Deployment) -> None:
    """Materializing `sources` and `claims` alone, by hand, must not carry the old verdict over to the new claims."""
    artifact = home.submit(impact="high")
    home.run(artifact)
    (home.folder / "notes.md").write_text("# Notes\n\nThe reviewed week was an ordinary week without any incident.\n")
    selection = ["sources", "claims", "confirmed_facts"]
    job = dg.define_asset_job("some", selection=dg.AssetSelection.assets(*selection))
    from finops_ai.orchestration.assets import ASSETS

    definitions = dg.Definitions(assets=ASSETS, jobs=[job], resources={"workbench": home.bench})
    result = definitions.resolve_job_def("some").execute_in_process(partition_key=artifact, instance=home.instance)
    assert result.success
    assert not home.lane.run(artifact, "rework").succeeded


def test_a_changed_policy_voids_the_sign_off(home: Deployment) -> None:
    artifact = home.submit(impact="medium")
    home.run(artifact)
    home.decide(artifact, "approve", name="Bo", role="business")
    stricter = home.with_policy({"gates": {"quality": {"sentences_min": 2, "sentence_characters_max": 300}}})
    assert not stricter.lane.run(artifact, "publish").succeeded
    assert stricter.files() == {}
    stricter.run(artifact)
    assert stricter.position(artifact).state == "awaiting_sign_off"
