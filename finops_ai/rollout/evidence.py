"""What the records say of a workload since a moment: the figures that a change of stage is decided on.

Belongs here: reading them, a set at a time. Does not: what they must be (`readiness`).

An artifact ended when it was published, rejected, or stopped by a gate or a request for changes with no loop left. What is
still on its way counts for nothing. The window begins `window_days` ago, or with the last change of stage: what was shown in
one stage opens the next one once, and what took a workload back is not held against it twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.policy import REQUIRED_GATES, Policy, Stage, stage_ceiling
from finops_ai.pricing import to_nano_usd
from finops_ai.rollout.stages import artifacts_of, changed_at, earned_stage, effective_stage
from finops_ai.store import tables, utc_now

CALL_DAYS_MAX = 1  # a reservation without an outcome for longer is nobody's call any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Figures of one workload. Amounts are nano-USD; the cost of an artifact is the whole of it, whenever it was booked."""

    workload: str
    since: str
    at: str
    ceiling: Stage
    earned: Stage
    briefs: int  # registered in the window
    briefs_without_value: int
    published: int  # in the window
    ended: int  # published included
    first_pass: int  # published without rework
    published_ungated: tuple[str, ...]  # without every gate passed, or under another policy than the packet's
    published_cost_nano_usd: int
    published_value_nano_usd: int  # as declared in their briefs
    ended_cost_nano_usd: int
    suspense: int  # reservations, whenever they were suspended
    suspense_nano_usd: int
    suspense_overdue: int  # suspended since the window began, and open for longer than the policy allows
    reservations_overdue: int  # without any outcome for longer than a day
    not_booked: tuple[str, ...]  # kinds of cost that are in no figure

    @property
    def stage(self) -> Stage:
        """The one in force."""
        return effective_stage(ceiling=self.ceiling, earned=self.earned)


def evidence_of(connection: sa.Connection, policy: Policy, workload: str, at: datetime) -> Evidence:
    """The figures at a moment."""
    until, changed = utc_now(at), changed_at(connection, workload)
    since = max(utc_now(at - timedelta(days=policy.rollout.window_days)), changed)
    published = list(connection.execute(sa.select(_published(workload, since, until))))
    stopped = set(_stopped(connection, policy, workload, since, until))
    rows = ledger.cost_rows(connection, by="artifact", workload=workload)
    costs = {row["key"]: int(row["cost_nano_usd"]) for row in rows}
    published_cost = sum(costs.get(row.artifact, 0) for row in published)
    briefs, without_value = _briefs(connection, workload, since, until)
    suspended = _suspended(connection, workload)
    overdue = utc_now(at - timedelta(days=policy.rollout.suspense_days_max))
    return Evidence(
        workload=workload,
        since=since,
        at=until,
        ceiling=stage_ceiling(policy, workload),
        earned=earned_stage(connection, workload),
        briefs=briefs,
        briefs_without_value=without_value,
        published=len(published),
        ended=len(published) + len(stopped),
        first_pass=sum(row.loop == 0 for row in published),
        published_ungated=tuple(_ungated(connection, workload, since, until)),
        published_cost_nano_usd=published_cost,
        published_value_nano_usd=sum(to_nano_usd(Decimal(row.value_usd)) for row in published),
        ended_cost_nano_usd=published_cost + sum(costs.get(artifact, 0) for artifact in stopped),
        suspense=len(suspended),
        suspense_nano_usd=sum(amount for _, amount in suspended),
        suspense_overdue=sum(changed < since_when < overdue for since_when, _ in suspended),
        reservations_overdue=_open_since_before(connection, workload, utc_now(at - timedelta(days=CALL_DAYS_MAX))),
        not_booked=tuple(policy.rates.not_booked),
    )


def _published(workload: str, since: str, until: str) -> sa.Subquery:
    """Artifacts whose first receipt is from the window: artifact, packet_digest, loop, permitted_at, value_usd."""
    artifact, publication, receipt = tables.artifact, tables.publication, tables.receipt
    packet, permit = tables.packet, tables.permit
    first_at = sa.func.min(receipt.c.at)
    first = (
        sa.select(publication.c.artifact, first_at.label("at"))
        .join(receipt, receipt.c.publication_key == publication.c.key)
        .join(artifact, artifact.c.key == publication.c.artifact)
        .where(artifacts_of(workload))
        .group_by(publication.c.artifact)
        .having(first_at > since, first_at <= until)
        .subquery()
    )
    return (
        sa.select(
            first.c.artifact,
            packet.c.digest.label("packet_digest"),
            packet.c.loop,
            permit.c.at.label("permitted_at"),
            artifact.c.brief[("intent", "value", "expected_usd")].as_string().label("value_usd"),
        )
        .join(artifact, artifact.c.key == first.c.artifact)
        .join(publication, publication.c.artifact == first.c.artifact)
        .join(receipt, (receipt.c.publication_key == publication.c.key) & (receipt.c.at == first.c.at))
        .join(permit, permit.c.packet_digest == publication.c.packet_digest)
        .join(packet, packet.c.digest == publication.c.packet_digest)
        .distinct()
        .subquery()
    )


