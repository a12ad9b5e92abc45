"""What was retrieved before: by address, to ask only whether it changed; by content, to read nothing twice.

Belongs here: the records behind `evidence.Memory`, on both databases. Does not: retrieving (`evidence`), the bytes themselves
(`store`). Everything here can be lost at the cost of fetching again; nothing is ever trusted that its digest does not name.
"""

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from finops_ai.evidence import EXTRACTOR_VERSION, Extraction, Retrieval
from finops_ai.store import Database, ObjectStore, StoreError, insert_missing, insert_once, tables, utc_now

__all__ = ["SnapshotMemory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotMemory:
    """A `Memory` on the deployment's records. What it is told to keep about a source is written by `save`, all at once."""

    database: Database
    objects: ObjectStore
    _retrievals: list[dict[str, Any]] = field(default_factory=list)
    _extractions: list[dict[str, Any]] = field(default_factory=list)

    def keep(self, content: bytes) -> str:
        """Store bytes under their SHA-256."""
        return self.objects.put(content)

    def holds(self, sha256: str) -> bool:
        """Whether these bytes are there, whole."""
        try:
            self.objects.get(sha256)
        except StoreError:
            return False
        return True

    def content(self, sha256: str) -> bytes:
        """Raises StoreError."""
        return self.objects.get(sha256)

    def last_retrieval(self, uri: str) -> Retrieval | None:
        """The newest one of this address, by any artifact."""
        row = tables.retrieval
        query = sa.select(*(row.c[name] for name in Retrieval.__slots__)).where(row.c.uri == uri)
        with self.database.read() as connection:
            found = connection.execute(query.order_by(row.c.id.desc()).limit(1)).mappings().one_or_none()
        return Retrieval(**found) if found else None

    def keep_retrieval(self, uri: str, retrieval: Retrieval) -> None:
        """Remembered with the next `save`."""
        values = {name: getattr(retrieval, name) for name in Retrieval.__slots__}
        self._retrievals.append({"uri": uri, "at": utc_now(), **values})

    def extraction(self, snapshot_sha256: str, media_type: str) -> Extraction | None:
        """What the present extractor found in these bytes; None where it has not read them, or the record is gone."""
        row = tables.extraction
        query = sa.select(row.c.extraction_sha256).where(
            row.c.snapshot_sha256 == snapshot_sha256,
            row.c.media_type == media_type,
            row.c.extractor == EXTRACTOR_VERSION,
        )
        with self.database.read() as connection:
            digest = connection.scalar(query)
        try:
            return Extraction.from_record(self.objects.get_json(digest)) if digest else None
        except StoreError:
            return None

    def keep_extraction(self, snapshot_sha256: str, media_type: str, extraction: Extraction) -> None:
        """Remembered with the next `save`."""
        self._extractions.append(
            {
                "snapshot_sha256": snapshot_sha256,
                "media_type": media_type,
                "extractor": EXTRACTOR_VERSION,
                "extraction_sha256": self.objects.put_json(extraction.as_record()),
                "at": utc_now(),
            }
        )

    def save(self) -> None:
        """Write what was kept, in one transaction."""
        if not self._retrievals and not self._extractions:
            return
        with self.database.write() as tx:
            for values in self._retrievals:
                insert_once(tx, tables.retrieval, **values)
            insert_missing(tx, tables.extraction, self._extractions)
        self._retrievals.clear()
        self._extractions.clear()
