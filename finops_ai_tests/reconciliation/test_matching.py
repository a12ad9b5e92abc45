"""A decision is taken only where a report can be understood in one way."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from finops_ai.pricing import Usage
from finops_ai.reconciliation import PROVIDERS, Call, Decided, Difference, Tally, decide, read_reports
from finops_ai.reconciliation.matching import CALL_SECONDS_MAX, divided, family
from finops_ai_tests.reconciliation.provider import (
    HOUR,
    NOW,
    START,
    anthropic_page,
    file_of,
    openai_page,
    openai_row,
)
from finops_ai_tests.records import PLAIN_PRICE

MINUTE = timedelta(minutes=1)
USED = Usage(input_tokens=100, cached_input_tokens=40, output_tokens=10)


def call(number: int, **changes: Any) -> Call:
    at: datetime = changes.pop("at", START + 30 * MINUTE)
    values: dict[str, Any] = {
        "reservation": f"call-{number}",
        "artifact": "a",
        "step": "draft",
        "loop": 0,
        "provider": "api.openai.com",
        "model": "gpt-5-mini",
        "price": PLAIN_PRICE,
        "held_nano_usd": 200,
        "at": at,
        "until": at + timedelta(seconds=CALL_SECONDS_MAX),
        "state": "suspended",
    }
    return Call(**(values | changes))


def settled(number: int, usage: Usage = USED, **changes: Any) -> Call:
    return call(number, state="settled", usage=usage, **changes)


def row(requests: int, *usages: Usage, model: str = "gpt-5-mini-2025-08-07") -> dict[str, Any]:
    tokens = [
        (one.input_tokens, one.cached_input_tokens, one.cache_write_input_tokens, one.output_tokens) for one in usages
    ]
    return openai_row(model, requests, [sum(each) for each in zip(*tokens, strict=True)] or [0, 0, 0, 0])


def decided(calls: Sequence[Call], page: Any, *, fetched_at: datetime = NOW, now: datetime = NOW) -> Decided:
    found = decide(read_reports([file_of(page, fetched_at=fetched_at)]), calls, providers=PROVIDERS, now=now)
    return Decided(
        resolved=tuple(item for one in found for item in one.resolved),
        corrected=tuple(item for one in found for item in one.corrected),
        left=tuple(item for one in found for item in one.left),
        differences=tuple(item for one in found for item in one.differences),
    )


def refused(found: Decided, why: str, count: int = 1) -> None:
    assert not found.resolved
    assert len(found.left) == count
    assert why in found.left[0].why


def test_no_more_in_the_report_than_on_the_books_means_not_billed() -> None:
    found = decided([settled(1), call(2), call(3)], openai_page({0: [row(1, USED)]}))
    assert [(item.call.reservation, item.usage) for item in found.resolved] == [("call-2", None), ("call-3", None)]
    assert not found.left
    assert not found.differences


def test_requests_without_tokens_were_not_billed_either() -> None:
    found = decided([call(1)], openai_page({0: [row(1)]}))
    assert [item.usage for item in found.resolved] == [None]


def test_the_rest_of_the_report_is_that_of_the_one_call_in_suspense() -> None:
    found = decided([settled(1), call(2)], openai_page({0: [row(2, USED, USED)]}))
    (item,) = found.resolved
    assert (item.usage, item.estimated, item.cost_nano_usd, item.released_nano_usd) == (USED, False, 100, 100)


def test_the_rest_is_divided_over_all_calls_in_suspense_by_what_they_held() -> None:
    found = decided([call(1), call(2, held_nano_usd=100)], openai_page({0: [row(2, USED, USED)]}))
    assert [item.estimated for item in found.resolved] == [True, True]
    inputs = [item.usage.input_tokens for item in found.resolved if item.usage]
    assert sum(inputs) == 200
    assert inputs[0] > inputs[1]


def test_a_report_without_request_counts_speaks_of_one_call_only() -> None:
    used = {
        "model": "gpt-5-mini",
        "uncached_input_tokens": 60,
        "cache_read_input_tokens": 40,
        "cache_creation": None,
        "output_tokens": 10,
    }
    page, host = anthropic_page({0: [used]}), "api.anthropic.com"
    assert [item.usage for item in decided([call(1, provider=host)], page).resolved] == [USED]
    refused(decided([call(1, provider=host), call(2, provider=host)], page), "counts no requests", 2)


@pytest.mark.parametrize(
    ("calls", "results", "why"),
    [
        ([call(1), call(2)], [row(1, USED)], "1 of 2 calls"),
        ([call(1)], [row(2, USED)], "others use this account"),
        ([call(1)], [row(0, USED)], "no request beyond"),
        ([settled(1), call(2)], [row(1, Usage(input_tokens=50, cached_input_tokens=0, output_tokens=9))], "no request"),
        ([settled(1), call(2)], [], "less than is booked"),
        (
            [settled(1), call(2)],
            [row(2, replace(USED, output_tokens=99, cached_input_tokens=0))],
            "less than is booked",
        ),
        ([call(1)], [row(1, USED, USED, USED)], "were held"),
        ([settled(1, estimated=True), call(2)], [row(2, USED, USED)], "is an estimate"),
        ([call(1), call(2, state="open")], [row(1, USED)], "no outcome yet"),
        ([call(1, at=START + 55 * MINUTE)], [row(1, USED)], "beyond the edge"),
        ([call(1), settled(2, at=START - MINUTE)], [row(1, USED)], "beyond the edge"),
        ([call(1)], [row(1, USED, model="alias-of-it")], "another name"),
    ],
)
def test_a_call_stays_in_suspense_where(calls: list[Call], results: list[Any], why: str) -> None:
    found = decided(calls, openai_page({0: results}))
    refused(found, why, sum(one.state == "suspended" for one in calls))


def test_a_bucket_that_may_still_grow_decides_nothing() -> None:
    page = openai_page({0: [row(0)]})
    for moments in ({"fetched_at": START + 1.5 * HOUR}, {"now": START + 1.5 * HOUR}):
        refused(decided([call(1)], page, **moments), "may still grow")
    assert decided([call(1)], page, fetched_at=START + 2 * HOUR).resolved


def test_a_call_on_the_border_of_two_buckets_joins_them() -> None:
    late = call(1, at=START + 55 * MINUTE)
    apart = [settled(2, at=START + 10 * MINUTE), settled(3, at=START + 90 * MINUTE)]
    page = openai_page({0: [row(1, USED)], 1: [row(2, USED, USED)]})
    assert [item.usage for item in decided([late, *apart], page).resolved] == [USED]
    gap = openai_page({0: [row(1, USED)], 2: [row(2, USED, USED)]})
    refused(decided([late, *apart], gap), "beyond the edge")


def test_a_batch_may_be_billed_long_after_its_reservation() -> None:
    batch = call(1, state="open", at=START - 20 * HOUR, until=START + 4 * HOUR)
    refused(decided([batch, call(2)], openai_page({0: [row(1, USED)], 1: []})), "beyond the edge")


def test_a_difference_without_suspense_is_listed_and_never_booked() -> None:
    found = decided([settled(1)], openai_page({0: [row(2, USED, USED), row(1, USED, model="other")]}))
    assert not found.resolved
    assert [(one.model, one.report.requests, one.ledger.requests) for one in found.differences] == [
        ("gpt-5-mini", 2, 1),
        ("other", 1, 0),
    ]


def test_calls_of_another_provider_are_not_touched() -> None:
    found = decided([call(1, provider="gateway.example")], openai_page({0: [row(1, USED)]}))
    assert not found.resolved
    assert len(found.differences) == 1


@pytest.mark.parametrize(
    "dated", ["gpt-5-mini-2025-08-07", "gpt-5-mini-20250807", "gpt-5-mini-0807", "openai/gpt-5-mini"]
)
def test_a_dated_name_is_the_same_model(dated: str) -> None:
    assert family(dated) == family("gpt-5-mini") == "gpt-5-mini"
    assert family("gpt-5-mini-high") != "gpt-5-mini"


RESPONSE = {
    "id": "resp-1",
    "model": "gpt-5-mini-2025-08-07",
    "usage": {"input_tokens": 100, "output_tokens": 10, "input_tokens_details": {"cached_tokens": 40}},
}


def test_a_response_resolves_its_call_and_nothing_else() -> None:
    found = decided([call(1), call(2, response_id="resp-1")], [RESPONSE])
    assert [(item.call.reservation, item.usage, item.estimated) for item in found.resolved] == [("call-2", USED, False)]


@pytest.mark.parametrize("estimate", [USED, replace(USED, output_tokens=99)])
def test_a_response_takes_the_place_of_an_estimate_even_of_an_equal_one(estimate: Usage) -> None:
    found = decided([settled(1, estimate, estimated=True, response_id="resp-1")], [RESPONSE])
    assert [item.usage for item in found.corrected] == [USED]


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ([], "no reservation knows"),
        ([call(1, response_id="resp-1"), call(2, response_id="resp-1")], "2 reservations"),
        ([settled(1, replace(USED, output_tokens=11), response_id="resp-1")], "another count"),
        ([call(1, state="released", response_id="resp-1")], "released"),
        ([call(1, state="not_billed", response_id="resp-1")], "not billed"),
        ([call(1, model="gpt-5", response_id="resp-1")], "answered by"),
    ],
)
def test_a_response_changes_nothing_and_is_listed_where(known: list[Call], why: str) -> None:
    found = decided(known, [RESPONSE])
    assert not found.resolved
    assert not found.corrected
    assert why in found.differences[0].why


def test_a_settled_call_with_the_same_count_is_no_difference() -> None:
    assert decided([settled(1, response_id="resp-1")], [RESPONSE]) == Decided()


def test_the_buckets_are_read_with_what_the_responses_leave() -> None:
    page = [RESPONSE, openai_page({0: [row(2, USED, USED)]})]
    found = decided([call(1), call(2, response_id="resp-1")], page)
    assert [(item.call.reservation, item.estimated) for item in found.resolved] == [
        ("call-2", False),
        ("call-1", False),
    ]


usages = st.builds(
    lambda fresh, cached, written, output: Usage(
        input_tokens=fresh + cached + written,
        cached_input_tokens=cached,
        cache_write_input_tokens=written,
        output_tokens=output,
    ),
    *[st.integers(0, 30)] * 4,
)


@given(usage=usages, holds=st.lists(st.integers(0, 1000), min_size=1, max_size=6))
@hypothesis_settings(max_examples=50, deadline=None)
def test_a_division_loses_no_token(usage: Usage, holds: list[int]) -> None:
    parts = [part for _, part in divided(usage, [call(n, held_nano_usd=held) for n, held in enumerate(holds)])]
    for meter, total in usage.meters().items():
        assert sum(part.meters()[meter] for part in parts) == total


# minute of the call, settled or suspended, billed or not, usage, seconds until it is billed
truths = st.lists(
    st.tuples(st.integers(1, 168), st.booleans(), st.booleans(), usages, st.integers(0, CALL_SECONDS_MAX)), max_size=6
)


@given(truth=truths, hours=st.sets(st.integers(0, 2), min_size=1), shape=st.sampled_from(["openai", "anthropic"]))
@hypothesis_settings(max_examples=200, deadline=None)
def test_what_is_resolved_never_contradicts_the_truth(
    truth: list[tuple[int, bool, bool, Usage, int]], hours: set[int], shape: str
) -> None:
    calls, billed = [], []
    for number, (minute, is_settled, is_billed, usage, delay_s) in enumerate(truth):
        at = START + minute * MINUTE
        provider = f"api.{shape}.com"
        calls.append(settled(number, usage, at=at) if is_settled else call(number, at=at))
        calls[-1] = replace(calls[-1], provider=provider)
        if is_settled or is_billed:
            billed.append((at + timedelta(seconds=delay_s), usage, number))
    found = decided(calls, _report(shape, hours, billed))
    by_number = {f"call-{number}": usage for _, usage, number in billed}
    exact = [item for item in found.resolved if not item.estimated]
    for item in exact:
        true = by_number.get(item.call.reservation)
        assert item.usage == true or (item.usage is None and true is not None and not any(true.meters().values()))
    shared = [item for item in found.resolved if item.estimated]
    total = Tally().combined(Tally())
    for said in {item.how for item in shared}:
        group = [item for item in shared if item.how == said]
        booked, true_sum = total, total
        for item in group:
            booked = booked.combined(_tally(item.usage))
            true_sum = true_sum.combined(_tally(by_number.get(item.call.reservation)))
        assert booked == true_sum
    touched = [item.call for item in found.resolved] + [item.call for item in found.left]
    assert {one.state for one in touched} <= {"suspended"}


def _tally(usage: Usage | None) -> Tally:
    if usage is None:
        return Tally()
    return Tally(
        input_tokens=usage.input_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        cache_write_input_tokens=usage.cache_write_input_tokens,
        output_tokens=usage.output_tokens,
    )


def _report(shape: str, hours: set[int], billed: list[tuple[datetime, Usage, int]]) -> dict[str, Any]:
    inside = {hour: [usage for at, usage, _ in billed if (at - START) // HOUR == hour] for hour in sorted(hours)}
    if shape == "openai":
        return openai_page({hour: [row(len(used), *used)] if used else [] for hour, used in inside.items()})
    rows = {
        hour: [
            {
                "model": "gpt-5-mini",
                "uncached_input_tokens": one.meters()["input_tokens"],
                "cache_read_input_tokens": one.cached_input_tokens,
                "cache_creation": {"ephemeral_5m_input_tokens": one.cache_write_input_tokens},
                "output_tokens": one.output_tokens,
            }
            for one in used
        ]
        for hour, used in inside.items()
    }
    return anthropic_page(rows)


def test_the_value_of_a_difference_says_where_it_lies() -> None:
    (found,) = decided([], openai_page({3: [row(1, USED)]})).differences
    assert found == Difference(
        provider="api.openai.com/openai",
        model="gpt-5-mini",
        start=START + 3 * HOUR,
        end=START + 4 * HOUR,
        report=replace(_tally(USED), requests=1),
        ledger=Tally(requests=0),
        why="not in the books",
    )
