"""The journal, and what it knows of runs that died and slots that were missed."""

import sqlite3
from collections import Counter
from datetime import timedelta

from v6 import clock, host_faults
from v6.doctor.answer import Answer, CannotTell, of, unknown, well, wrong
from v6.doctor.patient import Patient, read_only, there, writable
from v6.host_faults import LOCKED

BUSY = "`fuser -v var/v6.db` names the process that keeps it; end that one"
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def journal(patient: Patient) -> Answer:
    """Whole, of our schema, and free to be written."""
    from v6.journal.migrations import MIGRATIONS
    from v6.journal.repair import flaws

    path = patient.paths.journal
    if not there(path):
        return unknown(f"{path} does not exist: nothing has run here yet")
    if found := flaws(path):
        locked = all(any(word in flaw for word in LOCKED) for flaw in found)
        words = f"{path} {'stays locked' if locked else 'is damaged'}: {'; '.join(found[:3])}"
        return wrong(words, BUSY if locked else "")
    db = read_only(path)
    try:
        have = int(db.execute("PRAGMA user_version").fetchone()[0])
        size = path.stat().st_size / 1e6
    finally:
        db.close()
    if have > len(MIGRATIONS):
        return wrong(f"{path}: schema {have} is newer than this V6, which knows {len(MIGRATIONS)}", "update V6")
    older = f", schema {have}: the next run brings it to {len(MIGRATIONS)}" if have < len(MIGRATIONS) else ""
    if not patient.own:
        return well(f"whole, {size:.1f} MB{older}; whether it can be written only its owner can tell")
    try:
        writable(path)
    except sqlite3.OperationalError as error:
        words = host_faults.words(error, str(path.parent), str(path))
        busy = any(word in str(error) for word in LOCKED)
        return wrong(f"{path} cannot be written: {words}", BUSY if busy else "")
    return well(f"whole, can be written, {size:.1f} MB{older}")


def runs(patient: Patient) -> Answer:
    from v6.checks import host

    patient.journal  # noqa: B018 - a journal that cannot be read ends the look here
    return of(host.killed_runs(patient.context))


def missed(patient: Patient) -> Answer:
    """Of the last day; those of the week before it are only counted."""
    from v6.journal import missed as known

    now = clock.now()
    try:
        week = known.between(patient.journal, now - WEEK, now)
        looked = known.looked_until(patient.journal)
    except sqlite3.OperationalError as error:
        raise CannotTell(f"the journal cannot be asked: {error}") from error
    if looked is None:
        return unknown("nobody has looked yet: health_check does, every 15 minutes")
    until = f"looked up to {looked.astimezone(clock.NEW_YORK):%m-%d %H:%M %Z}"
    lately = [one for one in week if one.slot > now - DAY]
    if not lately:
        earlier = f", {len(week)} in the six days before" if week else ""
        return well(f"none in the last 24 hours{earlier}; {until}")
    causes = Counter(one.cause for one in lately)
    tasks = len({one.task for one in lately})
    words = ", ".join(f"{cause} {count}" for cause, count in causes.most_common())
    return wrong(f"{len(lately)} slots of {tasks} tasks in the last 24 hours ({words}); {until}")
