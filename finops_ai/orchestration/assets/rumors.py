"""The `rumors` step: what must not reach a draft, kept apart and shown."""

from typing import Any

import dagster as dg

from finops_ai.orchestration.assets.claims import ROWS_SHOWN_MAX, claims_in
from finops_ai.orchestration.workbench import Step, table
from finops_ai.rumors import keep_rumors


def rumors(step: Step) -> dg.MaterializeResult[Any]:
    """Kept under the digest of the claims, in a table that nothing which writes or publishes can read."""
    with step.bench.database.write() as tx:
        found = keep_rumors(tx, step.artifact, step.digest_of("claims"), claims_in(step))
    rows = [{"rumor": r.text, "why": r.why, "source": r.source_uri} for r in found[:ROWS_SHOWN_MAX]]
    return step.finish(
        {"claims_sha256": step.digest_of("claims"), "rumors": [rumor.claim_id for rumor in found]},
        metadata={"kept apart": f"{len(found)} rumors"},
        body={"rumors": table(rows)},
    )
