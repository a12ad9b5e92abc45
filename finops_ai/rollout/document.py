"""A promotion as a document that leaders can sign: the scorecard in words and as figures.

Belongs here: its wording. Does not: signing (`signoff`), rendering (`publishing`). It says the same for the same scorecard, and
leaves the criterion out that signing it will meet.
"""

from typing import Any

from finops_ai.rollout.readiness import Scorecard


def promotion_document(card: Scorecard) -> tuple[str, dict[str, Any]]:
    """(Markdown, figures). Raises ValueError for a workload that has reached the last stage."""
    if card.next_stage is None:
        raise ValueError(f"{card.workload} is in the last stage")
    criteria = [c for c in card.criteria if c.name != "sign_off"]
    rows = [
        f"| {c.name} | {'met' if c.met else 'NOT MET'} | {_cell(c.evidence)} | {_cell(c.needed)} |" for c in criteria
    ]
    lines = [
        f"# Promotion of {card.workload}: {card.earned} to {card.next_stage}",
        "",
        f"Evidence from {card.since} to {card.at} (UTC). The policy grants {card.ceiling}; {card.stage} is in force.",
        "",
        "| criterion | | evidence | needed |",
        "|---|---|---|---|",
        *rows,
        "",
        f"{sum(c.met for c in criteria)} of {len(criteria)} criteria are met. Approving opens stage {card.next_stage} if all "
        "of them hold at the moment of promotion, once.",
    ]
    figures = {
        "workload": card.workload,
        "from_stage": card.earned,
        "to_stage": card.next_stage,
        "since": card.since,
        "at": card.at,
        "criteria": {c.name: {"met": c.met, "evidence": c.evidence, "needed": c.needed} for c in criteria},
    }
    return "\n".join(lines) + "\n", figures


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
