"""The installer with Debian's real cron daemon, on hosts of the tests' own."""

import os
import signal
import subprocess
from collections.abc import Callable

import pytest

from toy_checkout import wait_until
from v6.scheduler import crontab_mark

from .conftest import MORNING, QUIET, Site, configure, let_everybody_reach_python

pytestmark = pytest.mark.integration

MakeSite = Callable[..., Site]


def test_l01_installed_for_a_created_user_proven_and_at_work(site: MakeSite) -> None:
    """From nothing to a job that ran in its New York slot, as the configured user; and back to nothing."""
    there = site("Asia/Tokyo", "v6test")
    let_everybody_reach_python(there.host)
    there.checkout.home.chmod(0o777)  # the toy leaves its mark there
    done = there.prove("--create-user")
    assert done.returncode == 0, done.stdout
    assert "created: user v6test" in done.stdout
    assert "installed and proven: cron has fired a line" in done.stdout
    assert not there.probing()
    marked = crontab_mark.find(there.file.read_text())
    assert marked is not None
    assert marked.intact
    before = there.file.stat()
    again = there.installer("--no-wait")
    assert "nothing to change" in again.stdout, again.stdout + again.stderr
    assert there.file.stat().st_mtime == before.st_mtime
    with there.host.cron(MORNING):
        there.checkout.await_mark("toy")
        there.host.wait_for_jobs()
    uid = (there.checkout.home / "mark-toy").stat().st_uid
    assert uid != 0
    state = [path for place in ("var", "logs") for path in (there.checkout.home / place).rglob("*")]
    assert {path.stat().st_uid for path in state} == {uid}
    assert [run.outcome for run in there.checkout.runs_of("toy")] == ["success"]
    status = there.installer("--status")
    assert status.returncode == 0, status.stdout
    assert "in step:   yes" in status.stdout
    assert "proven:    20" in status.stdout
    become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "env", f"V6_HOME={there.checkout.home}"]
    looked = there.host.run(*become, *there.command("--check", "--no-wait"))  # whose it is may look without root
    assert looked.returncode == 0, looked.stderr
    assert "nothing to change" in looked.stdout
    gone = there.installer("--uninstall")
    assert gone.returncode == 0
    assert list(there.host.cron_d.iterdir()) == []
    assert not there.kept.exists()


def test_a_killed_installer_leaves_nothing_harmful_and_the_next_one_cleans_up(site: MakeSite) -> None:
    there = site("Etc/UTC")
    with there.host.cron(QUIET):
        process = there.start()
        there.end(process, signal.SIGKILL)
        process.communicate(timeout=20)
    assert there.probing()
    with there.host.cron(QUIET + 600):  # cron fires what the killed one has left
        answer = there.checkout.home / "var" / "install" / "probe.txt"
        wait_until(lambda: answer.exists() and "exit 0" in answer.read_text(), 30)
    there.host.wait_for_jobs()
    assert there.checkout.runs_of("toy") == []
    assert "the line of a proof" in there.installer("--status").stdout
    done = there.installer("--no-wait")
    assert done.returncode == 0, done.stderr
    assert not there.probing()


def test_an_interrupted_proof_ends_without_its_line(site: MakeSite) -> None:
    there = site("Etc/UTC")
    with there.host.cron(QUIET):
        process = there.start()
        there.end(process, signal.SIGTERM)
        said, _ = process.communicate(timeout=20)
    assert process.returncode in {128 + signal.SIGTERM, -signal.SIGTERM}, said
    assert there.file.exists(), said
    assert not there.probing()


def test_a_cron_that_does_not_fire_is_said_and_the_last_good_file_stays(site: MakeSite) -> None:
    there = site("Etc/UTC")
    with there.host.cron(QUIET):
        there.host.hold_cron()
        first = there.installer("--wait", "2")
        good, left = there.file.read_text(), there.probing()
        configure(there.checkout.home, "root", scheduler={"tasks": {"toy": {"time": "10:35"}}})
        second = there.installer("--wait", "2")
    assert first.returncode == 1, first.stderr
    assert "NOT proven" in first.stdout
    assert not left
    assert second.returncode == 1, second.stderr
    assert "again as it was before" in second.stdout
    assert there.file.read_text() == good


def test_a_personal_crontab_keeps_its_other_lines(site: MakeSite) -> None:
    there = site("Asia/Tokyo")
    others = "SHELL=/bin/bash\nCRON_TZ=Europe/Paris\n17 3 * * * true # mine\n"
    there.host.run("bash", "-c", f"printf %s '{others}' | crontab -")
    done = there.prove("--user")
    assert done.returncode == 0, done.stdout
    text = there.host.run("crontab", "-l").stdout
    marked = crontab_mark.find(text)
    assert marked is not None
    assert (marked.before, marked.after) == ("", others)
    assert "proof" not in text
    assert "nothing to change" in there.installer("--user", "--no-wait").stdout
    assert there.installer("--user", "--status").returncode == 0
    assert there.installer("--user", "--uninstall").returncode == 0
    assert there.host.run("crontab", "-l").stdout == others
    assert not there.file.exists()


def test_what_came_before_is_shown_and_ended_only_when_asked(site: MakeSite) -> None:
    """An older systemd unit, an older loop, older lines in a crontab: none is in the way of the installation."""
    there = site("Etc/UTC")
    unit = there.host.etc / "systemd" / "system" / "v6-trading.service"
    unit.write_text("[Service]\nExecStart=/opt/v6/START_TRADER.sh\n")
    old_lines = "*/5 9-16 * * 1-5 /opt/old/scripts/cron_wrapper.sh collect\n5 4 * * * true\n"
    there.host.run("bash", "-c", f"printf %s '{old_lines}' | crontab -")
    loop = there.checkout.home / "START_TRADER.sh"
    loop.write_text("while sleep 1; do :; done\n")
    running = subprocess.Popen(there.host._inside("bash", str(loop)), stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: "START_TRADER.sh" in there.host.run("ps", "-eo", "args").stdout)
        shown = there.installer("--no-wait")
        assert shown.returncode == 0, shown.stderr
        for words in ("older systemd unit", "older loop", "crontab of root has lines of V6"):
            assert words in shown.stdout
        assert unit.exists()
        assert running.poll() is None
        assert there.host.run("crontab", "-l").stdout == old_lines
        taken = there.installer("--no-wait", "--take-over")
        assert taken.returncode == 0, taken.stderr
        running.wait(timeout=20)
    finally:
        if running.poll() is None:
            os.kill(running.pid, signal.SIGKILL)
    assert not unit.exists()
    assert there.host.run("crontab", "-l").stdout == f"# {old_lines}"
    assert len(list(there.kept.glob("replaced-*"))) == 2
    assert "older" not in there.installer("--status").stdout


def test_without_an_environment_it_says_what_to_do(site: MakeSite) -> None:
    there = site("Etc/UTC")
    bare = there.host.folder / "clone"
    bare.mkdir()
    (bare / "install_scheduler.sh").write_bytes((there.checkout.root / "install_scheduler.sh").read_bytes())
    done = there.host.run("bash", bare / "install_scheduler.sh")
    assert done.returncode == 2
    assert f"run make setup in {bare}" in done.stderr
