"""The second half of a simulated run: a route, a draft, and the packet that people sign.

Belongs here: what the steps `model_route`, `draft` and `review_packet` leave. Does not: the call that the draft costs
(`quarter_calls`); the text of a draft is the facts themselves.
"""

from collections.abc import Generator
from datetime import datetime

import sqlalchemy as sa

from bench.quarter_agenda import Way
from bench.quarter_calls import call, outcomes_of
from bench.quarter_evidence import evidence
from bench.quarter_ground import MODELS
from bench.quarter_plan import tier_by_rule
from bench.quarter_truth import Call, Said, Served
from bench.quarter_verdicts import failed, passed
from bench.quarter_walk import Walk
from finops_ai import ledger, publishing, signoff
from finops_ai.generation import Draft
from finops_ai.orchestration.gates import quality_gate, readiness_gate
from finops_ai.policy import TIER_ORDER, bounds_for
from finops_ai.routing import choose_route, record_exception
from finops_ai.signoff import Packet
from finops_ai.store import utc_now


def written(walk: Walk, *, fails: bool) -> Generator[datetime, None, bool]:
    """Route and draft of this loop, judged; False: no model gave an answer."""
    if walk.loop:
        walk.new_run()
    walk.notes.ended_by.append("")
    walk.notes.tiers.append(_due(walk))
    yield from _route(walk)
    if not (yield from _asked(walk, again=False)):
        if walk.plan.fate == "failed":
            return False
        yield walk.after(900, 9_000)  # until a sensor tries again, from the beginning
        yield from evidence(walk)
        yield from _route(walk)
        yield from _asked(walk, again=True)
    if walk.notes.tiers[-1].level == "batch":  # the run that waited has ended: another one goes on
        _no_newer_draft(walk)
        yield from evidence(walk)
        yield from _route(walk)
    walk.draft = _draft(walk, fails=fails)
    gate = quality_gate(**dict(walk.ground.policy.gates.quality))
    yield from walk.step(
        "draft",
        walk.draft.as_dict,
        verdict=lambda: failed(gate, column="finding", sample="'cites nothing'") if fails else passed(gate),
    )
    walk.notes.state = "producing"
    return True


def _due(walk: Walk) -> Served:
    """Who must serve this loop: by rule, and one tier above that after a failed gate or where a reviewer asked."""
    plan = walk.plan
    tier, reason = tier_by_rule(plan)
    for ended in reversed(walk.past):
        if ended.ended_by == "failed_gate" or ended.higher_tier:
            if tier != TIER_ORDER[-1]:
                tier = TIER_ORDER[TIER_ORDER.index(tier) + 1]
                reason = "failed_gate" if ended.ended_by == "failed_gate" else "reviewer_asked"
            break
    level = walk.ground.policy.tiers[tier].service_levels.get(plan.brief.profile, "standard")
    return Served(loop=walk.loop, tier=tier, level=level, exception=reason)


def _route(walk: Walk) -> Way:
    policy = walk.ground.policy
    brief = walk.plan.brief
    bounds = bounds_for(policy, brief)
    with walk.ground.database.read() as connection:
        left = ledger.left_nano_usd(connection, walk.payer("draft").budgets)
    route = choose_route(
        brief,
        step="draft",
        loop=walk.loop,
        past=walk.past,
        offers=walk.ground.offers_to(brief),
        rules=policy.routing,
        bounds=bounds,
        budget_left_nano_usd=left,
    )
    payer = walk.payer("model_route")
    yield from walk.step("model_route", route.as_dict, also=lambda tx: record_exception(tx, payer, route))
    _no_newer_draft(walk)


def _no_newer_draft(walk: Walk) -> None:
    """In a rework: until its draft is there, the newest verdict is of the one that failed, and holds the artifact."""
    if walk.past and walk.past[-1].ended_by == "failed_gate":
        walk.notes.state = "held"


def _asked(walk: Walk, *, again: bool) -> Generator[datetime, None, bool]:
    served = walk.notes.tiers[-1]
    bounds = bounds_for(walk.ground.policy, walk.plan.brief)
    wanted = Call(
        step="draft",
        served=served,
        model=MODELS[served.tier],
        input_tokens_max=bounds.input_tokens_max,
        output_tokens_max=bounds.output_tokens_max,
    )
    return (yield from call(walk, wanted, outcomes_of(walk, again=again)))


def _draft(walk: Walk, *, fails: bool) -> Draft:
    """Each loop begins with another fact, so that no two drafts of an artifact are the same."""
    loop = walk.loop
    chosen = (walk.facts[loop:] + walk.facts[:loop])[:3]
    lines = [f"- {fact.text} [{fact.label}]" for fact in chosen]
    if fails:
        lines.append("- It is well known that this will go on.")
    return Draft(markdown="\n".join(lines), engine="openai", model=MODELS[walk.notes.tiers[-1].tier])


def review_packet(walk: Walk) -> Generator[datetime, None, Packet]:
    """What people sign; at low impact the policy has signed it at once."""
    brief = walk.plan.brief
    objects = walk.ground.objects
    draft_sha256 = walk.digests["draft"]
    markdown = publishing.render_markdown(brief, walk.draft.markdown, walk.facts)
    name = publishing.file_name(walk.plan.key, draft_sha256)
    packet = Packet(
        artifact=walk.plan.key,
        loop=walk.loop,
        impact=brief.impact,
        profile=brief.profile,
        targets=tuple(brief.targets),
        brief_sha256=brief.sha256,
        claims_sha256=walk.digests["claims"],
        draft_sha256=draft_sha256,
        files={f"{name}.md": objects.put(markdown.encode())},
        gates={gate: walk.verdicts[gate] for gate in ("policy", "quality")},
        policy_sha256=walk.ground.policy_sha256,
    )

    def keep(tx: sa.Connection) -> None:
        digest = signoff.keep_packet(tx, objects, packet)
        if brief.impact == "low":
            signoff.sign_by_policy(
                tx, artifact=packet.artifact, packet_digest=digest, policy_sha256=packet.policy_sha256
            )

    yield from walk.step("review_packet", packet.as_dict, verdict=lambda: passed(readiness_gate()), also=keep)
    walk.notes.state = "awaiting_sign_off"
    if brief.impact == "low":
        walk.notes.state = "approved"
        signer = f"policy:{walk.ground.policy_sha256[:12]}"
        walk.notes.decisions.append(
            Said(at=utc_now(walk.at), reviewer=signer, role="policy", verdict="approve", seconds=0, loop=walk.loop)
        )
    return packet
