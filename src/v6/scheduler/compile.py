"""Compile the configuration into what the gate, the supervisor and NYSECalendar read: `python -m v6.scheduler.compile`.

    var/compiled/calendar.txt   sessions that are not regular, from pandas_market_calendars and calendar_overrides.yaml
    var/compiled/futures_calendar.txt   the same of CME's equity index futures
    var/compiled/schedule.txt   tasks, windows, switches
    var/compiled/gate/          both again, what concerns one script in one file each: all that a skip has to read
    var/compiled/sources/       copies of the files they were made from, put there last: equal copies mean "up to date"
    var/compiled/rejected/      copies of the last edit that was refused, error.txt, and `told` once the gate has raised
                                the alert of it; the last good files stay

Exit codes: 0 compiled or up to date, 2 refused (reasons on stderr). One word on stdout says which: compiled,
unchanged, refused (and nobody has been told yet, whoever looked before) or `refused again`.
"""

import fcntl
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from v6 import clock
from v6.config.errors import ConfigError
from v6.config.load import Config, load
from v6.config.sources import Sources, read_sources
from v6.paths import Paths
from v6.scheduler import (
    calendar_file,
    compiled,
    futures_calendar,
    gate_text,
    schedule_text,
    side_channels,
    slot_rules,
    virtual,
)
from v6.scheduler.calendar_overrides import read_overrides
from v6.scheduler.host import HostZoneError, host_zone
from v6.scheduler.nyse_calendar import CalendarError, parse

ERROR_FILE = "error.txt"
TOLD_FILE = "told"


class Outcome(StrEnum):
    COMPILED = "compiled"
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    REFUSED_AGAIN = "refused again"


class Result(NamedTuple):
    """`error` is empty unless refused; REFUSED (not REFUSED_AGAIN) is worth an alert."""

    outcome: Outcome
    error: str = ""


def compile_all(paths: Paths, *, calendars_anew: bool = False) -> Result:
    """Bring var/compiled up to date under a lock. Never raises for a wrong configuration: see the result.

    `calendars_anew`: the calendars are asked for again although their inputs are the same.
    """
    with _locked(paths):
        try:
            sources = read_sources(paths)
        except ConfigError as error:
            return _refuse(paths, {}, error)
        try:
            today = clock.now().date()
            if not calendars_anew and _is_current(paths, sources, today):
                return Result(Outcome.UNCHANGED)
            kept = None if calendars_anew else _kept_calendar(paths, sources, today)
            calendar = kept or _new_calendar(sources, today)
            kept = None if calendars_anew else _kept_futures(paths, today)
            futures = kept or _new_futures(today)
            config = check(paths, sources)
            schedule = _schedule(paths, config)
        except ConfigError as error:
            return _refuse(paths, sources, error)
        _make_folders(paths, config)
        shutil.rmtree(paths.compiled / "sources", ignore_errors=True)
        _write(paths.compiled / "calendar.txt", calendar)
        _write(paths.compiled / futures_calendar.FILE, futures)
        _write(paths.compiled / "schedule.txt", schedule)
        _replace(
            paths.compiled / "gate",
            {name: text.encode() for name, text in gate_text.render(schedule, calendar).items()},
        )
        _copy(sources, paths.compiled / "sources")
        shutil.rmtree(paths.compiled / "rejected", ignore_errors=True)
        return Result(Outcome.COMPILED)


