"""What may leave the journal's outbox now, and as how many messages; what was sent is marked, what was not stays for
the next time. Standard library only: the supervisor asks `due` before it starts a dispatcher."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import timedelta

from v6 import clock
from v6.alerts import limits as rules
from v6.alerts.limits import Limits
from v6.journal import deliveries, events
from v6.journal.database import transaction
from v6.journal.events import Alert

# (severity, title, body) -> the troubles of addresses that did not take what another one took; raises DeliveryError
Send = Callable[[str, str, str], list[str]]

HOUR = timedelta(hours=1)
PAUSES_SECONDS = (0.0, 2.0, 10.0)
DIGEST_FROM = 4
"""So many alerts or more leave as one message: a bad morning must not become fifty messages on a phone."""
AT_ONCE = 1000


class DeliveryError(Exception):
    """Nobody took the message."""


def due(db: sqlite3.Connection, limits: Limits, tries_below: int = 1_000_000) -> list[Alert]:
    """Alerts nobody has received that may leave now, oldest first: not held by the quiet hours, and the hour still has
    a message to give."""
    now = clock.now()
    waiting = [
        alert
        for alert in events.undelivered(db, AT_ONCE, tries_below)
        if not rules.is_held(limits, alert.severity, now)
    ]
    return waiting if waiting and _room(db, limits) > 0 else []


def deliver(db: sqlite3.Connection, send: Send, limits: Limits, pauses: Sequence[float] = PAUSES_SECONDS) -> int:
    """Send everything that is due; how many alerts left. Tries again after each pause, then leaves the rest."""
    delivered = 0
    for pause in pauses:
        clock.sleep(pause)
        waiting = due(db, limits)
        if not waiting:
            break
        for alerts in messages(waiting, _room(db, limits)):
            delivered += _deliver_one(db, alerts, send, is_last=_room(db, limits) == 1)
    return delivered


def messages(waiting: Sequence[Alert], room: int) -> list[list[Alert]]:
    """One alert a message, but many, and more than there is room for, are one message."""
    if len(waiting) >= DIGEST_FROM or len(waiting) > room:
        return [list(waiting)]
    return [[alert] for alert in waiting]


def _room(db: sqlite3.Connection, limits: Limits) -> int:
    """How many messages may still leave within this hour."""
    return max(0, int(limits.messages_per_hour) - deliveries.messages_within(db, HOUR))


def _deliver_one(db: sqlite3.Connection, alerts: Sequence[Alert], send: Send, *, is_last: bool) -> int:
    from v6.alerts import templates  # the supervisor only asks what is due

    message = templates.message(alerts, is_last=is_last)
    with transaction(db):
        events.mark_leaving(db, [alert.id for alert in alerts])
    try:
        troubles, error = send(*message), ""
    except DeliveryError as refused:
        troubles, error = [], str(refused) or "nobody took it"
    with transaction(db):
        deliveries.record(db, deliveries.ALERT, message.title, alerts=len(alerts), error=error)
        for trouble in troubles:
            deliveries.record(db, deliveries.ALERT, message.title, error=trouble)
        for alert in alerts:
            if error:
                events.mark_failed(db, alert.id, error)
            else:
                events.mark_delivered(db, alert.id)
    return 0 if error else len(alerts)
