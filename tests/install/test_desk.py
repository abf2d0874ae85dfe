"""What the installer refuses, keeps and repeats. Cron's own parser looks at every file; the folders are the test's."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from v6.cron.installed import installed
from v6.install import files
from v6.scheduler import crontab_mark

from .conftest import Desk, configure, toy

pytestmark = pytest.mark.integration


def test_l01_an_installed_file_is_whole_and_as_cron_wants_it(desk: Desk) -> None:
    assert desk("--no-wait") == 0
    text, stat = desk.file.read_text(), desk.file.stat()
    marked = crontab_mark.find(text)
    assert marked is not None
    assert marked.intact
    assert (stat.st_uid, stat.st_gid, stat.st_mode & 0o7777) == (0, 0, 0o644)
    assert [path.name for path in desk.roots.cron_d.iterdir()] == ["v6-trading"]
    assert "proof" not in text
    assert sum("toy.py --do succeed" in line for line in desk.entries()) > 0
    assert all(" root " in line for line in desk.entries())


def test_a_second_run_changes_nothing(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk("--no-wait")
    before = desk.snapshot()
    capsys.readouterr()
    assert desk("--no-wait") == 0
    assert "nothing to change" in capsys.readouterr().out
    assert desk.snapshot() == before


@pytest.mark.parametrize("option", ["--check", "--dry-run"])
def test_looking_changes_nothing(desk: Desk, capsys: pytest.CaptureFixture[str], option: str) -> None:
    before = desk.snapshot()
    assert desk(option, "--no-wait") == 0
    said = capsys.readouterr().out
    assert "would change: " in said
    assert ("+# V6 installation" in said) == (option == "--dry-run")
    assert desk.snapshot() == before


@pytest.mark.parametrize("option", ["--check", "--dry-run"])
def test_looking_says_what_installing_would_say(desk: Desk, capsys: pytest.CaptureFixture[str], option: str) -> None:
    assert desk(option) == 2  # no cron runs under these roots
    assert "could NOT be installed: cron does not run" in capsys.readouterr().out
    desk.file.write_text("*/5 * * * * root /opt/old/run.sh\n")
    assert desk(option, "--no-wait") == 2
    assert "could NOT be installed: something is in the way" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"scheduler": {"tasks": {"toy": toy(time="25:00")}}}, "scheduler.tasks.toy.time"),
        ({"scheduler": {"tasks": {"toy": toy(script="scripts/gone.py")}}}, "scripts/gone.py does not exist"),
        ({"scheduler": {"no_such_key": 1}}, "no_such_key"),
    ],
    ids=["l01 a time that is none", "l02 a script that is none", "a key that is none"],
)
def test_a_refused_configuration_leaves_the_installed_file_alone(
    desk: Desk, capsys: pytest.CaptureFixture[str], setting: dict[str, object], words: str
) -> None:
    desk("--no-wait")
    before = desk.file.read_bytes(), desk.file.stat().st_ino
    configure(desk.paths.home, "root", **setting)
    assert desk("--no-wait") == 2
    assert words in capsys.readouterr().err
    assert (desk.file.read_bytes(), desk.file.stat().st_ino) == before


@pytest.mark.parametrize("broken", ["scripts/toy.py", "src/v6/jobs/toy.py", "scripts/cron_wrapper.sh"])
def test_l02_a_script_that_cannot_run_is_not_scheduled(
    desk: Desk, linked_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    root = tmp_path / "broken"
    shutil.copytree(linked_root, root, symlinks=True)
    (root / broken).write_text("def (:\n")
    desk.paths = type(desk.paths)(root, desk.paths.home)
    assert desk("--no-wait") == 2
    assert broken in capsys.readouterr().err
    assert not desk.file.exists()


def test_a_user_that_does_not_exist_is_refused_until_asked_for(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    configure(desk.paths.home, "v6nobody")
    assert desk("--no-wait") == 2
    assert "--create-user" in capsys.readouterr().err
    assert desk("--check", "--create-user", "--no-wait") == 0
    assert "v6nobody (to be created)" in capsys.readouterr().out
    assert not desk.file.exists()


def test_jobs_never_run_as_root_unless_that_is_written_down(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    configure(desk.paths.home, "")
    assert desk("--no-wait") == 2
    assert "install: {user: v6}" in capsys.readouterr().err


def test_an_unnamed_zone_of_the_daemon_is_refused(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    (desk.roots.etc / "default").mkdir()
    (desk.roots.etc / "default" / "cron").write_text("TZ=Asia/Nowhere\n")
    assert desk("--no-wait") == 2
    assert "'Asia/Nowhere'" in capsys.readouterr().err


def test_l07_the_lines_follow_the_daemons_zone_not_the_hosts(desk: Desk) -> None:
    (desk.roots.etc / "default").mkdir()
    (desk.roots.etc / "default" / "cron").write_text('# EXTRA_OPTS=""\nexport TZ="America/New_York"  # as TWS has it\n')
    assert desk("--no-wait") == 0
    assert [line[:5] for line in desk.entries() if "succeed" in line] == ["35 9 "]


def test_modes_are_set(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    home = desk.paths.home
    (home / ".env").write_text("# nothing yet\n")
    for place, mode in ((home / ".env", 0o644), (home / "var", 0o755), (desk.paths.scripts / "toy.py", 0o644)):
        place.chmod(mode)
    assert desk("--no-wait") == 0
    modes = {
        place.name: place.stat().st_mode & 0o7777
        for place in (home / ".env", home / "var", desk.paths.production_config, *desk.paths.scripts.glob("*"))
    }
    assert modes == {
        ".env": 0o600, "var": 0o700, "production.yaml": 0o600, "toy.py": 0o755, "cron_wrapper.sh": 0o755
    }  # fmt: skip
    said = capsys.readouterr().out
    assert f"mode 600 for {home}/.env" in said
    assert "others can read it" not in said  # it is mended in the same breath


def test_lines_commented_out_by_hand_stay_out_and_are_named(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk("--no-wait")
    lines = desk.file.read_text().splitlines(keepends=True)
    edited = "".join(f"# {line}" if "--do fatal" in line else line for line in lines)
    desk.file.write_text(edited)
    capsys.readouterr()
    assert desk("--no-wait") == 0
    said = capsys.readouterr().out
    assert "commented out by hand, stays out: toy_fatal" in said
    assert not any("--do fatal" in line for line in desk.entries())
    assert any("--do succeed" in line for line in desk.entries())
    found = installed(True, desk.roots)
    assert found is not None
    assert (found.intact, found.disabled) == (True, ("toy_fatal",))
    # and when its time has changed meanwhile
    configure(desk.paths.home, "root", scheduler={"tasks": {"toy_fatal": {"time": "17:45"}}})
    before = desk.file.read_text()
    assert desk("--no-wait") == 0
    assert desk.file.read_text() != before
    assert not any("--do fatal" in line for line in desk.entries())


def test_a_line_that_was_removed_or_changed_by_hand_comes_back(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk("--no-wait")
    whole = desk.file.read_text()
    kept = [line for line in whole.splitlines(keepends=True) if "--do skip" not in line]
    desk.file.write_text("".join(kept).replace("35 ", "36 ", 1))
    assert desk("--status") == 1
    assert "was edited by hand" in capsys.readouterr().out
    assert desk("--no-wait") == 0
    assert desk.file.read_text() == whole
    assert "edited by hand" in capsys.readouterr().out


def test_the_last_good_file_is_kept_outside_of_cron_d(desk: Desk) -> None:
    desk("--no-wait")
    first = desk.file.read_text()
    configure(desk.paths.home, "root", scheduler={"tasks": {"toy": {"time": "10:35"}}})
    assert desk("--no-wait") == 0
    assert desk.file.read_text() != first
    assert (desk.roots.kept / "last_good").read_text() == first


@pytest.mark.parametrize(
    "foreign", ["*/5 * * * * root /opt/old/run.sh\n", "# V6 on a host in UTC.\nSHELL=/bin/sh\n", "not a crontab"]
)
def test_a_file_that_is_not_ours_is_replaced_only_when_asked(
    desk: Desk, capsys: pytest.CaptureFixture[str], foreign: str
) -> None:
    desk.file.write_text(foreign)
    assert desk("--no-wait") == 2
    assert "--take-over" in capsys.readouterr().err
    assert desk.file.read_text() == foreign
    assert desk("--uninstall") == 2
    assert desk.file.read_text() == foreign
    assert desk("--no-wait", "--take-over") == 0
    assert crontab_mark.find(desk.file.read_text()) is not None
    copies = list(desk.roots.kept.glob("replaced-*-v6-trading"))
    assert [copy.read_text() for copy in copies] == [foreign]


def test_another_installation_is_not_replaced_unasked(
    desk: Desk, linked_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk("--no-wait")
    other = tmp_path / "other"
    shutil.copytree(linked_root, other, symlinks=True)
    desk.paths = type(desk.paths)(other, desk.paths.home)
    assert desk("--no-wait") == 2
    assert "another installation" in capsys.readouterr().err
    assert desk("--status") == 1
    said = capsys.readouterr().out
    assert f"in step:   no: of another installation ({linked_root}, state in {desk.paths.home})" in said
    assert "edited by hand" not in said
    assert desk("--uninstall") == 2
    said = capsys.readouterr().err
    assert f"V6_HOME={desk.paths.home} '{linked_root}/install_scheduler.sh' --uninstall" in said  # it has a space
    desk.paths = type(desk.paths)(linked_root, tmp_path)
    assert desk("--uninstall") == 2
    assert f"state in {desk.roots.etc.parent.parent / 'site'}" in capsys.readouterr().err
    desk.file.write_text(desk.file.read_text().replace(str(linked_root), "/opt/gone"))
    assert desk("--uninstall") == 2
    assert "it is gone: remove its lines by hand" in capsys.readouterr().err
    assert desk.file.exists()


def test_a_link_in_the_place_of_the_file_is_not_followed(desk: Desk, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("precious\n")
    desk.file.symlink_to(elsewhere)
    assert desk("--no-wait") == 2
    assert desk("--no-wait", "--take-over") == 0
    assert not desk.file.is_symlink()
    assert elsewhere.read_text() == "precious\n"


def test_a_file_that_cron_would_ignore_is_mended(desk: Desk) -> None:
    desk("--no-wait")
    desk.file.chmod(0o664)
    assert desk("--no-wait") == 0
    assert desk.file.stat().st_mode & 0o7777 == 0o644


def test_what_a_killed_installer_leaves_is_cleaned_up(desk: Desk) -> None:
    desk("--no-wait")
    leftover = desk.roots.cron_d / ".v6-trading.new"
    leftover.write_text("half of a fi")
    assert desk("--no-wait") == 0
    assert not leftover.exists()


@pytest.mark.skipif(shutil.which("logrotate", path="/usr/sbin:/usr/bin") is None, reason="logrotate is not installed")
def test_logrotate_gets_a_file_that_it_takes(desk: Desk) -> None:
    """It is shown to logrotate itself before it is installed; a name for each log, none for what was rotated."""
    assert desk("--no-wait") == 0
    text = (desk.roots.etc / "logrotate.d" / "v6-trading").read_text()
    logs = desk.paths.home / "logs"
    assert f'"{logs}/cron/toy.log"' in text
    assert f'"{logs}/scheduler/cron_wrapper.log"' in text
    assert "*" not in text
    (logs / "cron" / "toy.log").write_text("said\n")
    for _ in "12":  # what it has rotated is not rotated again
        file, state = desk.roots.etc / "logrotate.d" / "v6-trading", desk.roots.kept.parent / "state"
        done = subprocess.run(["/usr/sbin/logrotate", "-f", "-s", state, file], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    rotated = [path.name for path in (logs / "cron").iterdir()]
    assert re.fullmatch(r"toy\.\d{4}-\d{2}-\d{2}\.log", *rotated)
    assert desk("--uninstall") == 0
    assert not file.exists()


def test_uninstall_leaves_nothing(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk("--no-wait")
    assert desk("--uninstall", "--dry-run") == 0
    assert desk.file.exists()
    assert desk("--uninstall") == 0
    assert list(desk.roots.cron_d.iterdir()) == []
    assert not desk.roots.kept.exists()
    capsys.readouterr()
    assert desk("--uninstall") == 0
    assert "nothing of V6 is there" in capsys.readouterr().out
    assert desk("--uninstall", "--dry-run") == 0
    assert "nothing of V6 is there" in capsys.readouterr().out
    assert desk("--status") == 1


def test_a_proof_counts_for_the_text_that_fired_alone(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk("--no-wait")
    fired = hashlib.sha256(desk.file.read_bytes()).hexdigest()
    (desk.roots.kept).mkdir(exist_ok=True)
    (desk.roots.kept / "proven.txt").write_text(f"{fired} 2026-11-20 14:00:00 UTC\n")
    assert desk("--status") == 0
    assert "proven:    2026-11-20 14:00:00 UTC" in capsys.readouterr().out
    configure(desk.paths.home, "root", scheduler={"tasks": {"toy": {"time": "10:35"}}})
    desk("--no-wait")
    capsys.readouterr()
    assert desk("--status") == 0
    assert "proven:    not yet" in capsys.readouterr().out
    configure(desk.paths.home, "root")  # and back: these lines did fire once, in another installation
    desk("--no-wait")
    assert hashlib.sha256(desk.file.read_bytes()).hexdigest() == fired
    capsys.readouterr()
    assert desk("--status") == 0
    assert "proven:    not yet" in capsys.readouterr().out


def test_a_host_without_cron_d_is_told_before_anything_changes(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.roots.cron_d.rmdir()
    before = desk.snapshot()
    assert desk("--no-wait") == 2
    assert "cron.d does not exist" in capsys.readouterr().err
    assert desk.snapshot() == before
    desk.file.parent.mkdir()
    desk.file.mkdir()
    assert desk("--no-wait") == 2
    assert "v6-trading is a folder" in capsys.readouterr().err


def test_a_second_installer_waits_for_nobody_and_removes_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk("--no-wait")
    with files.alone(desk.roots.etc):
        for words in (["--no-wait"], ["--uninstall"]):
            assert desk(*words) == 2
            assert "another installer is at work" in capsys.readouterr().err
    assert desk.file.exists()


def test_without_cron_nothing_is_installed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk() == 2  # none runs under these roots
    assert "cron does not run" in capsys.readouterr().err
    monkeypatch.setattr("v6.cron.programs.PATH", "/nonexistent")
    assert desk("--no-wait") == 2
    assert "apt-get install cron" in capsys.readouterr().err
    assert not desk.file.exists()


def test_a_configuration_from_elsewhere_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("V6_CONFIG", "/tmp/mine.yaml")
    assert desk("--no-wait") == 2
    said = capsys.readouterr().err
    assert f"put what it says into {desk.paths.home}/config/production.yaml, then unset V6_CONFIG" in said


def test_an_own_crontab_beside_the_hosts_is_refused_with_whose_that_is(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk("--no-wait")
    capsys.readouterr()
    assert desk("--user", "--no-wait") == 2
    said = capsys.readouterr().err
    assert f"of {desk.paths.root}, whose jobs run as root" in said
    assert f"sudo '{desk.paths.root}/install_scheduler.sh' --uninstall" in said
    assert "Without root" in said


def test_status_points_to_the_own_crontab(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk("--no-wait")
    own = re.sub(r"(?m)^([0-9*@].*?) root ", r"\1 ", desk.file.read_text())
    marked = crontab_mark.find(own)
    assert marked is not None
    desk.roots.crontab_of("root").write_text(crontab_mark.sealed(marked.body))
    desk.file.unlink()
    capsys.readouterr()
    assert desk("--status") == 1
    assert "V6 is in the crontab of root: ./install_scheduler.sh --status --user" in capsys.readouterr().out


def test_the_installers_own_environment_changes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cron's runs do not see it."""
    desk("--no-wait")
    before = desk.file.read_text()
    monkeypatch.setenv("SCHEDULER_TOY_ENABLED", "false")
    assert desk("--no-wait") == 0
    assert desk.file.read_text() == before


