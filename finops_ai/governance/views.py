"""From records to what an artifact and a month were when the month ended: pure functions.

Belongs here: states and the months before. Does not: SQL (`records`), figures. `artifacts.position` says where an artifact
stands now, under the policy of now; this says where it stood then, from the records of then, and so does not change.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from finops_ai.governance.model import (
    Artifact,
    Decided,
    Failure,
    Intake,
    Packed,
    Spend,
    State,
    StepOutput,
    Values,
    Verdict,
    View,
)
from finops_ai.governance.records import Records
from finops_ai.policy import Policy
from finops_ai.store import month_bounds, preceding_month, utc_now

MONTHS_SHOWN = 6  # the month under review and those before it
_STOPPING_GATES = ("policy", "readiness")  # a failed quality gate is followed by another loop, while there is one

Row = TypeVar("Row", bound=Any)


def values_of(records: Records, policy: Policy, *, over: bool) -> Values:
    """The month with those before it in which there are records."""
    months = [records.month]
    first = min(
        [intake.at[:7] for intake in records.intakes[:1]] + [r[0].month for r in records.spend.values()] or months
    )
    while len(months) < MONTHS_SHOWN and months[0] > first:
        months.insert(0, preceding_month(months[0]))
    loops_max: dict[str, int] = {name: rule.loops_max for name, rule in policy.profiles.items()}
    named = _named(policy)
    views = tuple(
        view_of(records, month, loops_max=loops_max, named=named, over=over or month != records.month)
        for month in months
    )
    return Values(
        months=views,
        over=over,
        policy_sha256=policy.sha256,
        not_booked=tuple(policy.rates.not_booked),
        quorums={impact: dict(rule.quorum) for impact, rule in policy.approvals.items()},
        budgets=records.budgets,
        alerts=records.alerts,
        stages=records.stages,
        books=records.books,
        unreadable=sum(
            record is None for record in (*records.failed.values(), *_addressing(records, records.month).values())
        ),
    )


def _named(policy: Policy) -> frozenset[tuple[str, str]]:
    budgets, platform = policy.budgets, policy.platform
    return frozenset(
        {("cost_centre", name) for name in (*budgets.cost_centres, platform.cost_centre)}
        | {("workload", name) for name in (*budgets.workloads, platform.workload)}
    )


def view_of(
    records: Records, month: str, *, loops_max: Mapping[str, int], named: frozenset[tuple[str, str]], over: bool
) -> View:
    """One month as it ended."""
    spend = [row for rows in records.spend.values() for row in rows]
    return View(
        month=month,
        ends_at=_last_moment(month) if over else _newest_record_at(records),
        artifacts=tuple(
            artifact_at(records, intake, month, loops_max=loops_max[intake.profile])
            for intake in records.intakes
            if intake.at[:7] <= month
        ),
        spend=tuple(row for row in spend if row.month == month and row.kind != "suspense"),
        suspense=_standing(row for row in spend if row.month <= month and row.kind == "suspense"),
        estimated=_standing(row for row in spend if row.month <= month and row.kind == "call" and row.estimated),
        named=named,
        addressing=_addressing(records, month),
        reasons=_reasons(records) if month == records.month else (),
    )


def _newest_record_at(records: Records) -> str:
    """The time of the newest record: how far a month that is not over has come, without asking a clock."""
    streams: tuple[Mapping[str, Sequence[Any]], ...] = (
        records.outputs, records.verdicts, records.failures, records.decisions, records.delivered, records.permits,
    )  # fmt: skip
    times = [intake.at for intake in records.intakes]
    times += [row.at for stream in streams for rows in stream.values() for row in rows[-1:]]
    return max(times, default=f"{records.month}-01T00:00:00.000000Z")


def _last_moment(month: str) -> str:
    return utc_now(month_bounds(month)[1] - timedelta(microseconds=1))


def _standing(rows: Iterable[Spend]) -> tuple[Spend, ...]:
    """By artifact and loop, without what was taken back: resolved by the provider's word, or corrected by its count."""
    sums: dict[tuple[str, int], Spend] = {}
    for row in rows:
        before = sums.get((row.artifact, row.loop))
        sums[row.artifact, row.loop] = row if before is None else row._replace(
            amount_nano_usd=before.amount_nano_usd + row.amount_nano_usd,
            entries=before.entries + row.entries,
            first_entry=min(before.first_entry, row.first_entry),
            last_entry=max(before.last_entry, row.last_entry),
        )  # fmt: skip
    return tuple(row for row in sums.values() if row.amount_nano_usd)


