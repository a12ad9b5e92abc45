"""How many results a month's cost is divided by."""

from datetime import UTC, datetime
from pathlib import Path

from finops_ai.artifacts import published_count
from finops_ai.store import Database
from finops_ai_tests.rollout.histories import History


def test_a_document_of_our_own_is_no_published_artifact(database: Database, tmp_path: Path) -> None:
    """Its cost is spend, and it divides nothing: a signed review must not make the others look cheaper."""
    history = History(database, tmp_path)
    october, november = (datetime(2026, month, 3, tzinfo=UTC) for month in (10, 11))
    history.published(october)
    history.published(november)
    for form in ("review", "promotion"):
        history.published(november, impact="governance", intent={"form": form})
    with database.read() as connection:
        assert (published_count(connection), published_count(connection, month="2026-11")) == (2, 1)
