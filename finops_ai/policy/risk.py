"""The risk of one artifact, as figures that the policy gate can judge before any model is routed or called.

Belongs here: the figures and how they are computed. Does not: the thresholds' meaning as a gate (`orchestration.gates`).
"""

from dataclasses import dataclass
from typing import Any

from finops_ai.briefs import Brief
from finops_ai.pricing import NANO, format_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What is known before money is spent on a model."""

    impact: str
    profile: str
    sources: int
    failed_sources: int
    addressing_sources: int  # sources with text that addresses a model
    confirmed_facts: int
    needs_review: int
    rumors: int
    contradicted: int
    unpriced_tiers: tuple[str, ...]
    worst_case_nano_usd: int  # of one draft call at the tier that would serve it
    budget_left_nano_usd: int  # of the tightest budget

    def as_dict(self) -> dict[str, Any]:
        """The stored form."""
        return {name: getattr(self, name) for name in self.__slots__} | {"unpriced_tiers": list(self.unpriced_tiers)}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Assessment":
        """The value of a stored form."""
        return cls(**{**stored, "unpriced_tiers": tuple(stored["unpriced_tiers"])})


def risk_row(assessment: Assessment, brief: Brief, *, by_policy: bool) -> dict[str, Any]:
    """The one row that the policy gate judges. `by_policy`: no person will look at the packet before it is published."""
    worst_case_usd = assessment.worst_case_nano_usd / NANO
    return {
        "confirmed_facts": assessment.confirmed_facts,
        "failed_sources_share": assessment.failed_sources / max(assessment.sources, 1),
        "addressing_sources": assessment.addressing_sources,
        "addressing_unseen": assessment.addressing_sources if by_policy else 0,
        "contradicted": assessment.contradicted,
        "unpriced_tiers": len(assessment.unpriced_tiers),
        "budget_headroom_usd": (assessment.budget_left_nano_usd - assessment.worst_case_nano_usd) / NANO,
        "cost_to_value": worst_case_usd / float(brief.intent.value.expected_usd),
    }


def look_first(assessment: Assessment) -> list[str]:
    """What in the evidence needs a reviewer's eyes, gravest first."""
    found = {
        "sources with text that addresses a model": assessment.addressing_sources,
        "claims contradicted by another source": assessment.contradicted,
        "sources that could not be read": assessment.failed_sources,
    }
    return [f"{what}: {count}" for what, count in found.items() if count]


def describe(assessment: Assessment) -> str:
    """The assessment as a Markdown table for the operator."""
    rows = {
        "impact, profile": f"{assessment.impact}, {assessment.profile}",
        "sources": f"{assessment.sources}, of which {assessment.failed_sources} failed and "
        f"{assessment.addressing_sources} address a model",
        "claims": f"{assessment.confirmed_facts} confirmed, {assessment.needs_review} need review, "
        f"{assessment.rumors} rumors, {assessment.contradicted} contradicted",
        "unpriced tiers": ", ".join(assessment.unpriced_tiers) or "none",
        "worst case of a draft at economy": f"{format_usd(assessment.worst_case_nano_usd)} USD",
        "left of the tightest budget": f"{format_usd(assessment.budget_left_nano_usd)} USD",
    }
    return "\n".join(["| figure | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])
