"""The people of a simulated quarter: who decides on a packet, when, how long it takes, and how.

Belongs here: decisions, recorded by the function that every way to decide goes through. Does not: the policy's own
signature, which is given with the packet (`quarter_drafts`).
"""

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime, timedelta

from bench.quarter_agenda import NEVER, Way
from bench.quarter_ground import (
    QUORUM,
    REVIEW_NANO_USD_PER_HOUR,
    REVIEWERS,
    SECONDS_PER_HOUR,
    at_the_office,
    half_up,
)
from bench.quarter_truth import Ending, Said
from bench.quarter_walk import Walk
from finops_ai import signoff
from finops_ai.signoff import Packet, Verdict
from finops_ai.store import utc_now

REVIEW_SECONDS = (20, 90)
REASONS: Mapping[Verdict, str] = {
    "approve": "checked against the sources",
    "request_changes": "name the period",
    "reject": "nobody may act on this",
}
BY_OTHER_ROLES = 0.3  # of requests for changes and rejections: by somebody whose role is not in the quorum
AGREED_BEFORE = 0.5  # of those: after another role had approved


def signed(walk: Walk, packet: Packet, ending: Ending) -> Generator[datetime, None, bool]:
    """The decisions on the packet of this loop; True: it may be published."""
    roles = list(QUORUM[walk.plan.brief.impact])
    walk.rng.shuffle(roles)
    if ending:
        yield from _stopped(walk, packet, ending, roles)
        return False
    unsigned = walk.plan.fate == "unsigned"
    for role in roles[1:] if unsigned else roles:
        yield from _decide(walk, packet, role, "approve")
    if unsigned:
        yield NEVER
    walk.notes.state = "approved"
    return True


def _stopped(walk: Walk, packet: Packet, ending: Ending, roles: Sequence[str]) -> Way:
    """By somebody of the quorum or of another role, perhaps after the rest of the quorum had approved."""
    if walk.rng.random() < AGREED_BEFORE:
        for role in roles[1:]:
            yield from _decide(walk, packet, role, "approve")
    others = [role for role in REVIEWERS if role not in roles]
    role = walk.rng.choice(others) if walk.rng.random() < BY_OTHER_ROLES else roles[0]
    if ending == "reject":
        yield from _decide(walk, packet, role, "reject")
        walk.notes.ended_by[walk.loop] = "reject"
        walk.notes.state = "rejected"
        return
    higher_tier = walk.plan.higher_tier[walk.loop]
    who = yield from _decide(walk, packet, role, "request_changes", higher_tier=higher_tier)
    walk.loop_ended("request_changes", f"{who} ({role}): {REASONS['request_changes']}", higher_tier=higher_tier)


def _decide(
    walk: Walk, packet: Packet, role: str, verdict: Verdict, *, higher_tier: bool = False
) -> Generator[datetime, None, str]:
    """In office hours, on a day on which there is time for it; who decided."""
    workload = walk.plan.workload
    ground, name = walk.ground, walk.rng.choice(REVIEWERS[role])
    seconds = walk.rng.randint(*REVIEW_SECONDS)
    amount = half_up(seconds, REVIEW_NANO_USD_PER_HOUR, SECONDS_PER_HOUR)
    yield walk.until(at_the_office(walk.at + timedelta(seconds=walk.rng.randrange(600, 30_000))))
    while not ground.may_review(workload.name, utc_now(walk.at)[:10], amount):
        yield walk.until(at_the_office(walk.at + timedelta(days=1)))
    signoff.record_decision(
        ground.database,
        ground.policy,
        artifact=packet.artifact,
        packet_digest=packet.digest,
        reviewer=ground.reviewers[name],
        verdict=verdict,
        reason=REASONS[verdict],
        identified_by="token",
        review_seconds=seconds,
        higher_tier=higher_tier,
    )
    said = Said(
        at=utc_now(walk.at),
        reviewer=name,
        role=role,
        verdict=verdict,
        seconds=seconds,
        loop=walk.loop,
        higher_tier=higher_tier,
    )
    walk.notes.decisions.append(said)
    walk.note("sign_off", kind="review", quantity=seconds, unit="review_s", amount_nano_usd=amount)
    return name
