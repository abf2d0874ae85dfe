"""Scripts, folders, owners and modes: each broken for real, each with the command that mends it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ward import USER, Ward

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away or mount")


def test_all_of_it_is_well(ward: Ward) -> None:
    found = ward.all_of("scripts", "permissions", "folders", "disk")
    assert [str(one.state) for one in found.values()] == ["ok"] * 4, found
    assert f"belongs to {USER}" in found["permissions"].evidence


def test_l02_a_script_of_the_schedule_that_is_gone_is_named(ward: Ward) -> None:
    (ward.root / "scripts" / "health_check.py").unlink()
    found = ward.ask("scripts")
    assert (found.state, found.evidence) == ("failed", f"{ward.root}/scripts/health_check.py does not exist")
    assert "git checkout" in found.cure


def test_scripts_that_cannot_be_executed_or_parsed_are_named(ward: Ward) -> None:
    scripts = ward.root / "scripts"
    (scripts / "cron_wrapper.sh").chmod(0o644)
    (scripts / "health_check.py").write_text("def main(:\n")
    found = ward.ask("scripts").evidence
    assert f"cron_wrapper.sh cannot be executed (mode 644): chmod 755 {scripts}/cron_wrapper.sh" in found
    assert "health_check.py: Python cannot parse it: " in found


def test_l03_a_gate_that_bash_cannot_parse_is_wrong(ward: Ward) -> None:
    wrapper = ward.root / "scripts" / "cron_wrapper.sh"
    wrapper.write_text(f"{wrapper.read_text()}\nif true; then\n")
    assert "bash cannot parse it: " in ward.ask("scripts").evidence


@pytest.mark.parametrize(
    ("place", "mode", "command"),
    [
        (".env", 0o644, "chmod 600 {home}/.env"),
        ("config/production.yaml", 0o640, "chmod 600 {home}/config/production.yaml"),
        ("var", 0o755, "chmod 700 {home}/var"),
    ],
)
def test_what_others_can_read_comes_with_its_command(ward: Ward, place: str, mode: int, command: str) -> None:
    (ward.home / place).chmod(mode)
    found = ward.ask("permissions")
    assert found.state == "failed"
    assert command.format(home=ward.home) in found.evidence
    subprocess.run(command.format(home=ward.home).split(), check=True)
    assert ward.ask("permissions").state == "ok"


def test_programs_that_others_can_change_are_named(ward: Ward) -> None:
    wrapper = ward.root / "scripts" / "cron_wrapper.sh"
    wrapper.chmod(0o777)
    assert f"can be changed by others (mode 777): chmod go-w {wrapper}" in ward.ask("permissions").evidence


@ROOT_ONLY
def test_a_file_of_another_user_deep_in_the_state_is_found(ward: Ward) -> None:
    lake = ward.home / "var" / "lake" / "option_snapshots" / "_delta_log"
    lake.mkdir(parents=True)
    (lake / "0.json").touch()
    os.chown(lake / "0.json", 65534, 65534)
    found = ward.ask("permissions")
    assert found.state == "failed"
    assert f"1 files are not {USER}'s, the first {lake}/0.json (nobody): sudo chown -R {USER}: " in found.evidence


@ROOT_ONLY
def test_state_of_another_user_is_looked_at_and_left_alone(at_work: Ward) -> None:
    for place in (at_work.home / "var", *(at_work.home / "var").rglob("*")):
        os.chown(place, 65534, 65534)
    found = at_work.all_of("permissions", "journal", "firing", "TWS")
    logs, config = at_work.home / "logs", at_work.home / "config" / "production.yaml"
    for place in (logs, *logs.rglob("*"), at_work.home / ".env", config):
        os.chown(place, 65534, 65534)
    asked = at_work.ask("permissions")
    assert (asked.state, asked.cure) == (
        "could_not_check",
        f"sudo -u nobody V6_HOME={at_work.home} .venv/bin/v6 doctor",
    ), asked
    assert "install.user" not in found["permissions"].evidence
    assert found["journal"].state == "ok"
    assert "only its owner can tell" in found["journal"].evidence
    assert found["TWS"].state == "could_not_check"
    assert "sudo -u nobody" in found["TWS"].evidence
    strangers = [path for path in (at_work.home / "var").rglob("*") if path.lstat().st_uid != 65534]
    assert strangers == []


def test_the_configured_user_is_held_against_the_owner(ward: Ward) -> None:
    ward.configure(install={"user": "v6trader"})
    assert f"install.user is v6trader, but {ward.home}/var belongs to {USER}" in ward.ask("permissions").evidence


def test_folders_that_are_gone_or_are_files_are_named_with_the_command(ward: Ward) -> None:
    shutil.rmtree(ward.home / "logs" / "cron")
    shutil.rmtree(ward.home / "logs" / "tasks")
    (ward.home / "logs" / "tasks").touch()
    found = ward.ask("folders")
    assert found.state == "failed"
    assert f"{ward.home}/logs/cron does not exist: mkdir -p {ward.home}/logs/cron" in found.evidence
    assert f"{ward.home}/logs/tasks is no folder" in found.evidence


@ROOT_ONLY
def test_only_what_v6_writes_has_to_be_writable(ward: Ward) -> None:
    """A checkout of root's with a user for the jobs, as the documentation wants it."""
    of_the_jobs = [ward.home / ".env", ward.home / "config" / "production.yaml"]
    for place in (ward.home / "var", ward.home / "logs"):
        of_the_jobs += [place, *place.rglob("*")]
    for place in of_the_jobs:
        os.chown(place, 65534, 65534)
    assert said_to_nobody(ward, "folders").startswith("ok ")
    assert said_to_nobody(ward, "permissions").startswith("ok ")
    assert said_to_nobody(ward, "metrics").startswith("ok ")
    (ward.home / "logs" / "tasks").chmod(0o555)
    assert f"{ward.home}/logs/tasks cannot be written (mode 555)" in said_to_nobody(ward, "folders")
    ward.configure(metrics={"textfile": f"{ward.home}/exported/v6.prom"})
    (ward.home / "exported").mkdir()
    assert f"{ward.home}/exported cannot be written by nobody" in said_to_nobody(ward, "metrics")


