"""Whether anybody would hear: alerts that reach a person, and the dead man's switch that somebody else watches."""

import sqlite3
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from v6 import clock
from v6.doctor.answer import Answer, CannotTell, unknown, well, wrong
from v6.doctor.patient import Patient

if TYPE_CHECKING:
    from v6.journal.deliveries import Delivery

WAITS = timedelta(hours=1)
"""So long an alert may wait for its hour's turn (alerts.messages_per_hour); quiet hours come on top."""
WEEK = timedelta(days=7)
SHOWN = 3


def alerts(patient: Patient) -> Answer:
    from v6.alerts.outbox import DeliveryError
    from v6.alerts.services import URLS, services, urls

    addresses = urls(patient.variables)
    if not addresses:
        return wrong(f"no channel is configured ({URLS}): nobody is told of anything")
    try:
        for service in services(addresses):
            service.check()
    except DeliveryError as error:
        return wrong(str(error), f"correct it in .env: {URLS}, then `v6 alerts test`")
    channels = f"{len(addresses)} channel{'s' if len(addresses) > 1 else ''}"
    rows = _last_message(patient)
    taken = [one for one in rows if not one.error]
    troubles = "; ".join(dict.fromkeys(one.error for one in rows if one.error))
    if rows and not taken:
        words = f"{channels}; the last message, {_ago(rows[0].at)}, was not delivered: {troubles}"
        return wrong(words, "`v6 alerts test`")
    if stuck := _stuck(patient):
        return wrong(f"{channels}; {stuck}", "`v6 alerts list` shows them, `v6 alerts test` tries the channel")
    if not taken:
        return unknown(f"{channels}, but nothing was ever sent", "`v6 alerts test` sends a message")
    note = f"; not by every address: {troubles}" if troubles else ""
    return well(f"{channels}; the last message was delivered {_ago(taken[0].at)}: {taken[0].what}{note}")


def _stuck(patient: Patient) -> str:
    """Alerts that nobody has received for longer than their turn takes, "" for none."""
    from v6.alerts import limits
    from v6.journal import events

    known, now = limits.of(patient.schedule.settings), clock.now()
    waiting = [
        alert
        for alert in events.undelivered(patient.journal, 100)
        if now - alert.at > WAITS and not limits.is_held(known, alert.severity, now)
    ]
    if not waiting:
        return ""
    error = f" ({waiting[0].error})" if waiting[0].error else ""
    return f"{len(waiting)} alerts wait, the oldest since {waiting[0].at:%m-%d %H:%M %Z}: {waiting[0].title}{error}"


def heartbeat(patient: Patient) -> Answer:
    """Without an address it is nobody's failure, but nobody is the one who would notice."""
    awaited = _awaited(patient)
    if not awaited:
        return unknown("no address is configured: nobody else notices when this host is silent")
    names = ", ".join(awaited[:SHOWN]) + (f" and {len(awaited) - SHOWN} more" if len(awaited) > SHOWN else "")
    words = f"{names} ping{'s' if len(awaited) == 1 else ''}"
    last = _last(patient, "heartbeat")
    if last is None:
        return unknown(f"{words}, but no ping has left yet", f"the next run of {awaited[0]} sends one; `v6 runs`")
    if last.error:
        return wrong(f"{words}; the last one, {_ago(last.at)}, did not arrive: {last.what}: {last.error}",
                     "compare the address in .env with the one of the check")  # fmt: skip
    if silent := _silent_since(patient, awaited, last.at):
        return wrong(f"{words}; the last one left {_ago(last.at)}, but {silent}", "see the line firing")
    return well(f"{words}; the last one arrived {_ago(last.at)}: {last.what}")


def _awaited(patient: Patient) -> list[str]:
    """The enabled tasks that have an address."""
    from v6.scheduler.side_channels import address

    config = patient.config
    tasks = config.scheduler.tasks
    wanted = config.settings.heartbeat.tasks
    listed = tuple(tasks) if wanted == "all" else wanted
    return [name for name, task in tasks.items() if task.enabled and address(name, listed, patient.variables)]


def _silent_since(patient: Patient, awaited: list[str], last: datetime) -> str:
    """A slot that should have been pinged since, "" for none."""
    from v6.journal import evidence

    now, schedule = clock.now(), patient.schedule
    tasks = [schedule.tasks[name] for name in awaited if name in schedule.tasks]
    start = max(last + WAITS, now - WEEK)
    with suppress(CannotTell):
        for task, slot in evidence.due_slots(tasks, schedule.windows, patient.calendar, start, now - WAITS):
            return f"{task} was due {slot:%m-%d %H:%M %Z}"
    return ""


def _last_message(patient: Patient) -> "list[Delivery]":
    """What became of the latest message, address by address."""
    from v6.journal import deliveries

    try:
        return deliveries.of_last_message(patient.journal)
    except sqlite3.OperationalError as error:
        raise CannotTell(f"the journal cannot be asked: {error}") from error


def _last(patient: Patient, channel: str) -> "Delivery | None":
    """The latest ping, whether it was taken or not."""
    from v6.journal import deliveries

    try:
        found = deliveries.recent(patient.journal, channel, 1)
    except sqlite3.OperationalError as error:
        raise CannotTell(f"the journal cannot be asked: {error}") from error
    return found[0] if found else None


def _ago(moment: datetime) -> str:
    from v6.restart.windows import in_words

    return f"{in_words(max(0.0, (clock.now() - moment).total_seconds()))} ago"
