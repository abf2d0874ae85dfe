"""Deliver the journal's alert outbox: what was sent is marked, what was not stays for the next time."""

import sqlite3
from collections.abc import Callable, Sequence

from v6 import clock
from v6.journal import events
from v6.journal.events import Alert

# (severity, title, body); raises DeliveryError
Send = Callable[[str, str, str], None]

PAUSES_SECONDS = (0.0, 2.0, 10.0)
DIGEST_FROM = 4
"""So many alerts or more leave as one message: a bad morning must not become fifty messages on a phone."""


class DeliveryError(Exception):
    """No service, or not every service, took the message."""


def deliver(db: sqlite3.Connection, send: Send, pauses: Sequence[float] = PAUSES_SECONDS) -> int:
    """Send everything undelivered; how many alerts left. Tries again after each pause, then leaves the rest."""
    delivered = 0
    for pause in pauses:
        clock.sleep(pause)
        waiting = events.undelivered(db, limit=100)
        if not waiting:
            break
        for alerts in _messages(waiting):
            delivered += _deliver_one(db, alerts, send)
    return delivered


def _messages(waiting: Sequence[Alert]) -> list[list[Alert]]:
    return [list(waiting)] if len(waiting) >= DIGEST_FROM else [[alert] for alert in waiting]


def _deliver_one(db: sqlite3.Connection, alerts: Sequence[Alert], send: Send) -> int:
    try:
        send(*_text(alerts))
    except DeliveryError as error:
        for alert in alerts:
            events.mark_failed(db, alert.id, str(error))
        return 0
    for alert in alerts:
        events.mark_delivered(db, alert.id)
    return len(alerts)


def _text(alerts: Sequence[Alert]) -> tuple[str, str, str]:
    """Severity, title and body of one message."""
    if len(alerts) == 1:
        alert = alerts[0]
        return alert.severity, f"V6: {alert.title}", f"{alert.body}\n{alert.at:%Y-%m-%d %H:%M:%S %Z}"
    worst = "failure" if any(alert.severity == "failure" for alert in alerts) else "warning"
    lines = [f"{alert.at:%m-%d %H:%M} {alert.title}: {alert.body.splitlines()[0]}" for alert in alerts]
    return worst, f"V6: {len(alerts)} alerts", "\n".join(lines)
