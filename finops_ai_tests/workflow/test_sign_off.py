"""Signing: who may, what happens then, and what an old approval is worth."""

import dagster as dg
import pytest

from finops_ai import signoff
from finops_ai.orchestration.build import build_definitions
from finops_ai.signoff import DecisionRefused
from finops_ai_tests.deployment import Deployment


def test_a_high_impact_artifact_is_published_when_both_roles_have_signed(either_home: Deployment) -> None:
    artifact = either_home.submit(impact="high")
    either_home.run(artifact)
    assert either_home.position(artifact).state == "awaiting_sign_off"
    either_home.decide(artifact, "approve", name="Lea", role="legal")
    assert either_home.run(artifact) == []
    either_home.decide(artifact, "approve", name="Bo", role="business")
    assert either_home.position(artifact).state == "approved"
    either_home.run(artifact)
    assert either_home.position(artifact).state == "published"


@pytest.mark.parametrize("author", ["content-platform", "submitter", " SUBMITTER "])
def test_an_author_does_not_approve(home: Deployment, author: str) -> None:
    """The owner named in the brief, and whoever submitted it, however the name is written."""
    artifact = home.submit(impact="high")
    home.run(artifact)
    with pytest.raises(DecisionRefused, match="author"):
        home.decide(artifact, "approve", name=author.strip(), role="legal")


def test_a_reject_is_final(home: Deployment) -> None:
    artifact = home.submit(impact="high")
    home.run(artifact)
    home.decide(artifact, "approve", name="Lea", role="legal")
    home.decide(artifact, "approve", name="Bo", role="business")
    home.decide(artifact, "reject", name="Cy", role="ciso", reason="the source is not ours to quote")
    assert home.position(artifact).state == "rejected"
    assert home.run(artifact) == []
    assert home.files() == {}


def test_requested_changes_start_the_next_loop_and_void_the_old_digest(home: Deployment) -> None:
    artifact = home.submit(impact="high")
    home.run(artifact)
    old = home.overview(artifact).digest or ""
    home.decide(artifact, "approve", name="Lea", role="legal")
    home.decide(artifact, "request_changes", name="Bo", role="business", reason="drop F1, it is not about cost")
    assert [done.job for done in home.run(artifact)] == ["rework"]
    overview = home.overview(artifact)
    assert (overview.state, overview.loop) == ("awaiting_sign_off", 1)
    assert overview.digest != old
    with pytest.raises(DecisionRefused, match="review it again"):
        home.decide(artifact, "approve", name="Lea", role="legal", digest=old)
    draft = home.bench.objects.get_json(home.bench.progress(artifact).output("draft") or "")["markdown"]
    assert "[F1]" not in draft
    assert "[F2]" in draft


def test_loops_end_and_then_a_person_is_needed(home: Deployment) -> None:
    artifact = home.submit(impact="medium", profile="fast")
    home.run(artifact)
    home.decide(artifact, "request_changes", name="Bo", role="business", reason="drop F1")
    home.run(artifact)
    home.decide(artifact, "request_changes", name="Bo", role="business", reason="drop F2")
    assert home.run(artifact) == []
    here = home.position(artifact)
    assert here.state == "held"
    assert "no loop is left" in here.waiting_for
    assert not home.lane.run(artifact, "rework").succeeded


def test_revoking_a_reviewer_before_publication_voids_the_approval(home: Deployment) -> None:
    artifact = home.submit(impact="medium")
    home.run(artifact)
    home.decide(artifact, "approve", name="Bo", role="business")
    signoff.revoke(home.bench.database, name="Bo", by="test")
    assert home.position(artifact).state == "awaiting_sign_off"
    assert not home.lane.run(artifact, "publish").succeeded


def test_a_reviewers_time_is_part_of_the_cost(home: Deployment) -> None:
    artifact = home.submit(impact="medium")
    home.run(artifact)
    before = home.spent_nano_usd(artifact)
    signoff.grant(home.bench.database, name="Bo", role="business", by="test")
    with home.bench.database.read() as connection:
        person = signoff.by_name(connection, "Bo")
        digest = signoff.current_packet(connection, artifact) or ""
    signoff.record_decision(
        home.bench.database,
        home.bench.policy,
        artifact=artifact,
        packet_digest=digest,
        reviewer=person,
        verdict="approve",
        reason="checked",
        identified_by="token",
        review_seconds=120,
    )
    assert home.spent_nano_usd(artifact) - before == 3_000_000_000  # 2 minutes at 90 USD an hour
    assert home.books().problems == ()


def launch(home: Deployment, artifact: str, **config: str) -> dg.ExecuteInProcessResult:
    job = build_definitions({"workbench": home.bench}).resolve_job_def("record_sign_off")
    return job.execute_in_process(
        partition_key=artifact,
        instance=home.instance,
        run_config={"ops": {"sign_off_decision": {"config": config}}},
        raise_on_error=False,
    )


def test_the_launchpad_takes_a_signature_and_records_by_the_same_path(home: Deployment) -> None:
    artifact = home.submit(impact="medium")
    home.run(artifact)
    token = signoff.grant(home.bench.database, name="Bo", role="business", by="test")
    digest = home.overview(artifact).digest or ""
    config = {"decision": "APPROVE", "reviewer": "Bo", "reason": "checked", "packet_digest": digest}
    for wrong in ("", "00" * 32, signoff.launchpad_signature(token, digest=digest, verdict="reject")):
        assert not launch(home, artifact, **config, signature=wrong).success
    assert home.overview(artifact).decisions == ()
    signature = signoff.launchpad_signature(token, digest=digest, verdict="approve")
    assert launch(home, artifact, **config, signature=signature).success
    assert home.position(artifact).state == "approved"


def test_the_launchpad_refuses_a_stale_digest(home: Deployment) -> None:
    artifact = home.submit(impact="medium")
    home.run(artifact)
    token = signoff.grant(home.bench.database, name="Bo", role="business", by="test")
    stale = "ab" * 32
    signature = signoff.launchpad_signature(token, digest=stale, verdict="approve")
    config = {"decision": "APPROVE", "reviewer": "Bo", "reason": "checked", "packet_digest": stale}
    assert not launch(home, artifact, **config, signature=signature).success
