"""What things cost: integer money, token prices, where a price came from.

Belongs here: arithmetic on prices. Does not: budgets and books (`ledger`).
"""

from finops_ai.pricing.book import Price, Usage, own_price, public_price
from finops_ai.pricing.money import NANO, format_usd, multiply, to_nano_usd

__all__ = ["NANO", "Price", "Usage", "format_usd", "multiply", "own_price", "public_price", "to_nano_usd"]
