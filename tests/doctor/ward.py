"""An installation of a test's own in which everything holds: root, home and host; the real code and schedule."""

import json
import os
import pwd
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from v6 import clock
from v6.cron import installed
from v6.cron.roots import Roots
from v6.doctor.examine import Examined, examine
from v6.doctor.patient import Patient
from v6.journal import database, evidence, runs
from v6.paths import Paths
from v6.scheduler import compiled, crontab_mark
from v6.scheduler.compile import compile_all
from v6.scheduler.nyse_calendar import NYSECalendar

USER = pwd.getpwuid(os.geteuid()).pw_name
ZONE = "Etc/UTC"
ZONES = Path("/usr/share/zoneinfo")
CRON_PID = 321


@dataclass
class Ward:
    """`environ` is all that the doctor is told of the environment."""

    root: Path
    home: Path
    roots: Roots
    host: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> Paths:
        return Paths(self.root, self.home)

    def patient(self, **more: Any) -> Patient:
        return Patient(self.paths, self.environ, roots=self.roots, host=self.host, **more)

    def all(self, **more: Any) -> dict[str, Examined]:
        return {one.line: one for one in examine(self.patient(**more))}

    def all_of(self, *lines: str, **more: Any) -> dict[str, Examined]:
        return {one.line: one for one in examine(self.patient(**more), lines)}

    def ask(self, line: str, **more: Any) -> Examined:
        return self.all_of(line, **more)[line]

    def configure(self, **sections: Any) -> None:
        path = self.home / "config" / "production.yaml"
        known = yaml.safe_load(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps((known or {}) | sections))  # is YAML, and quotes every time of day
        path.chmod(0o600)

    def compile(self) -> None:
        assert compile_all(self.paths).error == ""

    def journal(self) -> Any:
        return closing(database.connect(self.paths.journal))

    def install(self, template: Path | None = None) -> Path:
        """What the installer would have put into /etc/cron.d, long enough ago; or what it put there for `template`."""
        place = self.roots.system_file
        if template is None:
            text = installed.wanted(self.patient().config, self.paths, ZONE, USER)
        else:
            known = crontab_mark.find((template / "crontab").read_text())
            assert known is not None
            text = crontab_mark.sealed(known.body.replace(str(template), str(self.root.parent)))
        place.write_text(text)
        place.chmod(0o644)
        os.utime(place, (clock.epoch() - 86400, clock.epoch() - 86400))
        return place

    def fire(self, hours: float = 2.0) -> list[tuple[str, datetime]]:
        """A run of every slot that was due in these hours, as if cron had started it."""
        schedule = compiled.load(self.paths.compiled / "schedule.txt")
        calendar = NYSECalendar(self.paths.compiled / "calendar.txt")
        now = clock.now()
        start = now - timedelta(hours=hours)
        due = list(evidence.due_slots(schedule.tasks.values(), schedule.windows, calendar, start, now))
        with self.journal() as db, database.transaction(db):
            for task, slot in [("refresh_calendar", start), *due]:
                run(db, task, slot)
        return due


def run(db: Any, task: str, slot: datetime, outcome: str | None = "success", pid: int = 2**22 + 1) -> int:
    number = runs.start_attempt(db, task=task, slot=slot, attempt=1, pid=pid, log_file="")
    db.execute("UPDATE runs SET started_at = ? WHERE id = ?", (slot.astimezone().isoformat(), number))
    if outcome is not None:
        runs.finish_attempt(db, number, runs.Ended(outcome, 0, 1.0, 1.0, 1.0))
    return number
