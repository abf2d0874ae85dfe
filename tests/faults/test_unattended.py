"""What may befall a host at night: each ends in a clear message, in an alert if any channel is left, with nothing lost,
and V6 goes on by itself when the cause is gone."""

import shutil
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from faults.conftest import Site
from toy_checkout import wait_until
from v6.scheduler import crontab

pytestmark = pytest.mark.integration


def test_l31_a_full_disk_is_named_told_once_and_survived(site: Site) -> None:
    assert site.run().returncode == 0
    site.fill()

    first, second = site.run(), site.run()

    for done in (first, second):
        assert done.returncode == 2
        assert f"the disk of {site.home} is full" in done.stderr.splitlines()[-1]
        assert "make room, V6 goes on by itself" in done.stderr
    wait_until(lambda: site.alerts)
    site.make_room()
    assert site.run().returncode == 0
    assert site.outcomes() == ["success", "success"]
    assert [words for words in site.told() if f"the disk of {site.home} is full" in words] == site.told()
    assert len(site.told()) == 1  # the journal could not remember it: told once all the same


def test_a_disk_that_fills_while_a_job_works_loses_no_row_and_is_told(site: Site) -> None:
    process = subprocess.Popen(
        [str(site.toys.wrapper), "--slot", "scripts/toy.py", "--do", "sleep"],
        env=site.toys.environ(V6_ALERT_URLS=site.url, **site.next_slot()),
        cwd="/",
        stderr=subprocess.PIPE,
        text=True,
    )
    pid = site.toys.await_mark("toy_sleep")
    site.fill()
    subprocess.run(["kill", "-TERM", str(pid)], check=True)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert said
    site.make_room()
    assert site.toys.run("toy_succeed").returncode == 0  # of the same script: it closes what the other could not
    assert site.outcomes("sleep")[0] in ("killed", "signal")
    wait_until(lambda: site.alerts)


def test_a_read_only_disk_is_named_told_and_survived(site: Site) -> None:
    assert site.run().returncode == 0
    shutil.rmtree(site.home / "var" / "slots" / "toy_recoverable")
    site.remount("ro")
    done = site.run()
    assert done.returncode == 2
    assert "Read-only file system" in done.stderr
    wait_until(lambda: site.alerts)
    assert "cannot be written" in site.told()[0]
    done = site.run("recoverable")
    assert "slots/toy_recoverable: cannot be made" in done.stderr, done.stderr
    site.remount("rw")
    assert site.run().returncode == 0
    assert site.outcomes() == ["success", "success"]


def test_a_locked_journal_is_waited_for(site: Site) -> None:
    assert site.run().returncode == 0
    with closing(sqlite3.connect(site.home / "var" / "v6.db", isolation_level=None, check_same_thread=False)) as db:
        db.execute("BEGIN EXCLUSIVE")
        freed = threading.Timer(3.0, db.execute, ("ROLLBACK",))
        freed.start()
        assert site.run().returncode == 0
        freed.join()
    assert site.outcomes() == ["success", "success"]


