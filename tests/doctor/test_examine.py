"""The doctor never crashes: whatever is broken, every line is answered, by `v6 doctor` and where `v6` cannot start."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pages import page
from typer.testing import CliRunner
from ward import Ward

from v6.cli import app
from v6.doctor import examine as examination
from v6.doctor import patience, report
from v6.doctor.lines import TABLE
from v6.doctor.patient import Patient
from v6.journal import deliveries
from v6.paths import ROOT
from v6.simulator.testing import simulated_tws

CHEAP = [name for name in TABLE if name not in ("interpreter", "libraries", "self-test", "TWS library")]
"""What does not start another interpreter."""


def test_every_line_has_its_check_and_its_words() -> None:
    assert list(examination.CHECKS) == list(TABLE)
    assert [name for name, line in TABLE.items() if not (line.holds and line.cure)] == []


def nothing_at_all(ward: Ward) -> None:
    shutil.rmtree(ward.home)


def home_is_a_file(ward: Ward) -> None:
    shutil.rmtree(ward.home)
    ward.home.touch()


def every_file_is_rubbish(ward: Ward) -> None:
    """Of each file of state and configuration, with a seed that the failure shows."""
    dice = random.Random(7)
    for path in sorted(ward.home.rglob("*")):
        if path.is_file():
            path.write_bytes(dice.randbytes(dice.choice([0, 1, 50, 5000])))


def every_file_is_a_folder(ward: Ward) -> None:
    for path in sorted(ward.home.rglob("*")):
        if path.is_file():
            path.unlink()
            path.mkdir()


def every_folder_is_a_file(ward: Ward) -> None:
    for path in sorted(ward.home.iterdir()):
        if path.is_dir():
            shutil.rmtree(path)
            path.touch()


def links_to_nowhere(ward: Ward) -> None:
    for path in sorted(ward.home.rglob("*")):
        if path.is_file():
            path.unlink()
            path.symlink_to(path)


def no_host(ward: Ward) -> None:
    shutil.rmtree(ward.host)


def host_of_rubbish(ward: Ward) -> None:
    for path in (ward.roots.etc / "timezone", ward.roots.system_file, ward.roots.proc / "version"):
        path.write_bytes(b"\xff\x00\xfe" * 99)


def no_checkout(ward: Ward) -> None:
    shutil.rmtree(ward.root)


BROKEN: list[Callable[[Ward], None]] = [
    nothing_at_all,
    home_is_a_file,
    every_file_is_rubbish,
    every_file_is_a_folder,
    every_folder_is_a_file,
    links_to_nowhere,
    no_host,
    host_of_rubbish,
    no_checkout,
]


@pytest.mark.parametrize("breaks", BROKEN, ids=[one.__name__ for one in BROKEN])
def test_every_line_is_answered_whatever_is_broken(at_work: Ward, breaks: Callable[[Ward], None]) -> None:
    breaks(at_work)
    found = at_work.all_of(*CHEAP, quick=True)
    assert list(found) == CHEAP
    assert [one for one in found.values() if not one.evidence or "\n" in one.evidence] == []
    assert [one for one in found.values() if one.state == "failed" and not one.cure] == []
    assert report.exit_code(found.values()) == 1
    assert report.summary(list(found.values())).endswith("docs/operations.md explains every line)")


def test_l30_what_no_check_expected_is_neither_well_nor_wrong(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    def crashes(patient: Patient) -> None:
        raise RecursionError("nobody has thought of it")

    monkeypatch.setattr("v6.doctor.host.tzdata", crashes)
    monkeypatch.setitem(examination.CHECKS, "disk", ("no_such_module", "disk"))
    found = ward.all_of("disk", "tzdata", "host zone")
    assert [str(one.state) for one in found.values()] == ["could_not_check", "could_not_check", "ok"]
    assert found["tzdata"].evidence == "RecursionError: nobody has thought of it"
    assert found["disk"].evidence.startswith("ModuleNotFoundError: ")


def test_what_never_answers_costs_its_own_lines_only(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening a pipe that nobody writes to waits for ever, as a file server that is gone does."""
    (ward.home / ".env").unlink()
    os.mkfifo(ward.home / ".env")
    monkeypatch.setattr(patience, "LINE_SECONDS", 1.5)
    found = ward.all_of("configuration", "alerts", "host zone")
    assert [str(one.state) for one in found.values()] == ["could_not_check", "could_not_check", "ok"]
    assert found["configuration"].evidence == "no answer within 1.5 s"


