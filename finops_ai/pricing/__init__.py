"""What things cost: integer money, token prices, where a price came from.

Belongs here: arithmetic on prices. Does not: budgets and books (`ledger`).
"""

from finops_ai.pricing.book import Level, own_price, own_rates, public_price
from finops_ai.pricing.money import NANO, format_usd, multiply, to_nano_usd
from finops_ai.pricing.price import ContextTier, Price, Rates, Usage

__all__ = [
    "NANO",
    "ContextTier",
    "Level",
    "Price",
    "Rates",
    "Usage",
    "format_usd",
    "multiply",
    "own_price",
    "own_rates",
    "public_price",
    "to_nano_usd",
]
