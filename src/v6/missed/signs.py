"""What tells why slots were missed: when this host did anything, when it was started, what its clocks say."""

import json
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from v6 import clock
from v6.journal import gate_log, marks, missed, session_cycles
from v6.journal.gate_log import GateLine
from v6.journal.timestamps import instant, instant_text, new_york_day
from v6.missed.find import Looked, Site

HOST_STARTED = "host_started"
"""The event that the @reboot line records."""
BY_CRON = timedelta(minutes=5)
"""A run that began later after its slot was not started by cron's line."""
BEFORE = timedelta(days=1)
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
CRON_STARTS_WITHIN = timedelta(minutes=3)
"""After the kernel. What happens so shortly before the @reboot line has run belongs to the new start, too."""
SAME_START = timedelta(minutes=15)
"""The kernel's start and the @reboot line so close together are one start of the host."""


class Clocks(NamedTuple):
    """Seconds: the wall clock, since the host was started, how many of them it was awake; and of which start."""

    epoch: float
    since_boot: float
    awake: float
    boot: str


class Signs(NamedTuple):
    """In UTC and in the order of time. `alive`: something of V6 happened; `fired`: cron started something; `starts`: of
    the host; `gate`: what the gate logged. Since `looked`, in seconds: how long the host slept, how far its clock was
    set forwards; 0 where neither is known."""

    alive: tuple[datetime, ...]
    fired: tuple[datetime, ...]
    starts: tuple[datetime, ...]
    gate: tuple[GateLine, ...]
    looked: datetime
    asleep: float
    ahead: float


def read(site: Site, looked: Looked, now: datetime) -> Signs:
    """The signs around a look's span, from the journal, the gate's log and the kernel."""
    since = looked.start - BEFORE
    days = (new_york_day(since), new_york_day(now))
    rows = site.db.execute("SELECT slot, started_at, ended_at FROM runs WHERE day >= ? AND day <= ?", days)
    fired, alive = [], []
    for slot, started_at, ended_at in rows:
        started = _utc(started_at)
        alive += [started, *([_utc(ended_at)] if ended_at else [])]
        if slot is not None and started - _utc(slot) < BY_CRON:
            fired.append(started)
    gate = tuple(line._replace(at=line.at.astimezone(UTC)) for line in gate_log.lines(site.gate_log, since))
    cycles = [cycle.started_at.astimezone(UTC) for cycle in session_cycles.between(site.db, since, now)]
    asleep, ahead = _clocks_moved(site)
    return Signs(
        alive=tuple(sorted([*alive, *cycles, *(line.at for line in gate)])),
        fired=tuple(sorted([*fired, *(line.at for line in gate)])),
        starts=_starts(site, since, now),
        gate=gate,
        looked=(missed.looked_until(site.db) or looked.start).astimezone(UTC),
        asleep=asleep,
        ahead=ahead,
    )


def present() -> Clocks:
    """What the clocks read now."""
    try:
        boot = BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    return Clocks(clock.epoch(), *clock.since_boot(), boot)


def remember(site: Site) -> None:
    """For the next look to compare with."""
    marks.write(site.db, missed.CLOCKS, json.dumps(present()))


def last_before(moments: Sequence[datetime], moment: datetime) -> datetime | None:
    index = bisect_left(moments, moment)
    return moments[index - 1] if index else None


def first_from(moments: Sequence[datetime], moment: datetime) -> datetime | None:
    index = bisect_left(moments, moment)
    return moments[index] if index < len(moments) else None


def _clocks_moved(site: Site) -> tuple[float, float]:
    """(seconds asleep, seconds ahead) since the last look; (0, 0) across a start of the host, which explains more."""
    text = marks.read(site.db, missed.CLOCKS)
    if text is None:
        return 0.0, 0.0
    before, after = Clocks(*json.loads(text)), present()
    if before.boot != after.boot or after.since_boot < before.since_boot:
        return 0.0, 0.0
    passed = after.since_boot - before.since_boot
    return passed - (after.awake - before.awake), (after.epoch - before.epoch) - passed


def _starts(site: Site, since: datetime, now: datetime) -> tuple[datetime, ...]:
    """When the host was started: the events of the @reboot line, and the kernel's own word where it has no event."""
    rows = site.db.execute("SELECT at FROM events WHERE at >= ? AND kind = ?", (instant_text(since), HOST_STARTED))
    recorded = [_utc(row[0]) for row in rows]
    if not clock.shifted():  # the kernel knows nothing of a shifted clock
        kernel = datetime.fromtimestamp(clock.epoch() - clock.since_boot()[0], UTC) + CRON_STARTS_WITHIN
        if since < kernel <= now and not any(abs(event - kernel) < SAME_START for event in recorded):
            recorded.append(kernel)
    return tuple(sorted(recorded))


def _utc(text: str) -> datetime:
    return instant(text).astimezone(UTC)
