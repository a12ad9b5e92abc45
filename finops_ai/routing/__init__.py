"""Which tier serves a step: economy by default, the next one up by recorded exception.

Belongs here: the decision and its reason. Does not: prices (`pricing`), calling a model (`calls`).
"""

from finops_ai.routing.route import EndedLoop, Route, TierException, choose_route

__all__ = ["EndedLoop", "Route", "TierException", "choose_route"]
