"""What one policy makes of one artifact's past.

Belongs here: its routes, the rows that its gates judge, what follows from their verdicts. Does not: running a gate; whoever
asks gives a `Judge`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Literal

from finops_ai.generation import form_rows
from finops_ai.hindsight.costs import CostPart, cost_parts
from finops_ai.hindsight.model import Outcome, Past, PastDraft
from finops_ai.policy import Assessment, DraftForm, Policy, bounds_for, risk_row
from finops_ai.routing import Route, choose_route, offers_of

Rows = Sequence[Mapping[str, Any]]
# (gate, policy, rows) -> did it pass, and why (not)
Judge = Callable[[Literal["policy", "quality"], Policy, Rows], tuple[bool, str]]


def outcome_under(past: Past, policy: Policy, judge: Judge) -> tuple[Outcome, list[CostPart]]:
    """The outcome, and its cost in parts."""
    routes = routes_under(past, policy)
    policy_passed, policy_why = judge("policy", policy, risk_rows(past, policy))
    drafts = [draft for draft in past.drafts if draft.loop in routes] if policy_passed else []
    quality = judge("quality", policy, draft_rows(past, policy, drafts[-1])) if drafts else (None, "")
    parts = list(cost_parts(past, policy, routes=routes, stopped=not policy_passed))
    taken = [routes[loop] for loop in past.loops if loop in routes] if policy_passed else []
    return Outcome(
        artifact=past.artifact,
        policy_passed=policy_passed,
        policy_why="" if policy_passed else policy_why,
        quality_passed=quality[0],
        quality_why="" if quality[0] else quality[1],
        routes=tuple(taken),
        models={route.loop: policy.tiers[route.tier].model for route in taken},
        loops_refused=len([loop for loop in past.loops if loop not in routes]),
        cost_nano_usd=sum(part.amount_nano_usd or 0 for part in parts),
        notes=tuple(dict.fromkeys(part.note for part in parts if part.note)),
        unpriced=tuple(dict.fromkeys(part.model for part in parts if part.amount_nano_usd is None)),
        quorum=dict(policy.approvals[past.brief.impact].quorum),
    ), parts


def routes_under(past: Past, policy: Policy) -> dict[int, Route]:
    """The route of each loop that was begun and that the policy allows, after the loops that ended as they did."""
    bounds = bounds_for(policy, past.brief)
    offers = offers_of(policy, past.brief, bounds=bounds, on=date.fromisoformat(past.assessed_on))
    loops_max = policy.profiles[past.brief.profile].loops_max
    return {
        loop: choose_route(
            past.brief,
            step="draft",
            loop=loop,
            past=[past.ended[earlier] for earlier in sorted(past.ended) if earlier < loop],
            offers=offers,
            rules=policy.routing,
            bounds=bounds,
            budget_left_nano_usd=past.assessment.budget_left_nano_usd,
        )
        for loop in sorted({past.assessed_loop, *past.loops})
        if loop <= loops_max
    }


def risk_rows(past: Past, policy: Policy) -> Rows:
    """What the policy gate judges: the evidence as it was, prices and worst case as this policy has them."""
    brief = past.brief
    routes = routes_under(past, policy)
    route = routes[max(loop for loop in routes if loop <= past.assessed_loop)] if routes else None
    offers = offers_of(policy, brief, bounds=bounds_for(policy, brief), on=date.fromisoformat(past.assessed_on))
    offer = offers[route.tier if route else "economy"]
    assessment: Assessment = replace(
        past.assessment,
        unpriced_tiers=tuple(name for name, one in offers.items() if one.price is None),
        worst_case_nano_usd=offer.worst_case_nano_usd or 0,  # unpriced: another expectation stops it
    )
    return [risk_row(assessment, brief, by_policy=policy.approvals[brief.impact].by_policy)]


def draft_rows(past: Past, policy: Policy, draft: PastDraft) -> Rows:
    """What the quality gate judges: the sentences as they were, and the form that this policy asks for."""
    form = policy.drafts.get(past.brief.intent.form, DraftForm())
    return [*draft.sentences, *form_rows(draft.markdown, form)]
