"""Usage, priced, against what the provider reports as its cost.

Belongs here: the two sums side by side, the gap between them. Does not: why they differ, or booking anything
(`reconciliation` does, for our own calls).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from finops_ai.baseline.engine import Engine
from finops_ai.baseline.measures import ALWAYS, Period, within, without_price

if TYPE_CHECKING:
    import ibis


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One provider in one UTC month, or in as much of it as the period has."""

    provider: str
    month: str
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


def reconciliation(period: Period = ALWAYS) -> "ibis.Table":
    """Both sums per provider and month: cost reports name models in their own ways, if at all."""
    found = within(period)
    found = found.mutate(month=found.day.strftime("%Y-%m"))
    usage, cost = found.record == "usage", found.record == "cost"
    return (
        found.group_by(["provider", "month"])
        .aggregate(
            usage_nano_usd=found.cost_nano_usd.sum(where=usage),
            unpriced_events=found.count(where=usage & without_price(found)),
            reported_nano_usd=found.cost_nano_usd.sum(where=cost),
        )
        .order_by(["provider", "month"])
    )


def reconciled(engine: Engine, period: Period = ALWAYS) -> list[Compared]:
    """`reconciliation`, run."""
    return [Compared(**row) for row in engine.rows(reconciliation(period))]
