"""Which tier serves a step: economy by default, a higher one by recorded exception.

Belongs here: the decision, its reason, its alternatives, the record of exceptions. Does not: prices (`pricing`), calling a
model (`calls`).
"""

from finops_ai.routing.exceptions import exception_counts, exceptions_of, record_exception
from finops_ai.routing.offers import Offer, offers_of
from finops_ai.routing.route import Alternative, EndedLoop, Route, TierException, choose_route

__all__ = [
    "Alternative",
    "EndedLoop",
    "Offer",
    "Route",
    "TierException",
    "choose_route",
    "exception_counts",
    "exceptions_of",
    "offers_of",
    "record_exception",
]
