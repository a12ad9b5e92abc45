"""The finance record: append-only, double-entry, integer nano-USD.

Belongs here: budgets and their guard, reservations and their outcome, sums. Does not: prices (`pricing`), exports.
Dagster's event log is the operators' view of cost; this is the record.
"""

from finops_ai.ledger.budgets import left_nano_usd, open_budgets
from finops_ai.ledger.calls import (
    Hold,
    answer_of,
    attempts_of,
    book,
    open_operation,
    release,
    reserve,
    settle,
    suspend,
    suspend_open,
)
from finops_ai.ledger.model import AlreadySettled, Budget, BudgetExceeded, KeyReused, LedgerError, Payer, Spent, Terms
from finops_ai.ledger.report import GROUPS, Check, check, cost_rows, entries_without, price_version, spent, spent_until

__all__ = [
    "GROUPS",
    "AlreadySettled",
    "Budget",
    "BudgetExceeded",
    "Check",
    "Hold",
    "KeyReused",
    "LedgerError",
    "Payer",
    "Spent",
    "Terms",
    "answer_of",
    "attempts_of",
    "book",
    "check",
    "cost_rows",
    "entries_without",
    "left_nano_usd",
    "open_budgets",
    "open_operation",
    "price_version",
    "release",
    "reserve",
    "settle",
    "spent",
    "spent_until",
    "suspend",
    "suspend_open",
]
