"""Model calls, each paid through the ledger: the only place from which a model is called.

Belongs here: paid calls, their errors, the estimate of their size. Does not: what is asked and what becomes of the
answer (`generation`, `verification`).
"""

from finops_ai.calls.model import (
    CallError,
    CallFailed,
    CallRefused,
    NotPriced,
    estimated_input_tokens,
    estimated_tokens,
)
from finops_ai.calls.paid import Answer, PaidCalls

__all__ = [
    "Answer",
    "CallError",
    "CallFailed",
    "CallRefused",
    "NotPriced",
    "PaidCalls",
    "estimated_input_tokens",
    "estimated_tokens",
]
