"""What does a paid call take beyond the bare call?

Belongs here: both calls to the same endpoint in turn, and the parts of the difference. Does not: the endpoint
(`money_endpoint`), the report (`money`).

Both ask the same, with the client's retries off; the bare one keeps its client, and so its connection. In every second
pair the paid call comes first.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from bench.money_endpoint import MODEL, running_endpoint
from bench.money_ground import Deployment, Figures, payer, spread
from finops_ai.calls import PaidCalls
from finops_ai.policy import Tier, TokenBounds
from finops_ai.store import ObjectStore, open_objects
from finops_ai_tests.records import PLAIN_PRICE, registered

OUTPUT_TOKENS_MAX = 200
BOUNDS = TokenBounds(input_tokens_max=2_000, output_tokens_max=OUTPUT_TOKENS_MAX)
WARM_UP = 5

Messages = list[Any]


def overhead(where: Deployment, *, calls: int) -> Figures:
    """Milliseconds of a call either way, medians and their range; the difference and the ratio are of pairs."""
    import openai

    objects = open_objects(where.settings)
    paid_calls = PaidCalls(database=where.database, payer=payer(registered(where.database)))
    with running_endpoint(where.settings.home / "truth.jsonl", latency_ms=0) as endpoint:
        tier = Tier.model_validate({"engine": "openai", "model": MODEL, "base_url": endpoint.url, "attempts_max": 1})
        client = openai.OpenAI(api_key="none", base_url=endpoint.url, max_retries=0)

        def bare(messages: Messages) -> None:
            client.chat.completions.create(model=MODEL, messages=messages, max_tokens=OUTPUT_TOKENS_MAX)

        def paid(messages: Messages) -> None:
            answer = paid_calls.complete(messages, tier_name="standard", tier=tier, bounds=BOUNDS, price=PLAIN_PRICE)
            assert not answer.reused

        pairs = [_pair(bare, paid, number) for number in range(-WARM_UP, calls)][WARM_UP:]
    return {
        "calls each": len(pairs),
        "bare, ms": spread([bare_ms for bare_ms, _ in pairs]),
        "paid, ms": spread([paid_ms for _, paid_ms in pairs]),
        "overhead, ms": spread([paid_ms - bare_ms for bare_ms, paid_ms in pairs]),
        "paid / bare": spread([paid_ms / bare_ms for bare_ms, paid_ms in pairs]),
        "for comparison: keeping an answer, ms": spread([_ms(_kept(objects, number)) for number in range(50)]),
    }


def _pair(bare: Callable[[Messages], None], paid: Callable[[Messages], None], number: int) -> tuple[float, float]:
    messages = [
        {"role": "system", "content": "You answer in one word."},
        {"role": "user", "content": f"Is {number} a number?"},
    ]
    if number % 2:
        paid_ms = _ms(lambda: paid(messages))
        return _ms(lambda: bare(messages)), paid_ms
    return _ms(lambda: bare(messages)), _ms(lambda: paid(messages))


def _ms(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - started)


def _kept(objects: ObjectStore, number: int) -> Callable[[], str]:
    record: Mapping[str, Any] = {"answer": number, "text": "Yes. " * 60}
    return lambda: objects.put_json(record)
