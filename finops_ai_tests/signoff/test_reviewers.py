"""Who is speaking: a token that is shown once, or the proof of having it for one verdict on one digest."""

import pytest
import sqlalchemy as sa

from finops_ai.signoff import (
    Reviewer,
    ReviewerError,
    by_name,
    by_signature,
    by_token,
    grant,
    grants_in_force,
    launchpad_signature,
    reviewers,
    revoke,
)
from finops_ai.store import Database, tables

DIGEST, OTHER_DIGEST = "d" * 64, "e" * 64


def test_a_token_names_its_reviewer(database: Database) -> None:
    token = grant(database, name=" Ana  Maria ", role="legal", by="operator")
    with database.read() as connection:
        assert (by_token(connection, token).name, by_token(connection, token).role) == ("Ana Maria", "legal")
        assert by_name(connection, "ana maria").name == "Ana Maria"
        assert grants_in_force(connection) == {"Ana Maria": "legal"}


def test_a_token_is_not_in_the_records(database: Database) -> None:
    """Whoever can read the database must not be able to sign."""
    token = grant(database, name="Ana", role="legal", by="operator")
    with database.read() as connection:
        (row,) = connection.execute(sa.select(tables.reviewer)).all()
    assert not any(token in str(value) for value in row)
    assert token.startswith("fai_")
    assert len(token) > 40


@pytest.mark.parametrize("token", ["", "fai_", "fai_guess", "None"])
def test_a_token_that_nobody_holds_is_refused(sqlite_database: Database, token: str) -> None:
    grant(sqlite_database, name="Ana", role="legal", by="operator")
    with sqlite_database.read() as connection, pytest.raises(ReviewerError, match="no active reviewer"):
        by_token(connection, token)


def test_a_person_has_one_role_at_a_time(database: Database) -> None:
    """Whoever fills two places of a quorum alone is no quorum."""
    grant(database, name="Ana", role="legal", by="operator")
    for name in ("Ana", " ANA", "ａｎａ", "An\u200ba"):
        with pytest.raises(ReviewerError, match="reviewer already"):
            grant(database, name=name, role="business", by="operator")


@pytest.mark.parametrize(
    ("name", "role"), [("", "legal"), ("  ", "legal"), ("Ana", ""), ("Ana", "Legal"), ("Ana", "le gal"), ("Ana", "a/b")]
)
def test_a_grant_needs_a_name_and_a_role(sqlite_database: Database, name: str, role: str) -> None:
    with pytest.raises(ReviewerError, match="needs a name"):
        grant(sqlite_database, name=name, role=role, by="operator")


def test_a_revoked_reviewer_is_nobody_until_granted_anew(database: Database) -> None:
    old = grant(database, name="Ana", role="legal", by="operator")
    revoke(database, name="ANA", by="operator")
    with database.read() as connection:
        assert grants_in_force(connection) == {}
        with pytest.raises(ReviewerError):
            by_token(connection, old)
        with pytest.raises(ReviewerError):
            by_name(connection, "Ana")
    with pytest.raises(ReviewerError, match="no active reviewer"):
        revoke(database, name="Ana", by="operator")
    new = grant(database, name="Ana", role="business", by="operator")
    with database.read() as connection:
        assert by_token(connection, new).role == "business"
        with pytest.raises(ReviewerError):
            by_token(connection, old)
        assert [(r.name, r.role, r.revoked_at is None) for r in reviewers(connection)] == [
            ("Ana", "legal", False),
            ("Ana", "business", True),
        ]


def signed(
    database: Database, signature: str, *, name: str = "Ana", digest: str = DIGEST, verdict: str = "approve"
) -> Reviewer:
    with database.read() as connection:
        return by_signature(connection, name=name, signature=signature, digest=digest, verdict=verdict)


def test_a_signature_proves_one_verdict_on_one_digest_of_one_person(database: Database) -> None:
    """Every operator can read a run's configuration: what stands there must be worth nothing anywhere else."""
    token = grant(database, name="Ana", role="legal", by="operator")
    grant(database, name="Bob", role="business", by="operator")
    good = launchpad_signature(token, digest=DIGEST, verdict="approve")
    assert signed(database, f" {good}\n", name="ana").name == "Ana"
    for wrong in (
        {"verdict": "reject"},
        {"digest": OTHER_DIGEST},
        {"name": "Bob"},
    ):
        with pytest.raises(ReviewerError, match=r"not (Ana|Bob)'s for this verdict"):
            signed(database, good, **wrong)
    for forged in ("", "0" * 64, good[:-1], good.upper(), token, "ü"):
        with pytest.raises(ReviewerError):
            signed(database, forged)
    revoke(database, name="Ana", by="operator")
    with pytest.raises(ReviewerError, match="no active reviewer"):
        signed(database, good)
