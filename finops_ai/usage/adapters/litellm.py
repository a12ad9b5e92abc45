"""LiteLLM's spend log (the table LiteLLM_SpendLogs), exported as JSON, JSON lines or CSV: one row for each attempt.

Belongs here: its fields. Does not: prices. The cache split has no column: it is in `metadata.usage_object`. `spend` is 0 where
its price map does not know the model, without any error: tokens that cost 0 have no reported cost here, unless the answer came
from the gateway's own cache. Times without a zone are UTC. Field names: litellm/proxy/schema.prisma.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from finops_ai.usage.fields import (
    count,
    find,
    first_text,
    level_of,
    mapping,
    milliseconds,
    number,
    text,
    time,
    time_or_none,
    usd,
)
from finops_ai.usage.model import UsageEvent
from finops_ai.usage.reading import (
    Item,
    LogFile,
    Numbered,
    Options,
    WrongValue,
    csv_rows,
    judged,
    rows_of,
)

_NEEDS = ("spend", "prompt_tokens", "completion_tokens", "startTime", "model")


def read(log: LogFile, options: Options) -> Iterator[Item]:
    """By the file's ending: .csv, or JSON."""
    ids = Numbered("litellm")
    rows = csv_rows(log, needs=_NEEDS) if log.path.name.removesuffix(".gz").endswith(".csv") else rows_of(log, "data")
    return judged(rows, lambda row: [_event(row.values, ids)])


def _event(row: Any, ids: Numbered) -> UsageEvent:
    if not isinstance(row, Mapping) or "spend" not in row:
        raise WrongValue("spend", "no row of a spend log: it has the spend here")
    metadata = mapping(row, "metadata")
    usage = mapping(metadata, "usage_object")
    start, end = time(row, "startTime", zone=UTC), time_or_none(row, "endTime", zone=UTC)
    latency = number(row, "request_duration_ms")
    given, came = count(row, "prompt_tokens", 0), count(row, "completion_tokens", 0)
    failed = text(row, "status").lower() == "failure"
    spend = _spend(row, tokens=given + came)
    request = text(row, "request_id", "litellm_call_id")
    return UsageEvent(
        event_id=f"litellm:{request}" if request else ids.id(*row.values()),  # some versions leave it empty
        source="litellm",
        started_at=start,
        ended_at=end,
        provider=text(row, "custom_llm_provider"),
        model=text(row, "model", "model_group"),
        workload=text(row, "team_id", "organization_id")
        or first_text(find(row, "request_tags"))
        or text(metadata, "project_id"),
        user=text(row, "user", "end_user"),
        run=text(row, "session_id"),
        operation=text(row, "call_type"),
        level=level_of(text(metadata, "service_tier") or text(usage, "service_tier")),
        errors=int(failed),
        input_tokens=given,
        cached_input_tokens=count(
            usage, "cache_read_input_tokens", count(usage, "prompt_tokens_details.cached_tokens", 0)
        ),
        cache_write_input_tokens=count(usage, "cache_creation_input_tokens", 0),
        output_tokens=came,
        reasoning_tokens=count(usage, "completion_tokens_details.reasoning_tokens", 0),
        latency_ms=milliseconds(start, end, "endTime") if latency is None else latency,
        first_token_ms=_first_token_ms(row),
        cost_nano_usd=spend,
        price_basis="none" if spend is None else "reported",
    )


def _spend(row: Mapping[str, Any], *, tokens: int) -> int | None:
    spend = usd(row, "spend")
    served_from_cache = str(find(row, "cache_hit")).lower() == "true"
    return spend if spend or not tokens or served_from_cache else None


def _first_token_ms(row: Mapping[str, Any]) -> float | None:
    """Where nothing was streamed, the log gives the end of the call."""
    first, end = (time_or_none(row, name, zone=UTC) for name in ("completionStartTime", "endTime"))
    return (
        None
        if first is None or first == end
        else milliseconds(time(row, "startTime", zone=UTC), first, "completionStartTime")
    )
