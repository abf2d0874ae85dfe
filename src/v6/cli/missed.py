"""`v6 missed`: the slots that were due and never ran, with the likely cause, and what was made up."""

import os
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from v6 import clock
from v6.cli import moments, output
from v6.cli.compiled import configuration, require_task, timetable
from v6.paths import Paths

if TYPE_CHECKING:
    import sqlite3

    from v6.journal.missed import MissedSlot

DAYS = 14


def register(app: typer.Typer) -> None:
    app.command()(missed)


def missed(
    day: Annotated[
        str | None, typer.Argument(metavar="[DATE]", help="YYYY-MM-DD, today, yesterday; default: the last 14 days.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="Only this task.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Slots that were due and never ran: when, which, why, and whether the run was made up.

    Those that no health check has found yet are looked for, and marked so. Exit code 1 when a slot was missed, or when
    nothing has run here and nothing is installed, so that nothing tells.
    """
    start, end = _span(day)
    schedule = timetable().schedule
    found, until, tells = _found(start, end)
    if task:
        found = [one for one in found if one.task == task]
        if not found:
            require_task(task, schedule.tasks)
    if as_json:
        output.as_json({"looked_until": until, "missed": [one._asdict() for one in found]})
    else:
        _show(found, until, whole=day is not None, tells=tells)
    if found or not tells:
        raise typer.Exit(output.NO)


def _span(day: str | None) -> tuple[datetime, datetime]:
    now = clock.now()
    if day is None:
        return now - timedelta(days=DAYS), now
    start = datetime.combine(moments.day(day), time(), clock.NEW_YORK)
    return start, datetime.combine(start.date() + timedelta(days=1), time(), clock.NEW_YORK)


def _found(start: datetime, end: datetime) -> "tuple[list[MissedSlot], datetime | None, bool]":
    """What is recorded and what a look would find now, by slot; up to where a look has recorded it; whether anything
    tells."""
    from v6.cli.journals import journal_if_any
    from v6.journal import missed as records

    db = journal_if_any()
    if db is None:
        return [], None, False
    with closing(db):
        recorded = records.between(db, start, end)
        unrecorded, until = _unrecorded(db), records.looked_until(db)
        fresh = [one for one in unrecorded or [] if start <= one.slot < end]
        found = sorted([*recorded, *fresh], key=lambda one: (one.slot, one.task))
        return found, until, until is not None or unrecorded is not None


def _unrecorded(db: "sqlite3.Connection") -> "list[MissedSlot] | None":
    """None when nobody has looked, and nothing says since when to look."""
    from v6.journal.missed import MissedSlot
    from v6.journal.timestamps import new_york_day
    from v6.missed import find, looking

    if _rehearsed():
        return []
    site = find.site_of(Paths.locate(), db, os.environ)
    if looking.begun(site) is None:
        return None
    _, judged = looking.unrecorded(site, clock.now())
    return [MissedSlot(one.task, one.slot, new_york_day(one.slot), one.cause, one.evidence, None, "") for one in judged]


def _show(found: "Sequence[MissedSlot]", until: datetime | None, *, whole: bool, tells: bool) -> None:
    if not tells:
        output.say("nothing has ever run here, so nothing tells: `v6 doctor` says whether cron would start it")
        return
    if found and whole:
        output.table(None, ("slot", "task", "cause", "made up", "found"), [_row(one) for one in found])
        output.say("")
    for line in _incidents(found):
        output.say(line)
    recorded = f"recorded up to {until:%Y-%m-%d %H:%M %Z}" if until else "none recorded yet (health_check does)"
    output.say(f"{len(found) or 'no'} slot{'' if len(found) == 1 else 's'} missed; {recorded}")
    if _rehearsed():
        output.say("a rehearsed home: of the times that were not played nothing is missed")


def _rehearsed() -> bool:
    """Whether this home was a rehearsal's, which is over: nothing was to run since."""
    return configuration(say=False).settings.ibkr.simulator and not clock.shifted()


def _row(one: "MissedSlot") -> tuple[object, ...]:
    from v6.missed.catch_up import WORDS

    seen = f"{one.found_at:%m-%d %H:%M}" if one.found_at else "just now, not recorded"
    slot = f"{one.slot.astimezone(clock.NEW_YORK):%m-%d %H:%M %Z}"
    return (slot, one.task, one.cause, WORDS.get(one.catch_up, one.catch_up), seen)


def _incidents(found: "Sequence[MissedSlot]") -> list[str]:
    """Each cause with its evidence, and under it its tasks."""
    from v6.missed import telling
    from v6.missed.causes import Cause, Missed, incidents

    slots = [Missed(one.task, one.slot, Cause(one.cause), one.evidence) for one in found]
    lines = []
    for (cause, evidence), mine in incidents(slots).items():
        lines += [f"{cause}: {evidence}", *(f"  {line}" for line in telling.by_task(mine)), ""]
    return lines
