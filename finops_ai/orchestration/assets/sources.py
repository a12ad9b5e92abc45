"""The `sources` step: every source of the brief, retrieved or recorded as failed."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg

from finops_ai.briefs import folder_of
from finops_ai.evidence import RetrievalRules, Source, retrieve
from finops_ai.orchestration.workbench import Step, table


def sources(step: Step) -> dg.MaterializeResult[Any]:
    """Retrieved one after the other; each one that was read is in the object store before the next is asked for."""
    rules = retrieval_rules(step)
    found = []
    for number, source in enumerate(step.brief.sources, start=1):
        found.append(retrieve(source.uri, source.grade, rules=rules, keep=step.bench.objects.put))
        step.log.info("source %d of %d: %s", number, len(step.brief.sources), found[-1].error or "ok")
    return step.finish(
        {"sources": [asdict(source) for source in found]},
        metadata={
            "retrieved": f"{sum(source.ok for source in found)} of {len(found)}",
            "sources": table([_row(source) for source in found]),
        },
    )


def retrieval_rules(step: Step) -> RetrievalRules:
    """The policy's limits for this brief."""
    policy = step.bench.policy
    with step.bench.database.read() as connection:
        folder = folder_of(connection, step.artifact)
    return RetrievalRules(
        base=folder,
        roots=tuple(Path(root) for root in policy.files.roots),
        allow_private=tuple(policy.network.allow_private),
    )


def _row(source: Source) -> dict[str, str | int]:
    return {
        "source": source.uri,
        "grade": source.grade,
        "state": source.error or "retrieved",
        "host": source.host,
        "type": source.media_type,
        "bytes": source.size_bytes,
        "warnings": "; ".join(source.warnings),
        "snapshot_sha256": source.snapshot_sha256,
    }
