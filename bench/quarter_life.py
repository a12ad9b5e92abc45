"""The life of one artifact in a simulated quarter, from its brief to wherever it stands when the quarter ends.

Belongs here: the order in which things happen to it. Does not: any of them. Each step leaves what the workflow's step of that
name leaves, through the same functions of the core: its output in the same form, its verdict, its cost.
"""

from bench.quarter_agenda import Way
from bench.quarter_drafts import review_packet, written
from bench.quarter_evidence import evidence
from bench.quarter_publishing import published
from bench.quarter_signing import signed
from bench.quarter_truth import Lived
from bench.quarter_walk import Walk
from finops_ai.briefs import BriefFile, register
from finops_ai.store import utc_now


def life_of(walk: Walk) -> Way:
    """All that happens to it."""
    plan = walk.plan
    yield plan.created_at
    file = BriefFile(plan.brief, walk.ground.folder)
    register(walk.ground.database, [file], submitted_by=f"{plan.workload.name}-desk", via="inbox")
    if plan.fate == "submitted":
        return
    yield walk.after(20, 4_000)
    if not (yield from evidence(walk)):
        return
    for loop, ending in enumerate(plan.endings):
        walk.loop = loop
        if not (yield from written(walk, fails=ending == "failed_gate")):
            return
        if ending == "failed_gate":
            walk.loop_ended("failed_gate", "the quality gate failed")
        else:
            packet = yield from review_packet(walk)
            if (yield from signed(walk, packet, ending)):
                yield from published(walk, packet)
                return
        yield walk.after(30, 600)  # until a sensor asks for the rework


def lived_by(walk: Walk) -> Lived:
    """What came of it."""
    plan, notes = walk.plan, walk.notes
    brief = plan.brief
    return Lived(
        key=plan.key,
        workload=brief.workload,
        cost_centre=brief.cost_centre,
        owner=brief.owner,
        impact=brief.impact,
        profile=brief.profile,
        form=brief.intent.form,
        value_usd=int(brief.intent.value.expected_usd),
        injections=plan.injections,
        created_at=utc_now(plan.created_at),
        state=notes.state,
        ended_by=tuple(notes.ended_by),
        tiers=tuple(notes.tiers),
        costs=tuple(notes.costs),
        suspense=tuple(notes.suspense),
        decisions=tuple(notes.decisions),
        published_at=notes.published_at,
    )
