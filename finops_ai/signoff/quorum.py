"""Who must agree, and have they? Pure functions of the policy's rule and the decisions on one digest.

Belongs here: the standing of a packet, who may decide. Does not: storing decisions (`decisions`).
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from finops_ai.policy import Approval

Verdict = Literal["approve", "request_changes", "reject"]
POLICY_ROLE = "policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One signed word on one digest."""

    id: int  # in commit order
    packet_digest: str
    artifact: str
    reviewer: str
    role: str
    verdict: Verdict
    reason: str
    identified_by: str  # token, launchpad, proxy, policy
    at: str
    higher_tier: bool = False  # with request_changes: the next loop shall have a better model


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a packet stands."""

    approved: bool
    rejected: bool
    changes_requested: bool
    missing: Mapping[str, int] = field(default_factory=dict)  # role -> approvals still needed
    decision_ids: tuple[int, ...] = ()


def same_person(one: str, other: str) -> bool:
    """Names are compared as people read them: `Ana `, `ana`, `ＡＮＡ` and one with invisible characters are one person."""
    return _folded(one) == _folded(other)


def standing(
    rule: Approval, decisions: Sequence[Decision], *, authors: Iterable[str], grants: Mapping[str, str]
) -> Standing:
    """The standing of one digest. `grants` are the reviewers and roles in force now: a revoked approval counts for nothing.

    One veto beats every approval. An approval counts once, for its reviewer's role, and never from an author. Low impact
    is signed by the policy itself, in a decision like any other, so that the record says so.
    """
    banned = [_folded(author) for author in authors]
    granted = {_folded(name): role for name, role in grants.items()}
    counted = [
        d
        for d in decisions
        if d.verdict == "approve"
        and (
            (rule.by_policy and d.identified_by == POLICY_ROLE)
            or (_folded(d.reviewer) not in banned and granted.get(_folded(d.reviewer)) == d.role)
        )
    ]
    needed = {POLICY_ROLE: 1} if rule.by_policy else dict(rule.quorum)
    missing = {role: n - have for role, n in needed.items() if (have := _people(counted, role)) < n}
    rejected = any(d.verdict == "reject" for d in decisions)
    changes = any(d.verdict == "request_changes" for d in decisions)
    return Standing(
        approved=not missing and not rejected and not changes,
        rejected=rejected,
        changes_requested=changes,
        missing=missing,
        decision_ids=tuple(d.id for d in decisions),
    )


def objection(rule: Approval, *, verdict: Verdict, reviewer: str, role: str, authors: Iterable[str]) -> str:
    """Why this person may not give this verdict, or "". Anybody with a role may stop; only the quorum's roles may approve."""
    if any(same_person(reviewer, author) for author in authors):
        return f"{reviewer} is an author of this artifact (its owner, or who submitted it), and may not decide on it"
    if verdict == "approve" and rule.by_policy:
        return "this impact is signed by policy; a person may only stop it"
    if verdict == "approve" and role not in rule.quorum:
        return f"role {role} is not in the quorum ({', '.join(f'{r}: {n}' for r, n in rule.quorum.items())})"
    return ""


def to_publish(decisions: Sequence[Decision], standings: Mapping[str, Standing]) -> list[Decision]:
    """The newest decision of every approved digest: two in one tick would ask for two runs."""
    return list({d.packet_digest: d for d in decisions if standings[d.packet_digest].approved}.values())


def _people(decisions: Sequence[Decision], role: str) -> int:
    return len({_folded(d.reviewer) for d in decisions if d.role == role})


def _folded(name: str) -> str:
    visible = "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c) != "Cf")
    return " ".join(visible.casefold().split())
