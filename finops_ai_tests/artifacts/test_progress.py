"""How far an artifact has come is read from what its steps left, newest first, on both databases."""

import pytest

from finops_ai.artifacts import ended_loops, position, progress_of, record_failure, record_output, record_verdict
from finops_ai.briefs import UnknownArtifact
from finops_ai.policy import load_policy
from finops_ai.signoff import by_name, grant, record_decision
from finops_ai.store import Database, ObjectStore
from finops_ai_tests.records import packet, payer, put_up_for_sign_off, registered

POLICY = load_policy()


def test_the_newest_output_of_a_step_counts(database: Database) -> None:
    artifact = registered(database)
    with database.write() as tx:
        for step, sha256 in (("draft", "1"), ("brief", "2"), ("draft", "3")):
            record_output(tx, payer(artifact, ("b", 1), step=step), sha256)
        found = progress_of(tx, POLICY, artifact)
    assert {step: output.output_sha256 for step, output in found.outputs.items()} == {"brief": "2", "draft": "3"}
    assert (found.output("draft"), found.output("claims")) == ("3", None)


def test_a_failure_is_left_behind_by_newer_work(database: Database) -> None:
    artifact = registered(database)
    who = payer(artifact, ("b", 1))
    with database.write() as tx:
        record_output(tx, who, "1")
        record_failure(tx, who, "boom", permanent=True)
    with database.write() as tx:
        failed = progress_of(tx, POLICY, artifact).failure
        assert failed is not None
        assert (failed.step, failed.error, failed.permanent) == ("draft", "boom", True)
    with database.write() as tx:
        record_output(tx, who, "2")
        assert progress_of(tx, POLICY, artifact).failure is None


def test_a_loop_is_ended_by_its_newest_draft_or_by_a_reviewer(database: Database, objects: ObjectStore) -> None:
    artifact = registered(database)
    with database.write() as tx:
        for loop, passed in ((0, False), (1, False), (1, True)):
            who = payer(artifact, ("b", 1), loop=loop)
            record_verdict(tx, who, gate="quality", subject_sha256="d", passed=passed, verdict_sha256="v")
        record_verdict(
            tx, payer(artifact, ("b", 1), loop=2), gate="policy", subject_sha256="c", passed=False, verdict_sha256="v"
        )
        assert {loop: end.ended_by for loop, end in ended_loops(tx, artifact).items()} == {0: "failed_gate"}
    digest = put_up_for_sign_off(database, objects, packet(artifact, loop=1))
    grant(database, name="Ana", role="legal", by="operator")
    with database.read() as connection:
        ana = by_name(connection, "Ana")
    record_decision(
        database,
        POLICY,
        artifact=artifact,
        packet_digest=digest,
        reviewer=ana,
        verdict="request_changes",
        reason="name the period",
        identified_by="token",
    )
    with database.read() as connection:
        ended = ended_loops(connection, artifact)
    assert (ended[1].ended_by, ended[1].detail) == ("request_changes", "Ana (legal): name the period")


def test_a_submitted_brief_waits_for_its_first_run(database: Database) -> None:
    artifact = registered(database)
    with database.read() as connection:
        assert position(progress_of(connection, POLICY, artifact)).state == "submitted"
        with pytest.raises(UnknownArtifact):
            progress_of(connection, POLICY, "gone")
