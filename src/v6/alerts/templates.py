"""The words of a message: one alert with what to do about it, or many as one list with a count."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from v6.alerts import advice
from v6.journal.events import Alert

WORST_FIRST = ("failure", "warning", "info")
LISTED = 20
ADVISED = 5
LINE = 200
LONGEST = 6000
"""Characters of a body: more than a phone shows, and less than the services take."""
LAST = "This is the last message of this hour (alerts.messages_per_hour); what comes now waits and leaves as one."


class Message(NamedTuple):
    severity: str
    title: str
    body: str


def message(alerts: Sequence[Alert], *, is_last: bool = False) -> Message:
    """`is_last`: the hour has no other message to give."""
    known = _single(alerts[0]) if len(alerts) == 1 else _digest(alerts)
    body = "\n".join((known.body, LAST)) if is_last else known.body
    return known._replace(body=body if len(body) <= LONGEST else f"{body[:LONGEST]}...")


def _single(alert: Alert) -> Message:
    todo = advice.what_to_do(alert.key)
    told = "what to do:" in alert.body.lower()  # by who raised it
    lines = [alert.body, f"What to do: {todo}" if todo and not told else "", f"{alert.at:%Y-%m-%d %H:%M:%S %Z}"]
    return Message(alert.severity, f"V6: {alert.title}", "\n".join(line for line in lines if line))


def _digest(alerts: Sequence[Alert]) -> Message:
    """The worst and latest first, the same title once with how often."""
    counts = Counter(alert.severity for alert in alerts)
    worst = next(severity for severity in WORST_FIRST if counts[severity])
    failures = f", {_many(counts['failure'], 'failure')}" if counts["failure"] else ""
    ordered = sorted(alerts, key=lambda alert: (WORST_FIRST.index(alert.severity), -alert.id))
    latest: dict[str, list[Alert]] = {}
    for alert in ordered:
        latest.setdefault(alert.title, []).append(alert)
    lines = [_line(same) for same in latest.values()]
    if len(lines) > LISTED:
        lines[LISTED:] = [f"... and {len(lines) - LISTED} more: v6 alerts list"]
    todo = dict.fromkeys(advice.what_to_do(same[0].key) for same in latest.values())
    lines += [f"What to do: {words}" for words in list(filter(None, todo))[:ADVISED]]
    return Message(worst, f"V6: {len(alerts)} alerts{failures}", "\n".join(lines))


def _line(same: Sequence[Alert]) -> str:
    alert = same[0]
    times = f" ({len(same)} times, this is the latest)" if len(same) > 1 else ""
    first = alert.body.splitlines()[0] if alert.body else ""
    return f"{alert.at:%m-%d %H:%M} {alert.title}{times}: {first}"[:LINE]


def _many(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
