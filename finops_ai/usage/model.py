"""The canonical usage event: one call of a model, or one bucket of calls, whatever log it was read from.

Belongs here: its fields, their units, what must hold of them, the same columns as tables name them. Does not: reading a
log (`adapters`), keeping events (`lake`), what is computed from them (the package `baseline`).

`input_tokens` is the whole input, as OpenAI and OpenTelemetry count: with the tokens read from a cache and those written to
one. Anthropic and Langfuse count without them, which is where most double counting comes from. Times are UTC.
"""

from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter
from typing import Literal

# cost: a line of a provider's cost report, compared with the usage and never added to it
Record = Literal["usage", "cost"]
PriceBasis = Literal["reported", "book", "declared", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageEvent:
    """Raises ValueError for counts that cannot be: less than 0, or parts that are more than their whole."""

    event_id: str  # the same line of the same log always has the same
    source: str  # the format that it was read from
    record: Record = "usage"
    started_at: datetime  # aware, UTC
    ended_at: datetime | None = None
    provider: str = ""
    model: str = ""
    workload: str = ""
    user: str = ""
    run: str = ""  # what belongs together: a trace, a session, a benchmark's run
    operation: str = ""
    level: str = "standard"  # the service level: standard, flex, batch, priority
    requests: int = 1  # 0: the log does not count them
    errors: int = 0  # of the requests
    retries: int = 0  # of the requests: those that repeat one before
    input_tokens: int = 0
    cached_input_tokens: int = 0  # of the input
    cache_write_input_tokens: int = 0  # of the input
    output_tokens: int = 0
    reasoning_tokens: int = 0  # of the output
    latency_ms: float | None = None  # of one request, from asking to the last token
    first_token_ms: float | None = None
    outcomes: int = 0  # results that somebody or something judged; 0: the log does not say
    approved: int = 0  # of the outcomes
    approved_first: int = 0  # of those approved: at the first pass, without rework
    cycle_s: float | None = None  # of one outcome, from its start to its end
    cost_nano_usd: int | None = None  # None: unpriced, which is not 0
    price_basis: PriceBasis = "none"  # reported by the log, a price book's, a declared tier's
    price_version: str = ""

    def __post_init__(self) -> None:
        if below := [
            f"{name}: {value} is below 0" for name, value in zip(_COUNTS, _counts(self), strict=True) if value < 0
        ]:
            raise ValueError(below[0])
        for name, part, whole in (
            ("errors + retries", self.errors + self.retries, self.requests),
            ("cached and written input", self.cached_input_tokens + self.cache_write_input_tokens, self.input_tokens),
            ("reasoning_tokens", self.reasoning_tokens, self.output_tokens),
            ("approved", self.approved, self.outcomes),
            ("approved_first", self.approved_first, self.approved),
        ):
            if part > whole:
                raise ValueError(f"{name}: {part} is more than the whole of {whole}")
        if self.started_at.tzinfo is None:
            raise ValueError("started_at: without a time zone nobody knows its day")
        if (self.cost_nano_usd is None) != (self.price_basis == "none"):
            raise ValueError("cost_nano_usd: a cost has a basis, and what has no cost has none")

    @property
    def day(self) -> date:
        """The UTC day in which it began: where it is kept."""
        return self.started_at.date()


_COUNTS = tuple(field.name for field in fields(UsageEvent) if field.type in ("int", int))
_counts = attrgetter(*_COUNTS)  # looked up once: an event is made for every row of every log

# The columns of the Parquet files, in order, in the words that DuckDB and Spark have in common.
COLUMNS = {
    "event_id": "string", "source": "string", "record": "string", "started_at": "timestamp", "ended_at": "timestamp",
    "provider": "string", "model": "string", "workload": "string", "user": "string", "run": "string",
    "operation": "string", "level": "string", "requests": "int64", "errors": "int64", "retries": "int64",
    "input_tokens": "int64", "cached_input_tokens": "int64", "cache_write_input_tokens": "int64",
    "output_tokens": "int64", "reasoning_tokens": "int64", "latency_ms": "float64", "first_token_ms": "float64",
    "outcomes": "int64", "approved": "int64", "approved_first": "int64", "cycle_s": "float64",
    "cost_nano_usd": "int64", "price_basis": "string", "price_version": "string", "day": "date",
}  # fmt: skip
