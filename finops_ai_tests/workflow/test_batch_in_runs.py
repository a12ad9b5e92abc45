"""An artifact whose draft is written in a batch: a run hands it over, another one goes on when it is answered."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from pytest_httpserver import HTTPServer

from finops_ai import ledger
from finops_ai.artifacts import record_output
from finops_ai.calls import AnswerPending, PaidCalls
from finops_ai.orchestration.sensors import batch_answers, work_due
from finops_ai.store import tables
from finops_ai_tests.calls.batch_provider import BatchProvider
from finops_ai_tests.calls.desk import BOUNDS, MESSAGES
from finops_ai_tests.calls.faulty_endpoint import body_of
from finops_ai_tests.deployment import Deployment
from finops_ai_tests.peer import quoting
from finops_ai_tests.records import PLAIN_PRICE, payer

STANDARD = {"input_usd_per_mtok": 0.25, "cached_input_usd_per_mtok": 0.025, "output_usd_per_mtok": 2.0}
BATCH = {"input_usd_per_mtok": 0.125, "cached_input_usd_per_mtok": 0.0125, "output_usd_per_mtok": 1.0}
PAID_NANO_USD = 900 * 125 + 100 * 1000


def writing(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A careful model's answer to the prompt of a draft."""
    facts = re.findall(r"^\[(F\d+)\] (.+)$", body["messages"][1]["content"], flags=re.MULTILINE)
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": quoting(facts)}}
    usage = {"prompt_tokens": 900, "completion_tokens": 100}
    return body_of("chat", model=body["model"], choices=[choice], usage=usage)


@pytest.fixture
def provider(httpserver: HTTPServer) -> BatchProvider:
    return BatchProvider(httpserver)


def in_batches(home: Deployment, provider: BatchProvider) -> Deployment:
    """Under a policy by which the full profile is answered in batches."""
    price = STANDARD | {"levels": {"batch": BATCH}}
    tier = {"engine": "openai", "model": "small", "base_url": provider.server.url_for("/v1"), "price": price}
    return home.with_policy({"tiers": {"economy": tier | {"service_levels": {"full": "batch"}}}})


def tick(home: Deployment, sensor: dg.SensorDefinition, cursor: str | None = None) -> dg.SensorResult:
    result = sensor(dg.build_sensor_context(cursor=cursor, resources={"workbench": home.bench}))
    assert isinstance(result, dg.SensorResult)
    return result


def handed_over(home: Deployment, artifact: str) -> None:
    """As the step does it, without a run."""
    paying = replace(payer(artifact, ("cost_centre", 10**9)), policy_sha256=home.bench.policy.sha256)
    calls = PaidCalls(database=home.bench.database, payer=paying)
    tier = home.bench.policy.tiers["economy"]
    with pytest.raises(AnswerPending):
        calls.complete(MESSAGES, tier_name="economy", tier=tier, bounds=BOUNDS, price=PLAIN_PRICE, level="batch")


def failures(home: Deployment) -> list[str]:
    with home.bench.database.read() as connection:
        return list(connection.scalars(sa.select(tables.step_failure.c.error)))


def test_a_draft_that_is_written_in_a_batch_is_waited_for_and_paid_once(
    home: Deployment, provider: BatchProvider
) -> None:
    home = in_batches(home, provider)
    artifact = home.submit(impact="high")
    (started,) = tick(home, work_due).run_requests or []
    (done,) = home.run(artifact)
    assert not done.succeeded, "Dagster knows no run that waits"
    here = home.position(artifact)
    assert (here.state, here.job) == ("producing", None)
    assert "the provider's batch batch_1 (since 20" in here.waiting_for
    assert failures(home) == []
    waiting = tick(home, batch_answers)
    assert not waiting.run_requests
    assert not tick(home, work_due).run_requests

    provider.answer("batch_1", writing)
    answered = tick(home, batch_answers, waiting.cursor)
    (request,) = answered.run_requests or []
    assert request.partition_key == artifact
    assert str(request.run_key).startswith(f"answered:{artifact}/draft/0/")
    assert request.run_key != started.run_key
    again = tick(home, batch_answers, answered.cursor)
    assert [r.run_key for r in again.run_requests or []] == [request.run_key], "asked for again, started once"

    (done,) = home.run(artifact)
    assert done.succeeded
    assert home.position(artifact).state == "awaiting_sign_off"
    assert not tick(home, batch_answers, answered.cursor).run_requests
    assert len(provider.batches) == 1
    books = home.books()
    assert (books.problems, books.open_reservations, books.suspense_nano_usd) == ((), 0, 0)
    with home.bench.database.read() as connection:
        assert ledger.spent(connection, artifact=artifact, kind="call").cost_nano_usd == PAID_NANO_USD
    draft = next(m for m in home.materializations(artifact) if m.asset_key.to_user_string() == "draft")
    assert "an answer already paid" in str(draft.metadata["written by"].value)


def test_the_command_lines_lane_collects_without_a_daemon(home: Deployment, provider: BatchProvider) -> None:
    home = in_batches(home, provider)
    handed_over(home, home.submit())
    provider.answer("batch_1")
    assert [found.state for found in home.lane.collect()] == ["settled"]


def test_what_expired_is_another_run_and_what_was_refused_is_held_for_a_person(
    home: Deployment, provider: BatchProvider
) -> None:
    """Asked again, a request that was refused would be refused again, for ever."""
    home = in_batches(home, provider)
    artifact = home.submit()
    handed_over(home, artifact)
    late = {"code": "batch_expired", "message": "not executed in time"}
    provider.end("batch_1", "expired", errors=[provider.line("batch_1", error=late)])
    (request,) = tick(home, batch_answers).run_requests or []
    assert request.partition_key == artifact
    assert home.position(artifact).waiting_for == (
        "another run (draft: the provider's batch batch_1: batch_expired: not executed in time)"
    )
    handed_over(home, artifact)
    assert "batch_2" in home.position(artifact).waiting_for
    refused = {"status_code": 400, "body": {"error": {"message": "no such model"}}}
    provider.end("batch_2", "completed", errors=[provider.line("batch_2", response=refused)])
    assert not tick(home, batch_answers).run_requests
    here = home.position(artifact)
    assert (here.state, here.job) == ("held", None)
    assert "no such model" in here.waiting_for
    assert home.books().problems == ()


def test_an_artifact_whose_draft_came_another_way_waits_for_no_batch(home: Deployment, provider: BatchProvider) -> None:
    home = in_batches(home, provider)
    artifact = home.submit()
    handed_over(home, artifact)
    assert home.bench.progress(artifact).pending_batch
    with home.bench.database.write() as tx:
        record_output(tx, payer(artifact), "d" * 64)
    assert home.bench.progress(artifact).pending_batch is None