def test_metrics_that_no_exporter_can_reach_are_told(ward: Ward) -> None:
    """As delivered below var, which is said; elsewhere they are meant for somebody."""
    found = ward.ask("metrics")
    assert (found.state, found.cure) == ("ok", "")
    assert f"no other user comes through {ward.home}/var (mode 700)" in ward.ask("metrics").evidence
    folder = ward.home / "exported"
    folder.mkdir(mode=0o700)
    ward.configure(metrics={"textfile": str(folder / "v6.prom")})
    found = ward.ask("metrics")
    assert (found.state, f"no other user comes through {folder} (mode 700)" in found.evidence) == ("failed", True)
    assert "docs/metrics.md" in found.cure
    with reachable(folder):
        assert ward.ask("metrics").state == "ok"
        (folder / "v6.prom").touch(0o600)
        assert f"chmod 644 {folder}/v6.prom" in ward.ask("metrics").evidence
    ward.configure(metrics={"textfile": ""})
    assert ward.ask("metrics").evidence == "metrics.textfile is empty: none are written"


@contextmanager
def reachable(place: Path) -> Iterator[None]:
    """Every folder above can be entered by anybody meanwhile."""
    closed = {one: one.stat().st_mode & 0o7777 for one in (place, *place.parents) if not one.stat().st_mode & 0o001}
    for one, mode in closed.items():
        one.chmod(mode | 0o055)
    try:
        yield
    finally:
        for one, mode in closed.items():
            one.chmod(mode)


def said_to_nobody(ward: Ward, line: str) -> str:
    """The doctor's line, asked by the user nobody in a process of its own."""
    read, write = os.pipe()
    with reachable(ward.home):
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                one = ward.ask(line)
                os.write(write, f"{one.state} {one.evidence}".encode())
            finally:
                os._exit(0)
        os.close(write)
        os.waitpid(pid, 0)
    with open(read) as said:
        return said.read()


def test_the_configured_log_folder_is_the_one_that_is_looked_at(ward: Ward) -> None:
    elsewhere = ward.home / "elsewhere"
    ward.configure(scheduler={"log_directory": str(elsewhere)})
    assert str(elsewhere) in ward.ask("folders").evidence


@pytest.mark.integration
@ROOT_ONLY
def test_a_read_only_file_system_is_named(ward: Ward) -> None:
    """In a mount namespace of its own."""
    logs = ward.home / "logs"
    script = f'''
set -e
mount --bind "{logs}" "{logs}"
mount -o remount,bind,ro "{logs}"
exec "$@"
'''
    done = in_namespace(script, ward, "folders")
    assert f"{logs} is on a read-only file system" in done


@pytest.mark.integration
@ROOT_ONLY
def test_a_full_disk_is_wrong(ward: Ward) -> None:
    home = ward.home
    script = f'''
set -e
cp -a "{home}" "{home}.kept"
mount -t tmpfs -o size=4m none "{home}"
cp -a "{home}.kept/." "{home}/"
head -c 8m /dev/zero >"{home}/var/filled" 2>/dev/null || true
exec "$@"
'''
    assert f"0 % free at {home}, at least 5 %" in in_namespace(script, ward, "disk")


def in_namespace(script: str, ward: Ward, line: str) -> str:
    """The doctor's line, asked after the script has mounted what it likes."""
    import sys

    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespaces here")
    ask = (
        "import os, sys; from pathlib import Path; from v6.paths import Paths; from v6.doctor.patient import Patient; "
        "from v6.doctor.examine import examine; "
        f"[one] = examine(Patient(Paths(Path({str(ward.root)!r}), Path({str(ward.home)!r})), {{}}), [{line!r}]); "
        "print(one.state, one.evidence)"
    )
    command = ["unshare", "-m", "bash", "-c", script, "bash", sys.executable, "-c", ask]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("failed "), done.stdout
    return done.stdout


@pytest.mark.integration
@ROOT_ONLY
def test_a_file_system_without_inodes_is_wrong_however_much_room_is_left(ward: Ward) -> None:
    home = ward.home
    script = f'''
set -e
cp -a "{home}" "{home}.kept"
mount -t tmpfs -o size=400m,nr_inodes=$(($(find "{home}" | wc -l) + 2)) none "{home}"
cp -a "{home}.kept/." "{home}/"
exec "$@"
'''
    assert f"% of the inodes are free at {home}, at least 5 %" in in_namespace(script, ward, "disk")
