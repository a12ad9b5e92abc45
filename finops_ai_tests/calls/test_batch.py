"""Calls that are answered in a batch: what is held, what is paid, and what becomes of one that is never answered."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from finops_ai import ledger
from finops_ai.calls import AnswerPending, CallError, CallFailed, CallRefused, Collected, collect
from finops_ai.calls.batch import GIVEN_UP_AFTER, Sent, result_of
from finops_ai.pricing import Price
from finops_ai.settings import Settings
from finops_ai.store import Database, open_database, tables
from finops_ai_tests.calls.batch_provider import BatchProvider, refusing
from finops_ai_tests.calls.desk import BOUNDS, MESSAGES, Desk
from finops_ai_tests.calls.faulty_endpoint import WORDS
from finops_ai_tests.records import at_once

HALF = Price(
    input_nano_usd=500_000,
    cached_input_nano_usd=250_000,
    output_nano_usd=1_000_000,
    source="test",
    version="1",
)
HELD = HALF.worst_case_nano_usd(input_tokens_max=BOUNDS.input_tokens_max, output_tokens_max=BOUNDS.output_tokens_max)
PAID = 20 // 2 + 5


@pytest.fixture
def provider(desk: Desk, httpserver: HTTPServer) -> BatchProvider:
    """At the address that the desk's tier names."""
    assert desk.provider.server is httpserver
    return BatchProvider(httpserver)


def hand_over(desk: Desk, **tier: Any) -> AnswerPending:
    with pytest.raises(AnswerPending) as raised:
        desk.ask(level="batch", price=HALF, **tier)
    return raised.value


def states(desk: Desk) -> list[str]:
    return [found.state for found in collect(desk.calls.database)]


def held(desk: Desk) -> tuple[int, int]:
    """Reserved and spent, with a call that is still open."""
    with desk.calls.database.read() as connection:
        assert ledger.check(connection).problems == ()
        row = connection.execute(sa.select(tables.budget)).one()
        return row.reserved_nano_usd, row.spent_nano_usd


# --- an answer


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_an_answer_of_a_batch_is_paid_once_and_at_the_price_of_a_batch(
    desk: Desk, provider: BatchProvider, api: str
) -> None:
    pending = hand_over(desk, api=api, stream=True)
    (line,) = provider.lines()
    asked_for = "messages" if api == "chat" else "input"
    assert (line["method"], line["url"]) == ("POST", "/v1/chat/completions" if api == "chat" else "/v1/responses")
    assert line["body"][asked_for] == MESSAGES
    assert "stream" not in line["body"]
    assert provider.batches[pending.batch_id]["metadata"] == {"custom_id": line["custom_id"]}
    assert provider.batches[pending.batch_id]["completion_window"] == "24h"
    assert hand_over(desk, api=api).batch_id == pending.batch_id, "the provider already has it"
    assert states(desk) == ["waiting"]
    assert held(desk) == (HELD, 0)
    provider.answer(pending.batch_id)
    assert states(desk) == ["settled"]
    assert states(desk) == []
    answer = desk.ask(level="batch", price=HALF, api=api)
    assert (answer.text, answer.reused, answer.estimated) == ("".join(WORDS), True, False)
    assert desk.books() == (0, PAID, 0)
    assert len(provider.batches) == 1
    assert desk.provider.requests == []
    with desk.calls.database.read() as connection:
        assert [terms["level"] for terms in connection.scalars(sa.select(tables.reservation.c.terms))] == ["batch"]


def test_a_call_that_is_in_a_batch_is_not_made_at_another_level_too(desk: Desk, provider: BatchProvider) -> None:
    """A policy that changed meanwhile must not pay for the same answer twice."""
    pending = hand_over(desk)
    with pytest.raises(AnswerPending, match=pending.batch_id):
        desk.ask()
    assert desk.provider.requests == []


def test_two_collectors_book_an_answer_once(desk: Desk, provider: BatchProvider, tmp_path: Path) -> None:
    provider.answer(hand_over(desk).batch_id)

    def work(_number: int) -> list[str]:
        return [found.state for found in collect(opened_again(tmp_path))]

    found = at_once(work, 2)
    assert found.count(["settled"]) == 1
    assert all(states in (["settled"], ["closed_elsewhere"], []) for states in found)
    assert desk.books() == (0, PAID, 0)


def opened_again(folder: Path) -> Database:
    """The desk's records, as another process opens them."""
    return open_database(Settings(home=folder / "home", user="operator"))