POINTS = [
    "install: modes",
    "put v6-trading: written",  # logrotate's, the first of that name
    "put last_good: written",
    "put last_good: renamed",
]


@pytest.mark.parametrize("point", POINTS)
def test_l01_killed_at_any_moment_the_file_is_whole_and_the_next_run_ends_the_work(desk: Desk, point: str) -> None:
    desk("--no-wait")
    (desk.roots.etc / "logrotate.d" / "v6-trading").unlink(missing_ok=True)
    before = desk.file.read_text()
    configure(desk.paths.home, "root", scheduler={"tasks": {"toy": {"time": "10:35"}}})
    assert desk.killed_at(point, "--no-wait") == -signal.SIGKILL
    assert desk.file.read_text() == before
    assert desk("--no-wait") == 0
    assert desk.file.read_text() != before
    assert [path.name for path in desk.roots.cron_d.iterdir()] == ["v6-trading"]
    assert not list(desk.roots.kept.glob(".*"))


def test_l01_a_first_installation_killed_before_its_end_leaves_nothing_that_cron_reads(desk: Desk) -> None:
    shutil.rmtree(desk.roots.etc / "logrotate.d")
    assert desk.killed_at("put v6-trading: written", "--no-wait") == -signal.SIGKILL
    assert [path.name[0] for path in desk.roots.cron_d.iterdir()] == ["."]
    assert desk("--no-wait") == 0
    assert [path.name for path in desk.roots.cron_d.iterdir()] == ["v6-trading"]


def test_state_of_somebody_else_changes_hands_only_when_asked(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    kept, linked = desk.paths.var / "v6.db", desk.paths.var / "linked"
    outside = desk.roots.etc / "outside"
    kept.touch()
    outside.touch()
    linked.hardlink_to(outside)
    for path in (desk.paths.var, kept, outside):
        os.chown(path, 54321, 54321)
    assert desk("--no-wait") == 2
    assert "--take-over gives it to root" in capsys.readouterr().err
    assert desk("--no-wait", "--take-over") == 0
    assert (desk.paths.var.stat().st_uid, kept.stat().st_uid) == (0, 0)
    assert outside.stat().st_uid == 54321  # what a hard link leads to may be anybody's


def test_l33_a_link_in_the_place_of_var_leads_root_nowhere(desk: Desk, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "install").mkdir(parents=True)
    elsewhere.chmod(0o755)
    desk.paths.var.rmdir()
    desk.paths.var.symlink_to(elsewhere)
    assert desk("--no-wait") == 0
    assert elsewhere.stat().st_mode & 0o7777 == 0o755
