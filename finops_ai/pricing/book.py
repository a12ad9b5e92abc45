"""What a token costs: the policy's own price first, then the public price book; never a guess, never a silent zero.

Belongs here: finding a price and applying it to counted tokens. Does not: who pays (`ledger`), which model (`routing`).
"""

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from finops_ai.pricing.money import multiply, multiply_up, to_nano_usd

TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one attempt. `input_tokens` includes the cached ones, as OpenAI and OpenTelemetry count."""

    input_tokens: int
    cached_input_tokens: int
    output_tokens: int

    def __post_init__(self) -> None:
        if not 0 <= self.cached_input_tokens <= self.input_tokens or self.output_tokens < 0:
            raise ValueError(f"impossible usage: {self}")

    def meters(self) -> dict[str, int]:
        """Counted units that add up: each token stands in exactly one meter."""
        return {
            "input_tokens": self.input_tokens - self.cached_input_tokens,
            "cached_input_tokens": self.cached_input_tokens,
            "output_tokens": self.output_tokens,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Nano-USD per million tokens, with where it was found: stored beside every amount it led to."""

    input_nano_usd: int
    cached_input_nano_usd: int
    output_nano_usd: int
    source: str
    version: str

    def as_dict(self) -> dict[str, Any]:
        """The stored form."""
        return asdict(self)

    def of_meter(self, meter: str) -> int:
        """Nano-USD per million units of a meter of `Usage.meters`."""
        return {
            "input_tokens": self.input_nano_usd,
            "cached_input_tokens": self.cached_input_nano_usd,
            "output_tokens": self.output_nano_usd,
        }[meter]

    def cost_nano_usd(self, usage: Usage) -> dict[str, int]:
        """Nano-USD per meter."""
        return {
            meter: multiply(tokens, self.of_meter(meter), TOKENS_PER_PRICE) for meter, tokens in usage.meters().items()
        }

    def worst_case_nano_usd(self, *, input_tokens_max: int, output_tokens_max: int) -> int:
        """No cache hit is assumed: a discount that fails to come would be spent without having been held."""
        dearest_input = max(self.input_nano_usd, self.cached_input_nano_usd)
        apart = 1 if dearest_input % TOKENS_PER_PRICE else 0  # cached and other input are rounded each by itself
        given = multiply_up(input_tokens_max, dearest_input, TOKENS_PER_PRICE) + apart
        return given + multiply_up(output_tokens_max, self.output_nano_usd, TOKENS_PER_PRICE)


def own_price(
    *,
    input_usd_per_mtok: Decimal,
    cached_input_usd_per_mtok: Decimal | None,
    output_usd_per_mtok: Decimal,
    version: str,
) -> Price:
    """A price written in the policy: a contract, a self-hosted model, a correction. No cached price: no discount."""
    cached = input_usd_per_mtok if cached_input_usd_per_mtok is None else cached_input_usd_per_mtok
    return Price(
        input_nano_usd=to_nano_usd(input_usd_per_mtok),
        cached_input_nano_usd=to_nano_usd(cached),
        output_nano_usd=to_nano_usd(output_usd_per_mtok),
        source="policy",
        version=version,
    )


def public_price(model: str, *, on: date, input_tokens_max: int) -> Price | None:
    """The price of `genai-prices` for a model on a day, at the context tier of `input_tokens_max`. None: unpriced.

    It never guesses by prefix. Units are derived from whole prices, since tiers make a model's price a function.
    """
    from datetime import UTC, datetime, time

    import genai_prices

    at = datetime.combine(on, time(12), tzinfo=UTC)
    tokens = max(input_tokens_max, 1)

    def nano_per_mtok(part: str, **counted: int) -> int:
        usage = genai_prices.Usage(**counted)
        found = genai_prices.calc_price(usage, model, genai_request_timestamp=at)
        return int((getattr(found, part) * TOKENS_PER_PRICE / tokens * 10**9).to_integral_value())

    try:
        return Price(
            input_nano_usd=nano_per_mtok("input_price", input_tokens=tokens),
            cached_input_nano_usd=nano_per_mtok("input_price", input_tokens=tokens, cache_read_tokens=tokens),
            output_nano_usd=nano_per_mtok("output_price", input_tokens=tokens, output_tokens=tokens),
            source="genai-prices",
            version=version("genai-prices"),
        )
    except LookupError:
        return None