# --- no answer


def test_a_request_that_expired_is_given_back_and_may_be_tried_again(desk: Desk, provider: BatchProvider) -> None:
    first = hand_over(desk).batch_id
    late = {"code": "batch_expired", "message": "not executed before the completion window expired"}
    provider.end(first, "expired", errors=[provider.line(first, error=late)])
    (found,) = collect(desk.calls.database)
    assert (found.state, found.failed, found.permanent) == ("released", True, False)
    assert desk.books() == (0, 0, 0)
    assert "before the completion window" in desk.details()[0], "the provider's own words are the proof"
    second = hand_over(desk).batch_id
    assert second != first
    provider.answer(second)
    assert states(desk) == ["settled"]
    assert desk.books() == (0, PAID, 0)


def test_a_batch_that_is_not_valid_is_given_back_with_its_reason(desk: Desk, provider: BatchProvider) -> None:
    pending = hand_over(desk)
    provider.end(pending.batch_id, "failed")
    why = {"code": "model_not_found", "message": "no model-a in batches"}
    provider.batches[pending.batch_id]["errors"] = {"object": "list", "data": [why]}
    assert states(desk) == ["released"]
    assert desk.books() == (0, 0, 0)
    assert "no model-a in batches" in desk.details()[0]


def test_what_fails_again_and_again_is_told_to_a_person(desk: Desk, provider: BatchProvider) -> None:
    """A provider that fails at once would be asked for ever."""
    told = []
    for _ in range(3):
        provider.end(hand_over(desk).batch_id, "failed")
        told += [found.permanent for found in collect(desk.calls.database)]
    assert told == [False, False, True]


@pytest.mark.parametrize("end", ["says nothing", "lost its file"])
def test_a_finished_batch_without_our_line_stays_held_in_suspense(
    desk: Desk, provider: BatchProvider, end: str
) -> None:
    """It may have been served: only a report of the provider can tell."""
    batch_id = hand_over(desk).batch_id
    if end == "says nothing":
        other = provider.line(batch_id, custom_id="another", response={"status_code": 200, "body": {}})
        provider.end(batch_id, "completed", output=[other])
    else:
        provider.end(batch_id, "completed", output_file_id="file_gone")
    assert states(desk) == ["suspended"]
    assert desk.books() == (HELD, 0, HELD)


def test_what_is_done_along_with_a_closing_is_undone_with_it(desk: Desk, provider: BatchProvider) -> None:
    provider.answer(hand_over(desk).batch_id)

    def also(_tx: sa.Connection, _found: Collected) -> None:
        raise RuntimeError("power cut")

    assert [found.state for found in collect(desk.calls.database, also=also)] == ["unclear"]
    assert held(desk) == (HELD, 0)
    assert states(desk) == ["settled"]


SENT = Sent(
    tier_name="economy",
    api="chat",
    base_url=None,
    api_key_env=None,
    model="model-a",
    timeout_s=1,
    attempts_max=3,
    form="none",
    output_tokens_max=50,
    input_tokens=25,
)
ERROR = {"error": {"message": "too long", "code": "context_length_exceeded"}}


@pytest.mark.parametrize(
    ("line", "served", "permanent"),
    [
        ({"response": {"status_code": 400, "body": ERROR}}, False, True),
        ({"response": {"status_code": 429, "body": {}}}, False, False),
        ({"response": {"status_code": 500, "body": None}}, False, False),
        ({"response": None, "error": {"code": "batch_expired", "message": "late"}}, False, False),
        ({"response": None, "error": {"code": "batch_cancelled", "message": "stopped"}}, False, True),
        ({"response": None, "error": None}, True, False),
        ({"response": {"status_code": 200, "body": "text"}}, True, False),
        ({"response": {"status_code": 200, "body": {}}}, True, False),
        ({"response": {"status_code": True}}, True, False),
        ({"response": [1]}, True, False),
    ],
)
def test_a_line_without_an_answer_is_given_back_only_on_the_providers_word(
    line: dict[str, Any], *, served: bool, permanent: bool
) -> None:
    found: Any = result_of({"status": "completed"}, [{"custom_id": "c"} | line], custom_id="c", sent=SENT)
    assert (found.served, found.permanent) == (served, permanent)


# --- handing over


