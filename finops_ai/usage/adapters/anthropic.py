"""Anthropic's organisation reports: usage_report/messages, and cost_report.

Belongs here: their fields. Does not: pages and buckets (`_buckets`). Input is counted without what was read from a cache or
written to one: the parts are added up. Requests are not counted. Costs are decimal texts in cents, without Priority Tier.
Field names: platform.claude.com/docs/en/api/admin.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from finops_ai.usage.adapters._buckets import bucket_id, read_pages
from finops_ai.usage.fields import count, level_of, mapping, text, time, usd
from finops_ai.usage.model import UsageEvent
from finops_ai.usage.reading import Item, LogFile, Note, Options, WrongValue

CENTS_PER_USD = 100
FOR_AN_HOUR = Note("writes to a cache for an hour: a price book prices them as those for five minutes, which is less")
_USAGE_KEYS = (
    "model", "workspace_id", "api_key_id", "account_id", "service_account_id", "service_tier", "context_window",
    "inference_geo", "speed",
)  # fmt: skip
_COST_KEYS = (
    "description", "cost_type", "token_type", "model", "workspace_id", "service_tier", "context_window", "inference_geo",
    "speed",
)  # fmt: skip


def read(log: LogFile, options: Options) -> Iterator[Item]:
    """A result with an `amount` is a cost, any other is usage."""
    return read_pages(log, bounds=_bounds, result=_result)


def _bounds(bucket: Mapping[str, Any]) -> tuple[datetime, datetime]:
    return time(bucket, "starting_at"), time(bucket, "ending_at")


def _result(values: Mapping[str, Any], start: datetime, end: datetime) -> Iterator[Item]:
    if "amount" in values:
        yield _cost(values, start, end)
        return
    created = mapping(values, "cache_creation")
    for_an_hour = count(created, "ephemeral_1h_input_tokens", 0)
    written = count(created, "ephemeral_5m_input_tokens", 0) + for_an_hour
    cached = count(values, "cache_read_input_tokens", 0)
    yield UsageEvent(
        event_id=bucket_id("anthropic", "usage", start, end, values, _USAGE_KEYS),
        source="anthropic",
        started_at=start,
        ended_at=end,
        provider="anthropic",
        model=text(values, "model"),
        workload=text(values, "workspace_id", "api_key_id"),
        user=text(values, "account_id", "service_account_id"),
        level=level_of(text(values, "service_tier")),
        requests=0,
        input_tokens=count(values, "uncached_input_tokens") + cached + written,
        cached_input_tokens=cached,
        cache_write_input_tokens=written,
        output_tokens=count(values, "output_tokens"),
    )
    if for_an_hour:
        yield FOR_AN_HOUR


def _cost(values: Mapping[str, Any], start: datetime, end: datetime) -> UsageEvent:
    if (currency := text(values, "currency").upper()) != "USD":
        raise WrongValue("currency", f"{currency!r}: only US dollars are kept")
    amount = usd(values, "amount", per_usd=CENTS_PER_USD)
    if amount is None:
        raise WrongValue("amount", "missing; an amount is expected")
    return UsageEvent(
        event_id=bucket_id("anthropic", "cost", start, end, values, _COST_KEYS),
        source="anthropic",
        record="cost",
        started_at=start,
        ended_at=end,
        provider="anthropic",
        model=text(values, "model"),
        workload=text(values, "workspace_id"),
        operation=text(values, "description", "token_type", "cost_type"),
        level=level_of(text(values, "service_tier")),
        requests=0,
        cost_nano_usd=amount,
        price_basis="reported",
    )
