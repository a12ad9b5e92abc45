"""The `draft` step and the quality gate: written by the routed engine, paid from the ledger, judged at once."""

from typing import Any

import dagster as dg

from finops_ai.calls import Answer, PaidCalls
from finops_ai.facts import ConfirmedFact, facts_of
from finops_ai.generation import Assignment, Draft, Selection, form_rows, select_facts, sentence_rows, write_draft
from finops_ai.orchestration.gate_factory import judge
from finops_ai.orchestration.gates import quality_gate
from finops_ai.orchestration.workbench import Step, StepRefused
from finops_ai.policy import DraftForm, price_of
from finops_ai.routing import Route
from finops_ai.store import today


def draft(step: Step) -> dg.MaterializeResult[Any]:
    """Written once per loop and route: an answer that is already paid is used again."""
    step.require_gate("policy", step.digest_of("claims"))
    route = Route.from_dict(step.input("model_route"))
    if route.loop != step.loop:
        raise StepRefused(f"the route is for loop {route.loop}, this is loop {step.loop}; run the job `rework`")
    step.suspend_abandoned_calls()
    facts = confirmed(step)
    assignment = _assignment(step, route, facts)
    tier = step.bench.policy.tiers[route.tier]
    price = price_of(tier, on=today(), policy_sha256=step.bench.policy.sha256, level=route.level)
    calls = PaidCalls(database=step.bench.database, payer=step.payer)
    written, answer = write_draft(assignment, calls, tier_name=route.tier, tier=tier, price=price, level=route.level)
    rows = [*sentence_rows(written.markdown, facts), *form_rows(written.markdown, assignment.form)]
    verdict = judge(quality_gate(**dict(step.bench.policy.gates.quality)), rows)
    return step.finish(
        written.as_dict(),
        verdict=verdict,
        model=written.model,
        tier=route.tier,
        metadata={
            "written by": _written_by(written, answer),
            "facts": _facts_line(assignment.selection),
            "token bounds": f"{route.bounds.input_tokens_max} in, {route.bounds.output_tokens_max} out "
            f"({step.brief.intent.form}, {step.brief.profile} profile)",
        },
        body={"draft": dg.MetadataValue.md(written.markdown)},
    )


def confirmed(step: Step) -> list[ConfirmedFact]:
    """The artifact's confirmed facts as of its current claims."""
    with step.bench.database.read() as connection:
        return facts_of(connection, step.artifact, step.digest_of("claims"))


def draft_of(step: Step) -> Draft:
    """The artifact's newest draft."""
    return Draft.from_dict(step.input("draft"))


def _assignment(step: Step, route: Route, facts: list[ConfirmedFact]) -> Assignment:
    ended = step.progress.ended
    remarks = tuple(ended[loop].detail for loop in sorted(ended) if ended[loop].ended_by == "request_changes")
    selection = select_facts(facts, step.brief, bounds=route.bounds, remarks=remarks)
    form = step.bench.policy.drafts.get(step.brief.intent.form, DraftForm())
    return Assignment(brief=step.brief, selection=selection, bounds=route.bounds, form=form, remarks=remarks)


def _written_by(written: Draft, answer: Answer | None) -> str:
    told = f"{written.model} ({written.engine})"
    if answer is None:
        return told
    remarks = (
        ("an answer already paid", answer.reused),
        (f"answered by {answer.model}", bool(answer.model) and answer.model != written.model),
        ("cut off at the token bound", answer.finish == "length"),
        ("its cost is an estimate", answer.estimated),
        (answer.problem, bool(answer.problem)),
    )
    return ", ".join([told, *(remark for remark, holds in remarks if holds)])


def _facts_line(selection: Selection) -> str:
    return f"{len(selection.facts)} used (about {selection.input_tokens} tokens), {selection.left_out} left out by the bound"
