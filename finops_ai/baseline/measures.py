"""What is measured of usage events, written once for every engine.

Belongs here: expressions (what the database sums), and `Figures` (a row of them, and what follows from it). Does not:
running them (`engine`), comparing with a provider's report (`reconciling`), what is unusual or to come.

The database adds up integers and takes exact quantiles; every rate and share is computed here, from sums, so that no figure
depends on the order in which an engine adds. Lines of cost reports (`record = 'cost'`) are never part of usage.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from finops_ai.baseline.engine import Engine, Row, events
from finops_ai.pricing import multiply

if TYPE_CHECKING:
    import ibis

KEYS = ("source", "workload", "model", "run", "day", "provider", "level", "price_basis", "price_version")
LATENCY_QUANTILES = (0.5, 0.95, 0.99)
_SUMS = (
    "requests", "errors", "retries", "input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens",
    "reasoning_tokens", "outcomes", "approved", "approved_first",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `since` up to and with `until`; None is open."""

    since: date | None = None
    until: date | None = None


ALWAYS = Period()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The sums of one group, exact, and what follows from them. A share of nothing is None, and so is what no log tells."""

    key: Mapping[str, Any]  # the columns it stands for, with their values
    events: int
    requests: int
    errors: int
    retries: int
    input_tokens: int
    cached_input_tokens: int
    cache_write_input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_nano_usd: int | None  # of what has a price; None: nothing has one
    unpriced_events: int  # a log may count no requests, and still tell of something that was paid for
    unpriced_requests: int
    unpriced_tokens: int  # input and output
    outcomes: int
    approved: int
    approved_first: int
    approved_priced: int  # of those approved: not of an unpriced event
    timed_outcomes: int
    cycle_ms_sum: int  # over the timed outcomes
    latency_ms: tuple[float, ...] | None = None  # p50, p95, p99
    first_token_ms_p95: float | None = None

    @property
    def tokens(self) -> int:
        """Input and output; cached and reasoning tokens are parts of them."""
        return self.input_tokens + self.output_tokens

    @property
    def cache_share(self) -> float | None:
        """Of the input tokens: read from a cache."""
        return _share(self.cached_input_tokens, self.input_tokens)

    @property
    def error_rate(self) -> float | None:
        """Errors of the requests."""
        return _share(self.errors, self.requests)

    @property
    def retry_rate(self) -> float | None:
        """Retries of the requests."""
        return _share(self.retries, self.requests)

    @property
    def approved_share(self) -> float | None:
        """Of the outcomes that somebody judged."""
        return _share(self.approved, self.outcomes)

    @property
    def first_pass_yield(self) -> float | None:
        """Of all judged outcomes, those approved without rework: the yield of production engineering."""
        return _share(self.approved_first, self.outcomes)

    @property
    def cycle_s(self) -> float | None:
        """Mean seconds of one outcome, each outcome weighing the same."""
        return self.cycle_ms_sum / self.timed_outcomes / 1000 if self.timed_outcomes else None

    @property
    def cost_per_approved_nano_usd(self) -> int | None:
        """Everything that was paid, failures too, over what was approved of it; None where nothing approved has a price.

        Approved outcomes of unpriced events are left out: their cost is not in the sum.
        """
        if self.cost_nano_usd is None or not self.approved_priced:
            return None
        return multiply(1, self.cost_nano_usd, self.approved_priced)


def figures_by(keys: Sequence[str], period: Period = ALWAYS, *, quantiles: bool = False) -> "ibis.Table":
    """The sums of every group, ordered by its key; without a key, of everything. Raises ValueError for an unknown key.

    `quantiles`: p50, p95, p99 of the latency and p95 of the first token too, exact and interpolated between neighbours.
    An event weighs once in them, also one that stands for a bucket of requests.
    """
    import ibis

    if unknown := [key for key in keys if key not in KEYS]:
        raise ValueError(f"{unknown[0]!r} is not one of {', '.join(KEYS)}")
    usage = within(period).filter(ibis._.record == "usage")
    found = _sums(usage)
    if quantiles:
        found["latency_ms"] = usage.latency_ms.quantile(list(LATENCY_QUANTILES))
        found["first_token_ms_p95"] = usage.first_token_ms.quantile(0.95)
    if not keys:
        return usage.aggregate(**found)
    return usage.group_by(list(keys)).aggregate(**found).order_by(list(keys))


def _sums(usage: "ibis.Table") -> dict[str, Any]:
    unpriced = without_price(usage)
    cycle_ms = (usage.cycle_s * 1000 + 0.5).floor().cast("int64")  # engines round a half in different ways
    return {
        "events": usage.count(),
        **{name: usage[name].sum() for name in _SUMS},
        "cost_nano_usd": usage.cost_nano_usd.sum(),
        "unpriced_events": usage.count(where=unpriced),
        "unpriced_requests": usage.requests.sum(where=unpriced),
        "unpriced_tokens": (usage.input_tokens + usage.output_tokens).sum(where=unpriced),
        "approved_priced": usage.approved.sum(where=~unpriced),
        "timed_outcomes": usage.outcomes.sum(where=usage.cycle_s.notnull()),
        "cycle_ms_sum": (cycle_ms * usage.outcomes).sum(),
    }


def without_price(usage: "ibis.Table") -> "ibis.Value":
    """What was paid for, nobody knows how much."""
    # without a model, a token or a request it is a judgement of something that was paid for elsewhere
    judgement = (usage.model == "") & (usage.requests == 0) & (usage.input_tokens + usage.output_tokens == 0)
    return usage.cost_nano_usd.isnull() & ~judgement


def workload_baseline(period: Period = ALWAYS) -> "ibis.Table":
    """The baseline of every workload: per day and model, with latencies."""
    return figures_by(("day", "workload", "model"), period, quantiles=True)


def measured(engine: Engine, keys: Sequence[str], period: Period = ALWAYS, *, quantiles: bool = False) -> list[Figures]:
    """`figures_by`, run. No events at all are no groups, and without a key no row either."""
    found = (figures_of(row, keys) for row in engine.rows(figures_by(keys, period, quantiles=quantiles)))
    return [figures for figures in found if figures.events]


def judged_runs(engine: Engine, period: Period = ALWAYS) -> list[Figures]:
    """Runs with outcomes that were judged, per workload: what can be ranked by cost per approved outcome.

    Their key has the run's model too, or `several`: its calls and the judgement of its result are often different events.
    """
    rows = engine.rows(_judged_runs(period))
    return [figures_of(row | {"model": row["model"] or ""}, ("workload", "run", "model")) for row in rows]


def _judged_runs(period: Period) -> "ibis.Table":
    import ibis

    usage = within(period).filter(ibis._.record == "usage", ibis._.run != "")
    named = usage.model != ""
    first, last = usage.model.min(where=named), usage.model.max(where=named)
    found = usage.group_by(["workload", "run"]).aggregate(first=first, model=last, **_sums(usage))
    found = found.filter(found.outcomes > 0)
    found = found.mutate(model=ibis.ifelse(found.first == found.model, found.model, "several"))
    return found.drop("first").order_by(["workload", "run"])


def figures_of(row: Row, keys: Sequence[str]) -> Figures:
    """A row of the expression as a value. A sum over nothing is 0, except of money: there it is unknown."""
    measures = {name: value for name, value in row.items() if name not in keys}
    may_be_unknown = ("cost_nano_usd", "latency_ms", "first_token_ms_p95")
    whole: dict[str, Any] = {
        name: value if value is not None or name in may_be_unknown else 0 for name, value in measures.items()
    }
    return Figures(key={key: row[key] for key in keys}, **whole)


def within(period: Period) -> "ibis.Table":
    """The events of a period, of either record."""
    found = events()
    if period.since is not None:
        found = found.filter(found.day >= period.since)
    if period.until is not None:
        found = found.filter(found.day <= period.until)
    return found


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
