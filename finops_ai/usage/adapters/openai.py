"""OpenAI's organisation reports: /organization/usage/completions, and /organization/costs.

Belongs here: their fields. Does not: pages and buckets (`_buckets`). Input is counted with its cached part already.
Field names: openai/openai-openapi, `UsageCompletionsResult` and `CostsResult`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from finops_ai.usage.adapters._buckets import bucket_id, read_pages
from finops_ai.usage.fields import count, find, level_of, text, unix_time, usd
from finops_ai.usage.model import UsageEvent
from finops_ai.usage.reading import Item, LogFile, Note, Options, WrongValue

AUDIO = Note("tokens of audio among others: where the log gives no cost, all are priced as text")
_USAGE_KEYS = ("model", "project_id", "user_id", "api_key_id", "batch", "service_tier")
_COST_KEYS = ("line_item", "project_id", "api_key_id")


def read(log: LogFile, options: Options) -> Iterator[Item]:
    """A result with an `amount` is a cost, any other is usage."""
    return read_pages(log, bounds=_bounds, result=_result)


def _bounds(bucket: Mapping[str, Any]) -> tuple[datetime, datetime]:
    return unix_time(bucket, "start_time"), unix_time(bucket, "end_time")


def _result(values: Mapping[str, Any], start: datetime, end: datetime) -> Iterator[Item]:
    if "amount" in values:
        yield _cost(values, start, end)
        return
    yield UsageEvent(
        event_id=bucket_id("openai", "usage", start, end, values, _USAGE_KEYS),
        source="openai",
        started_at=start,
        ended_at=end,
        provider="openai",
        model=text(values, "model"),
        workload=text(values, "project_id", "api_key_id"),
        user=text(values, "user_id"),
        level="batch" if find(values, "batch") is True else level_of(text(values, "service_tier")),
        requests=count(values, "num_model_requests"),
        input_tokens=count(values, "input_tokens"),
        cached_input_tokens=count(values, "input_cached_tokens", 0),
        cache_write_input_tokens=count(values, "input_cache_write_tokens", 0),
        output_tokens=count(values, "output_tokens"),
    )
    if count(values, "input_audio_tokens", 0) + count(values, "output_audio_tokens", 0):
        yield AUDIO


def _cost(values: Mapping[str, Any], start: datetime, end: datetime) -> UsageEvent:
    if (currency := text(values, "amount.currency").upper()) != "USD":
        raise WrongValue("amount.currency", f"{currency!r}: only US dollars are kept")
    amount = usd(values, "amount.value")
    if amount is None:
        raise WrongValue("amount.value", "missing; an amount is expected")
    return UsageEvent(
        event_id=bucket_id("openai", "cost", start, end, values, _COST_KEYS),
        source="openai",
        record="cost",
        started_at=start,
        ended_at=end,
        provider="openai",
        workload=text(values, "project_id", "api_key_id"),
        operation=text(values, "line_item"),
        requests=0,
        cost_nano_usd=amount,
        price_basis="reported",
    )
