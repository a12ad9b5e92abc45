"""What counted tokens cost at a known price: the rates, the context tiers, the worst case.

Belongs here: arithmetic on one price, and its stored form. Does not: finding a price (`book`), who pays (`ledger`).
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from finops_ai.pricing.money import multiply, multiply_up

TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one attempt. `input_tokens` is the whole input, as OpenAI and OpenTelemetry count: with the tokens read
    from a cache and those written to one. Raises ValueError where the parts are more than the whole.
    """

    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    cache_write_input_tokens: int = 0

    def __post_init__(self) -> None:
        parts = (self.cached_input_tokens, self.cache_write_input_tokens)
        if min(*parts, self.output_tokens) < 0 or sum(parts) > self.input_tokens:
            raise ValueError(f"impossible usage: {self}")

    def meters(self) -> dict[str, int]:
        """Counted units that add up: each token stands in exactly one meter."""
        return {
            "input_tokens": self.input_tokens - self.cached_input_tokens - self.cache_write_input_tokens,
            "cached_input_tokens": self.cached_input_tokens,
            "cache_write_input_tokens": self.cache_write_input_tokens,
            "output_tokens": self.output_tokens,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Nano-USD per million tokens. No rate for writing to a cache (None): such tokens cost what input costs, never 0."""

    input_nano_usd: int
    cached_input_nano_usd: int
    output_nano_usd: int
    cache_write_input_nano_usd: int | None = None

    def of_meter(self, meter: str) -> int:
        """Nano-USD per million units of a meter of `Usage.meters`."""
        written = self.cache_write_input_nano_usd
        return {
            "input_tokens": self.input_nano_usd,
            "cached_input_tokens": self.cached_input_nano_usd,
            "cache_write_input_tokens": self.input_nano_usd if written is None else written,
            "output_tokens": self.output_nano_usd,
        }[meter]

    def ceiling_nano_usd(self, *, input_tokens_max: int, output_tokens_max: int) -> int:
        """No usage within the bounds costs more. The input may be plain, cached or written: the dearest is assumed."""
        meters = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens")
        dearest_input = max(self.of_meter(meter) for meter in meters)
        apart = 1 if dearest_input % TOKENS_PER_PRICE else 0  # three meters of input are rounded each by itself
        given = multiply_up(input_tokens_max, dearest_input, TOKENS_PER_PRICE) + apart
        return given + multiply_up(output_tokens_max, self.output_nano_usd, TOKENS_PER_PRICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextTier(Rates):
    """Rates of a call with more than so many tokens of input, all kinds together: for ALL its tokens, not the rest alone."""

    above_input_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Price(Rates):
    """Rates with where they were found: stored beside every amount they led to. A settlement needs nothing else.

    `level` is the service level that the rates are for. Its own rates hold up to the first tier of `above`. A stored form
    without the later fields is a price without tiers. Raises ValueError for tiers that do not ascend.
    """

    source: str
    version: str
    above: tuple[ContextTier, ...] = ()
    level: str = "standard"

    def __post_init__(self) -> None:
        tiers = tuple(tier if isinstance(tier, ContextTier) else ContextTier(**tier) for tier in self.above)
        object.__setattr__(self, "above", tiers)  # as read back from JSON: a list of objects
        starts = [-1, *(tier.above_input_tokens for tier in tiers)]
        if any(later <= earlier for earlier, later in pairwise(starts)):
            raise ValueError(f"context tiers must ascend: {starts[1:]}")

    def as_dict(self) -> dict[str, Any]:
        """The stored form, for JSON; `Price(**stored)` reads it back."""
        return asdict(self) | {"above": [asdict(tier) for tier in self.above]}

    def rates_at(self, input_tokens: int) -> Rates:
        """What a call with this whole input pays per million tokens."""
        reached = [tier for tier in self.above if input_tokens > tier.above_input_tokens]
        return reached[-1] if reached else self

    def applied_to(self, usage: Usage) -> "Price":
        """The same price with the one tier that this usage fell into: quantity times these rates is the amount booked."""
        rates = self.rates_at(usage.input_tokens)
        return Price(
            input_nano_usd=rates.input_nano_usd,
            cached_input_nano_usd=rates.cached_input_nano_usd,
            cache_write_input_nano_usd=rates.cache_write_input_nano_usd,
            output_nano_usd=rates.output_nano_usd,
            source=self.source,
            version=self.version,
            level=self.level,
        )

    def cost_nano_usd(self, usage: Usage) -> dict[str, int]:
        """Nano-USD per meter, at the tier of the usage that was counted."""
        rates = self.rates_at(usage.input_tokens)
        return {
            meter: multiply(tokens, rates.of_meter(meter), TOKENS_PER_PRICE) for meter, tokens in usage.meters().items()
        }

    def worst_case_nano_usd(self, *, input_tokens_max: int, output_tokens_max: int) -> int:
        """No usage within the bounds costs more, whatever is cached and whichever tier it falls into.

        No discount is assumed: one that fails to come would be spent without having been held.
        """
        starts = [0, *(tier.above_input_tokens + 1 for tier in self.above)]
        lasts = [*(tier.above_input_tokens for tier in self.above), input_tokens_max]
        return max(
            rates.ceiling_nano_usd(input_tokens_max=min(last, input_tokens_max), output_tokens_max=output_tokens_max)
            for rates, start, last in zip((self, *self.above), starts, lasts, strict=True)
            if start <= input_tokens_max
        )
