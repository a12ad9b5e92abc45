"""Registering a brief: from here on it is an artifact, with a key that never changes.

Belongs here: the rows of `artifact` and `submission`. Does not: judging the brief (`reading`, `policy`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from finops_ai.briefs.model import Brief
from finops_ai.briefs.reading import BriefError, BriefFile, Problem
from finops_ai.store import Database, insert_once, tables, utc_now


class UnknownArtifact(Exception):
    """No artifact has this key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """What came of one submission."""

    key: str
    new: bool  # False: the same brief is an artifact already


Admission = Callable[[sa.Connection, Sequence[BriefFile]], None]


def register(
    database: Database,
    files: Sequence[BriefFile],
    *,
    submitted_by: str,
    via: str,
    admit: Admission = lambda _tx, _new: None,
) -> list[Registered]:
    """All of them or none, in one transaction. Submitting the same brief again only adds an author.

    `admit` is called before the end of the transaction with those that are new, already in it, and refuses by raising.
    """
    with database.write() as tx:
        registered = [_register_one(tx, file, submitted_by, via) for file in files]
        if new := [file for file, found in zip(files, registered, strict=True) if found.new]:
            admit(tx, new)
        return registered


def _register_one(tx: sa.Connection, file: BriefFile, submitted_by: str, via: str) -> Registered:
    brief, at = file.brief, utc_now()
    new = insert_once(
        tx,
        tables.artifact,
        key=brief.key,
        brief=brief.canonical(),
        brief_sha256=brief.sha256,
        folder=str(file.folder),
        created_at=at,
    )
    if not new and brief_of(tx, brief.key) != brief:
        raise BriefError([Problem(brief.key, "topic", "another brief already has this key; change the topic a little")])
    insert_once(tx, tables.submission, artifact=brief.key, submitted_by=submitted_by, via=via, at=at)
    return Registered(key=brief.key, new=new)


def brief_of(connection: sa.Connection, key: str) -> Brief:
    """Raises UnknownArtifact."""
    record = connection.scalar(sa.select(tables.artifact.c.brief).where(tables.artifact.c.key == key))
    if record is None:
        raise UnknownArtifact(f"no artifact {key}; `finops-ai status` lists them")
    return Brief.from_record(record)


def folder_of(connection: sa.Connection, key: str) -> Path:
    """The folder of the brief when it was submitted."""
    folder = connection.scalar(sa.select(tables.artifact.c.folder).where(tables.artifact.c.key == key))
    if folder is None:
        raise UnknownArtifact(f"no artifact {key}")
    return Path(folder)


def registered_at(connection: sa.Connection, key: str) -> str:
    """When the artifact came to be: the start of its cycle time."""
    at = connection.scalar(sa.select(tables.artifact.c.created_at).where(tables.artifact.c.key == key))
    if at is None:
        raise UnknownArtifact(f"no artifact {key}")
    return str(at)


def is_result() -> sa.ColumnElement[bool]:
    """The condition on `artifact` that it is no document (`Brief.is_document`): those are signed, and count as nobody's work."""
    counts: sa.ColumnElement[bool] = tables.artifact.c.brief["impact"].as_string() != "governance"
    return counts


def submitters_of(connection: sa.Connection, key: str) -> list[str]:
    """Everybody who submitted this brief."""
    submission = tables.submission
    query = sa.select(submission.c.submitted_by).where(submission.c.artifact == key).order_by(submission.c.id)
    return list(connection.scalars(query))


def artifact_keys(connection: sa.Connection) -> list[str]:
    """Every artifact, oldest first."""
    return list(connection.scalars(sa.select(tables.artifact.c.key).order_by(tables.artifact.c.created_at)))
