"""Usage of AI workloads as their logs tell it, in one canonical form.

Belongs here: the event, reading logs into it, keeping events. Does not: figures over events (`baseline`).
"""

from finops_ai.usage.model import COLUMNS, PriceBasis, Record, UsageEvent

__all__ = ["COLUMNS", "PriceBasis", "Record", "UsageEvent"]
