"""The model calls of a simulated quarter: held, and then served, refused, lost, estimated, batched, corrected.

Belongs here: what may become of a call, in the books and in the notes. Does not: any network; the tokens are drawn.
"""

import json
from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Literal

from bench.quarter_agenda import NEVER, Way
from bench.quarter_ground import PROVIDER
from bench.quarter_truth import Call
from bench.quarter_walk import Walk
from finops_ai import ledger
from finops_ai.artifacts import record_failure
from finops_ai.calls import batch
from finops_ai.ledger import Hold, Payer, Terms
from finops_ai.policy import price_of
from finops_ai.pricing import Usage
from finops_ai.store import following_month, month_bounds, sha256_hex, today, utc_now

Outcome = Literal["served", "refused", "lost", "estimated", "unusable", "overrun"]
Tokens = dict[str, int]

UNUSABLE_SHARE = 0.35  # of the calls of the unusual week: paid, and no answer
ATTEMPTS_MAX = 3
CORRECTED_ON_DAY = timedelta(days=3)  # of the following month, when the provider's report is there


def call(walk: Walk, wanted: Call, outcomes: list[Outcome]) -> Generator[datetime, None, bool]:
    """The attempts of one call until one is answered; False: none was, and the step has failed."""
    payer = walk.payer(wanted.step)
    request = sha256_hex(f"{walk.plan.key}/{wanted.step}/{walk.loop}".encode())
    for outcome in outcomes:
        key = _hold(walk, payer, wanted, request)
        if wanted.served.level == "batch":
            yield from _in_batch(walk, wanted, key)
        else:
            yield walk.after(1, 25)
        if _close(walk, payer, wanted, key, outcome):
            return True
    with walk.ground.database.write() as tx:
        error = f"CallFailed: {wanted.model}: {len(outcomes)} attempts, the last: 503 overloaded"
        record_failure(tx, payer, error, permanent=False)
    walk.notes.state = "failed"
    return False


def _hold(walk: Walk, payer: Payer, wanted: Call, request_sha256: str) -> str:
    policy, served = walk.ground.policy, wanted.served
    price = price_of(policy.tiers[served.tier], on=today(), policy_sha256=walk.ground.policy_sha256, level=served.level)
    assert price is not None
    terms = Terms(tier=served.tier, model=wanted.model, provider=PROVIDER, price=price, level=served.level)
    worst_case = price.worst_case_nano_usd(
        input_tokens_max=wanted.input_tokens_max, output_tokens_max=wanted.output_tokens_max
    )
    with walk.ground.database.write() as tx:
        operation = ledger.open_operation(tx, payer, request_sha256=request_sha256)
        attempt = ledger.attempts_of(tx, operation) + 1
        key = f"{operation}/{attempt}"
        hold = Hold(key=key, operation=operation, attempt=attempt, amount_nano_usd=worst_case, terms=terms)
        ledger.reserve(tx, payer, hold)
    return key


def _in_batch(walk: Walk, wanted: Call, key: str) -> Way:
    """Handed over, and answered some hours later; or not in this quarter."""
    yield walk.after(1, 4)
    tier = walk.ground.policy.tiers[wanted.served.tier]
    sent = batch.Sent(
        tier_name=wanted.served.tier,
        api=tier.api,
        base_url=tier.base_url,
        api_key_env=tier.api_key_env,
        model=wanted.model,
        timeout_s=tier.timeout_s,
        attempts_max=tier.attempts_max,
        form="none",
        output_tokens_max=wanted.output_tokens_max,
        input_tokens=wanted.input_tokens_max,
    )
    with walk.ground.database.write() as tx:
        batch.record(tx, key, batch_id=f"batch_{walk.rng.getrandbits(64):016x}", sent=sent)
        walk.book_compute(tx, walk.payer(wanted.step), walk.rng.randrange(200_000, 900_000))
    walk.notes.state = "producing"  # it waits for the batch
    if walk.plan.fate == "in a batch":
        yield NEVER
    yield walk.after(1_800, 30_000)


def _close(walk: Walk, payer: Payer, wanted: Call, key: str, outcome: Outcome) -> bool:
    """Book what became of an attempt; True: it was answered."""
    notes, at = walk.notes, walk.at
    response_id = f"chatcmpl-{walk.rng.getrandbits(64):016x}"
    with walk.ground.database.write() as tx:
        if outcome == "refused":
            ledger.release(tx, payer, key, proof="429 rate limit: not served")
            return False
        if outcome == "lost":
            ledger.suspend(tx, payer, key, why="the connection broke before an answer")
            notes.suspended(wanted, at)
            _end_suspense_later(walk, wanted, key)
            return False
        tokens = _tokens(walk, wanted, outcome)
        answer = (
            None if outcome == "unusable" else _answer(wanted, tokens, response_id, estimated=outcome == "estimated")
        )
        ledger.settle(
            tx,
            payer,
            key,
            _usage(tokens),
            answer=answer,
            response_id=response_id,
            estimated=outcome == "estimated",
            detail="" if answer else "the answer holds no text",
        )
    notes.called(wanted, at, tokens, estimated=outcome == "estimated")
    if outcome == "estimated" and walk.plan.trouble_number % 2 == 0:
        walk.ground.agenda.add(_correct(walk, wanted, key, tokens))
    return answer is not None


