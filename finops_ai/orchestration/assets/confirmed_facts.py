"""The `confirmed_facts` step: what a draft may be made of."""

from typing import Any

import dagster as dg

from finops_ai.facts import keep_facts
from finops_ai.orchestration.assets.claims import ROWS_SHOWN_MAX, claims_in, sources_of
from finops_ai.orchestration.workbench import Step, table


def confirmed_facts(step: Step) -> dg.MaterializeResult[Any]:
    """Kept under the digest of the claims, so that facts of older claims are never mistaken for these."""
    with step.bench.database.write() as tx:
        facts = keep_facts(tx, step.artifact, step.digest_of("claims"), claims_in(step), sources_of(step))
    rows = [{"fact": fact.label, "text": fact.text, "why": fact.why} for fact in facts[:ROWS_SHOWN_MAX]]
    return step.finish(
        {"claims_sha256": step.digest_of("claims"), "facts": [fact.claim_id for fact in facts]},
        metadata={"confirmed": f"{len(facts)} facts"},
        body={"facts": table(rows)},
    )
