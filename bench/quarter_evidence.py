"""The first half of a simulated run: from the brief to the verdict of the policy gate.

Belongs here: what the steps `brief` to `risk_assessment` leave. Does not: fetching, extracting and judging claims; what those
would find is in the documents (`quarter_sources`).
"""

from collections.abc import Generator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bench.quarter_agenda import Way
from bench.quarter_calls import call
from bench.quarter_ground import BYTES_PER_GB, MODELS, RETRIEVAL_NANO_USD_PER_GB, half_up
from bench.quarter_plan import tier_by_rule
from bench.quarter_sources import claim_records, claims_of, source_of
from bench.quarter_truth import Call, Served
from bench.quarter_verdicts import failed, passed
from bench.quarter_walk import Walk
from finops_ai import ledger
from finops_ai.facts import keep_facts
from finops_ai.orchestration.gate_factory import GateVerdict
from finops_ai.orchestration.gates import policy_gate
from finops_ai.policy import Assessment, risk_row, verification_bounds
from finops_ai.rumors import keep_rumors
from finops_ai.store import utc_now

VERIFIED_SHARE = 0.5  # of artifacts with claims that need review: whose claims a model is asked about


def evidence(walk: Walk) -> Generator[datetime, None, bool]:
    """A run from the brief to the policy gate; False: that one failed."""
    plan = walk.plan
    walk.new_run()
    yield from walk.step("brief", plan.brief.canonical)
    if walk.notes.state in ("submitted", "failed"):
        walk.notes.state = "producing"
    yield from walk.step("sources", lambda: _retrieve(walk), also=lambda tx: _book_retrieval(walk, tx))
    first = not walk.claims  # a later run finds its answers paid
    walk.claims = claims_of(plan.documents)
    if first and any(claim.verdict == "needs_review" for claim in walk.claims):
        yield from _verify(walk)
    yield from walk.step("claims", lambda: {"claims": claim_records(walk.plan.documents)})
    about = walk.digests["claims"]
    with walk.ground.database.write() as tx:
        walk.facts = keep_facts(tx, plan.key, about, walk.claims, walk.sources)
        found = keep_rumors(tx, plan.key, about, walk.claims)
    yield from walk.step(
        "confirmed_facts", lambda: {"claims_sha256": about, "facts": [fact.claim_id for fact in walk.facts]}
    )
    yield from walk.step("rumors", lambda: {"claims_sha256": about, "rumors": [rumor.claim_id for rumor in found]})
    assessment = _assessment(walk)
    passes = plan.fate != "refused by the policy gate"
    yield from walk.step(
        "risk_assessment",
        assessment.as_dict,
        verdict=lambda: _policy_verdict(walk, assessment, passes=passes),
        subject=about,
    )
    if not passes:
        walk.notes.state = "held"
    return passes


def _retrieve(walk: Walk) -> dict[str, Any]:
    at = utc_now(walk.at)
    walk.sources = [source_of(document, at=at) for document in walk.plan.documents]
    return {"sources": [source.as_record() for source in walk.sources]}


def _book_retrieval(walk: Walk, tx: sa.Connection) -> None:
    size_bytes = sum(document.size_bytes for document in walk.plan.documents if not document.gone)
    walk.book(
        tx,
        walk.payer("sources"),
        kind="retrieval",
        quantity=size_bytes,
        unit="retrieval_bytes",
        amount_nano_usd=half_up(size_bytes, RETRIEVAL_NANO_USD_PER_GB, BYTES_PER_GB),
    )


def _verify(walk: Walk) -> Way:
    """The model verifier is asked about some; here it raises none."""
    if walk.rng.random() > VERIFIED_SHARE:
        return
    bounds = verification_bounds(walk.ground.policy)
    wanted = Call(
        step="claims",
        served=Served(loop=0, tier="economy", level="standard", exception=""),
        model=MODELS["economy"],
        input_tokens_max=bounds.input_tokens_max,
        output_tokens_max=bounds.output_tokens_max,
    )
    yield from call(walk, wanted, ["served"])


def _assessment(walk: Walk) -> Assessment:
    brief = walk.plan.brief
    offers = walk.ground.offers_to(brief)
    with walk.ground.database.read() as connection:
        budget_left = ledger.left_nano_usd(connection, walk.payer("risk_assessment").budgets)
    worst_case = offers[tier_by_rule(walk.plan)[0]].worst_case_nano_usd or 0
    verdicts = [claim.verdict for claim in walk.claims]
    return Assessment(
        impact=brief.impact,
        profile=brief.profile,
        sources=len(walk.sources),
        failed_sources=sum(not source.ok for source in walk.sources),
        addressing_sources=sum(source.addresses_a_model for source in walk.sources),
        confirmed_facts=verdicts.count("confirmed"),
        needs_review=verdicts.count("needs_review"),
        rumors=verdicts.count("rumor"),
        contradicted=verdicts.count("contradicted"),
        unpriced_tiers=tuple(name for name, offer in offers.items() if offer.price is None),
        worst_case_nano_usd=worst_case,
        budget_left_nano_usd=budget_left,
    )


def _policy_verdict(walk: Walk, assessment: Assessment, *, passes: bool) -> GateVerdict:
    gate = policy_gate(**dict(walk.ground.policy.gates.policy))
    if passes:
        return passed(gate)
    row = risk_row(assessment, walk.plan.brief, by_policy=walk.plan.brief.impact == "low")
    column = "addressing_unseen" if assessment.addressing_sources else "failed_sources_share"
    return failed(gate, column=column, sample=str(row[column]))
