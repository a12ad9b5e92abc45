"""A report is read as its provider counts, or refused with the file, the field and the reason."""

import json
from typing import Any

import pytest

from finops_ai.pricing import Usage
from finops_ai.reconciliation import ReportRefused, Tally, read_reports
from finops_ai_tests.reconciliation.provider import HOUR, START, anthropic_page, file_of, openai_page, openai_row

CHAT: dict[str, Any] = {
    "id": "chatcmpl-1",
    "model": "model-a",
    "usage": {"prompt_tokens": 10, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}},
}
RESPONSE: dict[str, Any] = {
    "id": "resp-1",
    "model": "model-a",
    "usage": {"input_tokens": 10, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 4}},
}


def test_openai_counts_the_cached_tokens_within_the_input_and_groups_are_summed() -> None:
    rows = [
        openai_row("model-a", 2, (100, 40, 10, 7), project_id="one"),
        openai_row("model-a", 1, (50, 0, 0, 3), project_id="two"),
        openai_row("model-b", 1, (1, 0, 0, 1)),
    ]
    bucket = read_reports([file_of(openai_page({0: rows}))]).buckets[0]
    assert (bucket.start, bucket.end, bucket.requests_counted) == (START, START + HOUR, True)
    assert bucket.by_model["model-a"] == Tally(
        requests=3, input_tokens=150, cached_input_tokens=40, cache_write_input_tokens=10, output_tokens=10
    )
    assert set(bucket.by_model) == {"model-a", "model-b"}


def test_anthropic_counts_them_beside_it_and_they_are_added() -> None:
    row = {
        "model": "model-a",
        "uncached_input_tokens": 50,
        "cache_read_input_tokens": 40,
        "cache_creation": {"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 4},
        "output_tokens": 7,
    }
    bucket = read_reports([file_of(anthropic_page({0: [row]}))]).buckets[0]
    assert bucket.by_model["model-a"] == Tally(
        requests=None, input_tokens=100, cached_input_tokens=40, cache_write_input_tokens=10, output_tokens=7
    )


@pytest.mark.parametrize(
    "content",
    [[CHAT, RESPONSE], {"object": "list", "data": [CHAT, RESPONSE]}, None],
    ids=["a list", "a list object", "JSON lines"],
)
def test_single_responses_are_read_from(content: Any) -> None:
    lines = "\n".join(json.dumps(item) for item in (CHAT, RESPONSE)).encode()
    found = read_reports([file_of(lines if content is None else content)]).responses
    usage = Usage(input_tokens=10, cached_input_tokens=4, output_tokens=3)
    assert [(one.id, one.usage) for one in found] == [("chatcmpl-1", usage), ("resp-1", usage)]


def test_a_message_of_anthropic_has_its_cached_tokens_beside_the_input() -> None:
    usage = {"input_tokens": 10, "output_tokens": 3, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 2}
    found = read_reports([file_of({"id": "msg-1", "model": "model-a", "usage": usage})]).responses
    expected = Usage(input_tokens=17, cached_input_tokens=5, cache_write_input_tokens=2, output_tokens=3)
    assert found[0].usage == expected


def test_pages_may_lie_in_several_files_in_any_order_and_a_file_counts_once() -> None:
    row = openai_row("model-a", 1, (1, 0, 0, 1))
    first, last = openai_page({0: [row]}, next_page="page-2"), openai_page({1: [row]})
    files = [file_of(last), file_of(first, name="first"), file_of(last, name="copy")]
    assert [bucket.start for bucket in read_reports(files).buckets] == [START, START + HOUR]


_ROW = openai_row("model-a", 1, (1, 0, 0, 1))


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        (b"{", "", "neither JSON nor JSON lines"),
        (b"\xff", "", "not UTF-8"),
        (b"[]", "", "nothing in it"),
        (json.dumps(CHAT).encode() + b"\n{", "line 2", "neither JSON nor JSON lines"),
        ({"hello": 1}, "", "neither a page"),
        (openai_page({0: [_ROW | {"model": None}]}), "data[0].results[0].model", "group_by=model"),
        (openai_page({0: [_ROW | {"output_tokens": -1}]}), "data[0].results[0].output_tokens", "-1"),
        (
            openai_page({0: [_ROW | {"input_cached_tokens": 2}]}),
            "data[0].results[0].input_tokens",
            "less than its parts",
        ),
        (openai_page({0: [{"model": "a", "amount": {}}]}), "data[0].results[0].input_tokens", "missing"),
        (openai_page({0: [_ROW]}, next_page="page-2"), "has_more", "page page-2"),
        ([openai_page({0: [_ROW]}), openai_page({0: [_ROW]})], "start", "overlaps"),
        ({"data": [{"results": []}]}, "data[0]", "neither start_time nor starting_at"),
        ({"data": [{"starting_at": "2026-11-01T00:00:00", "results": []}]}, "data[0].starting_at", "no time zone"),
        ({"data": [{"starting_at": "0001-01-01T00:00:00+14:00"}]}, "data[0].starting_at", "nothing was billed"),
        ([CHAT | {"usage": None}], "[0].usage", "an object"),
        ([CHAT | {"id": "\ud800"}], "[0].id", "a text"),
        ([CHAT, CHAT | {"usage": RESPONSE["usage"] | {"output_tokens": 4}}], "usage", "stands twice"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(content: Any, field: str, reason: str) -> None:
    good = file_of(openai_page({7: [_ROW]}), name="good.json")
    with pytest.raises(ReportRefused) as refused:
        read_reports([good, file_of(content, name="bad.json")])
    (problem,) = refused.value.problems
    assert (problem["file"], problem["field"]) == ("bad.json", field)
    assert reason in problem["reason"]
