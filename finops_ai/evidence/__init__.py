"""From a source to checked claims: fetched safely, text extracted, sentences judged offline.

Belongs here: the names other packages may use. Does not: anything of Dagster, SQL or settings; the caller gives the
limits (`RetrievalRules`), the place for bytes and records (`Memory`) and, in tests, the resolver and the clock.
"""

from finops_ai.evidence.addresses import Resolver, system_resolver
from finops_ai.evidence.claims import claims_of, same_words, span_holds
from finops_ai.evidence.contradiction import quarrels
from finops_ai.evidence.expansion import is_pattern, refusal_of
from finops_ai.evidence.extraction import EXTRACTOR_VERSION, extract
from finops_ai.evidence.fetching import Fetcher
from finops_ai.evidence.files import path_of
from finops_ai.evidence.media import media_type_of
from finops_ai.evidence.model import (
    ADDRESSES_A_MODEL,
    Claim,
    EvidenceError,
    Extraction,
    Grade,
    Passage,
    RetrievalRules,
    Source,
    Span,
    Verdict,
)
from finops_ai.evidence.objections import objections
from finops_ai.evidence.retrieval import Memory, Retrieval, Retriever, Wanted
from finops_ai.evidence.splitting import sentences
from finops_ai.evidence.stores import is_store
from finops_ai.evidence.support import SentenceIndex
from finops_ai.evidence.verdicts import SECOND_VOICE_MISSING

__all__ = [
    "ADDRESSES_A_MODEL",
    "EXTRACTOR_VERSION",
    "SECOND_VOICE_MISSING",
    "Claim",
    "EvidenceError",
    "Extraction",
    "Fetcher",
    "Grade",
    "Memory",
    "Passage",
    "Resolver",
    "Retrieval",
    "RetrievalRules",
    "Retriever",
    "SentenceIndex",
    "Source",
    "Span",
    "Verdict",
    "Wanted",
    "claims_of",
    "extract",
    "is_pattern",
    "is_store",
    "media_type_of",
    "objections",
    "path_of",
    "quarrels",
    "refusal_of",
    "same_words",
    "sentences",
    "span_holds",
    "system_resolver",
]
