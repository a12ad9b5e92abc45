"""The `claims` step: the sentences of the sources, each with a verdict."""

from dataclasses import asdict
from typing import Any

import dagster as dg

from finops_ai.evidence import Claim, Source, Span, claims_of
from finops_ai.orchestration.workbench import Step, table

ROWS_SHOWN_MAX = 50  # the event log keeps what the page shows; all of them are in the object store


def claims(step: Step) -> dg.MaterializeResult[Any]:
    """From the stored texts, not from the addresses: judging again needs no network."""
    objects = step.bench.objects
    read = [(source, objects.get(source.text_sha256).decode()) for source in sources_of(step) if source.ok]
    found = claims_of(read)
    verdicts = ("confirmed", "needs_review", "rumor", "contradicted")
    counts = {verdict: sum(claim.verdict == verdict for claim in found) for verdict in verdicts}
    return step.finish(
        {"claims": [asdict(claim) for claim in found]},
        metadata={"verdicts": ", ".join(f"{count} {verdict}" for verdict, count in counts.items())},
        body={
            "shown": f"the first {min(len(found), ROWS_SHOWN_MAX)} of {len(found)}",
            "claims": table([_row(claim) for claim in found[:ROWS_SHOWN_MAX]]),
        },
    )


def sources_of(step: Step) -> list[Source]:
    """The artifact's sources as they were last retrieved."""
    return [Source(**{**record, "warnings": tuple(record["warnings"])}) for record in step.input("sources")["sources"]]


def claims_in(step: Step) -> list[Claim]:
    """The artifact's claims as they were last judged."""
    return [
        Claim(
            **{
                **record,
                "reasons": tuple(record["reasons"]),
                "evidence": tuple(Span(**span) for span in record["evidence"]),
                "sources": tuple(record["sources"]),
            }
        )
        for record in step.input("claims")["claims"]
    ]


def _row(claim: Claim) -> dict[str, str]:
    first = claim.evidence[0]
    return {
        "claim": claim.text,
        "verdict": claim.verdict,
        "why": "; ".join(claim.reasons),
        "source": claim.sources[0],
        "characters": f"{first.start}–{first.end}",
        "id": claim.id,
    }
