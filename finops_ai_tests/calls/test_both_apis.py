"""The words of both APIs, in and out; and whether what came back is what was agreed."""

import json
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from finops_ai.calls import chat, responses
from finops_ai.calls.endpoint import APIS
from finops_ai.calls.events import EventData
from finops_ai.calls.metering import is_model, metered
from finops_ai.calls.wire import Asked
from finops_ai.store import tables
from finops_ai_tests.calls.desk import MESSAGES, Desk, Reply
from finops_ai_tests.calls.faulty_endpoint import WORDS, body_of, event, events_of, usage_of

TEXT = "".join(WORDS)
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
ASKED = Asked(
    model="model-a",
    messages=MESSAGES,
    schema=None,
    form="none",
    output_tokens_max=50,
    max_tokens_parameter="max_tokens",
    level="standard",
    stream=False,
    input_tokens=25,
)


def reply(body: Any) -> Reply:
    return 200, json.dumps(body), {"Content-Type": "application/json"}


# --- requests


def test_a_request_to_responses_is_bounded_and_not_stored_there() -> None:
    """An endpoint that was not told where to stop ran on after its client had given up."""
    assert responses.request_body(ASKED) == {
        "model": "model-a",
        "input": MESSAGES,
        "max_output_tokens": 50,
        "store": False,
    }


@pytest.mark.parametrize("api", [chat, responses])
def test_a_stream_is_asked_for_with_its_count(api: Any) -> None:
    body = api.request_body(replace(ASKED, stream=True))
    assert body["stream"] is True
    assert body.get("stream_options") == ({"include_usage": True} if api is chat else None)


@pytest.mark.parametrize("api", [chat, responses])
def test_flex_is_asked_for_by_name_and_standard_is_not(api: Any) -> None:
    assert api.request_body(replace(ASKED, level="flex"))["service_tier"] == "flex"
    assert "service_tier" not in api.request_body(ASKED)


def test_responses_is_held_to_a_form_in_its_own_words() -> None:
    def sent(form: Any) -> dict[str, Any]:
        return responses.request_body(replace(ASKED, schema=SCHEMA, form=form))

    strict = {"type": "json_schema", "name": "answer", "strict": True, "schema": SCHEMA}
    assert sent("json_schema")["text"] == {"format": strict}
    assert sent("json_object")["text"] == {"format": {"type": "json_object"}}
    assert "text" not in sent("plain")
    assert [len(sent(form)["input"]) for form in ("json_schema", "json_object", "plain")] == [2, 3, 3]


# --- answers


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_an_answer_reads_the_same_whole_and_streamed(api: str, *, stream: bool) -> None:
    words = APIS[api]
    body = body_of(api)
    if stream:
        gathering = words.gathering()
        for data, _ in events_of(api):
            gathering.add(data)
        assert gathering.ended
        body = gathering.body()
    found = words.read(body)
    assert (found.text, found.model, found.finish, found.beside) == (TEXT, "model-a", "stop", "")
    assert found.response_id == ("resp-1" if api == "responses" else "chat-1")
    cost = metered(found, ASKED, whole=True)
    assert (cost.usage.input_tokens, cost.usage.output_tokens, cost.estimated) == (20, 5, False)


def test_a_response_that_reached_its_bound_says_length() -> None:
    cut = body_of("responses", status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    assert responses.read(cut).finish == "length"


def test_text_that_comes_in_parts_is_put_together() -> None:
    parts = [{"type": "text", "text": "One "}, {"type": "image"}, {"type": "text", "text": "tenth"}]
    assert chat.read({"choices": [{"message": {"content": parts}}]}).text == "One tenth"


@pytest.mark.parametrize(
    ("api", "body"),
    [
        (chat, {"choices": [{"message": {"content": "abc", "reasoning_content": "x" * 300}}]}),
        (
            responses,
            {
                "output": [
                    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "x" * 300}]},
                    {"type": "message", "content": [{"type": "output_text", "text": "abc"}]},
                ]
            },
        ),
    ],
)
def test_an_estimate_counts_what_was_written_beside_the_text(api: Any, body: dict[str, Any]) -> None:
    """Reasoning is billed as output."""
    reading = api.read(body)
    assert reading.text == "abc"
    assert metered(reading, ASKED, whole=True).usage.output_tokens >= 101


def test_tokens_written_to_a_cache_are_counted() -> None:
    usage = usage_of("chat", read=20)
    usage["prompt_tokens_details"] = {"cached_tokens": 3, "cache_write_tokens": 4}
    counted = metered(chat.read(body_of("chat", usage=usage)), ASKED, whole=True).usage
    assert (counted.input_tokens, counted.cached_input_tokens, counted.cache_write_input_tokens) == (20, 3, 4)


