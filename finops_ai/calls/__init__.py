"""Model calls, each paid through the ledger: the only place from which a model is called.

Belongs here: paid calls, their errors, the estimate of their size. Does not: what is asked and what becomes of the
answer (`generation`, `verification`).
"""

from finops_ai.calls.batch import Collected, PendingBatch, closed_batches, collect, pending_of
from finops_ai.calls.estimates import estimated_input_tokens, estimated_tokens
from finops_ai.calls.model import Answer, AnswerPending, CallError, CallFailed, CallRefused, Form, Level, NotPriced
from finops_ai.calls.paid import PaidCalls
from finops_ai.calls.structured import FoundForms

__all__ = [
    "Answer",
    "AnswerPending",
    "CallError",
    "CallFailed",
    "CallRefused",
    "Collected",
    "Form",
    "FoundForms",
    "Level",
    "NotPriced",
    "PaidCalls",
    "PendingBatch",
    "closed_batches",
    "collect",
    "estimated_input_tokens",
    "estimated_tokens",
    "pending_of",
]
