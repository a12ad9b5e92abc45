"""A registered brief is an artifact: the same one however often it is submitted, and all of a batch or none."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from finops_ai.briefs import (
    BriefError,
    BriefFile,
    UnknownArtifact,
    artifact_keys,
    brief_of,
    folder_of,
    register,
    submitters_of,
)
from finops_ai.briefs.model import Brief
from finops_ai.store import Database, tables
from finops_ai_tests.records import brief, registered


def files(*briefs: Brief) -> list[BriefFile]:
    return [BriefFile(one, Path("/briefs")) for one in briefs]


def test_a_submitted_brief_can_be_read_back(database: Database) -> None:
    key = registered(database)
    with database.read() as connection:
        assert brief_of(connection, key) == brief()
        assert folder_of(connection, key) == Path("/briefs")
        assert submitters_of(connection, key) == ["submitter"]


def test_submitting_again_adds_an_author_and_nothing_else(database: Database) -> None:
    """Whoever submits a brief, first or later, may not approve it."""
    outcomes = [
        register(database, files(brief()), submitted_by=who, via="test")[0].new for who in ("ana", "bob", "ana")
    ]
    assert outcomes == [True, False, False]
    with database.read() as connection:
        (key,) = artifact_keys(connection)
        assert submitters_of(connection, key) == ["ana", "bob"]


def test_a_batch_is_registered_whole_or_not_at_all(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a batch cannot be told from a whole one by whoever submits it again."""
    first, clash = brief(topic="First"), brief(topic="Second")
    registered(database, clash)
    other = brief(topic="Third")
    monkeypatch.setattr(Brief, "key", property(lambda self: clash_key if self == other else f"k-{self.sha256[:10]}"))
    with database.read() as connection:
        (clash_key,) = artifact_keys(connection)
    with pytest.raises(BriefError, match="another brief already has this key"):
        register(database, files(first, other), submitted_by="ana", via="test")
    with database.read() as connection:
        assert artifact_keys(connection) == [clash_key]
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.submission)) == 1


def test_an_artifact_that_nobody_submitted_is_unknown(sqlite_database: Database) -> None:
    with sqlite_database.read() as connection:
        for ask in (brief_of, folder_of):
            with pytest.raises(UnknownArtifact, match="gone"):
                ask(connection, "gone")