@pytest.mark.integration
def test_the_whole_examination_changes_nothing(at_work: Ward) -> None:
    def tree() -> dict[str, tuple[int, int, bytes]]:
        return {
            str(path.relative_to(at_work.home)): (path.stat().st_mode, path.stat().st_ino, path.read_bytes())
            for path in at_work.home.rglob("*")
            if path.is_file() and not path.name.endswith(("-shm", "-wal"))  # SQLite's own
        }

    before = tree()
    found = at_work.all(quick=True)
    assert list(found) == list(TABLE)
    assert tree() == before


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of apprise's own imports
@pytest.mark.skipif(os.geteuid() != 0, reason="cron ignores files that are not root's")
def test_a_host_on_which_everything_holds_is_exit_0(at_work: Ward) -> None:
    """Whether its clock is synchronised is the machine's: a container's is that of the host around it."""
    (at_work.host / ".dockerenv").touch()
    url = "json://127.0.0.1:9/"
    (at_work.home / ".env").write_text(f'V6_ALERT_URLS="{url}"\nV6_HEARTBEAT_URL="http://127.0.0.1:9/"\n')
    with at_work.journal() as db:
        deliveries.record(db, deliveries.ALERT, "V6: a test", alerts=1)
        deliveries.record(db, deliveries.HEARTBEAT, "health_check success")
    with simulated_tws(fast=True, start_at=None) as tws:
        at_work.configure(ibkr={"port": tws.port})
        at_work.compile()
        found = at_work.all()
    assert {one.line for one in found.values() if one.state != "ok"} <= {"clock"}, found
    assert report.exit_code(found.values()) == 0


# the command


def test_the_command_says_marks_evidence_and_cures_and_ends_with_1(home: Path) -> None:
    said = CliRunner().invoke(app, ["doctor", "--quick"], catch_exceptions=False)
    assert said.exit_code == 1
    lines = said.stdout.splitlines()
    [crontab] = [number for number, line in enumerate(lines) if line.startswith("! schedule ")]
    assert "nothing was ever compiled here" in lines[crontab]
    assert lines[crontab + 1].strip().startswith("to do: `v6 schedule check`")
    assert lines[-1].count("ok, ") == 1
    assert not (home / "var").exists(), "a question makes no state"


def test_the_json_has_every_line_with_its_state_and_cure(home: Path) -> None:
    said = CliRunner().invoke(app, ["doctor", "--quick", "--json"], catch_exceptions=False)
    told = json.loads(said.stdout)
    assert (said.exit_code, told["well"]) == (1, False)
    assert [line["name"] for line in told["lines"]] == list(TABLE)
    assert {line["state"] for line in told["lines"]} <= {"ok", "failed", "could_not_check"}
    assert [line for line in told["lines"] if line["state"] == "failed" and not line["cure"]] == []


def test_a_word_it_does_not_know_is_refused(home: Path) -> None:
    assert CliRunner().invoke(app, ["doctor", "--fast"]).exit_code == 2


def test_well_is_exit_0_and_what_could_not_be_checked_is_no_failure() -> None:
    from v6.analysis.findings import State

    one, other = (examination.Examined("disk", state, "words", "") for state in (State.OK, State.COULD_NOT_CHECK))
    assert report.exit_code([one, other]) == 0
    assert report.exit_code([one, examination.Examined("disk", State.FAILED, "words", "cure")]) == 1
    assert report.line(one) == f"  {'disk':<{report.WIDTH}}words"


@pytest.mark.integration
def test_without_any_library_the_module_still_answers(home: Path) -> None:
    """As `python3 -m v6.doctor` where the environment is gone: -S and -I leave the standard library only."""
    main = "from v6.doctor.__main__ import main; sys.exit(main(['--quick']))"
    code = f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); {main}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        env={"PATH": os.environ["PATH"], "V6_HOME": str(home), "V6_PYTHON": "/nonexistent/python"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")
    shown = done.stdout.splitlines()
    assert [name for name in TABLE if not any(line[2:].startswith(f"{name}  ") for line in shown)] == []
    assert "! interpreter    /nonexistent/python: no interpreter that can be executed" in shown
    assert any(line.startswith("? configuration") and "No module named" in line for line in shown)
    states = {line[2 : 2 + report.WIDTH].strip(): line[0] for line in shown if line[2] != " "}
    able = ("schedule", "calendar", "scripts", "permissions", "folders", "host zone", "tzdata", "clock", "journal")
    said = done.stdout
    assert {
        name: states[name] for name in able if "No module named" in said.partition(f" {name}  ")[2].partition("\n")[0]
    } == {}


# the page


@pytest.mark.parametrize("name", sorted(TABLE))
def test_the_page_has_every_line_with_what_must_hold_and_its_cure(name: str) -> None:
    """`make wire` writes them."""
    chapter = page("operations.md").partition("<!-- doctor:")[2].partition("<!-- end of doctor -->")[0]
    [row] = [line for line in chapter.splitlines() if line.startswith(f"| {name} | ")]
    assert row == f"| {name} | {TABLE[name].holds} | {TABLE[name].cure} |"
