"""Real cron and the installer where nobody looks: broken edits, a start of the host, a job that cannot be imported."""

import re
import subprocess
import time
from contextlib import closing
from datetime import datetime

import pytest
import yaml

from real_cron import Host, new_york
from toy_checkout import ToyCheckout
from v6.clock import NEW_YORK
from v6.journal import events, missed
from v6.paths import ROOT
from v6.rehearsal.stage import Quoted

from .conftest import Install, MakeHost, await_run, outcomes, render

pytestmark = pytest.mark.integration


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


def test_l03_a_job_whose_module_has_moved_is_loud(host: MakeHost, site: ToyCheckout) -> None:
    """The line as it is installed, run by /bin/sh as cron does: heard of in its log, the journal and an alert."""
    there = host("Etc/UTC")
    [line] = [line for line in render(there, site).splitlines() if "toy_no_import.py" in line]
    command = line.split(" ", 6)[6].replace("\\%", "%")
    slot = new_york("2026-11-24 11:15")
    places = {"V6_ROOT": str(site.root), "V6_LOGS": str(site.home / "logs" / "cron")}
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env=site.environ(V6_CLOCK_OFFSET=f"{slot - time.time() + 1:.3f}", **places),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")
    assert "No module named 'v6.no_such_module'" in (site.home / "logs" / "cron" / "toy_no_import.log").read_text()
    assert outcomes(site, "toy_no_import") == [("fatal", "2026-11-24 11:15")]
    with closing(site.journal()) as db:
        [told] = events.alerts_since(db, datetime(2026, 11, 24, tzinfo=NEW_YORK))
    assert "toy_no_import failed" in told.title
    assert "v6.no_such_module" in told.body


def test_l03_no_line_throws_away_what_a_job_says() -> None:
    lines = [line for line in (ROOT / "crontab.txt").read_text().splitlines() if re.match("[0-9*@]", line)]
    assert len(lines) > 20
    assert [line for line in lines if "/dev/null" in line or not re.search(r'>>"\$V6_LOGS/\w+\.log" 2>&1;', line)] == []
