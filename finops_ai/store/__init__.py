"""Records and objects: SQL tables with their migrations, and the content-addressed store.

Belongs here: how things are kept. Does not: what they mean; each domain package queries its own tables.
"""

from finops_ai.store import tables
from finops_ai.store.clock import now, simulated, today, utc_now
from finops_ai.store.database import Database, LockTaken, StoreError, insert_missing, insert_once, open_database
from finops_ai.store.objects import (
    ObjectCorrupt,
    ObjectMissing,
    ObjectStore,
    canonical_json,
    create_file,
    open_objects,
    sha256_hex,
)
from finops_ai.store.periods import days_of, following_month, month_bounds, month_start, preceding_month
from finops_ai.store.statements import SAVEPOINT, Prepared, Step, inserted, is_taken, run, take_back

__all__ = [
    "SAVEPOINT",
    "Database",
    "LockTaken",
    "ObjectCorrupt",
    "ObjectMissing",
    "ObjectStore",
    "Prepared",
    "Step",
    "StoreError",
    "canonical_json",
    "create_file",
    "days_of",
    "following_month",
    "insert_missing",
    "insert_once",
    "inserted",
    "is_taken",
    "month_bounds",
    "month_start",
    "now",
    "open_database",
    "open_objects",
    "preceding_month",
    "run",
    "sha256_hex",
    "simulated",
    "tables",
    "take_back",
    "today",
    "utc_now",
]
