"""The end of a simulated run that was approved: the permit, the files with their signed statements, the summary.

Belongs here: what the steps `published` and `analytics` leave. Does not: a rendered page: the packet holds its Markdown alone.
"""

from datetime import datetime
from typing import Any

from bench.quarter_agenda import Way
from bench.quarter_walk import Walk
from finops_ai import ledger, provenance, publishing, signoff
from finops_ai.pricing import format_usd
from finops_ai.signoff import Packet
from finops_ai.store import sha256_hex, utc_now


def published(walk: Walk, packet: Packet) -> Way:
    """Permit, delivery, summary; unless its fate is to wait for one of them as the quarter ends."""
    ground = walk.ground
    if walk.plan.fate == "approved":
        return
    yield walk.after(20, 400)
    walk.new_run()
    permit = _permit(walk, packet)
    walk.notes.state = "publishing"
    if walk.plan.fate == "publishing":
        return
    yield walk.after(0.1, 1.5)
    receipts = publishing.deliver(
        ground.database,
        ground.targets,
        packet_digest=packet.digest,
        artifact=packet.artifact,
        files=_files(walk, packet, permit),
        run_id=walk.run_id,
    )
    walk.notes.state = "published"
    walk.notes.published_at = utc_now(walk.at)
    record = [
        {
            "target": r.target,
            "files": [{name: getattr(f, name) for name in f.__slots__} for f in r.files],
            "at": r.at,
        }
        for r in receipts
    ]
    yield from walk.step("published", lambda: {"packet_digest": packet.digest, "receipts": record})
    yield from walk.step("analytics", lambda: _analytics(walk))


def _permit(walk: Walk, packet: Packet) -> publishing.Permit:
    """Verified afresh in the transaction that takes it. Raises PublishingRefused."""
    ground, key = walk.ground, packet.artifact
    with ground.database.write() as tx:
        standing = signoff.standing_of(tx, ground.policy, artifact=key, packet_digest=packet.digest)
        left = ledger.left_nano_usd(tx, walk.payer("published").budgets)
        found = publishing.objections(
            packet,
            current_digest=signoff.current_packet(tx, key),
            policy_sha256=ground.policy_sha256,
            standing=standing,
            gates=publishing.newest_gates(tx, key),
            found_files={name: sha256_hex(ground.objects.get(sha)) for name, sha in packet.files.items()},
            over_budget=f"a budget is overdrawn by {format_usd(-left)} USD" if left < 0 else "",
        )
        if found:
            raise publishing.PublishingRefused(found)
        permit = publishing.take_permit(tx, packet, decision_ids=standing.decision_ids, run_id=walk.run_id)
        publishing.intend(tx, packet_digest=packet.digest, artifact=key, targets=packet.targets, profile=packet.profile)
        return permit


def _files(walk: Walk, packet: Packet, permit: publishing.Permit) -> dict[str, bytes]:
    """Each published file with its signed statements, made as the step `published` makes them."""
    ground = walk.ground
    with ground.database.read() as connection:
        decisions = [d for d in signoff.decisions_on(connection, packet.digest) if d.id in permit.decision_ids]
        gates = publishing.newest_gates(connection, packet.artifact)
        spent = ledger.spent_until(connection, artifact=packet.artifact, at=permit.at)
    cited = set(publishing.cited_labels(walk.draft.markdown))
    record = provenance.Record(
        brief=walk.plan.brief,
        packet=packet,
        permit=permit,
        facts=[fact for fact in walk.facts if fact.label in cited],
        sources=walk.sources,
        decisions=decisions,
        verdicts={gate: ground.objects.get_json(kept.verdict_sha256) for gate, kept in gates.items()},
        engine=walk.draft.engine,
        model=walk.draft.model,
        tier=walk.notes.tiers[-1].tier,
        ledger_entries=spent.entry_ids,
        cost_usd=format_usd(spent.cost_nano_usd),
    )
    files: dict[str, bytes] = {}
    for name, sha256 in packet.files.items():
        files[name] = ground.objects.get(sha256)
        signed = [ground.key.sign(statement) for statement in provenance.statements(record, file=name)]
        files[f"{name}.intoto.jsonl"] = b"".join(signed)
    return files


def _analytics(walk: Walk) -> dict[str, Any]:
    """From the notes: the step's own queries would find the same."""
    notes, plan = walk.notes, walk.plan
    by_step: dict[str, int] = {}
    for cost in notes.costs:
        by_step[cost.step] = by_step.get(cost.step, 0) + cost.amount_nano_usd
    published = datetime.fromisoformat(notes.published_at or "")
    return {
        "cost_nano_usd": sum(by_step.values()),
        "rework_nano_usd": sum(cost.amount_nano_usd for cost in notes.costs if cost.loop),
        "loops": walk.loop + 1,
        "cycle_seconds": round((published - plan.created_at).total_seconds()),
        "approvals": [
            f"{said.reviewer} ({said.role}, {'policy' if said.role == 'policy' else 'token'})"
            for said in notes.decisions
            if said.verdict == "approve"
        ],
        "by_step_nano_usd": by_step,
    }
