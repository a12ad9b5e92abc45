"""From pilot to scale: the stage of a workload, what it allows, and what must have been shown before the next one opens.

Belongs here: stages, their limits on new artifacts, evidence, scorecard, promotion and demotion. Does not: a stage's limit on
spending, which is a budget like any other (`policy.budgets_for`); what the leaders sign and who they are (`signoff`).
"""

from finops_ai.rollout.changes import (
    Demotion,
    StageError,
    above_pilot,
    apply_demotions,
    demotions_due,
    promote,
    request_demotion,
)
from finops_ai.rollout.document import promotion_document
from finops_ai.rollout.evidence import Evidence, evidence_of
from finops_ai.rollout.intake import Today, admit_new, today_of
from finops_ai.rollout.readiness import Baseline, Criterion, Scorecard, SignOff, breaches, scorecard
from finops_ai.rollout.stages import (
    changed_at,
    earned_stage,
    effective_stage,
    is_known,
    stage_after,
    stage_before,
    stage_of,
)

__all__ = [
    "Baseline",
    "Criterion",
    "Demotion",
    "Evidence",
    "Scorecard",
    "SignOff",
    "StageError",
    "Today",
    "above_pilot",
    "admit_new",
    "apply_demotions",
    "breaches",
    "changed_at",
    "demotions_due",
    "earned_stage",
    "effective_stage",
    "evidence_of",
    "is_known",
    "promote",
    "promotion_document",
    "request_demotion",
    "scorecard",
    "stage_after",
    "stage_before",
    "stage_of",
    "today_of",
]
