"""One look for missed slots, from finding to telling: what health_check and the @reboot line do."""

import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from v6.cron.present import present
from v6.journal import missed, runs
from v6.journal.database import transaction
from v6.journal.missed import MissedSlot
from v6.journal.timestamps import new_york_day
from v6.missed import catch_up, causes, find, signs, telling
from v6.missed.causes import Missed
from v6.missed.find import Looked, Site
from v6.paths import Paths


@dataclass(frozen=True, slots=True)
class Found:
    """What one look has recorded, with what becomes of each slot; `start` and `until`: the span it judged."""

    missed: tuple[Missed, ...]
    verdicts: Mapping[Missed, str]
    start: datetime
    until: datetime
    first: bool

    @property
    def started(self) -> list[Missed]:
        """Those that are made up, in that order."""
        return [one for one, verdict in self.verdicts.items() if verdict == missed.STARTED]


def look(
    paths: Paths,
    db: sqlite3.Connection,
    now: datetime,
    *,
    repeat: timedelta = timedelta(hours=6),
    environ: Mapping[str, str] = os.environ,
) -> Found:
    """Find, record, tell and make up what was missed since the last look. A look at the same time by another process
    records nothing twice. Raises ScheduleError and CalendarError."""
    site = find.site_of(paths, db, environ)
    looked = find.look(site, now)
    judged = causes.judged(site, looked, signs.read(site, looked, now), now) if looked.slots else []
    with transaction(db):
        new = [one for one in judged if missed.record(db, _row(one, now))]
        missed.know(db, find.definitions(site.schedule), now)
        missed.set_looked_until(db, looked.until)
        signs.remember(site)
        verdicts = catch_up.plan(site, new, looked.claimed, now) if new else {}
        for one, verdict in verdicts.items():
            missed.set_catch_up(db, one.task, one.slot, verdict)
        if told := _to_tell(site, new):
            telling.tell(db, told, verdicts, now, repeat)
    found = Found(tuple(new), verdicts, looked.start, looked.until, looked.first)
    if found.started:
        catch_up.start(site, found.started, environ)
    return found


def unrecorded(site: Site, now: datetime) -> tuple[Looked, list[Missed]]:
    """What a look would find now, for a question that changes nothing."""
    looked = find.look(site, now, begun(site))
    return looked, causes.judged(site, looked, signs.read(site, looked, now), now) if looked.slots else []


def begun(site: Site) -> datetime | None:
    """Of the first run, or of the lines in cron when it has started nothing yet; None where there is neither."""
    lines = present(site.paths)
    return runs.begun(site.db) or (lines.since if lines else None)


def skip_to(db: sqlite3.Connection, moment: datetime) -> None:
    """Nothing was to be started before: of the time until then no slot is missed."""
    if missed.looked_until(db) is not None:
        missed.set_looked_until(db, moment)


def _to_tell(site: Site, new: Sequence[Missed]) -> list[Missed]:
    return [one for one in new if "missed" in site.schedule.tasks[one.task].alert_on]


def _row(one: Missed, now: datetime) -> MissedSlot:
    return MissedSlot(one.task, one.slot, new_york_day(one.slot), one.cause, one.evidence, now, "")
