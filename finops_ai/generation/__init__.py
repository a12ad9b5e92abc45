"""Drafting: confirmed facts in, a cited draft out.

Belongs here: choosing facts, the two engines, the check of a draft's sentences. Does not: routing, gates, rendering,
paying for a call (`calls`). May import facts, never rumors.
"""

from finops_ai.generation.checks import cited_sentences, holds, sentence_rows
from finops_ai.generation.form import form_rows
from finops_ai.generation.model import Assignment, Draft, Selection
from finops_ai.generation.prompt import messages_for
from finops_ai.generation.selection import rank, select_facts
from finops_ai.generation.writer import write_draft

__all__ = [
    "Assignment",
    "Draft",
    "Selection",
    "cited_sentences",
    "form_rows",
    "holds",
    "messages_for",
    "rank",
    "select_facts",
    "sentence_rows",
    "write_draft",
]
