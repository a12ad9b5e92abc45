"""The `claims` step: the sentences of the sources, each with a verdict; a model may be asked, and only ever raises one."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from finops_ai.calls import CallError, PaidCalls
from finops_ai.dossier import counts, in_order
from finops_ai.evidence import Claim, Source, claims_of
from finops_ai.ledger import BudgetExceeded
from finops_ai.orchestration.workbench import Step, table
from finops_ai.policy import price_of, verification_bounds
from finops_ai.store import today
from finops_ai.verification import RESPONSE_SCHEMA, may_be_raised, question_of, verify, with_opinion

ROWS_SHOWN_MAX = 50  # the event log keeps what the page shows; all of them are in the object store


def claims(step: Step) -> dg.MaterializeResult[Any]:
    """From the stored texts, not from the addresses: judging again needs no network."""
    sources = [source for source in sources_of(step) if source.ok]
    texts = {source.uri: step.bench.objects.get(source.text_sha256).decode() for source in sources}
    found = claims_of([(source, texts[source.uri]) for source in sources])
    found, told = _with_opinions(step, found, texts)
    by_source = {source.uri: source for source in sources}
    shown = in_order(found)[:ROWS_SHOWN_MAX]
    return step.finish(
        {"claims": [claim.as_record() for claim in found]},
        metadata={
            "verdicts": ", ".join(f"{count} {verdict}" for verdict, count in counts(found).items()) or "none",
            "model verifier": told,
            "pages": dg.MetadataValue.url(f"{step.bench.settings.desk_url}/evidence/{step.artifact}/"),
        },
        model=step.bench.policy.tiers["economy"].model if told.startswith("asked") else None,
        tier="economy" if told.startswith("asked") else None,
        body={
            "shown": f"{len(shown)} of {len(found)}, what needs eyes first",
            "claims": table([_row(claim, by_source) for claim in shown]),
        },
    )


def sources_of(step: Step) -> list[Source]:
    """The artifact's sources as they were last retrieved."""
    return [Source.from_record(record) for record in step.input("sources")["sources"]]


def claims_in(step: Step) -> list[Claim]:
    """The artifact's claims as they were last judged."""
    return [Claim.from_record(record) for record in step.input("claims")["claims"]]


def _with_opinions(step: Step, found: list[Claim], texts: Mapping[str, str]) -> tuple[list[Claim], str]:
    """The claims after the model verifier, and what became of it. Where it cannot be asked, every verdict stays."""
    policy = step.bench.policy
    tier, rule = policy.tiers["economy"], policy.verification
    asked = [claim for claim in found if may_be_raised(claim)][: rule.claims_max]
    if rule.by == "none" or tier.engine == "extractive":
        return found, "off in the policy" if rule.by == "none" else "no model at the economy tier"
    if not asked:
        return found, "nothing to ask: no claim lacks only a second voice"
    step.suspend_abandoned_calls()
    bounds = verification_bounds(policy)
    price = price_of(tier, on=today(), policy_sha256=policy.sha256)
    calls = PaidCalls(database=step.bench.database, payer=step.payer)

    def ask(messages: list[dict[str, str]]) -> str:
        return calls.complete(
            messages, tier_name="economy", tier=tier, bounds=bounds, price=price, response_schema=RESPONSE_SCHEMA
        ).text

    try:
        outcome = verify(
            [question_of(claim) for claim in asked],
            ask,
            tokens_max=bounds.input_tokens_max,
            per_call_max=rule.claims_per_call_max,
        )
    except (CallError, BudgetExceeded) as error:
        step.log.warning("the model verifier could not be asked, every verdict stays as it is: %s", error)
        return found, f"not asked to the end: {error}"
    judged = {
        claim.id: with_opinion(claim, opinion, model=tier.model, about=_about(claim, opinion.passage, texts))
        for claim in asked
        if (opinion := outcome.verdicts.get(claim.id))
    }
    raised = sum(claim.verdict == "confirmed" for claim in judged.values())
    told = f"asked {tier.model} about {len(asked)} claims in {outcome.calls} calls: {raised} raised to confirmed"
    if outcome.unverified:
        told += f", {len(outcome.unverified)} without an answer ({next(iter(outcome.unverified.values()))})"
    return [judged.get(claim.id, claim) for claim in found], told


def _about(claim: Claim, passage: int | None, texts: Mapping[str, str]) -> str:
    return texts[claim.passages[passage - 1].uri] if passage else ""


def _row(claim: Claim, by_source: Mapping[str, Source]) -> dict[str, str | int]:
    first = claim.evidence[0]
    page = by_source[claim.sources[0]].page_of(first.start)
    return {
        "claim": claim.text,
        "verdict": claim.verdict,
        "why": "; ".join(claim.reasons),
        "source": claim.sources[0],
        "place": (f"p. {page}, " if page else "") + f"characters {first.start}–{first.end}",
        "independent hosts": claim.voices,
        "numbers and dates": ", ".join(claim.values),
        "id": claim.id,
    }
