"""Recording decisions: one path for the command line, the Launchpad and whatever comes later.

Belongs here: the checks at the moment of deciding, the stream of decisions. Does not: identifying people (`reviewers`),
acting on a decision (`published` verifies everything again).
"""

import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.briefs import Brief, brief_of, submitters_of
from finops_ai.policy import Policy, rate_of
from finops_ai.signoff.quorum import POLICY_ROLE, Decision, Standing, Verdict, objection, standing
from finops_ai.signoff.reviewers import Reviewer, grants_in_force
from finops_ai.store import Database, insert_once, tables, utc_now

REASON_CHARACTERS_MIN = 3
REASON_CHARACTERS_MAX = 4000


class DecisionRefused(Exception):
    """This decision cannot be recorded. The message says why and what to do."""


def current_packet(connection: sa.Connection, artifact: str) -> str | None:
    """The digest that is up for sign-off: that of the newest review_packet step."""
    step = tables.step_output
    query = sa.select(step.c.output_sha256).where(step.c.artifact == artifact, step.c.step == "review_packet")
    return connection.scalar(query.order_by(step.c.id.desc()).limit(1))


def authors_of(connection: sa.Connection, artifact: str) -> list[str]:
    """The owner named in the brief and everybody who submitted it: none of them may approve."""
    return [brief_of(connection, artifact).owner, *submitters_of(connection, artifact)]


def record_decision(
    database: Database,
    policy: Policy,
    *,
    artifact: str,
    packet_digest: str,
    reviewer: Reviewer,
    verdict: Verdict,
    reason: str,
    identified_by: str,
    review_seconds: int = 0,
    higher_tier: bool = False,
) -> Decision:
    """Store one signed decision. Raises DecisionRefused: stale digest, an author, a role without a say, twice, no reason.

    `higher_tier` asks for a better model in the next loop; only a request for changes begins one.
    """
    if higher_tier and verdict != "request_changes":
        raise DecisionRefused(f"a higher tier can be asked for with request_changes, not with {verdict}")
    reason = " ".join(reason.split())
    if not REASON_CHARACTERS_MIN <= len(reason) <= REASON_CHARACTERS_MAX:
        raise DecisionRefused(
            f"a reason of {REASON_CHARACTERS_MIN} to {REASON_CHARACTERS_MAX} characters is required, this has {len(reason)}"
        )
    with database.write() as tx:
        brief = brief_of(tx, artifact)
        current = current_packet(tx, artifact)
        if current is None:
            raise DecisionRefused(
                f"{artifact} has no review packet yet; `finops-ai status {artifact}` says what it waits for"
            )
        if current != packet_digest:
            raise DecisionRefused(
                f"the packet of {artifact} is {current} now, not {packet_digest}: what you reviewed is not what would be "
                "published; review it again"
            )
        if is_permitted(tx, current):
            raise DecisionRefused(
                f"{artifact} is being published, or is published, under this digest; it is too late to decide"
            )
        rule = policy.approvals[brief.impact]
        why_not = objection(
            rule, verdict=verdict, reviewer=reviewer.name, role=reviewer.role, authors=authors_of(tx, artifact)
        )
        if why_not:
            raise DecisionRefused(why_not)
        decision = _insert(
            tx,
            packet_digest=packet_digest,
            artifact=artifact,
            reviewer=reviewer.name,
            role=reviewer.role,
            verdict=verdict,
            reason=reason,
            identified_by=identified_by,
            review_seconds=review_seconds,
            higher_tier=higher_tier,
        )
        _book_review(tx, policy, brief, decision, review_seconds)
        return decision


def _book_review(tx: sa.Connection, policy: Policy, brief: Brief, decision: Decision, seconds: int) -> None:
    """A person's time is part of what an approved artifact cost, but no budget can refuse it: it is in none of them.

    Were it, the minutes of those who read a draft for 0.50 USD would overdraw its budget, and stop what they approve.
    """
    rate = rate_of(policy, "review")
    if rate is None or not seconds:
        return
    loop = tx.scalar(sa.select(tables.packet.c.loop).where(tables.packet.c.digest == decision.packet_digest)) or 0
    payer = ledger.Payer(
        artifact=decision.artifact,
        step="sign_off",
        loop=loop,
        cost_centre=brief.cost_centre,
        workload=brief.workload,
        budgets=(),
        policy_sha256=policy.sha256,
        run_id=f"decision {decision.id}",
    )
    amount = rate.cost_nano_usd(seconds)
    ledger.book(tx, payer, kind="review", quantity=seconds, unit=rate.unit, amount_nano_usd=amount, rate=rate)


def sign_by_policy(tx: sa.Connection, *, artifact: str, packet_digest: str, policy_sha256: str) -> None:
    """The policy's own approval of a low-impact packet, as a decision like any other. Signing again changes nothing."""
    signer = f"policy:{policy_sha256[:12]}"
    if any(d.reviewer == signer for d in decisions_on(tx, packet_digest)):
        return
    _insert(
        tx,
        packet_digest=packet_digest,
        artifact=artifact,
        reviewer=signer,
        role=POLICY_ROLE,
        verdict="approve",
        reason="low impact: approvals by_policy",
        identified_by=POLICY_ROLE,
        review_seconds=0,
        higher_tier=False,
    )


def standing_of(connection: sa.Connection, policy: Policy, *, artifact: str, packet_digest: str) -> Standing:
    """The standing of a digest under the policy, the grants and the decisions of this moment."""
    rule = policy.approvals[brief_of(connection, artifact).impact]
    return standing(
        rule,
        decisions_on(connection, packet_digest),
        authors=authors_of(connection, artifact),
        grants=grants_in_force(connection),
    )


def is_permitted(connection: sa.Connection, packet_digest: str) -> bool:
    """The right to publish this digest has been taken: from here on it cannot be undone by a decision."""
    permit = tables.permit
    return (
        connection.scalar(sa.select(permit.c.packet_digest).where(permit.c.packet_digest == packet_digest)) is not None
    )


def decisions_on(connection: sa.Connection, packet_digest: str) -> list[Decision]:
    """Every decision on one digest, in order."""
    return _select(connection, tables.decision.c.packet_digest == packet_digest)


def decisions_of(connection: sa.Connection, artifact: str) -> list[Decision]:
    """Every decision on an artifact, whatever its digest, in order."""
    return _select(connection, tables.decision.c.artifact == artifact)


def decisions_after(connection: sa.Connection, last_id: int, *, limit: int) -> list[Decision]:
    """The stream behind a cursor."""
    return _select(connection, tables.decision.c.id > last_id, limit=limit)


def _select(connection: sa.Connection, condition: sa.ColumnElement[bool], limit: int | None = None) -> list[Decision]:
    query = sa.select(*(tables.decision.c[name] for name in Decision.__slots__)).where(condition)
    rows = connection.execute(query.order_by(tables.decision.c.id).limit(limit)).mappings()
    return [Decision(**row) for row in rows]


def _insert(tx: sa.Connection, **values: object) -> Decision:
    if tx.dialect.name == "postgresql":
        # ids in commit order: a gap that is filled after the cursor has passed it would be a lost decision
        tx.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("decision"))))
    at = utc_now()
    if not insert_once(tx, tables.decision, at=at, **values):
        raise DecisionRefused(
            f"{values['reviewer']} has already decided on this packet; a decision is final for its digest"
        )
    return decisions_on(tx, str(values["packet_digest"]))[-1]
