"""The `sources` step: every source of the brief, retrieved or recorded as failed."""

from pathlib import Path
from typing import Any

import dagster as dg

from finops_ai.briefs import folder_of
from finops_ai.evidence import Fetcher, RetrievalRules, Retriever, Source, Wanted
from finops_ai.orchestration.workbench import Step, table
from finops_ai.snapshots import SnapshotMemory


def sources(step: Step) -> dg.MaterializeResult[Any]:
    """Several at once; what did not change since the last time is neither fetched nor read again."""
    rules = retrieval_rules(step)
    memory = SnapshotMemory(database=step.bench.database, objects=step.bench.objects)
    wanted = [Wanted(uri=source.uri, grade=source.grade) for source in step.brief.sources]
    found = Retriever(rules=rules, memory=memory, fetcher=Fetcher(rules)).all(wanted, on_done=step.progressed)
    memory.save()
    for source in found:
        if not source.ok:
            step.log.warning("%s failed: %s", source.uri, source.error)
    fetched = sum(source.size_bytes for source in found if source.host != "file" and "fetch" not in source.reused)
    return step.finish(
        {"sources": [source.as_record() for source in found]},
        also=lambda tx: step.book_retrieval(tx, fetched),
        metadata={
            "retrieved": f"{sum(source.ok for source in found)} of {len(found)}",
            "unchanged": sum("fetch" in source.reused for source in found),
            "fetched": f"{fetched} bytes",
            "address a model": sum(source.addresses_a_model for source in found),
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
        stores=tuple(policy.files.stores),
        allow_private=tuple(policy.network.allow_private),
        **dict(policy.retrieval),
    )


def _row(source: Source) -> dict[str, str | int]:
    return {
        "source": source.uri,
        "grade": source.grade,
        "state": source.error or ("unchanged" if "fetch" in source.reused else "retrieved"),
        "host": source.host,
        "date": source.published,
        "type": source.media_type,
        "bytes": source.size_bytes,
        "warnings": "; ".join(source.warnings),
        "named by": source.via,
        "snapshot_sha256": source.snapshot_sha256,
    }
