"""The `risk_assessment` step and the policy gate: judged before any model is routed or called."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from finops_ai import ledger
from finops_ai.orchestration.assets.claims import claims_in, sources_of
from finops_ai.orchestration.gate_factory import judge
from finops_ai.orchestration.gates import policy_gate
from finops_ai.orchestration.workbench import Step
from finops_ai.policy import Assessment, bounds_for, describe, price_of, risk_row


def risk_assessment(step: Step) -> dg.MaterializeResult[Any]:
    """The verdict is about the claims: other claims need another verdict, whatever the figures say."""
    assessment = assess(step)
    row = risk_row(assessment, step.brief, by_policy=step.bench.policy.approvals[step.brief.impact].by_policy)
    verdict = judge(policy_gate(**dict(step.bench.policy.gates.policy)), [row])
    return step.finish(
        assessment.as_dict(),
        verdict=verdict,
        subject_sha256=step.digest_of("claims"),
        body={"assessment": dg.MetadataValue.md(describe(assessment))},
    )


def assessment_of(step: Step) -> Assessment:
    """The artifact's risk as it was last assessed."""
    return Assessment.from_dict(step.input("risk_assessment"))


def assess(step: Step) -> Assessment:
    """What is known before money is spent on a model."""
    policy, brief = step.bench.policy, step.brief
    sources, claims = sources_of(step), claims_in(step)
    bounds = bounds_for(policy, brief)
    today = datetime.now(UTC).date()
    prices = {
        name: price_of(tier, bounds=bounds, on=today, policy_sha256=policy.sha256)
        for name, tier in policy.tiers.items()
    }
    economy = prices["economy"]
    worst_case = (
        economy.worst_case_nano_usd(
            input_tokens_max=bounds.input_tokens_max, output_tokens_max=bounds.output_tokens_max
        )
        if economy
        else 0
    )  # unpriced: another expectation stops it
    with step.bench.database.read() as connection:
        budget_left = ledger.left_nano_usd(connection, step.payer.budgets)
    return Assessment(
        impact=brief.impact,
        profile=brief.profile,
        sources=len(sources),
        failed_sources=sum(not source.ok for source in sources),
        addressing_sources=sum(source.addresses_a_model for source in sources),
        confirmed_facts=sum(claim.verdict == "confirmed" for claim in claims),
        needs_review=sum(claim.verdict == "needs_review" for claim in claims),
        rumors=sum(claim.verdict == "rumor" for claim in claims),
        contradicted=sum(claim.verdict == "contradicted" for claim in claims),
        unpriced_tiers=tuple(name for name, price in prices.items() if price is None),
        worst_case_nano_usd=worst_case,
        budget_left_nano_usd=budget_left,
    )
