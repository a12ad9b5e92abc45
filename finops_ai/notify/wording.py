"""What an alert says.

Belongs here: pure functions of an alert. Does not: sending it (`delivery`).
"""

from finops_ai.ledger import Alert
from finops_ai.pricing import format_usd


def title_of(alert: Alert) -> str:
    """One line: which budget, and what happened."""
    happened = "refused a call" if alert.level == "refused" else f"{alert.level} spent"
    return f"finops_ai: budget {alert.budget_id}: {happened}"


def body_of(alert: Alert) -> str:
    """The figures at that moment, in US dollars, and what follows from them."""
    refused = alert.level == "refused"
    follows = (
        "Work on this budget is held until the limit is raised or a new period begins."
        if refused
        else "Nothing was stopped: a call is refused only where the budget cannot hold its worst case."
    )
    return (
        f"limit {format_usd(alert.limit_nano_usd)} USD, spent {format_usd(alert.spent_nano_usd)} USD, "
        f"reserved {format_usd(alert.reserved_nano_usd)} USD at {alert.at}.\n{follows}\n"
        "`finops-ai ledger budgets` shows every budget."
    )
