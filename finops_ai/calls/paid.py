"""Paid model calls: reserve, call, settle; every attempt on the books, every answer paid once.

Belongs here: the one place from which a model is called, its retries and what each way to fail means for the books.
Does not: the entries themselves (`ledger`), what is asked (the caller).

| what came back | the books | then |
|---|---|---|
| an answer with usage | settled at the provider's own count | done |
| an answer without usage | settled at our upper estimate, marked estimated | done |
| a refusal (4xx), no connection at all | released: the provider did not serve it | a rate limit is tried again |
| time-out, broken connection, 5xx | suspense at full amount: it may have been served | tried again |
"""

import contextlib
import hashlib
import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from finops_ai import ledger
from finops_ai.calls.model import CallFailed, CallRefused, NotPriced, estimated_input_tokens, estimated_tokens
from finops_ai.policy import Tier, TierName, TokenBounds
from finops_ai.pricing import Price, Usage
from finops_ai.store import Database, ObjectStore, canonical_json, sha256_hex

if TYPE_CHECKING:
    import openai

BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 30.0
RETRY_AFTER_MAX_S = 60.0
RATE_LIMITED = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A model's text, and whether an earlier payment already covered it."""

    text: str
    reused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """How one attempt failed, as a value: what it means for the books and for the next try."""

    error: str
    served: bool  # may the provider have done (and billed) the work?
    again: bool
    wait_s: float | None = None  # the provider's own Retry-After


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidCalls:
    """Calls on one payer's account."""

    database: Database
    objects: ObjectStore
    payer: ledger.Payer
    sleep: Callable[[float], None] = time.sleep

    def complete(
        self,
        messages: Sequence[dict[str, str]],
        *,
        tier_name: TierName,
        tier: Tier,
        bounds: TokenBounds,
        price: Price | None,
        response_schema: Mapping[str, Any] | None = None,
    ) -> Answer:
        """The answer to these messages, paid at most once.

        `response_schema` is sent as far as the tier's endpoint takes one; that an answer keeps it is not checked here.
        Raises NotPriced, ledger.BudgetExceeded (before anything is sent), CallRefused, CallFailed.
        """
        if price is None:
            raise NotPriced(f"no price is known for {tier.model}; give tiers.{tier_name}.price in the policy")
        request = _request(messages, tier, bounds, response_schema)
        with self.database.write() as tx:
            operation = ledger.open_operation(tx, self.payer, request_sha256=sha256_hex(canonical_json(request)))
            if stored := ledger.answer_of(tx, operation):
                return Answer(text=_text_of(self.objects.get_json(stored)), reused=True)
            done = ledger.attempts_of(tx, operation)
        terms = ledger.Terms(tier=tier_name, model=tier.model, provider=_provider(tier), price=price)
        given = _input_within(bounds, messages, response_schema)
        worst_case = price.worst_case_nano_usd(
            input_tokens_max=bounds.input_tokens_max, output_tokens_max=bounds.output_tokens_max
        )
        failure = None
        with _client(tier) as client:
            for attempt in range(done + 1, done + tier.attempts_max + 1):
                if failure:
                    self.sleep(_pause_s(failure, attempt - done - 1))
                key = f"{operation}/{attempt}"
                hold = ledger.Hold(
                    key=key, operation=operation, attempt=attempt, amount_nano_usd=worst_case, terms=terms
                )
                with self.database.write() as tx:
                    ledger.reserve(tx, self.payer, hold)
                outcome = _call(client, request, key, tier)
                if isinstance(outcome, dict):
                    return self._settle(key, outcome, input_tokens_estimated=given)
                failure = outcome
                self._close_failed(key, failure)
                if not failure.again:
                    raise CallRefused(f"{tier.model}: {failure.error}")
        assert failure is not None
        raise CallFailed(f"{tier.model}: {tier.attempts_max} attempts failed, the last with: {failure.error}")

    def _settle(self, key: str, response: dict[str, Any], *, input_tokens_estimated: int) -> Answer:
        """Meter first, parse second: an answer that cannot be used was still paid."""
        usage, estimated = _usage(response, input_tokens_estimated)
        stored = self.objects.put(json.dumps(response, sort_keys=True).encode())
        with self.database.write() as tx:
            ledger.settle(tx, self.payer, key, usage, response_sha256=stored, estimated=estimated)
        return Answer(text=_text_of(response), reused=False)

    def _close_failed(self, key: str, failure: _Failure) -> None:
        with self.database.write() as tx:
            if failure.served:
                ledger.suspend(tx, self.payer, key, why=failure.error)
            else:
                ledger.release(tx, self.payer, key, proof=failure.error)


