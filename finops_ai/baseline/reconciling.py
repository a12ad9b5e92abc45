"""Usage, priced, against what the provider reports as its cost.

Belongs here: the two sums side by side, the gap between them. Does not: why they differ, or booking anything
(`reconciliation` does, for our own calls).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from finops_ai.baseline.engine import Engine, Row
from finops_ai.baseline.measures import ALWAYS, Period, within, without_price

if TYPE_CHECKING:
    import ibis

Grain = Literal["day", "month"]
_FORM = {"day": "%Y-%m-%d", "month": "%Y-%m"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One provider (and model) in one UTC day or month."""

    provider: str
    model: str | None  # None: over all models
    when: str
    usage_nano_usd: int | None  # of what has a price; None: nothing has
    unpriced_events: int  # of usage; some reports count no requests
    reported_nano_usd: int | None  # None: no cost report

    @property
    def gap_nano_usd(self) -> int | None:
        """Usage less report: below 0, the provider bills more than the log explains."""
        if self.usage_nano_usd is None or self.reported_nano_usd is None:
            return None
        return self.usage_nano_usd - self.reported_nano_usd

    @property
    def gap_percent(self) -> Decimal | None:
        """The gap in hundredths of the report, to two decimals; None against a report of 0."""
        if self.gap_nano_usd is None or not self.reported_nano_usd:
            return None
        return (Decimal(100 * self.gap_nano_usd) / self.reported_nano_usd).quantize(Decimal("0.01"))


def reconciliation(grain: Grain, period: Period = ALWAYS, *, by_model: bool = False) -> "ibis.Table":
    """Both sums per provider and period. By model only where the cost report names its models as the log does."""
    found = within(period)
    found = found.mutate(when=found.day.strftime(_FORM[grain]))
    usage, cost = found.record == "usage", found.record == "cost"
    keys = ["provider", *(["model"] if by_model else []), "when"]
    return (
        found.group_by(keys)
        .aggregate(
            usage_nano_usd=found.cost_nano_usd.sum(where=usage),
            unpriced_events=found.count(where=usage & without_price(found)),
            reported_nano_usd=found.cost_nano_usd.sum(where=cost),
        )
        .order_by(keys)
    )


def reconciled(engine: Engine, grain: Grain, period: Period = ALWAYS, *, by_model: bool = False) -> list[Compared]:
    """`reconciliation`, run."""
    return [_compared(row) for row in engine.rows(reconciliation(grain, period, by_model=by_model))]


def _compared(row: Row) -> Compared:
    return Compared(
        provider=row["provider"],
        model=row.get("model"),
        when=row["when"],
        usage_nano_usd=row["usage_nano_usd"],
        unpriced_events=row["unpriced_events"],
        reported_nano_usd=row["reported_nano_usd"],
    )