def _end_suspense_later(walk: Walk, wanted: Call, key: str) -> None:
    """Of three calls in suspense the provider billed one, did not bill another, and never speaks of the third."""
    if (which := walk.plan.trouble_number % 3) < 2:
        tokens = _tokens(walk, wanted, "served") if which == 0 else None
        walk.ground.agenda.add(_resolve(walk, wanted, key, tokens, after=timedelta(days=walk.rng.randrange(2, 20))))


def _resolve(walk: Walk, wanted: Call, key: str, tokens: Tokens | None, *, after: timedelta) -> Way:
    at = walk.at + after
    yield at
    report = walk.ground.objects.put_json({"report": "usage", "call": key, "billed": tokens})
    usage = None if tokens is None else _usage(tokens)
    with walk.ground.database.write() as tx:
        ledger.resolve(tx, key, usage, detail="the provider's usage report", report_sha256=report)
    walk.notes.suspended(wanted, at, sign=-1)
    if tokens is not None:
        walk.notes.called(wanted, at, tokens, estimated=False)


def _correct(walk: Walk, wanted: Call, key: str, booked: Tokens) -> Way:
    """In the following month: the month of the estimate has been reported, and does not change any more."""
    counted = {meter: count * 3 // 5 for meter, count in booked.items()}
    first, _ = month_bounds(following_month(utc_now(walk.at)[:7]))
    at = first + CORRECTED_ON_DAY + timedelta(minutes=walk.plan.number)
    yield at
    report = walk.ground.objects.put_json({"report": "usage", "call": key, "billed": counted})
    with walk.ground.database.write() as tx:
        ledger.correct(tx, key, _usage(counted), report_sha256=report)
    walk.notes.called(wanted, at, booked, estimated=True, sign=-1)
    walk.notes.called(wanted, at, counted, estimated=False)


def outcomes_of(walk: Walk, *, again: bool) -> list[Outcome]:
    """What becomes of the attempts of a draft's call. `again`: a second run, after one that failed."""
    plan = walk.plan
    if walk.loop or again:
        return ["served"]
    if plan.fate == "failed" or plan.trouble == "recovered":
        return ["refused"] * ATTEMPTS_MAX
    first: dict[str, list[Outcome]] = {
        "released": ["refused", "served"],
        "suspended": ["lost", "served"],
        "estimated": ["estimated"],
        "overrun": ["overrun"],
    }
    usual: list[Outcome] = ["unusable", "served"] if plan.unusual and walk.rng.random() < UNUSABLE_SHARE else ["served"]
    return first.get(plan.trouble, usual)


def _tokens(walk: Walk, wanted: Call, outcome: Outcome) -> Tokens:
    """Each token in exactly one meter."""
    if outcome == "estimated":  # the bounds: what was sent at most, and what may have come back
        return {
            "input_tokens": wanted.input_tokens_max,
            "cached_input_tokens": 0,
            "output_tokens": wanted.output_tokens_max,
        }
    rng = walk.rng
    whole = round(wanted.input_tokens_max * rng.uniform(0.2, 0.4))
    cached = round(whole * rng.choice((0.0, 0.3, 0.5, 0.6)))
    output = round(wanted.output_tokens_max * rng.uniform(0.3, 0.9))
    if walk.plan.unusual:  # a prompt that grew and no longer begins as the one before
        whole, cached = round(whole * 2.4), 0
    if outcome == "overrun":
        output = wanted.output_tokens_max * 5 // 4
        whole, cached = wanted.input_tokens_max, 0
    return {"input_tokens": whole - cached, "cached_input_tokens": cached, "output_tokens": output}


def _usage(tokens: Tokens) -> Usage:
    return Usage(
        input_tokens=tokens["input_tokens"] + tokens["cached_input_tokens"],
        cached_input_tokens=tokens["cached_input_tokens"],
        output_tokens=tokens["output_tokens"],
    )


def _answer(wanted: Call, tokens: Tokens, response_id: str, *, estimated: bool) -> str:
    """As `calls` keeps it: the whole response of the chat API."""
    usage = {
        "prompt_tokens": tokens["input_tokens"] + tokens["cached_input_tokens"],
        "completion_tokens": tokens["output_tokens"],
        "prompt_tokens_details": {"cached_tokens": tokens["cached_input_tokens"]},
    }
    response = {
        "id": response_id,
        "object": "chat.completion",
        "model": wanted.model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "(simulated)"}, "finish_reason": "stop"}],
        "usage": usage,
    }
    return json.dumps({"form": "none", "estimated": estimated, "response": response}, sort_keys=True)
