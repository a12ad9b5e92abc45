"""Usage of AI workloads as their logs tell it, in one canonical form.

Belongs here: the event, reading logs into it, keeping events. Does not: figures over events (`baseline`).
"""

from finops_ai.usage.adapters import FORMATS
from finops_ai.usage.importing import Imported, ImportRefused, import_files
from finops_ai.usage.lake import Part, PartMissing, damaged, paths, registered
from finops_ai.usage.model import COLUMNS, PriceBasis, Record, UsageEvent
from finops_ai.usage.reading import Options, UsageError

__all__ = [
    "COLUMNS",
    "FORMATS",
    "ImportRefused",
    "Imported",
    "Options",
    "Part",
    "PartMissing",
    "PriceBasis",
    "Record",
    "UsageError",
    "UsageEvent",
    "damaged",
    "import_files",
    "paths",
    "registered",
]
