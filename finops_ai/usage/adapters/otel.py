"""OpenTelemetry GenAI spans as OTLP JSON: one export for each line, or one document.

Belongs here: spans and the `gen_ai.*` attributes, of today and of before. Does not: metrics, events, other spans. Input is
counted with its cached part. A span of an agent or a tool sums up the calls below it and is left out.
Attribute names: semantic-conventions, registry `gen_ai`. Integers are texts in OTLP's JSON.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from finops_ai.usage.fields import count_of, find, level_of, listed, milliseconds, needed_text, text, unix_time
from finops_ai.usage.model import UsageEvent
from finops_ai.usage.reading import Item, LogFile, Note, Options, Rejected, Row, WrongValue, documents, judged, raw_text

_CALLS = ("chat", "text_completion", "generate_content", "embeddings")
_NAMES = {  # ours → theirs, newest first
    "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "cached_input_tokens": ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_read_input_tokens"),
    "cache_write_input_tokens": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
    ),
    "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "reasoning_tokens": ("gen_ai.usage.reasoning.output_tokens", "gen_ai.usage.output_tokens.reasoning"),
}
_TIERS = ("openai.response.service_tier", "openai.request.service_tier", "gen_ai.openai.response.service_tier")
_NANOSECONDS = 1_000_000_000


def read(log: LogFile, options: Options) -> Iterator[Item]:
    """A span that cannot be read does not take the others of its export with it."""
    return judged(documents(log), _export)


def _export(row: Row) -> Iterator[Item]:
    if not isinstance(row.values, Mapping) or "resourceSpans" not in row.values:
        raise WrongValue("resourceSpans", "no export of spans (OTLP JSON): it has a list here")
    for at, resource in listed(row.values, "resourceSpans"):
        shared = _attributes(resource.get("resource") or {})
        for scope_at, scope in listed(resource, "scopeSpans"):
            for span_at, span in listed(scope, "spans"):
                place = f"{at}.{scope_at}.{span_at}"
                try:
                    yield _item(span, shared)
                except WrongValue as wrong:
                    yield Rejected(
                        line=row.line, field=f"{place}.{wrong.field}", reason=wrong.reason, raw=raw_text(span)
                    )
                except ValueError as impossible:  # of UsageEvent
                    name, _, reason = str(impossible).partition(": ")
                    yield Rejected(line=row.line, field=f"{place}.{name}", reason=reason, raw=raw_text(span))


def _item(span: Mapping[str, Any], shared: Mapping[str, Any]) -> Item:
    own = _attributes(span)
    operation = _text(own, "gen_ai.operation.name")
    if operation and operation not in _CALLS:
        return Note(f"left out: spans of {operation}")
    if not operation and not any(
        _first(own, name) is not None for name in _NAMES["input_tokens"] + _NAMES["output_tokens"]
    ):
        return Note("left out: spans of no model call")
    start, end = (unix_time(span, f"{side}TimeUnixNano", per_second=_NANOSECONDS) for side in ("start", "end"))
    tokens: dict[str, Any] = {ours: _count(own, *theirs) for ours, theirs in _NAMES.items()}
    return UsageEvent(
        event_id=f"otel:{needed_text(span, 'traceId')}/{needed_text(span, 'spanId')}",
        source="otel",
        started_at=start,
        ended_at=end,
        provider=_text(own, "gen_ai.provider.name", "gen_ai.system"),
        model=_text(own, "gen_ai.response.model", "gen_ai.request.model"),
        workload=_text({**shared, **own}, "gen_ai.workflow.name", "service.name", "gen_ai.agent.name"),
        user=_text(own, "user.id", "enduser.id"),
        run=_text(own, "gen_ai.conversation.id") or text(span, "traceId"),
        operation=operation,
        level=level_of(_text(own, *_TIERS)),
        errors=int(bool(_text(own, "error.type")) or _is_error(span)),
        latency_ms=milliseconds(start, end, "endTimeUnixNano"),
        **tokens,
    )


def _is_error(span: Mapping[str, Any]) -> bool:
    return find(span, "status.code") in (2, "2", "STATUS_CODE_ERROR")


def _attributes(holder: Any) -> dict[str, Any]:
    found = {}
    for _, pair in listed(holder, "attributes"):
        value = pair.get("value")
        if isinstance(value, Mapping):
            found[str(pair.get("key"))] = next(
                (value[kind] for kind in ("stringValue", "intValue", "doubleValue") if kind in value), None
            )
    return found


def _first(attributes: Mapping[str, Any], *names: str) -> Any:
    return next((attributes[name] for name in names if attributes.get(name) not in (None, "")), None)


def _count(attributes: Mapping[str, Any], *names: str) -> int:
    value = _first(attributes, *names)
    return 0 if value is None else count_of(value, names[0])


def _text(attributes: Mapping[str, Any], *names: str) -> str:
    value = _first(attributes, *names)
    return text({"value": value}, "value") if value is not None else ""
