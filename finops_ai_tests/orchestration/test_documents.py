"""A document goes the way of every artifact: gates, a packet, the leaders' signatures, exactly-once publishing, statements."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from finops_ai.artifacts import record_failure
from finops_ai.briefs import Brief
from finops_ai.orchestration.documents import AlreadyPublished, Document, put_up
from finops_ai.orchestration.lane import add_partitions
from finops_ai.provenance import verify_file
from finops_ai.signoff import DecisionRefused
from finops_ai_tests.deployment import Deployment, deployment
from finops_ai_tests.records import brief, payer

LEADERS = {"Ines": "technology", "Sefa": "security", "Finn": "finance"}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Deployment]:
    with deployment(tmp_path) as found:
        yield found


def review_brief() -> Brief:
    return brief(
        topic="Governance review of 2026-10",
        owner="finops_ai",
        impact="governance",
        intent={"form": "review"},
        sources=[{"uri": "ledger:2026-10", "grade": "primary"}],
    )


def document(**changes: Any) -> Document:
    ready = ({"item": "the books balance", "state": "ready"},)
    found = Document(
        brief=review_brief(),
        figures={"month": "2026-10", "spend_nano_usd": 12},
        markdown="# Governance review\n\nSpent: 12 nano-USD\n",
        html="<!doctype html><title>Review</title><p>Spent: 12 nano-USD</p>",
        record_checks=ready,
        figure_checks=({"item": "spend", "state": "ready"},),
    )
    return dataclasses.replace(found, **changes)


def sign(home: Deployment, artifact: str, *names: str) -> None:
    for name in names:
        home.decide(artifact, "approve", name=name, role=LEADERS[name])


def test_a_document_is_published_when_all_three_leaders_have_signed_it(home: Deployment) -> None:
    found = put_up(home.bench, document(), run_id="run-1")
    add_partitions(home.instance, home.bench)
    assert found.passed
    sign(home, found.artifact, "Ines", "Sefa")
    assert home.run(found.artifact) == []
    waiting = home.position(found.artifact)
    assert (waiting.state, waiting.waiting_for) == ("awaiting_sign_off", "sign-off by finance (1)")
    sign(home, found.artifact, "Finn")
    assert [done.succeeded for done in home.run(found.artifact)] == [True]
    assert home.position(found.artifact).state == "published"


def test_what_is_published_verifies_back_to_its_figures(home: Deployment) -> None:
    found = put_up(home.bench, document(), run_id="run-1")
    add_partitions(home.instance, home.bench)
    sign(home, found.artifact, *LEADERS)
    home.run(found.artifact)
    (page,) = home.bench.settings.published.rglob("*.html")
    checks = verify_file(page, objects=home.bench.objects, keys=home.bench.settings.home / "keys")
    assert all(check.passed for check in checks), checks
    assert "figures" in {check.name for check in checks}


def test_the_same_figures_again_keep_the_decisions_and_others_do_not(home: Deployment) -> None:
    first = put_up(home.bench, document(), run_id="run-1")
    sign(home, first.artifact, "Ines")
    again = put_up(home.bench, document(), run_id="run-2")
    assert (again.digest, again.new) == (first.digest, False)
    other = put_up(home.bench, document(figures={"month": "2026-10", "spend_nano_usd": 13}), run_id="run-3")
    assert other.new
    standing = home.bench.progress(other.artifact).standing
    assert standing is not None
    assert dict(standing.missing) == {"technology": 1, "security": 1, "finance": 1}


@pytest.mark.parametrize("part", ["record_checks", "figure_checks"])
@pytest.mark.parametrize("rows", [(), ({"item": "the books balance", "state": "they do not"},)])
def test_a_document_whose_records_or_figures_do_not_hold_cannot_be_published(
    home: Deployment, part: str, rows: tuple[dict[str, str], ...]
) -> None:
    found = put_up(home.bench, document(**{part: rows}), run_id="run-1")
    assert not found.passed
    add_partitions(home.instance, home.bench)
    assert home.position(found.artifact).state in ("held", "producing")
    assert home.position(found.artifact).job is None
    sign(home, found.artifact, *LEADERS)
    assert home.bench.settings.published.exists() is False
    assert not any(done.succeeded for done in home.run(found.artifact))


@pytest.mark.parametrize("job", ["produce", "rework"])
def test_no_step_of_the_workflow_writes_a_document(home: Deployment, job: str) -> None:
    """Anybody who sees the web UI can start one: its sources are no sources, and what is signed would be gone."""
    found = put_up(home.bench, document(), run_id="run-1")
    add_partitions(home.instance, home.bench)
    sign(home, found.artifact, *LEADERS)
    before = home.bench.progress(found.artifact)
    assert not home.lane.run(found.artifact, job).succeeded
    after = home.bench.progress(found.artifact)
    assert (after.outputs, after.gates, after.failure) == (before.outputs, before.gates, None)
    assert home.position(found.artifact).state == "approved"


def test_a_signed_document_that_was_stopped_is_published_by_another_try(home: Deployment) -> None:
    """Stopped by something that was mended since, such as a target that held other bytes: `run ARTIFACT` publishes it."""
    found = put_up(home.bench, document(), run_id="run-1")
    add_partitions(home.instance, home.bench)
    sign(home, found.artifact, *LEADERS)
    with home.bench.database.write() as tx:
        who = payer(found.artifact, ("organisation/test", 1), step="published")
        who = dataclasses.replace(who, policy_sha256=home.bench.policy.sha256)
        record_failure(tx, who, "a criterion is not met", permanent=True)
    assert (home.position(found.artifact).state, home.run(found.artifact)) == ("held", [])
    assert [done.job for done in home.run(found.artifact, retry_held=True)] == ["publish"]
    assert home.position(found.artifact).state == "published"


def test_a_document_that_cannot_be_signed_is_not_tried_again(home: Deployment) -> None:
    """Only who wrote it can write it anew."""
    wrong = ({"item": "the books balance", "state": "they do not"},)
    found = put_up(home.bench, document(record_checks=wrong), run_id="run-1")
    add_partitions(home.instance, home.bench)
    assert home.position(found.artifact).state == "held"
    assert home.run(found.artifact, retry_held=True) == []


def test_leaders_may_ask_for_changes_more_often_than_a_draft_is_reworked(home: Deployment) -> None:
    """A profile limits reworks because a model is paid for each; another edition of a document costs nothing."""
    for edition in range(4):
        found = put_up(home.bench, document(markdown=f"# Edition {edition}\n"), run_id="run-1")
        home.decide(found.artifact, "request_changes", name="Ines", role="technology")
    last = put_up(home.bench, document(markdown="# The last edition\n"), run_id="run-1")
    add_partitions(home.instance, home.bench)
    assert home.position(last.artifact).state == "awaiting_sign_off"
    sign(home, last.artifact, *LEADERS)
    home.run(last.artifact)
    assert home.position(last.artifact).state == "published"


def test_what_was_signed_under_another_policy_waits_to_be_put_up_again(home: Deployment) -> None:
    """By a person, or by the next run of the job that wrote it: no run of the workflow can."""
    found = put_up(home.bench, document(), run_id="run-1")
    add_partitions(home.instance, home.bench)
    sign(home, found.artifact, *LEADERS)
    later = home.with_policy({"profiles": {"fast": {"loops_max": 0}}})
    assert later.run(found.artifact) == []
    assert later.position(found.artifact).waiting_for.startswith("being put up again: ")
    assert not later.lane.run(found.artifact, "publish").succeeded


def test_who_put_it_up_may_not_sign_it(home: Deployment) -> None:
    found = put_up(home.bench, document(), run_id="run-1")
    with pytest.raises(DecisionRefused, match="author"):
        home.decide(found.artifact, "approve", name=home.bench.settings.user, role="finance")


def test_a_published_document_is_not_put_up_again(home: Deployment) -> None:
    found = put_up(home.bench, document(), run_id="run-1")
    add_partitions(home.instance, home.bench)
    sign(home, found.artifact, *LEADERS)
    home.run(found.artifact)
    with pytest.raises(AlreadyPublished):
        put_up(home.bench, document(markdown="# Another\n"), run_id="run-2")
