"""A payer at an endpoint that plays given replies: what the tests of this package share.

Belongs here: the endpoint, the payer and what was booked. Does not: assertions on them, an endpoint that breaks its
connections (`faulty_endpoint`).
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from finops_ai import ledger
from finops_ai.calls import Answer, Level, PaidCalls
from finops_ai.policy import Tier, TokenBounds
from finops_ai.pricing import Price
from finops_ai.store import tables
from finops_ai_tests.records import PLAIN_PRICE

MESSAGES = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "What did it cost?"}]
BOUNDS = TokenBounds(input_tokens_max=100, output_tokens_max=50)
WORST_CASE = 100 + 2 * 50  # nano-USD
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
LIMIT = 1_000

Reply = tuple[int, str, dict[str, str]]  # status, body, headers


def answer(text: str = "One tenth. [F1]", usage: dict[str, Any] | None = None) -> Reply:
    body: dict[str, Any] = {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "model-a",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
    }
    return 200, json.dumps(body | ({"usage": usage} if usage else {})), {"Content-Type": "application/json"}


USED = answer(usage={"prompt_tokens": 30, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 10}})
USED_NANO_USD = 20 + 5 + 10


def error(status: int, message: str = "no", *, code: str | None = None, **headers: str) -> Reply:
    body = json.dumps({"error": {"message": message, "type": "test", "code": code}})
    return status, body, {"Content-Type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}


@dataclass
class Provider:
    """An OpenAI-compatible endpoint that gives these replies, one after the other, the last one again and again."""

    server: HTTPServer
    replies: Sequence[Reply] = (USED,)
    delay_s: float = 0
    requests: list[Request] = field(default_factory=list)
    body: Callable[[], Iterable[bytes]] | None = None  # written piece by piece, in the place of a reply

    def serve(self, request: Request) -> Response:
        request.get_data()
        self.requests.append(request)
        status, body, headers = self.replies[min(len(self.requests), len(self.replies)) - 1]
        if self.body:
            return Response(self.body(), content_type="application/json")
        time.sleep(self.delay_s)
        return Response(body, status=status, headers=headers)

    def tier(self, **fields: Any) -> Tier:
        url = self.server.url_for("/v1")
        return Tier.model_validate({"engine": "openai", "model": "model-a", "base_url": url} | fields)


@dataclass
class Desk:
    """A payer with a budget of LIMIT and the calls on its account."""

    calls: PaidCalls
    provider: Provider
    slept: list[float]  # time passes only while it sleeps

    def ask(
        self,
        *,
        bounds: TokenBounds = BOUNDS,
        price: Price | None = PLAIN_PRICE,
        schema: dict[str, Any] | None = None,
        level: Level = "standard",
        messages: Sequence[dict[str, str]] = MESSAGES,
        **tier: Any,
    ) -> Answer:
        return self.calls.complete(
            messages,
            tier_name="standard",
            tier=self.provider.tier(**tier),
            bounds=bounds,
            price=price,
            response_schema=schema,
            level=level,
        )

    def sent(self) -> list[Any]:
        return [json.loads(request.get_data()) for request in self.provider.requests]

    def outcomes(self) -> list[str]:
        with self.calls.database.read() as connection:
            return list(connection.scalars(sa.select(tables.outcome.c.kind).order_by(tables.outcome.c.reservation)))

    def books(self) -> tuple[int, int, int]:
        """Reserved, spent, suspended; nothing is left open and everything balances."""
        with self.calls.database.read() as connection:
            check = ledger.check(connection)
            assert check.problems == ()
            assert check.open_reservations == 0
            row = connection.execute(sa.select(tables.budget)).one_or_none()
            return (row.reserved_nano_usd, row.spent_nano_usd, check.suspense_nano_usd) if row else (0, 0, 0)

    def booked(self) -> dict[str, int]:
        """Tokens by meter, without those that are 0."""
        return {entry.unit: entry.quantity for entry in self.entries() if entry.quantity}

    def details(self) -> list[str]:
        with self.calls.database.read() as connection:
            return list(connection.scalars(sa.select(tables.outcome.c.detail).order_by(tables.outcome.c.reservation)))

    def entries(self) -> list[Any]:
        with self.calls.database.read() as connection:
            return list(connection.execute(sa.select(tables.entry).where(tables.entry.c.kind == "call")))