NAMES = (
    *("id", "model", "choices", "message", "delta", "content", "output", "type", "text", "error", "status", "refusal"),
    *("response", "usage", "prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"),
    *("prompt_tokens_details", "cached_tokens"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.lists(json_values.filter(lambda value: isinstance(value, dict)), max_size=3),
    st.sampled_from(["chat", "responses"]),
)
def test_no_body_and_no_event_stops_its_own_booking(events: list[Any], api: str) -> None:
    words = APIS[api]
    gathering = words.gathering()
    for data in events:
        gathering.add(data)
        assert metered(words.read(data), ASKED, whole=True).usage.input_tokens > 0
    cost = metered(words.read(gathering.body()), ASKED, whole=False, pieces=len(events))
    assert cost.estimated
    assert cost.usage.output_tokens >= len(events)


# --- events


@given(st.lists(st.integers(1, 40), max_size=30), st.sampled_from(["\n", "\r\n", "\r"]))
def test_events_are_read_the_same_wherever_their_bytes_are_cut(cuts: list[int], line_end: str) -> None:
    sent = (b": comment\n\n" + event({"a": 1}, kind="x") + b"data: one\ndata: two\n\n" + event("[DONE]")).replace(
        b"\n", line_end.encode()
    )
    reader, found = EventData(), []
    for size in cuts:
        found += reader.feed(sent[:size])
        sent = sent[size:]
    found += reader.feed(sent)
    rest = reader.rest()  # with a bare "\r" the last line end may be half of one
    assert [*found, *([rest] if rest else [])] == [b'{"a": 1}', b"one\ntwo", b"[DONE]"]


def test_an_event_that_was_cut_is_what_is_left() -> None:
    reader = EventData()
    assert reader.feed(b"data: a\n\ndata: {hal") == [b"a"]
    assert reader.rest() == b"{hal"


# --- as agreed?


@pytest.mark.parametrize(
    ("answered", "asked", "same"),
    [
        ("gpt-5", "gpt-5", True),
        ("gpt-5-2025-08-07", "gpt-5", True),
        ("gpt-5-20250807", "gpt-5", True),
        ("gemini-3@20250807", "gemini-3", True),
        ("openai/gpt-5", "gpt-5", True),
        ("gpt-5-2025-08-07", "openai/gpt-5", True),
        ("gpt-5-mini", "gpt-5", False),
        ("gpt-5-mini-2025-08-07", "gpt-5", False),
        ("gpt-5", "gpt-5-2025-08-07", False),
        ("meta/model", "qwen/model", False),
        ("gpt-51", "gpt-5", False),
    ],
)
def test_a_model_is_known_by_its_name_a_date_after_it_or_a_provider_before_it(
    answered: str, asked: str, *, same: bool
) -> None:
    assert is_model(answered, asked) is same


def test_an_answer_of_another_model_is_booked_as_agreed_and_marked(desk: Desk) -> None:
    """Its price is not known here: what is booked is what was held, and people are told."""
    desk.provider.replies = [reply(body_of("chat", model="model-b"))]
    found = desk.ask()
    assert (found.model, found.estimated) == ("model-b", True)
    assert "answered by model-b" in desk.details()[0]
    assert {entry.model for entry in desk.entries()} == {"model-a"}
    assert desk.ask().model == "model-b", "and so it is told when it is reused"


def test_a_level_that_was_not_asked_for_is_marked(desk: Desk) -> None:
    desk.provider.replies = [reply(body_of("chat", service_tier="default"))]
    assert desk.ask(level="flex").estimated
    assert "served at level default" in desk.details()[0]
    with desk.calls.database.read() as connection:
        (terms,) = connection.scalars(sa.select(tables.reservation.c.terms))
    assert terms["level"] == "flex"


def test_the_responses_api_is_called_and_paid(desk: Desk) -> None:
    desk.provider.replies = [reply(body_of("responses"))]
    assert desk.ask(api="responses").text == TEXT
    assert [request.path for request in desk.provider.requests] == ["/v1/responses"]
    assert desk.booked() == {"input_tokens": 20, "output_tokens": 5}
    with desk.calls.database.read() as connection:
        assert list(connection.scalars(sa.select(tables.outcome.c.response_id))) == ["resp-1"]
    desk.provider.replies = [reply(body_of("chat"))]
    assert not desk.ask(api="chat").reused, "another API is another request"
