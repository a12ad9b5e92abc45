"""Every attempt at a model is on the books, and what each way to fail means for them; over a real HTTP connection."""

import json
import socket
import subprocess
import sys
from threading import Thread
from typing import Any

import pytest

from finops_ai import ledger
from finops_ai.calls import Answer, CallFailed, CallRefused, NotPriced, estimated_input_tokens, estimated_tokens
from finops_ai.policy import TokenBounds
from finops_ai_tests.calls.desk import (
    MESSAGES,
    SCHEMA,
    USED,
    USED_NANO_USD,
    WORST_CASE,
    Desk,
    answer,
    error,
)

# --- an answer


def test_an_answer_is_booked_at_the_providers_own_count(desk: Desk) -> None:
    assert desk.ask() == Answer(
        text="One tenth. [F1]",
        reused=False,
        model="model-a",
        finish="stop",
        attempts=1,
        estimated=False,
        problem="",
        form="none",
    )
    assert desk.books() == (0, USED_NANO_USD, 0)
    assert desk.booked() == {"input_tokens": 20, "cached_input_tokens": 10, "output_tokens": 5}
    assert not any(entry.estimated for entry in desk.entries())


def test_a_request_carries_its_key_and_its_bound(desk: Desk) -> None:
    """Without the bound the worst case is no worst case; without the key a provider cannot tell a repetition."""
    desk.ask()
    (request,) = desk.provider.requests
    sent = json.loads(request.get_data())
    assert sent == {"model": "model-a", "messages": MESSAGES, "max_tokens": 50}
    assert len(request.headers["Idempotency-Key"]) == 32


def test_the_name_of_the_bound_is_the_endpoints_own(desk: Desk) -> None:
    desk.ask(max_tokens_parameter="max_completion_tokens")
    sent = json.loads(desk.provider.requests[0].get_data())
    assert sent["max_completion_tokens"] == 50
    assert "max_tokens" not in sent


def test_the_same_call_again_is_answered_from_the_records(desk: Desk) -> None:
    """A run that is started again after a crash must not pay again."""
    first = desk.ask()
    again = desk.ask()
    assert (again.text, again.reused) == (first.text, True)
    assert len(desk.provider.requests) == 1
    assert desk.books() == (0, USED_NANO_USD, 0)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"prompt_tokens": None, "completion_tokens": 5},
        {"completion_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}},
        {"prompt_tokens": -5, "completion_tokens": 5},
    ],
)
def test_an_answer_without_a_usable_count_is_booked_at_our_upper_estimate(
    desk: Desk, usage: dict[str, Any] | None
) -> None:
    desk.provider.replies = [answer("x" * 30, usage=usage)]
    desk.ask()
    assert desk.booked() == {"input_tokens": 3 + 8 + 6 + 8, "output_tokens": 10}
    assert all(entry.estimated for entry in desk.entries())


def test_a_provider_that_counts_more_than_was_held_is_paid_and_flagged(desk: Desk) -> None:
    desk.provider.replies = [answer(usage={"prompt_tokens": 500, "completion_tokens": 5})]
    desk.ask()
    assert desk.books() == (0, 510, 0)
    assert all(entry.overrun for entry in desk.entries())


@pytest.mark.parametrize("choices", [[], None, [None], [{}], [{"message": None}], ["x"]])
def test_an_answer_without_a_text_was_still_paid(desk: Desk, choices: Any) -> None:
    """Meter first, parse second."""
    status, body, headers = USED
    desk.provider.replies = [(status, json.dumps(json.loads(body) | {"choices": choices}), headers)]
    assert desk.ask().text == ""
    assert desk.books() == (0, USED_NANO_USD, 0)


def test_half_a_character_in_an_answer_does_not_stop_its_booking(desk: Desk) -> None:
    desk.provider.replies = [answer("a\ud800b")]
    assert desk.ask().text == "a\ud800b"
    assert desk.books() == (0, 25 + 2 * 2, 0)


# --- an answer of a given form