@pytest.mark.parametrize(
    ("path", "status", "raised", "outcome", "books"),
    [
        ("/v1/files", 500, CallFailed, "released", (0, 0, 0)),
        ("/v1/files", 401, CallRefused, "released", (0, 0, 0)),
        ("/v1/batches", 400, CallRefused, "released", (0, 0, 0)),
        ("/v1/batches", 429, CallFailed, "released", (0, 0, 0)),
        ("/v1/batches", 500, CallFailed, "suspended", (HELD, 0, HELD)),
        ("/v1/batches", 200, CallFailed, "suspended", (HELD, 0, HELD)),
    ],
)
def test_what_is_refused_before_a_batch_can_exist_is_given_back(
    desk: Desk,
    provider: BatchProvider,
    path: str,
    status: int,
    raised: type[CallError],
    outcome: str,
    books: tuple[int, int, int],
) -> None:
    provider.before = refusing(path, status)
    with pytest.raises(raised):
        desk.ask(level="batch", price=HALF)
    assert desk.outcomes() == [outcome]
    assert desk.books() == books
    assert provider.requests.count(("POST", path)) == 1, "each try is held by itself"


def test_a_batch_that_may_have_been_made_before_the_time_out_stays_held(desk: Desk, provider: BatchProvider) -> None:
    def slow(request: Request) -> Response | None:
        if request.path == "/v1/batches":
            time.sleep(0.5)
        return None

    provider.before = slow
    with pytest.raises(CallFailed, match=r"after 0\.2 s"):
        desk.ask(level="batch", price=HALF, timeout_s=0.2)
    assert desk.books() == (HELD, 0, HELD)


def test_a_process_that_dies_before_it_knows_its_batch_leaves_its_hold_in_suspense(
    desk: Desk, provider: BatchProvider, tmp_path: Path
) -> None:
    def kill(request: Request) -> Response | None:
        if request.path == "/v1/batches":
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        return None

    provider.before = kill
    if (pid := os.fork()) == 0:
        (tmp_path / "pid").write_text(str(os.getpid()))
        database = opened_again(tmp_path)
        try:
            Desk(replace(desk.calls, database=database), desk.provider, []).ask(level="batch", price=HALF)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
    assert held(desk) == (HELD, 0)
    with desk.calls.database.write() as tx:
        assert len(ledger.suspend_open(tx, desk.calls.payer)) == 1
    assert desk.books() == (HELD, 0, HELD)


def test_a_call_that_waits_for_its_batch_is_not_abandoned(desk: Desk, provider: BatchProvider) -> None:
    hand_over(desk)
    with desk.calls.database.write() as tx:
        assert ledger.suspend_open(tx, desk.calls.payer) == []


# --- a provider that is not there


@pytest.mark.parametrize("status", [503, 401, 404])
def test_a_provider_that_does_not_tell_is_asked_again(desk: Desk, provider: BatchProvider, status: int) -> None:
    batch_id = hand_over(desk).batch_id
    provider.answer(batch_id)
    provider.before = refusing(f"/v1/batches/{batch_id}", status)
    assert states(desk) == ["unclear"]
    assert held(desk) == (HELD, 0)
    provider.before = lambda _request: None
    assert states(desk) == ["settled"]


def test_a_file_that_cannot_be_read_now_is_read_later(desk: Desk, provider: BatchProvider) -> None:
    batch_id = hand_over(desk).batch_id
    provider.answer(batch_id)
    provider.before = refusing(f"/v1/files/{provider.batches[batch_id]['output_file_id']}/content", 500)
    assert states(desk) == ["unclear"]
    provider.before = lambda _request: None
    assert states(desk) == ["settled"]


def test_a_provider_that_nobody_reaches_is_reported_and_left(desk: Desk) -> None:
    with HTTPServer() as server:
        BatchProvider(server)
        hand_over(desk, base_url=server.url_for("/v1"))
    (found,) = collect(desk.calls.database)
    assert found.state == "unreachable"
    assert "APIConnectionError" in found.detail
    assert held(desk) == (HELD, 0)


def test_a_batch_that_its_provider_denies_is_given_up_after_two_days(
    desk: Desk, provider: BatchProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = hand_over(desk).batch_id
    del provider.batches[batch_id]
    assert states(desk) == ["unclear"]
    monkeypatch.setattr("finops_ai.calls.batch.GIVEN_UP_AFTER", -GIVEN_UP_AFTER)
    assert states(desk) == ["suspended"]
    assert desk.books() == (HELD, 0, HELD)
