"""Bedrock's model invocation log, as it lies in S3 (JSON lines, often .gz) or as an array.

Belongs here: its fields. Does not: the conversations in it. Input is counted without what was read from a cache or written to
one: the parts are added up. The model's name is what stands after the last slash of `modelId`, with the prefix of its inference
profile, since that has a price of its own. Field names: ModelInvocationLog, schema version 1.0.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from finops_ai.usage.fields import count, needed_text, number, text, time
from finops_ai.usage.model import UsageEvent
from finops_ai.usage.reading import Item, LogFile, Options, WrongValue, documents, judged

_WORKLOAD_KEYS = ("workload", "project", "application", "team")  # of requestMetadata, which is the caller's own


def read(log: LogFile, options: Options) -> Iterator[Item]:
    """One event for each invocation."""
    return judged(documents(log), lambda row: [_event(row.values)])


def _event(row: Any) -> UsageEvent:
    if not isinstance(row, Mapping) or not {"modelId", "requestId"} <= set(row):
        raise WrongValue("modelId", "no invocation: it has modelId and requestId")
    start = time(row, "timestamp")
    latency = number(row, "output.outputBodyJson.metrics.latencyMs")
    cached, written = (count(row, f"input.cache{kind}InputTokenCount", 0) for kind in ("Read", "Write"))
    return UsageEvent(
        event_id=f"bedrock:{needed_text(row, 'requestId')}",
        source="bedrock",
        started_at=start,
        ended_at=None if latency is None else start + timedelta(milliseconds=latency),
        provider="aws",
        model=needed_text(row, "modelId").rpartition("/")[2],
        workload=text(row, *(f"requestMetadata.{key}" for key in _WORKLOAD_KEYS)),
        user=text(row, "identity.arn"),
        operation=text(row, "operation"),
        errors=int(bool(text(row, "errorCode"))),
        input_tokens=count(row, "input.inputTokenCount", 0) + cached + written,
        cached_input_tokens=cached,
        cache_write_input_tokens=written,
        output_tokens=count(row, "output.outputTokenCount", 0),
        latency_ms=latency,
    )