@pytest.mark.parametrize(
    ("structured", "sent"),
    [
        ("json_schema", {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}),
        ("json_object", {"type": "json_object"}),
        ("none", None),
    ],
)
def test_a_schema_is_sent_as_far_as_the_endpoint_takes_one(
    desk: Desk, structured: str, sent: dict[str, Any] | None
) -> None:
    desk.ask(schema=SCHEMA, structured=structured)
    desk.ask(structured=structured)
    with_schema, *without = desk.sent()
    assert with_schema.get("response_format") == sent
    assert ("response_format" in with_schema) == (sent is not None)
    assert all("response_format" not in request for request in without)


def test_another_schema_is_another_call_and_the_same_is_not(desk: Desk) -> None:
    """An answer in another form must not be taken from the records."""
    other = SCHEMA | {"additionalProperties": True}
    assert [desk.ask(schema=schema).reused for schema in (None, SCHEMA, other, SCHEMA)] == [False, False, False, True]
    assert len(desk.provider.requests) == 3


@pytest.mark.parametrize("structured", ["json_schema", "json_object", "none"])
def test_a_schema_counts_against_the_bound(desk: Desk, structured: str) -> None:
    needed = estimated_input_tokens(MESSAGES, SCHEMA)
    assert needed > 25 + estimated_tokens(json.dumps(SCHEMA)), "it may have to be told in words"
    narrow, enough = (TokenBounds(input_tokens_max=tokens, output_tokens_max=50) for tokens in (needed - 1, needed))
    with pytest.raises(CallRefused, match=f"more than the bound of {needed - 1}"):
        desk.ask(schema=SCHEMA, bounds=narrow, structured=structured)
    assert desk.provider.requests == []
    desk.ask(schema=SCHEMA, bounds=enough, structured=structured)


def test_a_schema_counts_in_the_estimate_that_is_booked(desk: Desk) -> None:
    desk.provider.replies = [answer("x" * 30)]
    desk.ask(schema=SCHEMA)
    assert desk.booked()["input_tokens"] == estimated_input_tokens(MESSAGES, SCHEMA)


def test_an_estimate_is_never_below_three_bytes_a_token() -> None:
    assert [estimated_tokens(text) for text in ("", "a", "abc", "abcd", "数据")] == [0, 1, 1, 2, 2]


# --- ways to fail


def test_a_rate_limit_costs_nothing_and_is_waited_for(desk: Desk) -> None:
    desk.provider.replies = [error(429, Retry_After="7"), USED]
    desk.ask()
    assert desk.slept == [7.0]
    assert desk.outcomes() == ["released", "settled"]
    assert desk.books() == (0, USED_NANO_USD, 0)
    keys = [request.headers["Idempotency-Key"] for request in desk.provider.requests]
    assert len(set(keys)) == 2, "another attempt is another hold, and so another key"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_refusal_is_released_and_not_repeated(desk: Desk, status: int) -> None:
    desk.provider.replies = [error(status)]
    with pytest.raises(CallRefused, match=f"HTTP {status}"):
        desk.ask()
    assert len(desk.provider.requests) == 1
    assert desk.outcomes() == ["released"]
    assert desk.books() == (0, 0, 0)


@pytest.mark.parametrize("status", [408, 409, 500, 503])
def test_an_error_of_the_provider_goes_to_suspense(desk: Desk, status: int) -> None:
    """It may have done the work and billed it before it failed."""
    desk.provider.replies = [error(status)]
    with pytest.raises(CallFailed, match="3 attempts failed"):
        desk.ask()
    assert len(desk.provider.requests) == 3
    assert desk.outcomes() == ["suspended"] * 3
    assert desk.books() == (3 * WORST_CASE, 0, 3 * WORST_CASE)
    assert len(desk.slept) == 2
    assert 0.25 <= desk.slept[0] <= 0.5 <= desk.slept[1] <= 1.0


def test_a_closed_port_costs_nothing(desk: Desk) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(CallFailed):
        desk.ask(base_url=f"http://127.0.0.1:{port}/v1", attempts_max=2)
    assert desk.outcomes() == ["released"] * 2
    assert desk.books() == (0, 0, 0)


