"""Any CSV, by a mapping of its columns to the fields of an event.

Belongs here: the mapping and what it makes of a row. Does not: formats that have an adapter of their own.

    columns: {started_at: when, model: engine, input_tokens: prompt, output_tokens: completion, cost_usd: price}
    constants: {provider: openai, workload: support-bot}
    time: {format: "%d.%m.%Y %H:%M:%S", zone: Europe/Berlin}   # without a format ISO 8601; without a zone, each time has its own
    input_includes_cached: true
    failed: {column: status, unless: [ok, "200"]}
    delimiter: ";"
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from finops_ai.usage.fields import count, find, level_of, milliseconds, needed_text, number, text, time, usd, utc_time
from finops_ai.usage.model import UsageEvent
from finops_ai.usage.reading import Item, LogFile, Numbered, Options, Row, UsageError, WrongValue, csv_rows, judged

_TEXTS = ("provider", "model", "workload", "user", "run", "operation", "level")
_COUNTS = (
    "requests", "errors", "retries", "input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens",
    "reasoning_tokens", "outcomes", "approved", "approved_first",
)  # fmt: skip
_NUMBERS = ("latency_ms", "first_token_ms", "cycle_s")
KNOWN = ("event_id", "started_at", "ended_at", *_TEXTS, *_COUNTS, *_NUMBERS, "cost_usd")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Time(_Strict):
    format: str = ""
    zone: str = ""

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value or "UTC")
        except (ValueError, OSError, KeyError):
            raise ValueError(f"{value!r} is no time zone; write Europe/Berlin or UTC") from None
        return value


class _Failed(_Strict):
    column: str
    unless: list[str] = Field(min_length=1)


class Mapped(_Strict):
    """The mapping file. `columns`: our field to their column."""

    columns: dict[str, str]
    constants: dict[str, str | int] = Field(default_factory=dict)
    time: _Time = _Time()
    input_includes_cached: bool = True
    failed: _Failed | None = None
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    record: Literal["usage", "cost"] = "usage"

    @model_validator(mode="after")
    def _whole(self) -> "Mapped":
        if unknown := next((name for name in (*self.columns, *self.constants) if name not in KNOWN), None):
            raise ValueError(f"{unknown!r} is no field of an event; there are: {', '.join(KNOWN)}")
        if "started_at" not in self.columns:
            raise ValueError("columns.started_at: nothing can be kept without its time")
        if twice := next((name for name in self.columns if name in self.constants), None):
            raise ValueError(f"{twice!r} is both a column and a constant")
        return self

    @property
    def zone(self) -> tzinfo | None:
        """Of times that are written without one."""
        return ZoneInfo(self.time.zone) if self.time.zone else None


def mapping_of(record: Mapping[str, Any]) -> Mapped:
    """Raises UsageError with field and reason."""
    try:
        return Mapped.model_validate(record)
    except ValidationError as error:
        problems = [
            {
                "field": ".".join(map(str, ("mapping", *found["loc"]))),
                "reason": found["msg"].removeprefix("Value error, "),
            }
            for found in error.errors(include_url=False, include_input=False)
        ]
        raise UsageError(problems) from None


def read(log: LogFile, options: Options) -> Iterator[Item]:
    """Raises UsageError for a mapping that cannot hold."""
    mapped = mapping_of(options.mapping)
    ids = Numbered("csv")
    needs = [*mapped.columns.values(), *([mapped.failed.column] if mapped.failed else [])]
    return judged(csv_rows(log, needs=needs, delimiter=mapped.delimiter), lambda row: [_event(row, mapped, ids)])


def _event(row: Row, mapped: Mapped, ids: Numbered) -> UsageEvent:
    ours: dict[str, Any] = {**mapped.constants, **{name: row.values[column] for name, column in mapped.columns.items()}}
    start = _time(ours, "started_at", mapped)
    end = _time(ours, "ended_at", mapped) if find(ours, "ended_at") else None
    own_id = needed_text(ours, "event_id") if "event_id" in mapped.columns else ""
    counts: dict[str, Any] = {name: count(ours, name) for name in _COUNTS if find(ours, name) is not None}
    if mapped.failed and row.values[mapped.failed.column] not in mapped.failed.unless:
        counts["errors"] = counts.get("requests", 1)
    if not mapped.input_includes_cached:
        parts = sum(counts.get(name, 0) for name in ("cached_input_tokens", "cache_write_input_tokens"))
        counts["input_tokens"] = counts.get("input_tokens", 0) + parts
    numbers: dict[str, Any] = {name: number(ours, name) for name in _NUMBERS}
    if numbers["latency_ms"] is None:
        numbers["latency_ms"] = milliseconds(start, end, "ended_at")
    cost = usd(ours, "cost_usd")
    texts: dict[str, Any] = {name: text(ours, name) for name in _TEXTS}
    return UsageEvent(
        event_id=f"csv:{own_id}" if own_id else ids.id(*row.values.values()),
        source="csv",
        record=mapped.record,
        started_at=start,
        ended_at=end,
        cost_nano_usd=cost,
        price_basis="none" if cost is None else "reported",
        **(texts | {"level": level_of(texts["level"])}),
        **counts,
        **numbers,
    )


def _time(ours: Mapping[str, Any], name: str, mapped: Mapped) -> datetime:
    if not mapped.time.format:
        return time(ours, name, zone=mapped.zone)
    written = needed_text(ours, name)
    try:
        found = datetime.strptime(written, mapped.time.format)  # noqa: DTZ007 - the zone is given apart
    except ValueError:
        raise WrongValue(name, f"{written[:40]!r} is no time in the form {mapped.time.format}") from None
    return utc_time(found, name, zone=mapped.zone)
