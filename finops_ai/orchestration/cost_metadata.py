"""The `finops/` metadata that every materialization carries, read from the ledger.

Belongs here: its keys and order. Does not: booking (`ledger`). Figures that are worth a chart are numbers; everything else
is text, since the web UI draws a chart for each number.
"""

from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.ledger import Payer
from finops_ai.pricing import NANO

KEYS = (
    "cost_usd", "cost_to_date_usd", "budget_left_usd", "model", "tier", "loop", "budget_usd", "input_tokens",
    "cached_input_tokens", "output_tokens", "attempts", "compute_seconds", "cost_centre", "workload", "ledger_entries",
    "price_version", "policy_sha256",
)  # fmt: skip


def cost_metadata(
    tx: sa.Connection, payer: Payer, *, seconds: float, budget_usd: Decimal, model: str | None, tier: str | None
) -> dict[str, Any]:
    """One entry per name of KEYS, prefixed `finops/`. Amounts are nano-USD exactly, shown as US dollars."""
    here = ledger.spent(tx, artifact=payer.artifact, step=payer.step, run_id=payer.run_id)
    to_date = ledger.spent(tx, artifact=payer.artifact)
    left = ledger.left_nano_usd(tx, payer.budgets)
    values = {
        "cost_usd": here.cost_nano_usd / NANO,
        "cost_to_date_usd": to_date.cost_nano_usd / NANO,
        "budget_left_usd": left / NANO,
        "model": model or "none",
        "tier": tier or "none",
        "loop": payer.loop,
        "budget_usd": float(budget_usd),
        "input_tokens": here.input_tokens,
        "cached_input_tokens": here.cached_input_tokens,
        "output_tokens": here.output_tokens,
        "attempts": here.attempts,
        "compute_seconds": round(seconds, 6),
        "cost_centre": payer.cost_centre,
        "workload": payer.workload,
        "ledger_entries": ", ".join(map(str, here.entry_ids)) or "none",
        "price_version": ledger.price_version(tx, here.entry_ids),
        "policy_sha256": payer.policy_sha256,
    }
    return {f"finops/{key}": values[key] for key in KEYS}
