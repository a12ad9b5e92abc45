"""Drafting: confirmed facts in, a cited draft out, every model call paid through the ledger.

Belongs here: choosing facts, the two engines, paid calls, the check of a draft's sentences. Does not: routing, gates,
rendering. May import facts, never rumors.
"""

from finops_ai.generation.calls import Answer, PaidCalls
from finops_ai.generation.checks import cited_sentences, holds, sentence_rows
from finops_ai.generation.model import (
    Assignment,
    CallFailed,
    CallRefused,
    Draft,
    GenerationError,
    NotPriced,
    Selection,
    estimated_tokens,
)
from finops_ai.generation.prompt import messages_for
from finops_ai.generation.selection import rank, select_facts
from finops_ai.generation.writer import write_draft

__all__ = [
    "Answer",
    "Assignment",
    "CallFailed",
    "CallRefused",
    "Draft",
    "GenerationError",
    "NotPriced",
    "PaidCalls",
    "Selection",
    "cited_sentences",
    "estimated_tokens",
    "holds",
    "messages_for",
    "rank",
    "select_facts",
    "sentence_rows",
    "write_draft",
]
