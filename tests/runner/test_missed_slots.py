"""A host that was down, from the @reboot line to the run that was made up: the real crontab line, gate and job."""

import subprocess
from datetime import datetime

import pytest
import yaml

from toy_checkout import ToyCheckout, toy_tasks, wait_until
from v6.clock import NEW_YORK
from v6.config.load import load
from v6.journal import events, missed
from v6.paths import Paths
from v6.rehearsal.crontab_lines import read_crontab
from v6.scheduler import crontab

pytestmark = pytest.mark.integration

ONLY = ("toy_succeed", "toy_print", "health_check")
DAILY = {"frequency": "daily", "time": "10:00", "deadline_seconds": 4 * 3600, "days": "trading"}


def ny(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def at(text: str) -> dict[str, str]:
    return {"V6_CLOCK_OFFSET": f"{ny(text).timestamp() + 1 - datetime.now(tz=NEW_YORK).timestamp():.3f}"}


def a_day_of_toys(site: ToyCheckout) -> None:
    """toy_print at 10:00, toy_succeed after it, both made up; a toy every five minutes that is not."""
    tasks = toy_tasks()
    tasks["toy_print"] = {**dict(tasks["toy_print"]), **DAILY, "catch_up": "same_day"}  # type: ignore[call-overload]
    tasks["toy_succeed"] = {**dict(tasks["toy_succeed"]), **DAILY, "catch_up": "same_day", "depends_on": ["toy_print"]}  # type: ignore[call-overload]
    tasks["health_check"] = {"max_retries": 0}
    site.configure(yaml.safe_dump({"scheduler": {"tasks": tasks}}))
    names = [name for name in load(Paths(site.root, site.home), {}).scheduler.tasks if name not in ONLY]
    (site.home / ".env").write_text("".join(f"SCHEDULER_{name.upper()}_ENABLED=false\n" for name in names))
    site.compile()


def boot(site: ToyCheckout, when: str) -> None:
    """What cron runs when the host was started."""
    scheduler = load(Paths(site.root, site.home), {}).scheduler
    read = read_crontab(crontab.render(scheduler, "Etc/UTC", site.root, home=site.home, reboot_line=True))
    (command,) = read.at_start
    environ = site.environ(**read.settings, **at(when))
    subprocess.run(["/bin/sh", "-c", command], env=environ, cwd="/", timeout=120, check=False)


def test_what_was_missed_while_the_host_was_down_is_found_told_and_made_up(fresh_toys: ToyCheckout) -> None:
    a_day_of_toys(fresh_toys)
    boot(fresh_toys, "2026-11-24 09:50")  # the first look: from now on the tasks are known
    fresh_toys.gate("--slot", "scripts/toy.py", "--do", "print", **at("2026-11-24 10:00"))

    boot(fresh_toys, "2026-11-25 12:30")

    wait_until(lambda: [run.outcome for run in fresh_toys.runs_of("toy_succeed")] == ["success"], 60)
    db = fresh_toys.journal()
    found = missed.between(db, ny("2026-11-24 00:00"), ny("2026-11-26 00:00"))
    assert {one.cause for one in found} == {"host_down"}
    assert {(one.task, f"{one.slot:%d %H:%M}", one.catch_up) for one in found if one.task != "health_check"} == {
        ("toy_succeed", "24 10:00", "not_today"),
        ("toy_print", "25 10:00", "started"),
        ("toy_succeed", "25 10:00", "started"),
    }
    assert sum(one.task == "health_check" for one in found) == 106
    made_up = {task: fresh_toys.runs_of(task)[-1] for task in ("toy_print", "toy_succeed")}
    assert {run.slot for run in made_up.values()} == {ny("2026-11-25 10:00")}
    assert made_up["toy_print"].ended_at < made_up["toy_succeed"].started_at
    (alert,) = [alert for alert in events.alerts_since(db, ny("2026-11-20 00:00")) if alert.key.startswith("missed:")]
    assert alert.title.startswith("109 slots missed of 3 tasks: the host was down: last sign of life 2026-11-24 10:00:")
    assert "toy_print 11-25 10:00: started" in alert.body
    assert fresh_toys.runs_of("health_check")[-1].reason == "slots_missed"

    boot(fresh_toys, "2026-11-25 12:33")
    assert len(missed.between(db, ny("2026-11-24 00:00"), ny("2026-11-26 00:00"))) == len(found)
    assert fresh_toys.runs_of("health_check")[-1].reason != "slots_missed"
