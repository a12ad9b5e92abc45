"""The evidence of one artifact as people see it: sources, claims, and for each claim the place where it stands.

Belongs here: HTML pages from values, the same for the desk and for files. Does not: reading records, serving (`desk`),
judging anything (`evidence`).
"""

from finops_ai.dossier.model import SHOWN_FIRST, Dossier, counts, in_order, label_of, title_of
from finops_ai.dossier.pages import (
    INDEX,
    RUMORS,
    Listed,
    artifacts_page,
    index_page,
    message_page,
    pages,
    rumors_page,
    source_page,
)
from finops_ai.dossier.places import Place, claim_link, places_of, source_name

__all__ = [
    "INDEX",
    "RUMORS",
    "SHOWN_FIRST",
    "Dossier",
    "Listed",
    "Place",
    "artifacts_page",
    "claim_link",
    "counts",
    "in_order",
    "index_page",
    "label_of",
    "message_page",
    "pages",
    "places_of",
    "rumors_page",
    "source_name",
    "source_page",
    "title_of",
]
