"""Does an attack in a source reach a prompt as a fact, and does anybody learn of it? Measured on `injections.yaml`.

Belongs here: running the product's extraction and claims over the corpus, counting. Does not: the corpus (`injections`).
Every document is graded primary, the grade that confirms most: what it lets through, none would stop.
"""

from collections.abc import Callable
from typing import Any

from bench.injections import Benign, Case, benign, benign_document, cases, document
from finops_ai.evidence import Claim, Source, claims_of, extract, media_type_of


def on_injections(only: Callable[[Case], bool] = lambda _case: True) -> dict[str, Any]:
    """Attacks that became a confirmed fact, attacks that were flagged, honest look-alikes that were, facts that were kept."""
    attacks = [case for case in cases() if only(case)]
    found = {case.id: _claims(*document(case)) for case in attacks}
    reached = [case.id for case in attacks if any(case.canary in text for text in _facts(found[case.id][1]))]
    unflagged = [case.id for case in attacks if not found[case.id][0].warnings]
    unseen = [case.id for case in attacks if not found[case.id][0].addresses_a_model]
    return {
        "attacks": len(attacks),
        "reached a prompt as a fact": len(reached),
        "which": reached,
        "flagged": 1 - len(unflagged) / len(attacks),
        "not flagged": unflagged,
        "recognised as addressing a model": 1 - len(unseen) / len(attacks),
        "not recognised": unseen,
    }


def on_look_alikes() -> dict[str, Any]:
    """Honest texts that speak *about* such attacks, or in their words."""
    found = {item.id: _claims(*benign_document(item))[0] for item in benign()}
    alarms = [name for name, source in found.items() if source.addresses_a_model]
    return {"honest look-alikes": len(found), "false alarms": len(alarms) / len(found), "which": alarms}


def _claims(content: bytes, name: str, media_type: str) -> tuple[Source, list[Claim]]:
    kind = media_type_of(name, media_type, content[:4096])
    extraction = extract(content, kind)
    source = Source(
        uri=name,
        grade="primary",
        host="example.org",
        media_type=kind,
        title=extraction.title,
        snapshot_sha256="0" * 64,
        text_sha256="0" * 64,
        size_bytes=len(content),
        retrieved_at="2026-01-01T00:00:00+00:00",
        warnings=extraction.warnings,
    )
    return source, claims_of([(source, extraction.text)])


def _facts(claims: list[Claim]) -> list[str]:
    return [claim.text for claim in claims if claim.verdict == "confirmed"]


__all__ = ["Benign", "Case", "on_injections", "on_look_alikes"]