def _request(
    messages: Sequence[dict[str, str]], tier: Tier, bounds: TokenBounds, schema: Mapping[str, Any] | None
) -> dict[str, Any]:
    request = {"model": tier.model, "messages": list(messages), tier.max_tokens_parameter: bounds.output_tokens_max}
    if schema is None or tier.structured == "none":
        return request
    form: dict[str, Any] = {"type": tier.structured}
    if tier.structured == "json_schema":
        form["json_schema"] = {"name": "answer", "strict": True, "schema": dict(schema)}
    return request | {"response_format": form}


def _input_within(bounds: TokenBounds, messages: Sequence[dict[str, str]], schema: Mapping[str, Any] | None) -> int:
    """Our estimate of the input. Raises CallRefused where it passes the bound: nothing is cut silently."""
    tokens = estimated_input_tokens(messages, schema)
    if tokens > bounds.input_tokens_max:
        raise CallRefused(f"the prompt may take {tokens} tokens, more than the bound of {bounds.input_tokens_max}")
    return tokens


@contextlib.contextmanager
def _client(tier: Tier) -> "Iterator[openai.OpenAI]":
    import openai  # half a second, paid only where a model is called

    key = os.environ.get(tier.api_key_env, "") if tier.api_key_env else "none"
    if not key:
        raise CallRefused(f"the variable {tier.api_key_env} holds no API key")
    with openai.OpenAI(api_key=key, base_url=tier.base_url, max_retries=0, timeout=tier.timeout_s) as client:
        yield client


def _call(client: "openai.OpenAI", request: dict[str, Any], key: str, tier: Tier) -> dict[str, Any] | _Failure:
    """One attempt. The library's own retries are off: each try must be held and booked by itself."""
    import openai

    header = {"Idempotency-Key": hashlib.sha256(key.encode()).hexdigest()[:32]}
    try:
        response = client.chat.completions.create(**request, extra_headers=header, timeout=tier.timeout_s)
        if not isinstance(response, openai.types.chat.ChatCompletion):  # the library hands out any other body as it is
            raise ValueError(f"{str(response)[:200]!r} is no chat completion")
        return response.model_dump(mode="json", warnings=False)
    except openai.APIStatusError as error:
        again = error.status_code in (RATE_LIMITED, 408, 409) or error.status_code >= 500
        return _Failure(
            error=f"HTTP {error.status_code}: {error.message[:300]}",
            served=error.status_code >= 500 or error.status_code in (408, 409),
            again=again,
            wait_s=_retry_after_s(error.response.headers.get("retry-after")),
        )
    except openai.APIConnectionError as error:
        unreached = type(error.__cause__).__name__ == "ConnectError"
        return _Failure(error=f"{type(error).__name__}: {error.__cause__ or error}", served=not unreached, again=True)
    except (openai.OpenAIError, ValueError) as error:  # a body that is no answer: it was served all the same
        return _Failure(error=f"unusable response: {type(error).__name__}: {error}"[:400], served=True, again=True)


def _usage(response: dict[str, Any], input_tokens_estimated: int) -> tuple[Usage, bool]:
    """(the provider's count, or our upper estimate where it gave none; whether it is the estimate)."""
    counted = response.get("usage") or {}
    details = counted.get("prompt_tokens_details") or {}
    try:
        return Usage(
            input_tokens=int(counted["prompt_tokens"]),
            cached_input_tokens=int(details.get("cached_tokens") or 0),
            output_tokens=int(counted["completion_tokens"]),
        ), False
    except (KeyError, TypeError, ValueError):
        written = estimated_tokens(_text_of(response))
        return Usage(input_tokens=input_tokens_estimated, cached_input_tokens=0, output_tokens=written), True


def _text_of(response: dict[str, Any]) -> str:
    """What was written; "" where a choice or its message is not what it should be: it is metered all the same."""
    try:
        return str(response["choices"][0]["message"]["content"] or "")
    except (KeyError, IndexError, TypeError):
        return ""


def _provider(tier: Tier) -> str:
    from urllib.parse import urlsplit

    return urlsplit(tier.base_url).hostname or "openai" if tier.base_url else "openai"


def _retry_after_s(header: str | None) -> float | None:
    try:
        wait_s = float(header or "")
    except ValueError:
        return None
    return min(max(wait_s, 0.0), RETRY_AFTER_MAX_S) if wait_s == wait_s else None  # nan is no time


def _pause_s(failure: _Failure, tries: int) -> float:
    """Exponential with full jitter between half and the whole, or what the provider asked for."""
    if failure.wait_s is not None:
        return failure.wait_s
    return min(BACKOFF_FIRST_S * 2.0 ** (tries - 1), BACKOFF_MAX_S) * random.uniform(0.5, 1)  # noqa: S311 - jitter
