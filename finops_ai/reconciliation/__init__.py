"""Settling the books with a provider's own: suspense is closed on its usage report, estimates give way to its counts.

Belongs here: reading such reports, what follows from them, applying it. Does not: the entries (`ledger`), prices.
"""

from finops_ai.reconciliation.applying import PROVIDERS, Reconciled, reconcile, report_file
from finops_ai.reconciliation.matching import Call, Corrected, Decided, Difference, Left, Resolved, decide
from finops_ai.reconciliation.reports import (
    Bucket,
    ReportFile,
    ReportRefused,
    Reports,
    Response,
    Tally,
    read_reports,
)

__all__ = [
    "PROVIDERS",
    "Bucket",
    "Call",
    "Corrected",
    "Decided",
    "Difference",
    "Left",
    "Reconciled",
    "ReportFile",
    "ReportRefused",
    "Reports",
    "Resolved",
    "Response",
    "Tally",
    "decide",
    "read_reports",
    "reconcile",
    "report_file",
]
