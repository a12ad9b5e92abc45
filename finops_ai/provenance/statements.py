"""What is stated beside every published file: where it comes from, which gates it passed, who approved it.

Belongs here: the in-toto statements, built from records only. Does not: signing (`dsse`), checking (`verification`).
No clock is read here: the same records always give the same statements, so that a publication which is tried again
finds its own bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from finops_ai import __version__
from finops_ai.briefs import Brief
from finops_ai.evidence import EXTRACTOR_VERSION, Source
from finops_ai.facts import ConfirmedFact
from finops_ai.publishing import Permit
from finops_ai.signoff import Decision, Packet
from finops_ai.store import sha256_hex

BASE_URI = "https://finops-ai.dev"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
SLSA = "https://slsa.dev/provenance/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
HUMAN_APPROVAL = f"{BASE_URI}/human-approval/v1"
FIGURES = "application/vnd.finops-ai.figures+json"  # the media type of what a document was computed from


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything that is stated of one publication."""

    brief: Brief
    packet: Packet
    permit: Permit
    facts: Sequence[ConfirmedFact]  # those that the draft cites
    sources: Sequence[Source]
    decisions: Sequence[Decision]
    verdicts: Mapping[str, dict[str, Any]]  # gate -> its verdict
    engine: str
    model: str
    tier: str
    ledger_entries: Sequence[int]
    cost_usd: str  # of the artifact when the permit was taken; decimal text


def statements(record: Record, *, file: str) -> list[dict[str, Any]]:
    """The statements for one published file, in the order in which they stand in its `.intoto.jsonl`."""
    subject = [{"name": file, "digest": {"sha256": record.packet.files[file]}}]
    return [
        {"_type": STATEMENT_TYPE, "subject": subject, "predicateType": kind, "predicate": predicate}
        for kind, predicate in (
            (SLSA, _provenance(record)),
            (TEST_RESULT, _gates(record)),
            (HUMAN_APPROVAL, _approval(record)),
        )
    ]


def _provenance(record: Record) -> dict[str, Any]:
    brief, packet = record.brief, record.packet
    return {
        "buildDefinition": {
            "buildType": f"{BASE_URI}/artifact/v1",
            "externalParameters": {
                "artifact": packet.artifact,
                "brief": brief.canonical() | {"sources": [source.uri for source in brief.sources]},
                "brief_sha256": packet.brief_sha256,
                "loop": packet.loop,
            },
            "internalParameters": {
                "policy_sha256": packet.policy_sha256,
                "engine": record.engine,
                "model": record.model,
                "tier": record.tier,
                "extractor": EXTRACTOR_VERSION,
            },
            "resolvedDependencies": [_dependency(source, record.facts) for source in record.sources if source.ok],
        },
        "runDetails": {
            "builder": {"id": f"{BASE_URI}/finops_ai", "version": {"finops_ai": __version__}},
            "metadata": {"invocationId": record.permit.run_id, "finishedOn": record.permit.at},
            "byproducts": [
                {"name": "packet", "digest": {"sha256": packet.digest}},
                {"name": "claims", "digest": {"sha256": packet.claims_sha256}},
                {"name": "draft", "digest": {"sha256": packet.draft_sha256}},
                {
                    "name": "ledger",
                    "annotations": {"entries": list(record.ledger_entries), "cost_usd": record.cost_usd},
                },
            ],
        },
    }


def _dependency(source: Source, facts: Sequence[ConfirmedFact]) -> dict[str, Any]:
    return {
        "uri": source.uri,
        "digest": {"sha256": source.snapshot_sha256},
        "annotations": {
            "grade": source.grade,
            "host": source.host,
            "media_type": source.media_type,
            "retrieved_at": source.retrieved_at,
            "text_sha256": source.text_sha256,
            "claims": [
                {
                    "label": fact.label,
                    "claim": fact.claim_id,
                    "quote": fact.text,
                    "text_sha256": fact.span.text_sha256,
                    "start": fact.span.start,
                    "end": fact.span.end,
                }
                for fact in facts
                if fact.source_uri == source.uri
            ],
        },
    }


def _gates(record: Record) -> dict[str, Any]:
    verdicts = record.verdicts
    return {
        "result": "PASSED" if all(verdict["passed"] for verdict in verdicts.values()) else "FAILED",
        "configuration": [{"name": "policy", "digest": {"sha256": record.packet.policy_sha256}}],
        "passedTests": sorted(gate for gate, verdict in verdicts.items() if verdict["passed"]),
        "failedTests": sorted(gate for gate, verdict in verdicts.items() if not verdict["passed"]),
        "annotations": {"verdicts": dict(verdicts)},
    }


def _approval(record: Record) -> dict[str, Any]:
    return {
        "packet": record.packet.as_dict(),
        "packet_digest": record.packet.digest,
        "author": record.brief.owner,
        "policy_sha256": record.packet.policy_sha256,
        "decisions": [
            {
                "id": d.id,
                "who": d.reviewer,
                "role": d.role,
                "verdict": d.verdict,
                "at": d.at,
                "identified_by": d.identified_by,
                "reason_sha256": sha256_hex(d.reason.encode()),
            }
            for d in record.decisions
        ],
    }
