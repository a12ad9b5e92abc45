"""Paid model calls: reserve, call, settle; every attempt on the books, every answer paid once.

Belongs here: the one place from which a model is called, and that each attempt ends on the books. Does not: the entries
themselves (`ledger`), one attempt (`endpoint`), the next one (`retry`), what is asked (the caller).

| what came back | the books | then |
|---|---|---|
| an answer with a count | settled at the provider's own count | done |
| an answer without one, or by another model | settled, marked estimated | done |
| a part of a stream | settled at our upper estimate, marked estimated, without an answer | tried again |
| a refusal (4xx), no connection at all | released: it was not served | a rate limit and the second are tried again |
| time-out, broken connection, 408, 409, 5xx | suspense at full amount: it may have been served | tried again |

At the level `batch` the provider answers later: the hold stays, and `batch` closes it in the same words.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn
from urllib.parse import urlsplit

import sqlalchemy as sa

from finops_ai import ledger
from finops_ai.calls.endpoint import APIS, Endpoint, Served, endpoint_of
from finops_ai.calls.estimates import estimated_input_tokens
from finops_ai.calls.failures import Failed
from finops_ai.calls.metering import Metered
from finops_ai.calls.model import Answer, AnswerPending, CallFailed, CallRefused, Form, Level, NotPriced
from finops_ai.calls.retry import Stop, next_try
from finops_ai.calls.structured import FOUND_IN_THIS_PROCESS, FoundForms, problem_of
from finops_ai.calls.wire import Asked, Reading
from finops_ai.policy import Tier, TierName, TokenBounds
from finops_ai.pricing import Price
from finops_ai.store import Database, canonical_json, sha256_hex

BOOKED_CHARACTERS_MAX = 500


@dataclass(frozen=True, kw_only=True)
class _Call:
    """What stays the same over the attempts of one call."""

    tier: Tier
    messages: Sequence[Mapping[str, str]]
    schema: Mapping[str, Any] | None
    level: Level
    bounds: TokenBounds
    input_tokens: int  # our upper estimate
    terms: ledger.Terms
    worst_case_nano_usd: int

    def asked(self, form: Form) -> Asked:
        """The request in this form."""
        return Asked(
            model=self.tier.model,
            messages=self.messages,
            schema=self.schema,
            form=form,
            output_tokens_max=self.bounds.output_tokens_max,
            max_tokens_parameter=self.tier.max_tokens_parameter,
            level=self.level,
            stream=self.tier.stream,
            input_tokens=self.input_tokens,
        )

    @cached_property
    def request_sha256(self) -> str:
        """The identity of what is asked, whatever form, level or transfer it is answered in."""
        request = {
            "api": self.tier.api,
            "model": self.tier.model,
            "messages": [dict(message) for message in self.messages],
            self.tier.max_tokens_parameter: self.bounds.output_tokens_max,
            "schema": None if self.schema is None else json.dumps(self.schema, sort_keys=True),
        }
        return sha256_hex(canonical_json(request))


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidCalls:
    """Calls on one payer's account."""

    database: Database
    payer: ledger.Payer
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    forms: FoundForms = field(default_factory=lambda: FOUND_IN_THIS_PROCESS)

    def complete(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        tier_name: TierName,
        tier: Tier,
        bounds: TokenBounds,
        price: Price | None,
        response_schema: Mapping[str, Any] | None = None,
        level: Level = "standard",
    ) -> Answer:
        """The answer to these messages, paid at most once.

        An answer that breaks `response_schema` was paid all the same and is returned, with the reason in `problem`.
        Raises NotPriced, ledger.BudgetExceeded (before anything is sent), CallRefused, CallFailed, AnswerPending (the
        provider has it in a batch: at level `batch`, or because an earlier call of the same operation went there).
        """
        if price is None:
            raise NotPriced(f"no price is known for {tier.model}; give tiers.{tier_name}.price in the policy")
        call = _Call(
            tier=tier,
            messages=messages,
            schema=response_schema,
            level=level,
            bounds=bounds,
            input_tokens=_input_within(bounds, messages, response_schema),
            terms=ledger.Terms(tier=tier_name, model=tier.model, provider=_provider(tier), price=price, level=level),
            worst_case_nano_usd=price.worst_case_nano_usd(
                input_tokens_max=bounds.input_tokens_max, output_tokens_max=bounds.output_tokens_max
            ),
        )
        from finops_ai.calls import batch  # closes its calls by the functions below

        operation = ledger.operation_key(self.payer, call.request_sha256)
        with self.database.read() as connection:
            tried = ledger.attempts_of(connection, operation)
            stored = ledger.answer_of(connection, operation) if tried else None
            pending = batch.pending_call(connection, operation) if tried and not stored else None
        if stored:
            return _stored_answer(json.loads(stored), call)
        if pending:
            raise AnswerPending(batch_id=pending.batch_id, since=pending.at)
        make = self._in_batch if level == "batch" else self._attempts
        return make(call, endpoint_of(tier), tried)

    def _in_batch(self, call: _Call, endpoint: Endpoint, tried: int) -> NoReturn:
        """One attempt, handed over and not waited for."""
        from finops_ai.calls import batch

        form: Form = "none" if call.schema is None else self.forms.start(call.tier)
        held = self._hold(call, tried + 1)
        created = batch.create(endpoint, call.asked(form), key=held.key)
        if isinstance(created, Failed):
            self._close_failed(held.key, created)
            raise (CallRefused if created.permanent else CallFailed)(f"{call.tier.model}: {created.error}")
        with self.database.write() as tx:
            sent = batch.Sent.of(call.terms.tier, call.tier, call.asked(form))
            since = batch.record(tx, held.key, batch_id=created, sent=sent)
        raise AnswerPending(batch_id=created, since=since)

    def _attempts(self, call: _Call, endpoint: Endpoint, tried: int) -> Answer:
        form: Form = "none" if call.schema is None else self.forms.start(call.tier)
        started = self.clock()
        attempt = 0
        while True:
            attempt += 1
            held = self._hold(call, tried + 1)
            tried = held.attempt
            outcome = endpoint.attempt(call.asked(form), key=held.key)
            if isinstance(outcome, Served):
                return self._settle(call, held, outcome, form, attempt)
            self._close_failed(held.key, outcome)
            step = next_try(
                outcome,
                form=form,
                attempts=attempt,
                attempts_max=call.tier.attempts_max,
                elapsed_s=self.clock() - started,
                time_max_s=call.tier.time_max_s,
            )
            if isinstance(step, Stop):
                raise (CallRefused if step.permanent else CallFailed)(f"{call.tier.model}: {step.reason}")
            form = step.form
            if step.pause_s is not None:
                self.sleep(step.pause_s)

    def _hold(self, call: _Call, attempt: int) -> ledger.Hold:
        """Hold the worst case of the next attempt: this one, or a later one where another thread or process has made it."""
        operation = ledger.operation_key(self.payer, call.request_sha256)
        with self.database.write() as tx:
            while True:
                hold = ledger.Hold(
                    key=f"{operation}/{attempt}",
                    operation=operation,
                    attempt=attempt,
                    amount_nano_usd=call.worst_case_nano_usd,
                    terms=call.terms,
                )
                if ledger.reserve(tx, self.payer, hold, request_sha256=call.request_sha256):
                    return hold
                attempt = ledger.attempts_of(tx, operation) + 1

    def _settle(self, call: _Call, held: ledger.Hold, served: Served, form: Form, attempt: int) -> Answer:
        """Booked first, whatever becomes of it: an answer that cannot be kept was still paid."""
        with self.database.write() as tx:
            close_served(tx, self.payer, held, served, form)
        if served.raised is not None:
            raise served.raised
        self.forms.found(call.tier, form)
        return _answer(served.reading, call, form, reused=False, attempts=attempt, estimated=served.cost.estimated)

    def _close_failed(self, key: str, failed: Failed) -> None:
        with self.database.write() as tx:
            close_failed(tx, self.payer, key, failed)
        if failed.raised is not None:
            raise failed.raised


