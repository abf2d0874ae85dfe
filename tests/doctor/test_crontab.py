"""Cron, V6's lines in it, and whether they fire. The files are the product's, in /etc of a host of the test's own."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from ward import CRON_PID, USER, ZONE, ZONES, Ward, run

from v6 import clock
from v6.cron import installed, probe
from v6.journal.migrations import MIGRATIONS
from v6.scheduler import crontab_mark

LINES = ("cron", "cron zone", "crontab", "drift", "firing")
needs_cron = pytest.mark.skipif(not shutil.which("crontab"), reason="no cron here")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="cron ignores files that are not root's")
pytestmark = [pytest.mark.integration, needs_cron, needs_root]


def test_a_host_at_work_is_well_in_every_line(at_work: Ward) -> None:
    found = at_work.all_of(*LINES)
    assert {name: str(one.state) for name, one in found.items()} == dict.fromkeys(LINES, "ok"), found
    assert f"cron is process {CRON_PID}" in found["cron"].evidence
    assert found["cron zone"].evidence.startswith(f"{ZONE} (process {CRON_PID} has no TZ; ")
    assert "accepted by debian" in found["crontab"].evidence


def test_a_dead_daemon_is_wrong(at_work: Ward) -> None:
    shutil.rmtree(at_work.roots.proc / str(CRON_PID))
    found = at_work.ask("cron")
    assert (found.state, "no process cron or crond" in found.evidence) == ("failed", True)
    assert "systemctl enable --now cron" in found.cure


def test_the_cron_of_a_container_is_not_this_hosts(at_work: Ward) -> None:
    root = at_work.roots.proc / str(CRON_PID) / "root"
    root.unlink()
    root.symlink_to(at_work.host / "elsewhere")
    assert at_work.ask("cron").state == "failed"


def test_l07_a_daemon_in_another_zone_than_the_lines_were_written_for_is_wrong(at_work: Ward) -> None:
    (at_work.roots.proc / str(CRON_PID) / "environ").write_bytes(b"TZ=Asia/Tokyo\0")
    found = at_work.all_of("cron zone", "drift")
    assert found["cron zone"].state == "failed"
    assert found["cron zone"].evidence.endswith("but the installed lines are for Etc/UTC")
    assert found["drift"].state == "failed"


def test_a_zone_without_a_name_is_wrong(at_work: Ward) -> None:
    (at_work.roots.proc / str(CRON_PID) / "environ").write_bytes(b"TZ=JST-9\0")
    found = at_work.ask("cron zone")
    assert (found.state, "'JST-9'" in found.evidence) == ("failed", True)


def test_nothing_installed_is_wrong_once_and_unknown_elsewhere(ward: Ward) -> None:
    found = ward.all_of(*LINES)
    assert found["crontab"].state == "failed"
    assert found["crontab"].cure == "sudo ./install_scheduler.sh (or --user)"
    assert [str(found[name].state) for name in ("drift", "firing")] == ["could_not_check"] * 2


def test_l01_a_line_with_six_time_fields_is_refused_before_cron_ignores_the_whole_file(at_work: Ward) -> None:
    place = at_work.roots.system_file
    body = crontab_mark.find(place.read_text()).body  # type: ignore[union-attr]
    place.write_text(crontab_mark.sealed(f"{body}0 8 * * 1-5 6 {USER} /bin/true\n"))
    found = at_work.ask("crontab")
    assert found.state == "failed"
    assert "six time fields" in found.evidence or "'6' is not a user's name" in found.evidence, found.evidence


def test_the_line_that_a_killed_installer_has_left_is_wrong(at_work: Ward) -> None:
    place = at_work.roots.system_file
    body = crontab_mark.find(place.read_text()).body  # type: ignore[union-attr]
    place.write_text(crontab_mark.sealed(probe.with_probe(body, "00ff", USER, "scripts/health_check.py")))
    found = at_work.all_of("crontab", "drift")
    assert "still has the line of an installer's proof: run the installer again" in found["crontab"].evidence
    assert [str(one.state) for one in found.values()] == ["failed", "failed"]


def test_a_file_that_cron_ignores_for_its_mode_is_wrong(at_work: Ward) -> None:
    at_work.roots.system_file.chmod(0o664)
    found = at_work.ask("crontab").evidence
    assert f"can be written by others (mode 664): chmod 644 {at_work.roots.system_file}" in found


def test_a_file_with_a_second_name_is_ignored_by_cron_and_wrong(at_work: Ward) -> None:
    (at_work.host / "second").hardlink_to(at_work.roots.system_file)
    assert "a second name (a hard link): cron ignores it" in at_work.ask("crontab").evidence


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_that_is_not_roots_is_ignored_by_cron_and_wrong(at_work: Ward) -> None:
    os.chown(at_work.roots.system_file, 65534, 65534)
    assert "does not belong to root: cron ignores it" in at_work.ask("crontab").evidence


def test_lines_of_another_checkout_are_wrong(at_work: Ward) -> None:
    place = at_work.roots.system_file
    body = crontab_mark.find(place.read_text()).body  # type: ignore[union-attr]
    place.write_text(crontab_mark.sealed(body.replace(f'V6_ROOT="{at_work.root}"', 'V6_ROOT="/opt/old"')))
    assert "is another installation's: of /opt/old" in at_work.ask("crontab").evidence


def test_the_other_lines_of_a_users_crontab_count_one_bad_one_spoils_all(ward: Ward) -> None:
    patient = ward.patient()
    own = ward.roots.crontab_of(USER)
    own.write_text("30 2 * * * /usr/local/bin/backup\n" + installed.wanted(patient.config, ward.paths, ZONE, None))
    assert ward.ask("crontab").state == "ok"
    own.write_text(own.read_text() + "99 * * * * /usr/local/bin/broken\n")
    found = ward.ask("crontab")
    assert found.state == "failed"
    assert "'99' is out of range" in found.evidence


def test_lines_installed_twice_are_wrong(at_work: Ward) -> None:
    text = installed.wanted(at_work.patient().config, at_work.paths, ZONE, None)
    at_work.roots.crontab_of(USER).write_text(text)
    assert "installed twice" in at_work.ask("crontab").evidence


def test_who_may_have_no_crontab_of_their_own_is_well_with_the_systems(at_work: Ward) -> None:
    """`crontab -l` fails for whom /etc/cron.allow leaves out."""
    own = at_work.roots.crontab_of(USER)
    own.mkdir()  # cannot be read either
    assert {str(one.state) for one in at_work.all_of("crontab", "drift", "firing").values()} == {"ok"}
    at_work.roots.system_file.unlink()
    assert "what is installed cannot be read" in at_work.ask("crontab").evidence


def test_drift_names_the_first_line_that_differs(at_work: Ward) -> None:
    at_work.configure(scheduler={"tasks": {"queue_option_contracts": {"time": "07:55"}}})
    found = at_work.ask("drift")
    assert found.state == "failed"
    assert "queue_option_contracts" in found.evidence
    assert "install_scheduler.sh" in found.cure


def test_lines_that_were_commented_out_stay_out_and_are_named(at_work: Ward) -> None:
    place = at_work.roots.system_file
    lines = place.read_text().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if "scripts/validate_positions.py" in line)
    lines[at] = f"#{lines[at]}"
    place.write_text("".join(lines))
    found = at_work.ask("drift")
    assert (found.state, found.evidence) == (
        "ok",
        "as the configuration asks; commented out by hand: validate_positions",
    )


def test_l01_l25_lines_that_nothing_fires_are_found_however_well_they_look(ward: Ward) -> None:
    """Accepted, in step, the daemon runs: and nothing happens."""
    ward.install()
    with ward.journal() as db:
        run(db, "health_check", clock.now() - timedelta(hours=20))
    found = ward.ask("firing")
    assert found.state == "failed"
    assert found.evidence.startswith("0 of ")
    assert "none at all; never fired: " in found.evidence
    assert "journalctl -u cron" in found.cure


def test_l01_l25_a_first_installation_that_never_fired_is_found_without_any_journal(ward: Ward) -> None:
    """No run has ever been: that is the fault, and nothing else would say so."""
    ward.install()
    assert not ward.paths.journal.exists()
    found = ward.ask("firing")
    assert found.state == "failed"
    assert "none at all; never fired: " in found.evidence
    assert not ward.paths.journal.exists()
    os.utime(ward.roots.system_file)
    assert ward.ask("firing").state == "could_not_check"


def test_l01_l25_after_an_upgrade_that_no_run_has_followed_firing_is_judged_all_the_same(at_work: Ward) -> None:
    with closing(sqlite3.connect(at_work.paths.journal, isolation_level=None)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")
        assert at_work.ask("firing").state == "ok"
        assert "the next run brings it up to date" in at_work.ask("missed").evidence
        db.execute("DELETE FROM runs WHERE id > 1")
        assert at_work.ask("firing").state == "failed"


def test_one_line_that_does_not_fire_is_named(at_work: Ward) -> None:
    """health_check's: it is due at every hour of every day."""
    with at_work.journal() as db:
        db.execute("DELETE FROM runs WHERE task = 'health_check'")
    found = at_work.ask("firing")
    assert found.state == "failed"
    named = found.evidence.partition("never fired: ")[2]
    assert {word.split(" ")[0] for word in named.split(", ")} == {"health_check"}, found


