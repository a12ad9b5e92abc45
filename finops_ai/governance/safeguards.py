"""What guarded a month: gates, signatures and how long they took, text meant for a model, statements beside files.

Belongs here: pure functions from a month's values to counts. Does not: money (`economics`), which control a count supports
(`controls`). Nobody can decide against a failed gate, since the permit asks every gate again; it is counted all the same.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from finops_ai.governance.economics import seconds_between
from finops_ai.governance.model import Artifact, Decided, Failure, Verdict, View
from finops_ai.publishing import REQUIRED_GATES
from finops_ai.signoff import POLICY_ROLE

STATEMENT = ".intoto.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A packet that people signed and that was then permitted in the month."""

    artifact: str
    digest: str
    ready_at: str
    signed_at: str  # the last approval
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A packet that waits for signatures when the month ends."""

    artifact: str
    digest: str
    since: str
    seconds: int
    missing: str  # the roles


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile:
    """A file that was published in the month."""

    artifact: str
    target: str
    name: str
    has_statement: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Safeguards:
    """Counts of one month."""

    verdicts: tuple[Verdict, ...]
    decisions: tuple[Decided, ...]
    failures: tuple[Failure, ...]
    signed: tuple[Signed, ...]
    waiting: tuple[Waiting, ...]  # the oldest first
    files: tuple[PublishedFile, ...]
    unguarded: tuple[str, ...]  # published although a required gate had failed, or had no verdict: there must be none
    addressing_sources: int  # sources with text that addresses a model, as assessed in the month
    addressed: int  # artifacts with such a source
    assessed: int  # artifacts whose sources were assessed in the month

    @property
    def by_gate(self) -> Mapping[str, tuple[int, int]]:
        """(passed, failed) of each gate."""
        found = Counter((verdict.gate, verdict.passed) for verdict in self.verdicts)
        return {gate: (found[gate, True], found[gate, False]) for gate in REQUIRED_GATES}

    @property
    def blocked(self) -> int:
        """Verdicts that stopped an artifact."""
        return sum(not verdict.passed for verdict in self.verdicts)

    @property
    def approvals(self) -> Mapping[str, int]:
        """Approvals by role; the policy's own are one of them."""
        return dict(sorted(Counter(d.role for d in self.decisions if d.verdict == "approve").items()))

    @property
    def by_people(self) -> tuple[Decided, ...]:
        """Decisions that a person signed."""
        return tuple(d for d in self.decisions if d.role != POLICY_ROLE)

    @property
    def with_statement(self) -> int:
        """Published files beside which a signed statement stands."""
        return sum(file.has_statement for file in self.files)


def safeguards_of(view: View, quorums: Mapping[str, Mapping[str, int]]) -> Safeguards:
    """`quorums`: by impact, how many of each role must approve."""
    month = view.month
    assessed = [count for count in view.addressing.values() if count is not None]
    return Safeguards(
        verdicts=tuple(v for one in view.artifacts for v in one.verdicts if v.at[:7] == month),
        decisions=tuple(d for one in view.artifacts for d in one.decisions if d.at[:7] == month),
        failures=tuple(f for one in view.artifacts for f in one.failures if f.at[:7] == month),
        signed=tuple(found for one in view.artifacts for found in _signed(one, month)),
        waiting=tuple(sorted(_waiting_of(view, quorums), key=lambda one: (one.since, one.artifact))),
        files=tuple(file for one in view.artifacts for file in _files(one, month)),
        unguarded=tuple(one.key for one in view.published if not is_guarded(one)),
        addressing_sources=sum(assessed),
        addressed=sum(count > 0 for count in assessed),
        assessed=len(assessed),
    )


def is_guarded(artifact: Artifact) -> bool:
    """When its permit was taken, the newest verdict of every required gate had passed."""
    permit = artifact.permit
    newest = {v.gate: v.passed for v in artifact.verdicts if permit and v.at <= permit.at}
    return all(newest.get(gate, False) for gate in REQUIRED_GATES)


def _signed(artifact: Artifact, month: str) -> list[Signed]:
    permit = artifact.permit
    if permit is None or permit.at[:7] != month:
        return []
    ready = {packet.digest: packet.at for packet in artifact.packets}
    approvals = [
        d.at
        for d in artifact.decisions
        if d.packet_digest == permit.packet_digest and d.verdict == "approve" and d.role != POLICY_ROLE
    ]
    if not approvals or permit.packet_digest not in ready:
        return []
    start, end = ready[permit.packet_digest], max(approvals)
    return [
        Signed(
            artifact=artifact.key,
            digest=permit.packet_digest,
            ready_at=start,
            signed_at=end,
            seconds=seconds_between(start, end),
        )
    ]


def _waiting_of(view: View, quorums: Mapping[str, Mapping[str, int]]) -> list[Waiting]:
    found = []
    for one in view.artifacts:
        ready = next((packet for packet in one.packets if packet.digest == one.newest_packet), None)
        if one.state != "open" or ready is None or one.permit or not _is_ready(one):
            continue
        on_it = [d for d in one.decisions if d.packet_digest == ready.digest]
        missing = _missing(on_it, quorums.get(one.intake.impact, {}))
        if missing and not any(d.verdict != "approve" for d in on_it):
            seconds = seconds_between(ready.at, max(view.ends_at, ready.at))
            found.append(
                Waiting(artifact=one.key, digest=ready.digest, since=ready.at, seconds=seconds, missing=missing)
            )
    return found


def _is_ready(artifact: Artifact) -> bool:
    judged = [v.passed for v in artifact.verdicts if v.gate == "readiness"]
    return bool(judged) and judged[-1]


def _missing(decisions: list[Decided], quorum: Mapping[str, int]) -> str:
    have = Counter(role for role, _ in {(d.role, d.reviewer) for d in decisions if d.verdict == "approve"})
    return ", ".join(f"{role} {needed - have[role]}" for role, needed in quorum.items() if have[role] < needed)


def _files(artifact: Artifact, month: str) -> list[PublishedFile]:
    return [
        PublishedFile(
            artifact=artifact.key, target=place.target, name=name, has_statement=f"{name}{STATEMENT}" in place.files
        )
        for place in artifact.delivered
        if place.at[:7] == month
        for name in place.files
        if not name.endswith(STATEMENT)
    ]
