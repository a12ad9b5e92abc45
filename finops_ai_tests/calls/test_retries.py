"""When a call is tried again, how long it waits, and when it gives up."""

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from finops_ai.calls import CallFailed, CallRefused
from finops_ai.calls.failures import retry_after_s
from finops_ai.policy import Tier
from finops_ai_tests.calls.desk import USED, WORST_CASE, Desk, error

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
IN_90_S = format_datetime(NOW + timedelta(seconds=90), usegmt=True)
LONG_AGO = format_datetime(NOW - timedelta(days=1), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": IN_90_S}, 90),
        ({"retry-after": LONG_AGO}, 0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "7"}, 7),
    ],
)
def test_a_provider_asks_to_wait_in_seconds_milliseconds_or_by_a_date(
    headers: dict[str, str], wait_s: float | None
) -> None:
    assert retry_after_s(headers, now=NOW) == wait_s


@pytest.mark.parametrize(("header", "least", "most"), [("-5", 0, 0), ("soon", 0.25, 0.5), ("8", 8, 8)])
def test_a_wish_to_wait_is_followed_and_nonsense_is_not(desk: Desk, header: str, least: float, most: float) -> None:
    """`time.sleep` refuses a negative time."""
    desk.provider.replies = [error(429, Retry_After=header), USED]
    assert desk.ask().attempts == 2
    assert least <= desk.slept[0] <= most


def test_a_wait_that_passes_the_limit_of_time_is_not_begun(desk: Desk) -> None:
    """A day in a header is a day without a run."""
    desk.provider.replies = [error(429, Retry_After="86400")]
    with pytest.raises(
        CallFailed, match=r"would start 86400\.0 s after the first, beyond the limit of 300 s.*HTTP 429"
    ):
        desk.ask()
    assert desk.slept == []
    assert desk.books() == (0, 0, 0)


def test_no_attempt_starts_later_than_the_limit_after_the_first(desk: Desk) -> None:
    """Each wait is short enough; together they are not."""
    desk.provider.replies = [error(429, Retry_After="4")]
    with pytest.raises(CallFailed, match=r"would start 12\.0 s after the first"):
        desk.ask(attempts_max=10, time_max_s=10)
    assert desk.slept == [4, 4]
    assert desk.outcomes() == ["released"] * 3


def test_an_endpoint_that_asks_not_to_be_tried_again_is_not(desk: Desk) -> None:
    desk.provider.replies = [error(500, x_should_retry="false")]
    with pytest.raises(CallFailed, match="as the endpoint asks"):
        desk.ask()
    assert desk.outcomes() == ["suspended"]


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (429, "insufficient_quota", "quota used up"),
        (400, "context_length_exceeded", "context overflow"),
        (400, "content_filter", "content policy"),
        (500, "context_length_exceeded", "context overflow"),
    ],
)
def test_what_no_repetition_mends_is_not_repeated(desk: Desk, status: int, code: str, told: str) -> None:
    desk.provider.replies = [error(status, code=code)]
    with pytest.raises(CallRefused, match=told):
        desk.ask()
    assert len(desk.provider.requests) == 1
    assert desk.outcomes() == ["suspended" if status == 500 else "released"]


@pytest.mark.parametrize(
    ("api", "event"),
    [
        ("chat", {"error": {"message": "no", "code": "insufficient_quota"}}),
        ("responses", {"type": "error", "message": "no", "code": "insufficient_quota"}),
        ("responses", {"type": "response.failed", "response": {"error": {"code": "insufficient_quota"}}}),
    ],
)
def test_an_error_that_comes_as_an_event_is_one(desk: Desk, api: str, event: dict[str, Any]) -> None:
    """The status was 200, since it was sent before anything was known."""
    desk.provider.replies = [(200, f"data: {json.dumps(event)}\n\n", {"Content-Type": "text/event-stream"})]
    with pytest.raises(CallRefused, match="quota used up"):
        desk.ask(api=api, stream=True)
    assert len(desk.provider.requests) == 1


def test_an_attempt_may_take_as_long_as_its_time_out_and_not_as_long_as_each_of_its_waits(desk: Desk) -> None:
    """Bytes that drip are no progress."""

    def drip() -> Any:
        for _ in range(40):
            time.sleep(0.05)
            yield b" "

    desk.provider.body = drip
    started = time.monotonic()
    with pytest.raises(CallFailed, match=r"not complete after 0\.2 s"):
        desk.ask(timeout_s=0.2, attempts_max=1)
    assert time.monotonic() - started < 1
    assert desk.books() == (WORST_CASE, 0, WORST_CASE)


def test_an_attempt_is_named_twice_by_one_value(desk: Desk) -> None:
    """Some endpoints keep the one header, some the other: either finds the attempt in a provider's records."""
    desk.provider.replies = [error(503), USED]
    desk.ask()
    named = [(r.headers["Idempotency-Key"], r.headers["X-Client-Request-Id"]) for r in desk.provider.requests]
    assert all(key == request for key, request in named)
    assert len(set(named)) == 2


def test_a_redirect_is_not_followed(desk: Desk) -> None:
    """It would take the prompt to somebody whom the policy does not name."""
    desk.provider.replies = [error(307, Location="/v1/responses"), USED]
    with pytest.raises(CallRefused, match="HTTP 307"):
        desk.ask()
    assert [request.path for request in desk.provider.requests] == ["/v1/chat/completions"]


def test_half_a_character_in_a_prompt_is_refused_before_anything_is_held(desk: Desk) -> None:
    with pytest.raises(CallRefused, match="half a character"):
        desk.ask(messages=[{"role": "user", "content": "a\ud800"}])
    assert desk.outcomes() == []


@pytest.mark.parametrize("base_url", ["http://[", "ftp://127.0.0.1/v1", "no address"])
def test_an_address_that_is_none_costs_nothing(desk: Desk, base_url: str) -> None:
    with pytest.raises(CallRefused):
        desk.ask(base_url=base_url)
    assert desk.books() == (0, 0, 0)


@pytest.mark.parametrize(("name", "value"), [("time_max_s", 0.5), ("timeout_s", 0), ("api", "completions")])
def test_a_tier_refuses_what_cannot_be_meant(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Tier.model_validate({"engine": "openai", "model": "m", name: value})
