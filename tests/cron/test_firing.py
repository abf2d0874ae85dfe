"""Debian's real cron daemon runs what the product renders: in New York's slots on a host of any zone, and nothing else.

Its parser is the authority here, as it reads files of /etc/cron.d and tells syslog about them.
"""

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from real_cron import Host, new_york
from toy_checkout import ToyCheckout, wait_until
from v6.clock import NEW_YORK
from v6.journal import events, missed
from v6.rehearsal.stage import Quoted
from v6.scheduler.crontab_grammar import CrontabError, check

pytestmark = pytest.mark.integration

MakeHost = Callable[[str], Host]
Install = Callable[..., "subprocess.CompletedProcess[str]"]
SPRING, AUTUMN = "2026-03-08", "2026-11-01"


def render(host: Host, site: ToyCheckout) -> str:
    """What `v6 schedule render` prints on that host."""
    done = host.run(
        sys.executable,
        "-m",
        "v6.cli",
        "schedule",
        "render",
        "--user",
        "root",
        **site.environ(PYTHONPATH=f"{site.root}/src"),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def skips(site: ToyCheckout, task: str) -> list[str]:
    """Reasons for which the gate has dropped a start of the task."""
    lines = site.log.read_text().splitlines() if site.log.exists() else []
    return [fields[4] for fields in (line.split("|") for line in lines) if fields[1] == task]


def outcomes(site: ToyCheckout, task: str) -> list[tuple[str, str]]:
    """(outcome, slot in New York) of its runs."""
    return [(run.outcome, f"{run.slot:%F %H:%M}" if run.slot else "") for run in site.runs_of(task)]


def await_run(host: Host, site: ToyCheckout, task: str) -> None:
    site.await_mark(task)
    host.wait_for_jobs()


def refused(host: Host) -> list[str]:
    """What the daemon did not like about files."""
    return [line for line in host.said() if any(word in line for word in ("ERROR", "Error", "WRONG", "BAD", "ORPHAN"))]


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "Etc/UTC"])
def test_l07_a_job_fires_in_its_new_york_slot_and_a_wrong_minute_is_dropped(
    host: MakeHost, installer: Install, site: ToyCheckout, zone: str
) -> None:
    """In November the lines of both of New York's offsets fire: 09:35 EDT would be 08:35 EST."""
    there = host(zone)
    done = installer(there)
    assert done.returncode == 0, done.stdout + done.stderr
    with there.cron(new_york("2026-11-23 08:35")):
        wait_until(lambda: skips(site, "toy_morning"))
    with there.cron(new_york("2026-11-23 09:35")):
        await_run(there, site, "toy_morning")
    assert skips(site, "toy_morning") == ["not_slot"]
    assert outcomes(site, "toy_morning") == [("success", "2026-11-23 09:35")]
    assert refused(there) == []
    assert sum("toy.py" in command for command in there.started()) == 2


def test_l07_the_daemons_own_zone_counts_not_that_of_the_host(host: MakeHost, site: ToyCheckout) -> None:
    """TZ=Asia/Tokyo in /etc/default/cron: what is rendered for the host's zone never fires in the slot."""
    there = host("America/New_York")
    there.install("v6-trading", render(there, site) + "* * * * * root true fired\n")
    with there.cron(new_york("2026-11-23 09:35"), tz="Asia/Tokyo"):
        there.wait_for("true fired")
        there.wait_for_jobs()
    assert [command for command in there.started() if "toy.py" in command] == []


def test_l04_a_task_of_every_day_fires_at_the_weekend(host: MakeHost, site: ToyCheckout) -> None:
    there = host("Asia/Tokyo")
    there.install("v6-trading", render(there, site))
    with there.cron(new_york("2026-12-26 09:35")):
        await_run(there, site, "toy_morning")
    assert outcomes(site, "toy_morning") == [("success", "2026-12-26 09:35")]


def test_a_slot_in_the_hour_that_the_clocks_skip_runs_once_right_after_it(host: MakeHost, site: ToyCheckout) -> None:
    """The daemon lives through the change: at 03:00 it runs the fixed lines of the skipped hour."""
    there = host("America/New_York")
    there.install("v6-trading", render(there, site))
    with there.cron(new_york(f"{SPRING} 03:00")):
        await_run(there, site, "toy_skipped_hour")
    assert outcomes(site, "toy_skipped_hour") == [("success", f"{SPRING} 03:00")]


def test_l08_a_slot_in_the_hour_that_the_clocks_repeat_runs_once(host: MakeHost, site: ToyCheckout) -> None:
    """Also where the daemon was restarted between the two passes, and knows nothing of the first."""
    there = host("America/New_York")
    there.install("v6-trading", render(there, site))
    first = new_york(f"{AUTUMN} 01:30")
    with there.cron(first):
        await_run(there, site, "toy_repeated_hour")
    with there.cron(first + 3600):
        wait_until(lambda: skips(site, "toy_repeated_hour"))
    assert outcomes(site, "toy_repeated_hour") == [("success", f"{AUTUMN} 01:30")]
    assert skips(site, "toy_repeated_hour") == ["not_slot"]


