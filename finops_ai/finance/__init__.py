"""What finance is given: charges out of the ledger, the FOCUS export, closed months.

Belongs here: a month of entries as charges, and their proof. Does not: booking (`ledger`), matching a provider's report
(`reconciliation`).
"""

from finops_ai.finance.charges import Charge, Charges, charges
from finops_ai.finance.closing import (
    ClosedMonth,
    ClosedMonthChanged,
    ClosingRefused,
    close_month,
    closed,
    closed_month,
    verify_month,
)
from finops_ai.finance.export import ExportDiffers, Exported, export_focus
from finops_ai.finance.focus import Account
from finops_ai.finance.prices import UnpricedCharge

__all__ = [
    "Account",
    "Charge",
    "Charges",
    "ClosedMonth",
    "ClosedMonthChanged",
    "ClosingRefused",
    "ExportDiffers",
    "Exported",
    "UnpricedCharge",
    "charges",
    "close_month",
    "closed",
    "closed_month",
    "export_focus",
    "verify_month",
]
