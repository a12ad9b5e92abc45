"""The `risk_assessment` step and the policy gate: judged before any model is routed or called."""

from typing import Any

import dagster as dg

from finops_ai import ledger
from finops_ai.artifacts import next_route
from finops_ai.orchestration.assets.claims import claims_in, sources_of
from finops_ai.orchestration.gate_factory import judge
from finops_ai.orchestration.gates import policy_gate
from finops_ai.orchestration.workbench import Step
from finops_ai.policy import Assessment, bounds_for, describe, risk_row
from finops_ai.routing import offers_of
from finops_ai.store import today


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
    on = today()
    offers = offers_of(policy, brief, bounds=bounds_for(policy, brief), on=on)
    with step.bench.database.read() as connection:
        budget_left = ledger.left_nano_usd(connection, step.payer.budgets)
        route = next_route(connection, policy, step.progress, on=on)
    worst_case = offers[route.tier].worst_case_nano_usd or 0  # unpriced: another expectation stops it
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
        unpriced_tiers=tuple(name for name, offer in offers.items() if offer.price is None),
        worst_case_nano_usd=worst_case,
        budget_left_nano_usd=budget_left,
    )