def close_served(tx: sa.Connection, payer: ledger.Payer, key: str | ledger.Hold, served: Served, form: Form) -> None:
    """Book a held attempt at what it cost, with its answer. Raises ledger.AlreadySettled."""
    record = {"form": form, "estimated": served.cost.estimated, "response": served.body}
    _book(tx, payer, key, served.cost, served.reading.response_id, _kept(record))


def close_failed(tx: sa.Connection, payer: ledger.Payer, key: str, failed: Failed) -> None:
    """Book, suspend or release a held attempt that gave no answer. Raises ledger.AlreadySettled."""
    told = _for_the_books(failed.error)
    if failed.cost is not None:
        _book(tx, payer, key, failed.cost, failed.response_id, None, failed.error)
    elif failed.served:
        ledger.suspend(tx, payer, key, why=told, response_id=_for_the_books(failed.response_id))
    else:
        ledger.release(tx, payer, key, proof=told)


def _book(
    tx: sa.Connection,
    payer: ledger.Payer,
    key: str | ledger.Hold,
    cost: Metered,
    response_id: str,
    answer: str | None,
    error: str = "",
) -> None:
    ledger.settle(
        tx,
        payer,
        key,
        cost.usage,
        answer=answer,
        response_id=_for_the_books(response_id),
        estimated=cost.estimated,
        detail=_for_the_books("; ".join(part for part in (cost.detail, error) if part)),
    )


