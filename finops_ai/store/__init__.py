"""Records and objects: SQL tables with their migrations, and the content-addressed store.

Belongs here: how things are kept. Does not: what they mean; each domain package queries its own tables.
"""

from finops_ai.store import tables
from finops_ai.store.clock import utc_now
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

__all__ = [
    "Database",
    "LockTaken",
    "ObjectCorrupt",
    "ObjectMissing",
    "ObjectStore",
    "StoreError",
    "canonical_json",
    "create_file",
    "insert_missing",
    "insert_once",
    "open_database",
    "open_objects",
    "sha256_hex",
    "tables",
    "utc_now",
]
