"""A month's values from a deployment: the one place where records, objects and the calendar are asked.

Belongs here: `read_values`. Does not: SQL (`records`), what follows from records (`views`).
"""

from finops_ai.governance.model import Values
from finops_ai.governance.records import read_records
from finops_ai.governance.views import values_of
from finops_ai.policy import Policy
from finops_ai.store import Database, ObjectStore, following_month, preceding_month, utc_now


def read_values(database: Database, objects: ObjectStore, policy: Policy, *, month: str) -> Values:
    """What a review of the month needs. Raises ValueError for what is not a month (YYYY-MM)."""
    records = read_records(database, objects, month=month, months_with_risk=(month, preceding_month(month)))
    return values_of(records, policy, over=utc_now() >= following_month(month))
