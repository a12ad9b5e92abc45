"""The values of the books: who pays, what was held, what was spent.

Belongs here: value types and the errors of this package. Does not: SQL (`budgets`, `calls`, `report`). All money is
integer nano-USD.
"""

from dataclasses import dataclass
from typing import Any

from finops_ai.pricing import Price, format_usd, multiply


class LedgerError(Exception):
    """Parent of every refusal of the books."""


class BudgetExceeded(LedgerError):
    """A budget cannot hold the worst case. Raised, not returned: it has to undo the holds on the other budgets."""

    def __init__(self, *, budget_id: str, limit: int, spent: int, reserved: int, asked: int) -> None:
        self.budget_id = budget_id
        self.limit_nano_usd, self.spent_nano_usd, self.reserved_nano_usd = limit, spent, reserved
        self.asked_nano_usd = asked
        super().__init__(
            f"budget {budget_id} cannot hold {format_usd(asked)} USD: limit {format_usd(limit)}, "
            f"spent {format_usd(spent)}, reserved {format_usd(reserved)}"
        )


class KeyReused(LedgerError):
    """The same idempotency key came with another amount or another operation."""


class AlreadySettled(LedgerError):
    """This reservation has its outcome; a second one would book the same call twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A limit with a name: `organisation/2026-11`, `cost_centre/cc-4711/2026-11-24`, `artifact/KEY`."""

    id: str
    limit_nano_usd: int
    alerts_percent: tuple[int, ...] = ()  # shares of the limit whose spending is told to people


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """On whose account a step works: what every entry carries."""

    artifact: str
    step: str
    loop: int
    cost_centre: str
    workload: str
    budgets: tuple[Budget, ...]  # from the widest to the narrowest: always locked in this order
    policy_sha256: str
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What compute, a review or fetched bytes cost, kept with every amount that it led to: nano-USD for `per` units."""

    nano_usd: int
    per: int
    unit: str  # that is counted: compute_us, review_s, retrieval_bytes
    source: str
    version: str

    def cost_nano_usd(self, quantity: int) -> int:
        """Rounded half up to whole nano-USD, as every entry is."""
        return multiply(quantity, self.nano_usd, self.per)

    def as_dict(self) -> dict[str, Any]:
        """The stored form, told from a token price by its name for the rate."""
        return {"rate_nano_usd": self.nano_usd} | {name: getattr(self, name) for name in self.__slots__[1:]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one model call was agreed at, kept with its reservation: a settlement must not depend on today's policy."""

    tier: str
    model: str
    provider: str
    price: Price
    level: str = "standard"  # the provider's service level: standard, flex, batch

    def as_dict(self) -> dict[str, Any]:
        """The stored form."""
        names = {name: getattr(self, name) for name in ("tier", "model", "provider", "level")}
        return names | {"price": self.price.as_dict()}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Terms":
        """The value of a stored form."""
        return cls(**{**stored, "price": Price(**stored["price"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Sums of entries."""

    cost_nano_usd: int = 0
    input_tokens: int = 0  # cached ones included
    cached_input_tokens: int = 0
    output_tokens: int = 0
    attempts: int = 0
    suspense_nano_usd: int = 0
    entry_ids: tuple[int, ...] = ()