def everything(host: Host) -> dict[str, tuple[int, int, bytes]]:
    """Every file and folder of the host's /etc, /var/spool/cron and /var/lib: mode, owner, content."""
    found = {}
    for part in ("etc", "spool", "lib"):
        for path in sorted((host.folder / part).rglob("*")):
            seen = path.lstat()
            content = bytes(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            found[str(path.relative_to(host.folder))] = (seen.st_mode, seen.st_uid, content)
    return found


def test_a_broken_edit_never_reaches_cron_and_stops_no_job(
    host: MakeHost, installer: Install, site: ToyCheckout
) -> None:
    """The installed file stays as it was, to the byte, and the next slot runs with the last good schedule."""
    there = host("Asia/Tokyo")
    there.job_environment()
    before = everything(there)
    assert installer(there).returncode == 0
    file = there.cron_d / "v6-trading"
    good = (file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_ino)
    production = site.home / "config" / "production.yaml"
    right = production.read_text()
    for edit in (
        f"{right}\nibkr: {{prot: 5}}\n",
        right.replace('"09:35"', '"09:75"'),
        "a: [",
    ):
        assert edit != right
        production.write_text(edit)
        refused_edit = installer(there)
        assert refused_edit.returncode == 2, refused_edit.stdout
        assert "config/production.yaml" in refused_edit.stderr
        assert (file.read_bytes(), file.stat().st_mtime_ns, file.stat().st_ino) == good
    with there.cron(new_york("2026-11-23 09:35")):
        await_run(there, site, "toy_morning")
    assert outcomes(site, "toy_morning") == [("success", "2026-11-23 09:35")]
    production.write_text(right)
    assert installer(there, "--uninstall").returncode == 0
    there.job_environment()
    after = everything(there)
    assert after.keys() == before.keys()
    assert [path for path in before if before[path] != after[path]] == []


def test_after_a_start_of_the_host_the_morning_is_made_up_and_told(
    host: MakeHost, installer: Install, site: ToyCheckout
) -> None:
    """The daemon's own @reboot line. The host is down from 00:50 to 10:20: the slot of 09:35 is made up, that of 01:30
    could not end in time any more."""
    there = host("Asia/Tokyo")
    production = site.home / "config" / "production.yaml"
    tree = yaml.safe_load(production.read_text())
    tasks = tree["scheduler"]["tasks"]
    tasks["toy_morning"]["catch_up"] = tasks["toy_repeated_hour"]["catch_up"] = "same_day"
    tasks["toy_repeated_hour"]["must_finish_by"] = "10:00"
    tasks["toy_skipped_hour"]["time"] = "00:50"
    tasks["health_check"]["enabled"] = True
    production.write_text(yaml.dump(tree, Dumper=Quoted))
    assert installer(there).returncode == 0
    there.boot()
    with there.cron(new_york("2026-11-24 00:50")):
        await_run(there, site, "toy_skipped_hour")
    there.boot()
    with there.cron(new_york("2026-11-24 10:20")):
        await_run(there, site, "toy_morning")
    assert outcomes(site, "toy_morning") == [("success", "2026-11-24 09:35")]
    assert outcomes(site, "toy_repeated_hour") == []
    with closing(site.journal()) as db:
        found = missed.between(db, datetime(2026, 11, 23, tzinfo=NEW_YORK), datetime(2026, 11, 25, tzinfo=NEW_YORK))
        told = [
            alert
            for alert in events.alerts_since(db, datetime(2026, 11, 23, tzinfo=NEW_YORK))
            if alert.key.startswith("missed:")
        ]
    of_toys = [(f"{one.slot:%H:%M}", one.task, one.cause, one.catch_up) for one in found if one.task != "health_check"]
    assert of_toys == [
        ("01:30", "toy_repeated_hour", "host_down", "too_late"),
        ("09:35", "toy_morning", "host_down", "started"),
    ]
    assert [f"{len(found)} slots missed of 3 tasks: the host was down" in alert.title for alert in told] == [True]


BROKEN = {
    "six-fields": "0 30 9 * * 1-5 root true\n",
    "minute-99": "99 * * * * root true\n",
    "no-user": "* * * * * nobody-of-this-name true\n",
    "long": f"* * * * * root true {'x' * 1000}\n",
    "unended": "* * * * * root true",
}
OUR_GRAMMARS = sorted(set(BROKEN) - {"no-user"})
"""The users of a host are not the grammar's to know."""


def test_l01_the_daemon_ignores_a_whole_file_for_one_bad_line(host: MakeHost, tmp_path: Path) -> None:
    there = host("America/New_York")
    good = "* * * * * root touch '{}'\n"
    for name, line in BROKEN.items():
        there.install(name, good.format(tmp_path / name) + line)
    there.install("a.dot", good.format(tmp_path / "a.dot"))
    there.install("writable", good.format(tmp_path / "writable"), mode=0o664)
    there.install("whole", good.format(tmp_path / "whole"))
    with there.cron(new_york("2026-11-23 09:35")):
        wait_until((tmp_path / "whole").exists)
        there.wait_for_jobs()
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["whole"]
    said = "\n".join(there.said())
    assert "bad hour; while reading /etc/cron.d/six-fields" in said
    assert "bad minute; while reading /etc/cron.d/minute-99" in said
    assert "bad username; while reading /etc/cron.d/no-user" in said
    assert "a.dot" not in said


@pytest.mark.parametrize("name", OUR_GRAMMARS)
def test_l01_our_grammar_refuses_what_the_daemon_ignores(name: str) -> None:
    check("* * * * * root true\n", system=True)
    with pytest.raises(CrontabError):
        check(f"* * * * * root true\n{BROKEN[name]}", system=True)
