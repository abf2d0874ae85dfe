"""The home folder of one rehearsal: its configuration, its clock, the environment cron would give, nothing shared."""

import os
import pwd
import shutil
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from v6 import clock
from v6.model import FatalError
from v6.paths import ROOT, Paths
from v6.rehearsal.crontab_lines import Crontab, read_crontab

if TYPE_CHECKING:
    from v6.config.scheduler_config import Scheduler
    from v6.scheduler.nyse_calendar import NYSECalendar

HOST_ZONE = "America/New_York"  # the host that is rehearsed, whatever zone this one is in
CRON_PATH = "/usr/bin:/bin"
SECONDS_AFTER_THE_MINUTE = 1.0  # cron starts what is due a moment after the minute has come
CALENDARS = ("calendar.txt", "futures_calendar.txt")
MARKER = "rehearsal.yaml"  # tells a rehearsal's home from a real one


class Quoted(yaml.SafeDumper):
    """Strings in quotes, always: unquoted, "08:05" and "no" are refused as other things to other readers."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


Quoted.add_representer(str, _quoted)


class Stage:
    """A home folder nobody else uses, and a clock that only its processes read."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self.paths = Paths(ROOT, self.home)
        self.clock_file = self.home / "clock"
        self.cron_logs = self.home / "logs" / "cron"

    def build(self, configuration: Mapping[str, Any], story: Mapping[str, Any]) -> None:
        """Make the folder and its production.yaml; `story` (what is rehearsed) goes into the marker file.

        Raises FatalError when the folder is there already and is not empty: a rehearsal never runs over another home.
        """
        if self.home.exists() and any(self.home.iterdir()):
            raise FatalError(f"{self.home} is not empty: a rehearsal needs a folder of its own")
        self.cron_logs.mkdir(parents=True)
        (self.home / MARKER).write_text(yaml.safe_dump(dict(story), sort_keys=False), encoding="utf-8")
        self.configure(configuration)

    def configure(self, configuration: Mapping[str, Any]) -> None:
        target = self.paths.production_config
        target.parent.mkdir(exist_ok=True)
        target.write_text(yaml.dump(dict(configuration), Dumper=Quoted, sort_keys=False), encoding="utf-8")
        target.chmod(0o600)

    def take_calendars(self, compiled: Path) -> None:
        """Those of another home: compiling checks them, and makes what does not fit anew (2 s)."""
        self.paths.compiled.mkdir(parents=True)
        for name in CALENDARS:
            if (compiled / name).is_file():
                shutil.copy(compiled / name, self.paths.compiled / name)

    def step_to(self, minute: datetime) -> None:
        """Let the stage's clock read just after `minute`; it goes on from there. A stage that is late stays late."""
        target = minute.timestamp() + SECONDS_AFTER_THE_MINUTE
        if self.epoch() < target:
            self.set_clock(target)

    def set_clock(self, target: float) -> None:
        """Let the stage's clock read so many seconds since 1970 UTC."""
        replacement = self.clock_file.with_suffix(".next")
        replacement.write_text(f"{target - _host_epoch():.6f}\n", encoding="ascii")
        replacement.replace(self.clock_file)

    def epoch(self) -> float:
        """What the stage's clock reads, seconds since 1970 UTC."""
        return _host_epoch() + float(self.clock_file.read_text(encoding="ascii"))

    def environ(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """What a job of cron gets (crontab(5)), plus this stage's home and clock. Nothing of the caller's."""
        user = pwd.getpwuid(os.getuid())
        return {
            "HOME": user.pw_dir,
            "LOGNAME": user.pw_name,
            "PATH": CRON_PATH,
            "SHELL": "/bin/sh",
            "V6_HOME": str(self.home),
            "V6_CLOCK_FILE": str(self.clock_file),
            **(extra or {}),
        }


def loaded(stage: Stage) -> "Scheduler":
    """The schedule of the stage. Raises ConfigError."""
    from v6.config.load import load

    return load(stage.paths, {}).scheduler


def calendar_of(stage: Stage) -> "NYSECalendar":
    """The stage's compiled calendar, with holidays unless its schedule does not observe them."""
    from v6.scheduler import compiled
    from v6.scheduler.nyse_calendar import NYSECalendar

    observed = compiled.load(stage.paths.compiled / "schedule.txt", {}).observe_holidays
    return NYSECalendar(stage.paths.compiled / "calendar.txt", observe_holidays=observed)


def crontab_of(stage: Stage, tasks: Collection[str] | None = None) -> Crontab:
    """What `v6 schedule render` writes for the rehearsed host, of all tasks or of these."""
    from v6.config.load import load
    from v6.scheduler import crontab

    config = load(stage.paths, {})
    schedule, reboot_line = config.scheduler, config.settings.install.reboot_line
    if tasks is not None:
        some = {name: task for name, task in schedule.tasks.items() if name in tasks}
        schedule = schedule.model_copy(update={"tasks": some})
    text = crontab.render(schedule, HOST_ZONE, ROOT, home=stage.home, reboot_line=reboot_line)
    return read_crontab(text)


def free_home(parent: Path, name: str) -> Path:
    """`<parent>/<name>-<n>`, the first n that is not there yet."""
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"


def _host_epoch() -> float:
    return clock.epoch() - clock.offset()