def test_a_time_out_goes_to_suspense(desk: Desk) -> None:
    desk.provider.delay_s = 0.5
    with pytest.raises(CallFailed, match="Timeout"):
        desk.ask(timeout_s=0.2, attempts_max=1)
    assert desk.outcomes() == ["suspended"]
    assert desk.books() == (WORST_CASE, 0, WORST_CASE)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ("{", "application/json"),
        ("", "application/json"),
        ("<html>Sign in to the guest network</html>", "text/html"),
        ("[]", "application/json"),
        ('"text"', "application/json"),
        ("null", "application/json"),
    ],
)
def test_a_body_that_is_no_answer_goes_to_suspense(desk: Desk, body: str, media_type: str) -> None:
    """A page of a proxy, half an answer: somebody served something, and nobody knows what it cost."""
    desk.provider.replies = [(200, body, {"Content-Type": media_type})]
    with pytest.raises(CallFailed, match="unusable response"):
        desk.ask(attempts_max=1)
    assert desk.outcomes() == ["suspended"]
    assert desk.books() == (WORST_CASE, 0, WORST_CASE)


def test_a_connection_that_breaks_off_goes_to_suspense(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            connection, _ = server.accept()
            connection.recv(10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()

        thread = Thread(target=serve)
        thread.start()
        with pytest.raises(CallFailed):
            desk.ask(base_url=f"http://127.0.0.1:{server.getsockname()[1]}/v1", attempts_max=1)
        thread.join()
    assert desk.outcomes() == ["suspended"]


# --- what is refused before anything is sent


def test_a_budget_that_cannot_hold_the_worst_case_stops_the_call_before_it_is_made(desk: Desk) -> None:
    with pytest.raises(ledger.BudgetExceeded, match="cost_centre"):
        desk.ask(bounds=TokenBounds(input_tokens_max=100, output_tokens_max=451))
    assert desk.provider.requests == []
    assert desk.books() == (0, 0, 0)


def test_suspense_can_use_up_a_budget_in_the_middle_of_the_attempts(desk: Desk) -> None:
    desk.provider.replies = [error(500)]
    with pytest.raises(ledger.BudgetExceeded):
        desk.ask(bounds=TokenBounds(input_tokens_max=100, output_tokens_max=200))
    assert len(desk.provider.requests) == 2
    assert desk.books() == (1_000, 0, 1_000)


def test_a_prompt_that_passes_its_bound_is_refused_and_not_cut(desk: Desk) -> None:
    with pytest.raises(CallRefused, match="more than the bound of 24"):
        desk.ask(bounds=TokenBounds(input_tokens_max=24, output_tokens_max=50))
    desk.ask(bounds=TokenBounds(input_tokens_max=25, output_tokens_max=50))
    assert len(desk.provider.requests) == 1


def test_a_model_without_a_price_is_not_called(desk: Desk) -> None:
    """Unpriced is not free: what cannot be held must not be spent."""
    with pytest.raises(NotPriced, match=r"tiers\.standard\.price"):
        desk.ask(price=None)
    assert desk.provider.requests == []


def test_without_a_key_nothing_is_sent_and_with_one_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_MODEL_KEY", raising=False)
    with pytest.raises(CallRefused, match="TEST_MODEL_KEY"):
        desk.ask(api_key_env="TEST_MODEL_KEY")
    assert desk.provider.requests == []
    monkeypatch.setenv("TEST_MODEL_KEY", "k-123")
    desk.ask(api_key_env="TEST_MODEL_KEY")
    assert desk.provider.requests[0].headers["Authorization"] == "Bearer k-123"


def test_attempts_of_an_earlier_run_are_counted_on(desk: Desk) -> None:
    """A key that was used may stand for a call that was served: it is never used for another."""
    desk.provider.replies = [error(500), USED]
    with pytest.raises(CallFailed):
        desk.ask(attempts_max=1)
    assert not desk.ask(attempts_max=1).reused
    keys = {request.headers["Idempotency-Key"] for request in desk.provider.requests}
    assert len(keys) == 2
    assert desk.books() == (WORST_CASE, USED_NANO_USD, WORST_CASE)


def test_what_calls_a_model_is_loaded_where_a_model_is_called() -> None:
    """It takes a second: who only asks for a status must not wait for it."""
    script = "import sys, finops_ai.calls; print(sorted({'openai', 'httpx2', 'jsonschema'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