def _answer(reading: Reading, call: _Call, form: Form, *, reused: bool, attempts: int, estimated: bool) -> Answer:
    return Answer(
        text=reading.text,
        reused=reused,
        model=reading.model,
        finish=reading.finish,
        attempts=attempts,
        estimated=estimated,
        problem=_problem(reading, call.schema),
        form=form,
    )


def _stored_answer(record: Mapping[str, Any], call: _Call) -> Answer:
    reading = APIS[call.tier.api].read(record["response"])
    return _answer(reading, call, record["form"], reused=True, attempts=0, estimated=record["estimated"])


def _problem(reading: Reading, schema: Mapping[str, Any] | None) -> str:
    if not reading.text:
        return f"the model refused: {reading.refusal}" if reading.refusal else "the answer holds no text"
    return problem_of(reading.text, schema) if schema is not None else ""


def _input_within(bounds: TokenBounds, messages: Sequence[Mapping[str, str]], schema: Mapping[str, Any] | None) -> int:
    """Our estimate of the input. Raises CallRefused where it passes the bound (nothing is cut silently)."""
    for message in messages:
        try:
            message["content"].encode()
        except UnicodeEncodeError as error:
            raise CallRefused(f"the prompt holds half a character, which no bytes can stand for: {error}") from None
    tokens = estimated_input_tokens(messages, schema)
    if tokens > bounds.input_tokens_max:
        raise CallRefused(f"the prompt may take {tokens} tokens, more than the bound of {bounds.input_tokens_max}")
    return tokens


def _provider(tier: Tier) -> str:
    """The name of who is owed. Raises CallRefused for an address that is none."""
    if not tier.base_url:
        return "openai"
    try:
        host = urlsplit(tier.base_url).hostname
    except ValueError as error:
        raise CallRefused(f"{tier.base_url} cannot be called: {error}") from None
    if not host:
        raise CallRefused(f"{tier.base_url} cannot be called: it names no host")
    return host


def _kept(record: Mapping[str, Any]) -> str:
    """The record as JSON in ASCII: whatever a model wrote, half a character or a NUL, any database keeps it."""
    return json.dumps(record, sort_keys=True)


def _for_the_books(text: str) -> str:
    """Foreign text as any database can keep it: no half characters, no NUL, of bounded length."""
    return text.encode(errors="replace").decode().replace("\0", "�")[:BOOKED_CHARACTERS_MAX]