def artifact_at(records: Records, intake: Intake, month: str, *, loops_max: int) -> Artifact:
    """One artifact when a month ended."""
    key = intake.key
    outputs = _until(records.outputs.get(key, ()), month)
    verdicts = _until(records.verdicts.get(key, ()), month)
    decisions = _until(records.decisions.get(key, ()), month)
    packets = _until(records.packets.get(key, ()), month)
    failures = _until(records.failures.get(key, ()), month)
    permits = _until(records.permits.get(key, ()), month)
    delivered = _until(records.delivered.get(key, ()), month)
    newest_output = max((output.at for output in outputs), default="")
    loop = max((output.loop for output in outputs), default=0)
    current = _newest(_until(records.steps.get(key, ()), month), "review_packet")
    state: State
    if delivered:
        state, at = "published", delivered[0].at
    else:
        ended = ended_by(verdicts, decisions, packets)
        packet = current.output_sha256 if current else ""
        state, at = _stopped(
            packet, decisions, failures, verdicts, ended.get(loop) if loop >= loops_max else None, newest_output
        )
    return Artifact(
        intake=intake,
        state=state,
        outcome_at=at,
        loop=loop,
        verdicts=verdicts,
        decisions=decisions,
        packets=packets,
        premiums=_until(records.premiums.get(key, ()), month),
        failures=failures,
        delivered=delivered,
        spend=tuple(row for row in records.spend.get(key, ()) if row.month <= month),
        permit=permits[-1] if permits else None,
        newest_packet=current.output_sha256 if current and current.at == newest_output else "",
    )


def _stopped(
    packet: str,
    decisions: Sequence[Decided],
    failures: Sequence[Failure],
    verdicts: Sequence[Verdict],
    exhausted: tuple[str, str] | None,
    newest_output: str,
) -> tuple[State, str]:
    """The first that applies, in the order of `artifacts.position`."""
    for decision in decisions:
        if decision.verdict == "reject" and decision.packet_digest == packet:
            return "rejected", decision.at
    if exhausted:
        return "held", exhausted[1]
    if failures and failures[-1].at >= newest_output:
        return ("held" if failures[-1].permanent else "failed"), failures[-1].at
    newest = {verdict.gate: verdict for verdict in verdicts}
    for gate in _STOPPING_GATES:
        if gate in newest and not newest[gate].passed:
            return "held", newest[gate].at
    return "open", ""


def ended_by(
    verdicts: Sequence[Verdict], decisions: Sequence[Decided], packets: Sequence[Packed]
) -> dict[int, tuple[str, str]]:
    """Loop: (what ended it, when). A failed quality gate, or a reviewer who asked for changes, and then that one."""
    ended: dict[int, tuple[str, str]] = {}
    for verdict in verdicts:
        if verdict.gate == "quality":
            if verdict.passed:
                ended.pop(verdict.loop, None)
            else:
                ended[verdict.loop] = ("quality gate", verdict.at)
    loops = {packet.digest: packet.loop for packet in packets}
    for decision in decisions:
        if decision.verdict == "request_changes" and decision.packet_digest in loops:
            ended[loops[decision.packet_digest]] = (f"changes asked for by {decision.role}", decision.at)
    return ended


def _until(rows: Sequence[Row], month: str) -> tuple[Row, ...]:
    return tuple(row for row in rows if row.at[:7] <= month)


def _newest(steps: Sequence[StepOutput], step: str) -> StepOutput | None:
    return next((row for row in reversed(steps) if row.step == step), None)


def _assessed(records: Records, month: str) -> dict[str, Any]:
    """The newest assessment of the month, by artifact. A document of our own records has checks in its place."""
    found: dict[str, Any] = {}
    for key, steps in records.steps.items():
        for row in steps:
            if row.step == "risk_assessment" and row.at[:7] == month and row.output_sha256 in records.assessments:
                found[key] = records.assessments[row.output_sha256]
    return {key: record for key, record in found.items() if not (isinstance(record, dict) and "checks" in record)}


def _addressing(records: Records, month: str) -> dict[str, int | None]:
    return {
        key: record.get("addressing_sources") if isinstance(record, dict) else None
        for key, record in _assessed(records, month).items()
    }


def _reasons(records: Records) -> tuple[tuple[str, str, str], ...]:
    """Every miss of every failed verdict of the month."""
    failed = (
        verdict
        for rows in records.verdicts.values()
        for verdict in rows
        if not verdict.passed and verdict.at[:7] == records.month
    )
    found: list[tuple[str, str, str]] = []
    for verdict in sorted(failed, key=lambda one: one.id):
        record = records.failed.get(verdict.verdict_sha256)
        if not isinstance(record, dict):
            found.append((verdict.gate, "its record is not at hand", ""))
            continue
        misses = [(miss["why"], miss["control"]) for miss in record.get("failures", [])]
        found += [(verdict.gate, why, control) for why, control in misses or [(record.get("error", ""), "")]]
    return tuple(found)
