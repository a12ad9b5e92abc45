"""What a step leaves behind: its output, its gate's verdict, or its failure.

Belongs here: the rows that `progress` reads. Does not: what the step did.
"""

from typing import Any

import sqlalchemy as sa

from finops_ai.ledger import Payer
from finops_ai.store import tables, utc_now


def record_output(tx: sa.Connection, payer: Payer, output_sha256: str) -> None:
    """The step's newest output: what the next step reads."""
    tx.execute(tables.step_output.insert().values(output_sha256=output_sha256, **_common(payer)))


def record_failure(tx: sa.Connection, payer: Payer, error: str, *, permanent: bool) -> None:
    """`permanent`: trying again cannot help until a person or the policy changes something."""
    tx.execute(tables.step_failure.insert().values(error=error, permanent=permanent, **_common(payer)))


def record_verdict(
    tx: sa.Connection, payer: Payer, *, gate: str, subject_sha256: str, passed: bool, verdict_sha256: str
) -> None:
    """A gate's verdict about one subject."""
    values = _common(payer)
    del values["step"]
    tx.execute(
        tables.gate_verdict.insert().values(
            gate=gate, subject_sha256=subject_sha256, passed=passed, verdict_sha256=verdict_sha256, **values
        )
    )


def _common(payer: Payer) -> dict[str, Any]:
    return {
        "artifact": payer.artifact,
        "step": payer.step,
        "loop": payer.loop,
        "policy_sha256": payer.policy_sha256,
        "run_id": payer.run_id,
        "at": utc_now(),
    }
