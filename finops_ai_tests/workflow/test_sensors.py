"""What happens while nobody watches, and that a sensor can only ask."""

from dataclasses import replace

import dagster as dg
from pytest_httpserver import HTTPServer

from finops_ai import ledger
from finops_ai.orchestration.build import build_definitions
from finops_ai.orchestration.sensors import budget_alerts, inbox, sign_off, work_due
from finops_ai.store import tables
from finops_ai_tests.deployment import Deployment, write_brief
from finops_ai_tests.records import without_guard


def tick(home: Deployment, sensor: dg.SensorDefinition, cursor: str | None = None) -> dg.SensorResult:
    context = dg.build_sensor_context(
        instance=home.instance,
        cursor=cursor,
        resources={"workbench": home.bench},
        definitions=build_definitions({"workbench": home.bench}),
    )
    result = sensor(context)
    return result if isinstance(result, dg.SensorResult) else dg.SensorResult(skip_reason=result)  # type: ignore[arg-type]  # else a SkipReason


def test_a_brief_in_the_inbox_becomes_an_artifact_once(home: Deployment) -> None:
    folder = home.bench.settings.inbox
    write_brief(folder)
    (request,) = tick(home, inbox).dynamic_partitions_requests or []
    assert len(list(request.partition_keys)) == 1
    assert [path.name for path in (folder / "accepted").iterdir()] == ["brief.yaml"]
    write_brief(folder, name="again.yaml")
    (again,) = tick(home, inbox).dynamic_partitions_requests or []
    assert again.partition_keys == request.partition_keys


def test_a_wrong_brief_is_put_aside_with_its_reason_and_stops_no_other(home: Deployment) -> None:
    folder = home.bench.settings.inbox
    write_brief(folder, name="b-good.yaml")
    write_brief(folder, name="a-wrong.yaml", budget_usd=-1)
    assert tick(home, inbox).dynamic_partitions_requests
    reason = (folder / "refused" / "a-wrong.reason.txt").read_text()
    assert "budget_usd" in reason


def test_a_submitted_artifact_is_run_once(home: Deployment) -> None:
    artifact = home.submit(impact="high")
    (request,) = tick(home, work_due).run_requests or []
    assert (request.job_name, request.partition_key) == ("produce", artifact)
    home.run(artifact)
    assert not tick(home, work_due).run_requests


def test_requested_changes_ask_for_rework_under_a_key_of_their_own(home: Deployment) -> None:
    artifact = home.submit(impact="medium")
    (first,) = tick(home, work_due).run_requests or []
    home.run(artifact)
    home.decide(artifact, "request_changes", name="Bo", role="business", reason="drop F1")
    (request,) = tick(home, work_due).run_requests or []
    assert request.job_name == "rework"
    assert request.run_key != first.run_key


def test_sign_off_waits_for_the_quorum_and_moves_its_cursor(home: Deployment) -> None:
    artifact = home.submit(impact="high")
    home.run(artifact)
    first = home.decide(artifact, "approve", name="Lea", role="legal")
    result = tick(home, sign_off)
    assert (result.run_requests, result.cursor) == ([], str(first.id))
    second = home.decide(artifact, "approve", name="Bo", role="business")
    result = tick(home, sign_off, cursor=result.cursor)
    (request,) = result.run_requests or []
    assert request.partition_key == artifact
    assert request.run_key == f"publish:{artifact}:{second.packet_digest}:{second.id}"
    assert not tick(home, sign_off, cursor=result.cursor).run_requests


def test_a_cursor_set_back_by_hand_asks_for_nothing_that_is_done(home: Deployment) -> None:
    """Everybody who sees the web UI can edit a cursor."""
    artifact = home.submit()
    home.run(artifact)
    assert not tick(home, sign_off, cursor="0").run_requests


def test_a_budget_that_passed_a_threshold_is_told_of(home: Deployment, httpserver: HTTPServer) -> None:
    """And where nobody is named, the tick says so instead of looking as if all were well."""
    httpserver.expect_request("/hook", method="POST").respond_with_data("")
    home.run(home.submit(budget_usd=0.000_001))
    assert "names nobody to tell" in str(tick(home, budget_alerts).skip_reason)
    url = httpserver.url_for("/hook").replace("http://", "json://")
    settings = replace(home.bench.settings, notify_urls=url)
    told = replace(home, bench=replace(home.bench, settings=settings))
    assert "alerts told, 0 kept" in str(tick(told, budget_alerts).skip_reason)
    assert "budget artifact/" in httpserver.log[0][0].get_data(as_text=True)
    assert "0 alerts told" in str(tick(told, budget_alerts).skip_reason)


def test_the_hourly_job_seals_the_books_and_fails_where_they_were_changed(home: Deployment) -> None:
    home.run(home.submit())
    job = build_definitions({"workbench": home.bench}).resolve_job_def("seal_ledger")
    assert job.execute_in_process(instance=home.instance).success
    with home.bench.database.read() as connection:
        assert ledger.prove(connection).unsealed_entries == 0
    with home.bench.database.write() as tx:
        without_guard(tx, tables.entry)
        tx.execute(tables.entry.update().values(quantity=0))
    assert not job.execute_in_process(instance=home.instance, raise_on_error=False).success
