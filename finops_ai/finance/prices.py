"""What was charged by which unit, and at which price: the part of a charge that many charges share.

Belongs here: meters, reading a stored price. Does not: FOCUS columns (`focus`). Integers only: a unit price is whole nano-USD
for so many counted units.
"""

import json
from dataclasses import dataclass
from typing import Any

from finops_ai.finance.charges import Charge
from finops_ai.pricing import Price


class UnpricedCharge(Exception):
    """A charge without a price that it could be written with. Nothing is exported: it would be wrong, or 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """How a counted unit is written. Units are of FOCUS's unit format."""

    name: str
    consumed_unit: str
    per_consumed: int  # counted units in one
    pricing_unit: str
    per_priced: int  # counted units in one


def _tokens(name: str) -> Meter:
    return Meter(name=name, consumed_unit="Tokens", per_consumed=1, pricing_unit="1000000 Tokens", per_priced=1_000_000)


METERS = {
    "input_tokens": _tokens("Input Tokens"),
    "cached_input_tokens": _tokens("Cached Input Tokens"),
    "cache_write_input_tokens": _tokens("Cache Write Input Tokens"),
    "output_tokens": _tokens("Output Tokens"),
    "compute_us": Meter(
        name="Compute Time",
        consumed_unit="Seconds",
        per_consumed=1_000_000,
        pricing_unit="Hours",
        per_priced=3_600_000_000,
    ),
    "review_s": Meter(
        name="Review Time", consumed_unit="Seconds", per_consumed=1, pricing_unit="Hours", per_priced=3_600
    ),
    "retrieval_bytes": Meter(
        name="Retrieved Bytes", consumed_unit="B", per_consumed=1, pricing_unit="GB", per_priced=1_000_000_000
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """What charges of one service, meter and stored price have in common.

    `rate_nano_usd` is for one pricing unit. None: booked before rates were kept; each charge's own amount says it (`focus`).
    """

    kind: str
    provider: str
    model: str
    meter: Meter
    level: str
    rate_nano_usd: int | None
    price_source: str
    price_version: str

    @property
    def id(self) -> str:
        """The same whatever it costs: service, model, meter."""
        unit = self.meter.name.lower().replace(" ", "-")
        return "/".join(part for part in (self.provider, self.model, unit) if part)


def sku_of(charge: Charge) -> Sku:
    """Raises UnpricedCharge for an unknown unit, for a call without its price, for a price that says nothing of the unit."""
    meter = METERS.get(charge.meter)
    if meter is None:
        raise UnpricedCharge(f"{charge}: no meter {charge.meter!r}")
    stored = json.loads(charge.price)
    rate, source, version, level = _price(charge, stored, meter)
    return Sku(
        kind=charge.kind,
        provider=charge.provider,
        model=charge.model,
        meter=meter,
        level=level,
        rate_nano_usd=rate,
        price_source=source,
        price_version=version,
    )


def _price(charge: Charge, stored: dict[str, Any], meter: Meter) -> tuple[int | None, str, str, str]:
    """Rate, source, version, service level."""
    if charge.kind == "call":
        try:
            price = Price(**stored)
            return price.of_meter(charge.meter), price.source, price.version, price.level
        except (TypeError, KeyError) as error:
            raise UnpricedCharge(f"{charge}: {error}") from None
    if not stored:
        return None, "amount by quantity", "none", "standard"
    if (stored["unit"], stored["per"]) != (charge.meter, meter.per_priced):
        raise UnpricedCharge(f"{charge}: its rate is for {stored['per']} {stored['unit']}")
    return stored["rate_nano_usd"], stored["source"], stored["version"], "standard"
