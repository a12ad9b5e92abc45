"""Usage of AI workloads as their logs tell it, in one canonical form.

Belongs here: the event, reading logs into it, keeping events. Does not: figures over events (`baseline`).
"""

from finops_ai.usage.adapters import FORMATS
from finops_ai.usage.importing import Imported, ImportRefused, Progress, import_files, keep_events
from finops_ai.usage.inbox import Arrival, declared_price, due, import_inbox
from finops_ai.usage.lake import LakeFailed, Part, PartMissing, damaged, paths, registered
from finops_ai.usage.model import COLUMNS, PriceBasis, Record, UsageEvent
from finops_ai.usage.own import own_events, unknown_calls
from finops_ai.usage.reading import Options, UsageError

__all__ = [
    "COLUMNS",
    "FORMATS",
    "Arrival",
    "ImportRefused",
    "Imported",
    "LakeFailed",
    "Options",
    "Part",
    "PartMissing",
    "PriceBasis",
    "Progress",
    "Record",
    "UsageError",
    "UsageEvent",
    "damaged",
    "declared_price",
    "due",
    "import_files",
    "import_inbox",
    "keep_events",
    "own_events",
    "paths",
    "registered",
    "unknown_calls",
]