def test_a_journal_that_stays_locked_is_named_told_and_survived(site: Site) -> None:
    assert site.run().returncode == 0
    journal = site.home / "var" / "v6.db"
    with closing(sqlite3.connect(journal, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        done = site.run()
        assert done.returncode == 2
        assert f"fuser {journal} names it" in done.stderr.splitlines()[-1]
        wait_until(lambda: site.alerts, 60.0)
        assert "stayed locked by another process" in site.told()[0]
    assert site.run().returncode == 0
    assert site.outcomes() == ["success", "success"]


def test_a_damaged_journal_is_named_told_and_repaired(site: Site) -> None:
    assert site.run().returncode == 0
    journal = site.home / "var" / "v6.db"
    whole = journal.read_bytes()
    for side in ("-wal", "-shm"):
        journal.with_name(journal.name + side).unlink(missing_ok=True)
    journal.write_bytes(b"garbage" * 1000)

    done = site.run()
    assert done.returncode == 2
    assert f"the journal {journal} is damaged" in done.stderr.splitlines()[-1]
    assert "v6 journal repair" in done.stderr
    wait_until(lambda: site.alerts)
    assert "is damaged" in site.told()[0]
    assert journal.read_bytes() == b"garbage" * 1000  # nobody overwrites what a person may still save

    repaired = v6(site, "journal", "repair")
    assert repaired.returncode == 0, repaired.stderr
    assert site.run().returncode == 0
    assert site.outcomes() == ["success"]
    assert [path.read_bytes() for path in journal.parent.glob("v6.db.damaged-*")] == [b"garbage" * 1000]

    journal.write_bytes(whole)  # a person had a copy
    assert site.run().returncode == 0
    assert site.outcomes() == ["success", "success"]


def test_log_folders_that_are_gone_are_made_anew_by_the_cron_line(site: Site) -> None:
    from v6.config.load import load
    from v6.paths import Paths

    config = load(Paths(site.toys.root, site.home), {})
    text = crontab.render(config.scheduler, "Etc/UTC", site.toys.root, home=site.home)
    settings = dict(line.split("=", 1) for line in text.splitlines() if line.startswith(("V6_", "SHELL=")))
    [line] = {line.split(" ", 5)[5] for line in text.splitlines() if line.endswith("scripts/toy.py --do succeed")}
    shutil.rmtree(site.home / "logs")

    def fire() -> "subprocess.CompletedProcess[str]":
        environ = {name: value.strip('"') for name, value in settings.items()}
        return subprocess.run(
            ["/bin/sh", "-c", line],
            env={"PATH": "/usr/bin:/bin", **environ, **site.next_slot()},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    done = fire()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (site.home / "logs" / "cron" / "toy.log").read_text() == ""
    assert "success" in site.toys.day_log("toy_succeed")

    shutil.rmtree(site.home / "logs" / "cron")
    (site.home / "logs" / "cron").write_text("a file where the folder should be")
    done = fire()
    assert done.returncode == 0  # the run is not lost ...
    assert "toy.log" in done.stderr  # ... and cron is told
    assert site.outcomes() == ["success", "success"]

    log = site.home / "logs" / "scheduler" / "cron_wrapper.log"
    log.unlink(missing_ok=True)
    log.mkdir(parents=True)
    (site.home / "config").mkdir(exist_ok=True)
    (site.home / "config" / "production.yaml").write_text("nonsense: 1\n")
    assert fire().returncode == 0  # nor by the gate's own log, in which it says that an edit is refused
    assert site.outcomes() == ["success"] * 3


def test_locks_claims_and_records_that_are_gone_are_made_anew(site: Site) -> None:
    assert site.run().returncode == 0
    for folder in ("locks", "slots", "run", "leases"):
        shutil.rmtree(site.home / "var" / folder, ignore_errors=True)
    assert site.run().returncode == 0
    assert site.outcomes() == ["success", "success"]


def test_clocks_that_go_back_run_no_slot_twice_and_clocks_that_jump_ahead_run_the_next(site: Site) -> None:
    first, second = site.next_slot(), site.next_slot()
    run = ("--slot", "scripts/toy.py", "--do", "succeed")
    assert site.toys.gate(*run, **second).returncode == 0
    assert site.toys.gate(*run, **first).returncode == 0  # back by five minutes: another slot, not yet taken
    assert site.toys.gate(*run, **second).returncode == 0  # forward again: taken
    ahead = {"V6_CLOCK_OFFSET": str(int(second["V6_CLOCK_OFFSET"]) + 6 * 3600)}
    assert site.toys.gate(*run, **ahead).returncode == 0
    assert len(site.outcomes()) == 3
    assert "slot_taken" in site.toys.log.read_text()


def test_a_host_without_time_zones_is_told_and_survived(site: Site) -> None:
    done = site.run(TZDIR="/nowhere", PYTHONTZPATH="/nowhere")  # bash's and Python's are the same files
    assert done.returncode == 2
    assert "install tzdata" in done.stderr
    wait_until(lambda: site.alerts)
    assert "install tzdata" in site.told()[0]
    assert site.run().returncode == 0


def v6(site: Site, *arguments: str) -> "subprocess.CompletedProcess[str]":
    import sys

    environ = site.toys.environ(PYTHONPATH=str(site.toys.root / "src"))
    command = [str(Path(sys.executable)), "-m", "v6.cli", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_without_its_interpreter_the_gate_still_pings_who_waits_for_its_word(site: Site) -> None:
    """The alert channels need V6's own libraries, a ping needs any python3."""
    address = site.url.replace("json://", "http://")
    done = site.run(V6_PYTHON="/nowhere/python", V6_HEARTBEAT_URL_TOY_SUCCEED=f"{address}ping")
    assert done.returncode == 2
    assert "/nowhere/python: no interpreter: run make setup" in done.stderr
    wait_until(lambda: site.pings)
    assert site.pings == [("/ping/2", "the gate cannot decide: /nowhere/python: no interpreter: run make setup in "
                           f"{site.toys.root}")]  # fmt: skip
    assert site.run().returncode == 0