def test_a_skip_in_the_gates_log_is_a_trace_too(at_work: Ward) -> None:
    with at_work.journal() as db:
        skipped = db.execute("SELECT task, slot FROM runs WHERE task = 'health_check'").fetchall()
        db.execute("DELETE FROM runs WHERE task = 'health_check'")
    log = at_work.home / "logs" / "scheduler" / "cron_wrapper.log"
    stamp = f"{clock.now() - timedelta(minutes=1):%Y-%m-%d %H:%M:%S %Z}"
    log.write_text("".join(f"{stamp}|{task}|{slot[:19]}Z|skip|restart_window|\n" for task, slot in skipped))
    assert at_work.ask("firing").state == "ok"


def test_what_was_installed_a_moment_ago_has_not_failed_to_fire(at_work: Ward) -> None:
    with at_work.journal() as db:
        db.execute("DELETE FROM runs WHERE id > 1")
    os.utime(at_work.roots.system_file)
    found = at_work.ask("firing")
    assert (found.state, "no slot was due" in found.evidence) == ("could_not_check", True)


def test_cron_does_not_follow_a_shifted_clock(at_work: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V6_CLOCK_OFFSET", "60")
    assert at_work.ask("firing").state == "could_not_check"


def test_the_zone_files_here_are_those_of_the_ward() -> None:
    assert (ZONES / ZONE).exists()
