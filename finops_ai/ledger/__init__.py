"""The finance record: append-only, double-entry, integer nano-USD.

Belongs here: budgets and their guard, reservations and their outcome, sums. Does not: prices (`pricing`), exports.
Dagster's event log is the operators' view of cost; this is the record.
"""

from finops_ai.ledger.alerts import Alert, record_refusal, told, untold
from finops_ai.ledger.budgets import left_nano_usd, open_budgets
from finops_ai.ledger.calls import (
    Hold,
    answer_of,
    attempts_of,
    book,
    correct,
    open_operation,
    operation_key,
    payer_of,
    release,
    reserve,
    resolve,
    settle,
    suspend,
    suspend_open,
)
from finops_ai.ledger.chain import Chain, prove, seal
from finops_ai.ledger.model import AlreadySettled, Budget, BudgetExceeded, KeyReused, LedgerError, Payer, Spent, Terms
from finops_ai.ledger.report import (
    GROUPS,
    SPEND_KINDS,
    BudgetState,
    Check,
    check,
    cost_rows,
    entries_without,
    price_version,
    signed,
    spent,
    spent_until,
    states,
)

__all__ = [
    "GROUPS",
    "SPEND_KINDS",
    "Alert",
    "AlreadySettled",
    "Budget",
    "BudgetExceeded",
    "BudgetState",
    "Chain",
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
    "correct",
    "cost_rows",
    "entries_without",
    "left_nano_usd",
    "open_budgets",
    "open_operation",
    "operation_key",
    "payer_of",
    "price_version",
    "prove",
    "record_refusal",
    "release",
    "reserve",
    "resolve",
    "seal",
    "settle",
    "signed",
    "spent",
    "spent_until",
    "states",
    "suspend",
    "suspend_open",
    "told",
    "untold",
]
