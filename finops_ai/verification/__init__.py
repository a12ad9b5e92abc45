"""Asking a model whether given passages support a claim: an opinion, bounded, paid and read strictly.

Belongs here: questions, their calls, the reading of answers. Does not: choosing passages, what a verdict leads to, making
the call (`calls`). It knows no fact and no rumor, only the text that it is given.
"""

from finops_ai.verification.answers import parse
from finops_ai.verification.asking import batches, verify
from finops_ai.verification.model import Batches, ModelVerdict, Outcome, Question, Support, UnusableAnswer
from finops_ai.verification.prompt import RESPONSE_SCHEMA, messages_for
from finops_ai.verification.raising import may_be_raised, question_of, with_opinion

__all__ = [
    "RESPONSE_SCHEMA",
    "Batches",
    "ModelVerdict",
    "Outcome",
    "Question",
    "Support",
    "UnusableAnswer",
    "batches",
    "may_be_raised",
    "messages_for",
    "parse",
    "question_of",
    "verify",
    "with_opinion",
]