def _stopped(connection: sa.Connection, policy: Policy, workload: str, since: str, until: str) -> Iterator[str]:
    """Artifacts that no run takes any further: by the newest verdict of a gate, or a decision on the newest packet."""
    for query in (_failed_gates(), _unfavourable_decisions()):
        artifact, ending = tables.artifact, query.subquery()
        profile = artifact.c.brief["profile"].as_string()
        rows = connection.execute(
            sa.select(ending, profile.label("profile"))
            .join(artifact, artifact.c.key == ending.c.artifact)
            .outerjoin(tables.permit, tables.permit.c.artifact == artifact.c.key)
            .where(artifacts_of(workload), tables.permit.c.artifact.is_(None))
            .where(ending.c.at > since, ending.c.at <= until)
        )
        for row in rows:
            rework = row.why in ("quality", "request_changes")
            if not rework or row.loop >= policy.profiles[row.profile].loops_max:
                yield row.artifact


def _failed_gates() -> sa.Select[tuple[str, str, int, str]]:
    verdict = tables.gate_verdict
    newest = sa.select(sa.func.max(verdict.c.id)).group_by(verdict.c.artifact, verdict.c.gate)
    query = sa.select(verdict.c.artifact, verdict.c.gate.label("why"), verdict.c.loop, verdict.c.at)
    return query.where(verdict.c.id.in_(newest), sa.not_(verdict.c.passed))


def _unfavourable_decisions() -> sa.Select[tuple[str, str, int, str]]:
    decision, packet, output = tables.decision, tables.packet, tables.step_output
    newest = sa.select(sa.func.max(output.c.id)).where(output.c.step == "review_packet").group_by(output.c.artifact)
    query = sa.select(decision.c.artifact, decision.c.verdict.label("why"), packet.c.loop, decision.c.at)
    return (
        query.join(packet, packet.c.digest == decision.c.packet_digest)
        .join(output, output.c.output_sha256 == packet.c.digest)
        .where(output.c.id.in_(newest), decision.c.verdict.in_(("reject", "request_changes")))
    )


def _ungated(connection: sa.Connection, workload: str, since: str, until: str) -> Iterator[str]:
    """Published ones without a passed verdict of each required gate under the policy of their packet."""
    published, verdict, output = _published(workload, since, until), tables.gate_verdict, tables.step_output
    packets = connection.execute(
        sa.select(published.c.artifact, output.c.policy_sha256)
        .join(output, output.c.output_sha256 == published.c.packet_digest)
        .where(output.c.step == "review_packet")
        .order_by(output.c.id)
    )
    verdicts = connection.execute(
        sa.select(verdict.c.artifact, verdict.c.gate, verdict.c.passed, verdict.c.policy_sha256)
        .join(published, published.c.artifact == verdict.c.artifact)
        .where(verdict.c.at <= published.c.permitted_at)
        .order_by(verdict.c.id)
    )
    newest = {(row.artifact, row.gate): (row.passed, row.policy_sha256) for row in verdicts}
    policies = {row.artifact: row.policy_sha256 for row in packets}
    for artifact in connection.scalars(sa.select(published.c.artifact).order_by(published.c.artifact)):
        wanted = (True, policies.get(artifact))
        if any(newest.get((artifact, gate)) != wanted for gate in REQUIRED_GATES):
            yield artifact


def _briefs(connection: sa.Connection, workload: str, since: str, until: str) -> tuple[int, int]:
    """Briefs of the window, and those among them that declare no metric."""
    artifact = tables.artifact
    metric = artifact.c.brief[("intent", "value", "metric")].as_string()
    window = (artifacts_of(workload), artifact.c.created_at > since, artifact.c.created_at <= until)
    count, with_metric = connection.execute(
        sa.select(sa.func.count(), sa.func.count(sa.func.nullif(metric, ""))).where(*window)
    ).one()
    return count, count - with_metric


def _suspended(connection: sa.Connection, workload: str) -> list[tuple[str, int]]:
    """(since when, nano-USD) of each reservation in suspense."""
    artifact, reservation = tables.artifact, tables.reservation
    outcome, resolution = tables.outcome, tables.resolution
    query = (
        sa.select(outcome.c.at, reservation.c.amount_nano_usd)
        .join(reservation, reservation.c.key == outcome.c.reservation)
        .join(artifact, artifact.c.key == reservation.c.artifact)
        .outerjoin(resolution, resolution.c.reservation == outcome.c.reservation)
        .where(artifacts_of(workload), outcome.c.kind == "suspended", resolution.c.reservation.is_(None))
    )
    return [(row.at, int(row.amount_nano_usd)) for row in connection.execute(query)]


def _open_since_before(connection: sa.Connection, workload: str, moment: str) -> int:
    artifact, reservation, outcome = tables.artifact, tables.reservation, tables.outcome
    query = (
        sa.select(sa.func.count())
        .select_from(reservation)
        .join(artifact, artifact.c.key == reservation.c.artifact)
        .outerjoin(outcome, outcome.c.reservation == reservation.c.key)
        .where(artifacts_of(workload), outcome.c.reservation.is_(None), reservation.c.at < moment)
    )
    return connection.scalar(query) or 0
