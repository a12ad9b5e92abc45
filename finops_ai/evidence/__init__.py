"""From a source to checked claims: fetched safely, text extracted, sentences judged offline.

Belongs here: the names other packages may use. Does not: anything of Dagster, SQL or settings; the caller gives the
limits (`RetrievalRules`), the place for bytes (`keep`) and, in tests, the resolver and the clock.
"""

from finops_ai.evidence.addresses import Resolver, system_resolver
from finops_ai.evidence.claims import claims_of, span_holds
from finops_ai.evidence.extraction import EXTRACTOR_VERSION, extract
from finops_ai.evidence.media import media_type_of
from finops_ai.evidence.model import Claim, EvidenceError, Extraction, Grade, RetrievalRules, Source, Span, Verdict
from finops_ai.evidence.retrieval import retrieve
from finops_ai.evidence.splitting import sentences

__all__ = [
    "EXTRACTOR_VERSION",
    "Claim",
    "EvidenceError",
    "Extraction",
    "Grade",
    "Resolver",
    "RetrievalRules",
    "Source",
    "Span",
    "Verdict",
    "claims_of",
    "extract",
    "media_type_of",
    "retrieve",
    "sentences",
    "span_holds",
    "system_resolver",
]
