"""The workflow: one asset per step, one module per asset, in the order in which they run.

Belongs here: the list. Each module reads its inputs, makes one call into a domain package and describes the result.
"""

from finops_ai.orchestration.assets.analytics import analytics
from finops_ai.orchestration.assets.brief import brief
from finops_ai.orchestration.assets.claims import claims
from finops_ai.orchestration.assets.confirmed_facts import confirmed_facts
from finops_ai.orchestration.assets.draft import draft
from finops_ai.orchestration.assets.model_route import model_route
from finops_ai.orchestration.assets.published import published
from finops_ai.orchestration.assets.review_packet import review_packet
from finops_ai.orchestration.assets.risk_assessment import risk_assessment
from finops_ai.orchestration.assets.rumors import rumors
from finops_ai.orchestration.assets.sources import sources

ASSETS = [
    brief,
    sources,
    claims,
    confirmed_facts,
    rumors,
    risk_assessment,
    model_route,
    draft,
    review_packet,
    published,
    analytics,
]

__all__ = ["ASSETS"]
