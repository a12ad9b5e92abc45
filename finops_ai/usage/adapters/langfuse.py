"""Langfuse observations, as its API and exports give them: pages (`data`), arrays or JSON lines.

Belongs here: their fields. Does not: traces, scores, prices. `usageDetails.input` is counted without its parts
(`input_cached_tokens`, `cache_read_input_tokens`, `cache_creation_input_tokens` …), `output` without reasoning: they are added up,
unless the given total says that they are inside. A total cost of 0 for tokens means that no price was known.
Field names: langfuse `fern/apis/server/definition/observations.yml`.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from finops_ai.usage.fields import (
    count_of,
    level_of,
    mapping,
    milliseconds,
    needed_text,
    text,
    time,
    time_or_none,
    usd,
)
from finops_ai.usage.model import UsageEvent
from finops_ai.usage.reading import Item, LogFile, Note, Options, WrongValue, judged, rows_of

_CALLS = ("GENERATION", "EMBEDDING")


def read(log: LogFile, options: Options) -> Iterator[Item]:
    """Generations and embeddings; spans and events around them are noted."""
    return judged(rows_of(log, "data"), lambda row: _items(row.values))


def _items(row: Any) -> Iterable[Item]:
    if not isinstance(row, Mapping) or not {"id", "type", "startTime"} <= set(row):
        raise WrongValue("id", "no observation: it has id, type and startTime")
    kind = needed_text(row, "type").upper()
    return [_event(row)] if kind in _CALLS else [Note(f"left out: observations of type {kind}")]


def _event(row: Mapping[str, Any]) -> UsageEvent:
    start, end = time(row, "startTime"), time_or_none(row, "endTime")
    tokens = _tokens(mapping(row, "usageDetails"))
    cost = next((found for path in ("totalCost", "costDetails.total") if (found := usd(row, path)) is not None), None)
    if cost == 0 and tokens["input_tokens"] + tokens["output_tokens"]:
        cost = None
    return UsageEvent(
        event_id=f"langfuse:{needed_text(row, 'id')}",
        source="langfuse",
        started_at=start,
        ended_at=end,
        model=text(row, "providedModelName", "model"),
        workload=text(row, "traceName", "environment", "projectId"),
        user=text(row, "userId"),
        run=text(row, "sessionId", "traceId"),
        operation=text(row, "name"),
        level=level_of(text(row, "usagePricingTierName")),
        errors=int(text(row, "level").upper() == "ERROR"),
        latency_ms=milliseconds(start, end, "endTime"),
        first_token_ms=milliseconds(start, time_or_none(row, "completionStartTime"), "completionStartTime"),
        cost_nano_usd=cost,
        price_basis="none" if cost is None else "reported",
        **tokens,
    )


def _tokens(details: Mapping[str, Any]) -> dict[str, Any]:
    """Our counts. Keys are the sender's own, so they are told by their words."""
    counts = {
        key.lower(): count_of(value, f"usageDetails.{key}") for key, value in details.items() if value is not None
    }
    given, came = counts.get("input", 0), counts.get("output", 0)
    parts_in = {key: value for key, value in counts.items() if key.startswith("input_") or "cache" in key}
    parts_out = {key: value for key, value in counts.items() if key not in parts_in and _is_of_output(key)}
    if counts.get("total") != given + came or not counts.get("total"):
        given, came = given + sum(parts_in.values()), came + sum(parts_out.values())
    written = sum(value for key, value in parts_in.items() if "creation" in key or "write" in key)
    return {
        "input_tokens": given,
        "cached_input_tokens": sum(value for key, value in parts_in.items() if "cache" in key) - written,
        "cache_write_input_tokens": written,
        "output_tokens": came,
        "reasoning_tokens": sum(value for key, value in parts_out.items() if "reasoning" in key),
    }


def _is_of_output(key: str) -> bool:
    return key.startswith("output_") or "reasoning" in key
