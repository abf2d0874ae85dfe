"""The host: its disk, its clock, its zone, and whether bash and Python read the same zone files."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from v6 import clock
from v6.doctor import kernel_clock
from v6.doctor.answer import Answer, CannotTell, judged, of, unknown, well, wrong
from v6.doctor.patient import Patient

ZONES = "usr/share/zoneinfo"
AHEAD, STEP = timedelta(days=400), timedelta(hours=6)
"""Past both clock changes of any zone, and past the rule that changes next year."""
FUTURE = timedelta(minutes=2)
MIN_FREE_INODES = 5.0
"""Per cent; a lake has few files, so this is somebody else's doing."""
BASH_SECONDS = 20


def disk(patient: Patient) -> Answer:
    from v6.checks import host

    space = of(host.disk(patient.context))
    short = [
        f"{free:.0f} % of the inodes are free at {place}, at least {MIN_FREE_INODES:g} %"
        for place in _places(patient)
        if (free := _free_inodes(place)) is not None and free < MIN_FREE_INODES
    ]
    return wrong("; ".join([space.evidence, *short])) if short else space


def _places(patient: Patient) -> list[Path]:
    lake = patient.config.settings.lake.root
    return [patient.paths.home, *([patient.paths.home / lake] if "://" not in lake else [])]


def _free_inodes(place: Path) -> float | None:
    """None: this file system has no fixed number of them, or the place is not there yet."""
    try:
        found = os.statvfs(place)
    except OSError:
        return None
    return 100.0 * found.f_favail / found.f_files if found.f_files else None


def host_zone(patient: Patient) -> Answer:
    from v6.scheduler.host import HostZoneError
    from v6.scheduler.host import host_zone as named

    etc, zones = patient.roots.etc, patient.host / ZONES
    localtime, written = etc / "localtime", etc / "timezone"
    if localtime.is_symlink() and not localtime.exists():
        return wrong(f"{localtime} points to {localtime.readlink()}, which is not there: everything reads UTC")
    try:
        name = named(etc)
    except HostZoneError as error:
        return wrong(str(error))
    if not (zones / name).is_file():
        return wrong(f"{name}: {zones / name} does not exist", "apt-get install --reinstall tzdata")
    if written.exists() and (other := written.read_text(encoding="utf-8", errors="replace").strip()) != name:
        same = (zones / other).is_file() and (zones / other).read_bytes() == (zones / name).read_bytes()
        if not same:
            return wrong(f"{localtime} says {name}, {written} says {other}: programs will not agree")
    return well(f"{name}, now {datetime.fromtimestamp(clock.epoch(), ZoneInfo(name)):%Y-%m-%d %H:%M %Z}")


def tzdata(patient: Patient) -> Answer:
    """Bash reads the zone files as the gate does, Python as jobs do."""
    zones, instants = _zones(patient), list(_instants())
    folder = patient.environ.get("TZDIR") or "/usr/share/zoneinfo"
    problems: list[str] = []
    for name in zones:
        if not Path(folder, name).exists():
            problems.append(f"{name} is not in {folder}: bash would take it as UTC without a word")
            continue
        try:
            problems += _differing(name, instants, patient)
        except ZoneInfoNotFoundError:
            problems.append(f"Python knows no zone {name}")
    return judged(problems, f"agree on {len(instants)} instants to {instants[-1]:%Y-%m-%d} in {', '.join(zones)}")


def _zones(patient: Patient) -> list[str]:
    """New York's at least; with a compiled schedule all that it uses."""
    found = ["America/New_York"]
    with suppress(CannotTell):
        found += [patient.schedule.timezone, *(window.zone for window in patient.schedule.windows)]
    return list(dict.fromkeys(found))


def _instants() -> Iterator[datetime]:
    start = clock.utc_now().replace(minute=0, second=0, microsecond=0)
    for number in range(AHEAD // STEP + 1):
        yield start + number * STEP


def _differing(name: str, instants: Sequence[datetime], patient: Patient) -> list[str]:
    kept = {key: value for key in ("TZDIR", "PATH") if (value := patient.environ.get(key))}
    script = 'for each; do printf "%(%F %T %z)T\\n" "$each"; done'
    done = subprocess.run(
        ["bash", "-c", script, "bash", *(f"{instant.timestamp():.0f}" for instant in instants)],
        env={"PATH": "/usr/bin:/bin", **kept, "TZ": name},
        capture_output=True,
        text=True,
        timeout=BASH_SECONDS,
        check=True,
    )
    zone = ZoneInfo(name)
    ours = [f"{instant.astimezone(zone):%Y-%m-%d %H:%M:%S %z}" for instant in instants]
    differ = [f"bash {theirs}, Python {mine}" for theirs, mine in zip(done.stdout.splitlines(), ours, strict=True)
              if theirs != mine]  # fmt: skip
    return [f"{name}: {differ[0]} ({len(differ)} of {len(ours)} instants differ)"] if differ else []


def host_clock(patient: Patient) -> Answer:
    """Synchronised as the kernel knows it; and not before what has already happened."""
    written = datetime.fromtimestamp(Path(__file__).stat().st_mtime, clock.NEW_YORK)
    if (now := clock.now()) < written - timedelta(days=1):
        return wrong(f"the clock reads {now:%Y-%m-%d %H:%M %Z}, but this program was written {written:%Y-%m-%d}")
    if ahead := _from_the_future(patient, now):
        return wrong(ahead, "set the clock right; if it was wrong before, wait until it has passed that time")
    if said := clock.shifted():
        return unknown(said)
    found = kernel_clock.state(patient.host)
    if found.synchronised is None:
        return unknown(found.words)
    return well(found.words) if found.synchronised else wrong(found.words)


def _from_the_future(patient: Patient, now: datetime) -> str:
    """The latest run, where it began later than now: the clock was set back."""
    from v6.journal import runs

    with suppress(CannotTell):
        for run in runs.recent(patient.journal, None, 1):
            if run.started_at > now + FUTURE:
                began = f"{run.started_at:%Y-%m-%d %H:%M:%S %Z}"
                return f"the clock reads {now:%Y-%m-%d %H:%M:%S %Z}, but a run of {run.task} began {began}"
    return ""