def check(paths: Paths, sources: Sources | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """Everything `load` checks, and what needs slots: each task can meet its days and phase, zones exist for bash.

    Without `environ` the process environment is left out: the gate applies it at every run. Raises ConfigError.
    """
    config = load(paths, environ or {}, sources)
    zone = _host_zone()
    for name in schedule_text.zones_of(config.scheduler, zone):
        if not (schedule_text.SYSTEM_ZONES / name).is_file():
            raise ConfigError(f"{name}: {schedule_text.SYSTEM_ZONES / name} does not exist (package tzdata)")
    schedule = compiled.parse(schedule_text.render(config.scheduler, host_zone=zone))
    problems = [
        f"{_origin(config, name, keys)}: scheduler.tasks.{name}: {problem}"
        for name, keys, problem in slot_rules.problems(schedule)
    ]
    problems += [f"scheduler.restart_windows: {problem}" for problem in virtual.endless_restarts(schedule.windows)]
    if problems:
        raise ConfigError(*problems)
    return config


def main() -> int:
    """Compile for this home; print the outcome and the reasons."""
    result = compile_all(Paths.locate())
    sys.stdout.write(f"{result.outcome}\n")
    if result.error:
        sys.stderr.write(f"{result.error}\n")
    return 2 if result.error else 0


def _origin(config: Config, task: str, keys: Iterable[str]) -> str:
    """The file of what was set last of it, among these keys."""
    wanted = {f"scheduler.tasks.{task}.{key}" for key in keys}
    found = [label for key, label in config.origin.items() if key in wanted]
    return found[-1] if found else config.origin.get(f"scheduler.tasks.{task}", "config")


def _host_zone() -> str:
    try:
        return host_zone()
    except HostZoneError as error:
        raise ConfigError(str(error)) from error


def _is_current(paths: Paths, sources: Sources, today: date) -> bool:
    """Whether sources, calendar inputs and this checkout are those that were compiled."""
    if not _same(sources, paths.compiled / "sources"):
        return False
    try:
        schedule = compiled.load(paths.compiled / "schedule.txt")
    except compiled.ScheduleError:
        return False
    places = {key: schedule.settings.get(key) for key in ("root", "home", "python")}
    here = {key: value for key, value in _places(paths, "").items() if key in places}
    calendar = _kept_calendar(paths, sources, today)
    if calendar is None or _kept_futures(paths, today) is None:
        return False
    return places == here and _gate_is_current(paths, calendar)


def _gate_is_current(paths: Paths, calendar: str) -> bool:
    wanted = gate_text.render((paths.compiled / "schedule.txt").read_text(encoding="utf-8"), calendar)
    folder = paths.compiled / "gate"
    return folder.is_dir() and wanted == {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


class Calendars(NamedTuple):
    """The texts of calendar.txt and futures_calendar.txt."""

    nyse: str
    futures: str


def calendars(paths: Paths) -> Calendars:
    """What the calendars would be now; nothing is written. Raises ConfigError."""
    today = clock.now().date()
    return Calendars(_new_calendar(read_sources(paths), today), _new_futures(today))


def _new_calendar(sources: Sources, today: date) -> str:
    overrides = sources["calendar_overrides.yaml"]
    found = read_overrides(overrides.text(), overrides.label)
    try:
        deviations = calendar_file.build(today, found)
    except ImportError as error:
        raise ConfigError(f"{calendar_file.AUTHORITY}: cannot be imported: {error}") from error
    return calendar_file.render(calendar_file.header(today, overrides.content), deviations)


def _new_futures(today: date) -> str:
    return calendar_file.render(calendar_file.futures_header(today), calendar_file.build_futures(today))


def _kept_calendar(paths: Paths, sources: Sources, today: date) -> str | None:
    wanted = calendar_file.header(today, sources["calendar_overrides.yaml"].content)
    return _kept(paths.compiled / "calendar.txt", wanted)


def _kept_futures(paths: Paths, today: date) -> str | None:
    return _kept(paths.compiled / futures_calendar.FILE, calendar_file.futures_header(today))


def _kept(path: Path, wanted: str) -> str | None:
    """The compiled calendar when it was made from the same inputs, as line 1 says, and is whole."""
    try:
        text = path.read_text(encoding="utf-8")
        parse(text, path.name)
    except (OSError, UnicodeDecodeError, CalendarError):
        return None
    return text if text.startswith(f"{wanted}\n") else None


def _schedule(paths: Paths, config: Config) -> str:
    return schedule_text.render(
        config.scheduler,
        host_zone=_host_zone(),
        enabled=config.listed,
        switches=config.dotenv_switches,
        places={**_places(paths, config.scheduler.log_directory), **side_channels.settings(config)},
    )


def _places(paths: Paths, log_directory: str) -> dict[str, str]:
    places = {
        "root": str(paths.root),
        "home": str(paths.home),
        "log_directory": str(paths.home / log_directory),
        "python": sys.executable,
    }
    for key, place in places.items():
        if "|" in place or not place.isprintable():
            raise ConfigError(f"{key}: {place!r}: a path V6 works in cannot hold | or control characters")
    return places


def _make_folders(paths: Paths, config: Config) -> None:
    logs = paths.home / config.scheduler.log_directory
    state = (
        paths.locks,
        paths.leases,
        paths.runs,
        paths.state,
        *(paths.slots / task for task in config.scheduler.tasks),
    )
    for folder in (logs / "scheduler", logs / "tasks", logs / "cron", *state):
        folder.mkdir(parents=True, exist_ok=True)


def _refuse(paths: Paths, sources: Sources, error: ConfigError) -> Result:
    rejected = paths.compiled / "rejected"
    known = _same(sources, rejected) and _text(rejected / ERROR_FILE) == f"{error}\n"
    if not known:
        _copy(sources, rejected, str(error))
    told = known and (rejected / TOLD_FILE).exists()
    return Result(Outcome.REFUSED_AGAIN if told else Outcome.REFUSED, str(error))


def _same(sources: Sources, folder: Path) -> bool:
    return folder.is_dir() and all(_bytes(folder / name) == source.content for name, source in sources.items())


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _copy(sources: Sources, folder: Path, error: str | None = None) -> None:
    files = {name: source.content for name, source in sources.items() if source.content is not None}
    _replace(folder, files if error is None else {**files, ERROR_FILE: f"{error}\n".encode()})


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    """The folder appears with all its files at once; they may hold secrets, so only their owner reads them."""
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700, parents=True)
    for name, content in files.items():
        (new / name).write_bytes(content)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)


def _write(path: Path, text: str) -> None:
    """Atomic and durable; untouched when it already says so."""
    if _text(path) == text:
        return
    new = path.with_name(f"{path.name}.new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)


@contextmanager
def _locked(paths: Paths) -> Iterator[None]:
    paths.locks.mkdir(parents=True, exist_ok=True)
    paths.compiled.mkdir(parents=True, exist_ok=True)
    with (paths.locks / "compile.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main())
