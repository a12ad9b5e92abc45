"""Reviewers and the proof that it is them: a token that is shown once and kept only as its SHA-256.

Belongs here: granting, revoking, identifying. Does not: what a role may decide (`quorum`).

A token has 256 random bits, so a plain hash of it is enough. For the Launchpad, whose run configuration every operator
can read, the token itself must not be typed in: `launchpad_signature` proves its possession for one verdict on one
digest, and is worth nothing for any other.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from finops_ai.signoff.quorum import same_person
from finops_ai.store import Database, tables, utc_now

TOKEN_PREFIX = "fai_"  # noqa: S105 - no secret, but what lets a scanner know a leaked one


class ReviewerError(Exception):
    """A grant that cannot be made, or a person that cannot be identified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    """One grant: a person in a role."""

    id: int
    name: str
    role: str
    token_sha256: str
    granted_at: str
    revoked_at: str | None


def grant(database: Database, *, name: str, role: str, by: str) -> str:
    """Add a reviewer and return the token: the only time it can be seen. Raises ReviewerError.

    A person has one role at a time: whoever fills two places of a quorum alone is no quorum.
    """
    name = " ".join(name.split())
    if not name or not role.replace("-", "").replace("_", "").isalnum() or role != role.lower():
        raise ReviewerError(f"a reviewer needs a name, and a role in lower case such as legal (got {name!r}, {role!r})")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with database.write() as tx:
        if taken := next((r for r in _active(tx) if same_person(r.name, name)), None):
            raise ReviewerError(f"{taken.name} is a reviewer already (role {taken.role}); revoke that grant first")
        tx.execute(
            tables.reviewer.insert().values(
                name=name, role=role, token_sha256=_hash(token), granted_at=utc_now(), granted_by=by
            )
        )
    return token


def revoke(database: Database, *, name: str, by: str) -> None:
    """From now on this person's token, and their approvals of what is not yet published, count for nothing."""
    with database.write() as tx:
        found = next((r for r in _active(tx) if same_person(r.name, name)), None)
        if found is None:
            raise ReviewerError(f"no active reviewer {name}; `finops-ai reviewer list` shows them")
        tx.execute(
            tables.reviewer_revocation.insert().values(reviewer_id=found.id, revoked_at=utc_now(), revoked_by=by)
        )


def reviewers(connection: sa.Connection) -> list[Reviewer]:
    """Every grant, the revoked ones too, oldest first."""
    reviewer, revocation = tables.reviewer, tables.reviewer_revocation
    joined = reviewer.outerjoin(revocation, revocation.c.reviewer_id == reviewer.c.id)
    query = sa.select(reviewer, revocation.c.revoked_at).select_from(joined).order_by(reviewer.c.id)
    return [
        Reviewer(
            id=row.id,
            name=row.name,
            role=row.role,
            token_sha256=row.token_sha256,
            granted_at=row.granted_at,
            revoked_at=row.revoked_at,
        )
        for row in connection.execute(query)
    ]


def grants_in_force(connection: sa.Connection) -> dict[str, str]:
    """Name and role of every reviewer who may decide now."""
    return {r.name: r.role for r in _active(connection)}


def by_token(connection: sa.Connection, token: str) -> Reviewer:
    """Who holds this token. Raises ReviewerError."""
    wanted = _hash(token)
    for reviewer in _active(connection):
        if hmac.compare_digest(reviewer.token_sha256, wanted):
            return reviewer
    raise ReviewerError("this token belongs to no active reviewer")


def by_signature(connection: sa.Connection, *, name: str, signature: str, digest: str, verdict: str) -> Reviewer:
    """Who signed this verdict on this digest for the Launchpad. Raises ReviewerError."""
    reviewer = by_name(connection, name)
    expected = _sign(reviewer.token_sha256, digest, verdict)
    if not hmac.compare_digest(expected.encode(), signature.strip().encode()):
        raise ReviewerError(
            f"the signature is not {reviewer.name}'s for this verdict on this digest; "
            "`finops-ai decide … --launchpad` prints the right one"
        )
    return reviewer


def by_name(connection: sa.Connection, name: str) -> Reviewer:
    """An active reviewer, where something else has already proved who is speaking. Raises ReviewerError."""
    found = next((r for r in _active(connection) if same_person(r.name, name)), None)
    if found is None:
        raise ReviewerError(f"no active reviewer {name}; `finops-ai reviewer add NAME --role ROLE` adds one")
    return found


def launchpad_signature(token: str, *, digest: str, verdict: str) -> str:
    """Possession of a token, for one verdict on one digest: HMAC-SHA256 under the token's hash."""
    return _sign(_hash(token), digest, verdict)


def _active(connection: sa.Connection) -> list[Reviewer]:
    return [r for r in reviewers(connection) if r.revoked_at is None]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _sign(token_sha256: str, digest: str, verdict: str) -> str:
    return hmac.new(bytes.fromhex(token_sha256), f"{digest}:{verdict}".encode(), hashlib.sha256).hexdigest()
