"""Telling people about budgets: what the ledger recorded as an alert goes to the addresses of the deployment.

Belongs here: wording and delivery, through apprise (mail, chat, pager, webhook: one address each). Does not: when an alert
arises (`ledger`), which addresses there are (`settings`).
"""

from finops_ai.notify.delivery import Delivered, deliver_alerts
from finops_ai.notify.wording import body_of, title_of

__all__ = ["Delivered", "body_of", "deliver_alerts", "title_of"]
