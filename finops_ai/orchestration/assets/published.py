"""The `published` step: everything verified again, one permit, delivered exactly once, with signed statements."""

from typing import TYPE_CHECKING, Any

import dagster as dg
import sqlalchemy as sa

from finops_ai import ledger, provenance, publishing, signoff
from finops_ai.orchestration.assets.claims import sources_of
from finops_ai.orchestration.assets.draft import confirmed, draft_of
from finops_ai.orchestration.workbench import Step, table
from finops_ai.pricing import format_usd
from finops_ai.publishing import Permit, PublishingRefused, Receipt
from finops_ai.rollout import StageError
from finops_ai.routing import Route
from finops_ai.signoff import Packet, Standing, load_packet
from finops_ai.store import sha256_hex

if TYPE_CHECKING:
    from finops_ai.orchestration.promotions import TakeUp


def published(step: Step) -> dg.MaterializeResult[Any]:
    """The permit is taken before anything is delivered, and delivered files are adopted by a second try."""
    packet = load_packet(step.bench.objects, step.digest_of("review_packet"))
    permit = take_permit(step, packet)
    receipts = publishing.deliver(
        step.bench.database,
        publishing.open_targets(step.bench.settings),
        packet_digest=packet.digest,
        artifact=step.artifact,
        files=files_of(step, packet, permit),
        run_id=step.run_id,
    )
    return step.finish(
        {"packet_digest": packet.digest, "receipts": [_receipt_record(receipt) for receipt in receipts]},
        metadata={
            "packet digest": packet.digest,
            "published": table([_receipt_row(receipt, file) for receipt in receipts for file in receipt.files]),
        },
    )


def take_permit(step: Step, packet: Packet) -> Permit:
    """Verify and take the right in one transaction. Raises PublishingRefused with every objection."""
    bench = step.bench
    promote = _promotion(step, packet)
    with bench.database.write() as tx:
        standing = signoff.standing_of(tx, bench.policy, artifact=step.artifact, packet_digest=packet.digest)
        left = ledger.left_nano_usd(tx, step.payer.budgets)
        found = publishing.objections(
            packet,
            current_digest=signoff.current_packet(tx, step.artifact),
            policy_sha256=bench.policy.sha256,
            standing=standing,
            gates=publishing.newest_gates(tx, step.artifact),
            found_files={name: sha256_hex(bench.objects.get(sha)) for name, sha in packet.files.items()},
            over_budget=f"a budget is overdrawn by {format_usd(-left)} USD" if left < 0 else "",
        )
        if found:
            raise PublishingRefused(found)
        if promote and not signoff.is_permitted(tx, packet.digest):
            _promote(tx, promote, standing)
        permit = publishing.take_permit(tx, packet, decision_ids=standing.decision_ids, run_id=step.run_id)
        publishing.intend(
            tx,
            packet_digest=packet.digest,
            artifact=step.artifact,
            targets=packet.targets,
            profile=packet.profile,
        )
        return permit


def _promotion(step: Step, packet: Packet) -> "TakeUp | None":
    """What the permit of a promotion brings about; most artifacts are none."""
    if step.brief.intent.form != "promotion":
        return None
    from finops_ai.orchestration.promotions import to_take_up

    return to_take_up(step.bench, packet)


def _promote(tx: sa.Connection, take_up: "TakeUp", standing: Standing) -> None:
    """With the permit or not at all: a promotion that is published has opened its stage."""
    try:
        take_up(tx, standing)
    except StageError as error:
        raise PublishingRefused([str(error)]) from None


def files_of(step: Step, packet: Packet, permit: Permit) -> dict[str, bytes]:
    """Each published file with its statements; equal records give equal bytes, so that a second try adopts the first's."""
    key = provenance.open_signing_key(step.bench.settings.home / "keys")
    record = _record(step, packet, permit)
    files: dict[str, bytes] = {}
    for name, sha256 in packet.files.items():
        files[name] = step.bench.objects.get(sha256)
        signed = [key.sign(statement) for statement in provenance.statements(record, file=name)]
        files[f"{name}.intoto.jsonl"] = b"".join(signed)
    return files


def _record(step: Step, packet: Packet, permit: Permit) -> provenance.Record:
    objects = step.bench.objects
    written = draft_of(step)
    cited = set(publishing.cited_labels(written.markdown))
    with step.bench.database.read() as connection:
        decisions = [d for d in signoff.decisions_on(connection, packet.digest) if d.id in permit.decision_ids]
        gates = publishing.newest_gates(connection, step.artifact)
        spent = ledger.spent_until(connection, artifact=step.artifact, at=permit.at)
    return provenance.Record(
        brief=step.brief,
        packet=packet,
        permit=permit,
        facts=[fact for fact in confirmed(step) if fact.label in cited],
        sources=sources_of(step),
        decisions=decisions,
        verdicts={gate: objects.get_json(record.verdict_sha256) for gate, record in gates.items()},
        engine=written.engine,
        model=written.model,
        tier=Route.from_dict(step.input("model_route")).tier,
        ledger_entries=spent.entry_ids,
        cost_usd=format_usd(spent.cost_nano_usd),
    )


def _receipt_record(receipt: Receipt) -> dict[str, Any]:
    files = [{name: getattr(file, name) for name in file.__slots__} for file in receipt.files]
    return {"target": receipt.target, "files": files, "at": receipt.at}


def _receipt_row(receipt: Receipt, file: publishing.PublishedFile) -> dict[str, str | int]:
    return {"target": receipt.target, "file": file.address, "bytes": file.size_bytes, "sha256": file.sha256}
