"""What results cost where `finops_ai` did not make them: what its own are compared with.

Belongs here: sums over imported usage, per workload. Does not: the comparison (`governance`, `rollout`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from finops_ai.baseline.engine import Engine
from finops_ai.baseline.measures import ALWAYS, Figures, Period, measured
from finops_ai.pricing import multiply

OWN = "ledger"  # the source of our own calls and outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """Imported usage whose results somebody judged, and which has a price."""

    workload: str  # "": of all of them
    cost_nano_usd: int
    outcomes: int
    approved: int
    approved_priced: int  # of those approved: what the cost was paid for; above 0
    source: str

    @property
    def unit_cost_nano_usd(self) -> int:
        """Of one approved result, what was paid for others included."""
        return multiply(1, self.cost_nano_usd, self.approved_priced)


def yardsticks(engine: Engine, period: Period = ALWAYS) -> dict[str, Yardstick]:
    """One per workload that has one, and under "" one of all of them, where there is any."""
    imported = [one for one in measured(engine, ("source", "workload"), period) if one.key["source"] != OWN]
    judged = [one for one in imported if one.approved_priced and one.cost_nano_usd is not None]
    names = {one.key["workload"] for one in judged} - {""}
    found = {name: _sum(name, [one for one in judged if one.key["workload"] == name]) for name in sorted(names)}
    return found | ({"": _sum("", judged)} if judged else {})


def _sum(workload: str, parts: Sequence[Figures]) -> Yardstick:
    sources = ", ".join(sorted({part.key["source"] for part in parts}))
    return Yardstick(
        workload=workload,
        cost_nano_usd=sum(part.cost_nano_usd or 0 for part in parts),
        outcomes=sum(part.outcomes for part in parts),
        approved=sum(part.approved for part in parts),
        approved_priced=sum(part.approved_priced for part in parts),
        source=f"imported usage ({sources})",
    )
