"""Delivering alerts: at least once each, and marked as delivered only after an address took it.

Belongs here: the loop and the library that knows the addresses. Does not: the words (`wording`).
"""

from dataclasses import dataclass

from finops_ai import ledger
from finops_ai.notify.wording import body_of, title_of
from finops_ai.store import Database

ALERTS_AT_ONCE_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of the alerts that nobody had been told of."""

    told: tuple[ledger.Alert, ...] = ()
    kept: tuple[ledger.Alert, ...] = ()  # told again next time: an address refused, or there is none


def deliver_alerts(database: Database, urls: str) -> Delivered:
    """Tell every address (separated by spaces or commas) of every alert that is waiting, at most 50.

    A process that dies between the two tells twice, which is better than never. Raises store.LockTaken while another
    process is delivering.
    """
    with database.exclusive("deliver alerts"):
        with database.read() as connection:
            waiting = ledger.untold(connection, limit=ALERTS_AT_ONCE_MAX)
        if not waiting or not urls.strip():
            return Delivered(kept=tuple(waiting))
        told: list[ledger.Alert] = []
        for alert in waiting:
            if not _notify(urls, alert):
                break
            with database.write() as tx:
                ledger.told(tx, alert.id)
            told.append(alert)
        return Delivered(told=tuple(told), kept=tuple(waiting[len(told) :]))


def _notify(urls: str, alert: ledger.Alert) -> bool:
    """True: every address took it. An address that cannot be read counts as one that refused."""
    import apprise  # a third of a second, paid only where somebody is told

    addresses = apprise.Apprise()
    readable = addresses.add(urls)
    return bool(readable and addresses.notify(title=title_of(alert), body=body_of(alert)))
