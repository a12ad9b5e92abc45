"""Human approval: packets, reviewers, decisions, the quorum.

Belongs here: what is signed, by whom, and whether that is enough. Does not: gates (`orchestration.gates`), publishing.
There is no approval by time: what is not decided waits.
"""

from finops_ai.signoff.decisions import (
    DecisionRefused,
    authors_of,
    current_packet,
    decisions_after,
    decisions_of,
    decisions_on,
    is_permitted,
    record_decision,
    sign_by_policy,
    standing_of,
)
from finops_ai.signoff.packet import Packet, keep_packet, load_packet
from finops_ai.signoff.quorum import (
    POLICY_ROLE,
    Decision,
    Standing,
    Verdict,
    objection,
    same_person,
    standing,
    to_publish,
)
from finops_ai.signoff.reviewers import (
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

__all__ = [
    "POLICY_ROLE",
    "Decision",
    "DecisionRefused",
    "Packet",
    "Reviewer",
    "ReviewerError",
    "Standing",
    "Verdict",
    "authors_of",
    "by_name",
    "by_signature",
    "by_token",
    "current_packet",
    "decisions_after",
    "decisions_of",
    "decisions_on",
    "grant",
    "grants_in_force",
    "is_permitted",
    "keep_packet",
    "launchpad_signature",
    "load_packet",
    "objection",
    "record_decision",
    "reviewers",
    "revoke",
    "same_person",
    "sign_by_policy",
    "standing",
    "standing_of",
    "to_publish",
]
