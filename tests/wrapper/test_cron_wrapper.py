"""The gate as cron calls it: the whole process, in cron's environment, from a path with a space."""

import os
import random
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import toy_checkout
from toy_checkout import ToyCheckout, wait_until
from v6 import clock
from v6.clock import NEW_YORK
from v6.journal import events
from v6.paths import Paths
from v6.scheduler import compiled
from v6.scheduler.compile import compile_all
from v6.scheduler.due import decide
from v6.scheduler.nyse_calendar import NYSECalendar

pytestmark = pytest.mark.integration

COLLECT = "scripts/collect_option_snapshots.py"
HEALTH = "scripts/health_check.py"


def at(text: str) -> dict[str, str]:
    """The environment in which the clock reads that New York time."""
    wanted = datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp() + 1
    real = datetime.now(tz=NEW_YORK).timestamp()
    return {"V6_CLOCK_OFFSET": f"{wanted - real:.3f}"}


def stub_jobs(site: ToyCheckout) -> None:
    """A supervisor's interpreter that only says what it was asked to run."""
    stub = site.home / "python"
    stub.write_text('#!/bin/bash\nprintf "%s\\n" "$*" "slot ${V6_SLOT-none}" "TZ ${TZ-none}" "LC_ALL ${LC_ALL-none}"\n')
    stub.chmod(0o755)


@pytest.fixture
def stubbed(site: ToyCheckout) -> ToyCheckout:
    stub_jobs(site)
    return site


def gate(site: ToyCheckout, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return site.gate(*arguments, **{"V6_PYTHON": str(site.home / "python"), **environ})


def skips(site: ToyCheckout) -> list[list[str]]:
    return [line.split("|") for line in site.log.read_text().splitlines()] if site.log.exists() else []


def test_a_skip_says_nothing_and_logs_its_reason(site: ToyCheckout) -> None:
    done = site.gate("--slot", COLLECT, **at("2026-11-27 13:05"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (line,) = skips(site)
    assert line[1:] == [
        "collect_option_snapshots",
        "2026-11-27T18:05:00Z",
        "skip",
        "phase",
        "post_market, wants market_open",
    ]
    assert line[0].startswith("2026-11-27 13:05:0")
    assert line[0].endswith(" EST")


def test_a_skip_starts_no_other_program(site: ToyCheckout, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-e", "trace=execve,fork,vfork,clone,clone3", "-o", str(trace)]
    assert shutil.which("strace"), "strace is needed: dev/setup.sh --for-tests"
    environ = site.environ(**at("2026-11-26 10:00"))
    subprocess.run([*command, str(site.wrapper), "--slot", COLLECT], env=environ, check=True)
    assert len(trace.read_text().splitlines()) == 1  # bash itself


@pytest.mark.parametrize(
    ("script", "when", "answer"),
    [
        (COLLECT, "2026-11-25 10:35", "run"),
        (COLLECT, "2026-11-25 10:39", "run"),
        (COLLECT, "2026-11-26 10:35", "skip holiday"),
        (COLLECT, "2026-04-03 10:35", "skip holiday"),
        (COLLECT, "2026-04-10 10:35", "run"),
        (COLLECT, "2026-11-28 10:35", "skip weekend"),
        (COLLECT, "2026-11-25 09:25", "skip phase"),
        (COLLECT, "2026-11-25 16:00", "skip phase"),
        (HEALTH, "2026-11-28 10:35", "skip not_slot"),
        (HEALTH, "2026-11-28 10:30", "run"),
        ("scripts/queue_option_contracts.py", "2026-11-25 09:00", "skip not_slot"),
        ("scripts/validate_positions.py", "2026-11-29 12:00", "skip restart_window"),
        ("scripts/cleanup_old_data.py", "2026-11-29 08:02", "run"),
        ("scripts/load_historical_data.py", "2026-11-28 10:00", "run"),
    ],
)
def test_explain_ends_with_the_answer(site: ToyCheckout, script: str, when: str, answer: str) -> None:
    done = site.gate("--slot", "--explain", script, **at(when))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, answer)


def test_explain_runs_claims_and_logs_nothing(stubbed: ToyCheckout) -> None:
    for _ in range(2):
        assert gate(stubbed, "--explain", "--slot", COLLECT, **at("2026-11-25 10:35")).stdout == "run\n"
    assert not stubbed.log.exists()
    assert not list((stubbed.home / "var" / "slots" / "collect_option_snapshots").iterdir())


def test_l08_a_slot_runs_once_however_often_cron_fires(stubbed: ToyCheckout) -> None:
    first = gate(stubbed, "--slot", COLLECT, **at("2026-11-25 10:35"))
    slot = int(datetime(2026, 11, 25, 10, 35, tzinfo=NEW_YORK).timestamp())
    assert first.stdout.splitlines()[:2] == ["-S -m v6.runner.supervise collect_option_snapshots", f"slot {slot}"]
    again = gate(stubbed, "--slot", COLLECT, **at("2026-11-25 10:37"))
    assert (again.returncode, again.stdout) == (0, "")
    assert skips(stubbed)[-1][4] == "slot_taken"
    explained = gate(stubbed, "--slot", "--explain", COLLECT, **at("2026-11-25 10:38"))
    assert explained.stdout.splitlines()[-1] == "skip slot_taken"


def test_ten_starts_in_the_same_minute_run_once(stubbed: ToyCheckout) -> None:
    environ = stubbed.environ(V6_PYTHON=str(stubbed.home / "python"), **at("2026-11-25 10:40"))
    command = [str(stubbed.wrapper), "--slot", COLLECT]
    all_ten = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(10)]
    assert sum("supervise" in process.communicate(timeout=30)[0] for process in all_ten) == 1


def test_by_hand_a_disabled_task_runs_and_says_so(stubbed: ToyCheckout) -> None:
    environ = {"SCHEDULER_HEALTH_CHECK_ENABLED": "false", **at("2026-11-25 10:31")}
    assert gate(stubbed, "--slot", "--explain", HEALTH, **environ).stdout.splitlines()[-1] == "skip disabled"
    done = gate(stubbed, HEALTH, **environ)
    assert "slot none" in done.stdout
    assert "health_check is disabled" in done.stderr


def test_by_hand_holidays_and_phase_still_apply(stubbed: ToyCheckout) -> None:
    assert gate(stubbed, "--explain", COLLECT, **at("2026-11-26 10:31")).stdout.endswith("skip holiday\n")
    assert gate(stubbed, "--explain", COLLECT, **at("2026-11-25 18:31")).stdout.endswith("skip phase\n")
    assert gate(stubbed, "--explain", COLLECT, **at("2026-11-25 10:31")).stdout == "run\n"


@pytest.mark.parametrize("name", ["FORCE_RUN", "SCHEDULER_FORCE_RUN"])
def test_force_passes_holiday_and_phase_but_never_the_slot_check(stubbed: ToyCheckout, name: str) -> None:
    force = {name: "true"}
    assert gate(stubbed, "--explain", COLLECT, **force, **at("2026-11-26 18:31")).stdout == "run\n"
    queue = ("--slot", "--explain", "scripts/queue_option_contracts.py")
    assert gate(stubbed, *queue, **force, **at("2026-11-26 18:31")).stdout.endswith("skip not_slot\n")
    assert gate(stubbed, *queue, **force, **at("2026-11-26 08:00")).stdout == "run\n"


def test_enable_all_false_with_one_task_enabled_runs_only_that_task(stubbed: ToyCheckout) -> None:
    switches = {"SCHEDULER_ENABLE_ALL": "false", "SCHEDULER_HEALTH_CHECK_ENABLED": "true", **at("2026-11-25 10:30")}
    answers = {script: gate(stubbed, "--slot", "--explain", script, **switches).stdout for script in (COLLECT, HEALTH)}
    assert answers == {COLLECT: "skip disabled\n", HEALTH: "run\n"}


def test_the_environment_beats_dotenv_and_dotenv_beats_yaml(stubbed: ToyCheckout) -> None:
    (stubbed.home / ".env").write_text("SCHEDULER_ENABLE_ALL=false\nSCHEDULER_HEALTH_CHECK_ENABLED=true\n")
    stubbed.compile()
    now = at("2026-11-25 10:30")
    assert gate(stubbed, "--slot", "--explain", HEALTH, **now).stdout == "run\n"
    assert gate(stubbed, "--slot", "--explain", COLLECT, **now).stdout == "skip disabled\n"
    assert gate(stubbed, "--slot", "--explain", COLLECT, SCHEDULER_ENABLE_ALL="true", **now).stdout == "run\n"
    off = {"SCHEDULER_HEALTH_CHECK_ENABLED": "no"}
    assert gate(stubbed, "--slot", "--explain", HEALTH, **off, **now).stdout == "skip disabled\n"


def test_the_job_gets_its_arguments_and_the_callers_locale_and_zone(stubbed: ToyCheckout) -> None:
    done = gate(stubbed, COLLECT, "--symbols", "A B", TZ="Asia/Tokyo", LC_ALL="C.UTF-8", **at("2026-11-25 10:31"))
    assert done.stdout.splitlines() == [
        "-S -m v6.runner.supervise collect_option_snapshots --symbols A B",
        "slot none",
        "TZ Asia/Tokyo",
        "LC_ALL C.UTF-8",
    ]


def test_a_clock_file_is_read_at_every_call(site: ToyCheckout, tmp_path: Path) -> None:
    file = tmp_path / "clock"
    answers = []
    for when in ("2026-11-25 10:35", "2026-11-26 10:35"):
        file.write_text(at(when)["V6_CLOCK_OFFSET"] + "\n")
        answers.append(site.gate("--slot", "--explain", COLLECT, V6_CLOCK_FILE=str(file)).stdout.splitlines()[-1])
    assert answers == ["run", "skip holiday"]


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"V6_CLOCK_FILE": "/nonexistent/clock"}, "V6_CLOCK_FILE: /nonexistent/clock"),
        ({"V6_CLOCK_OFFSET": "tomorrow"}, "V6_CLOCK_OFFSET: 'tomorrow' is not a number of seconds"),
        ({"TZDIR": "/nonexistent"}, "time zone America/New_York: not in /nonexistent"),
        ({"SCHEDULER_ENABLE_ALL": "maybe"}, "SCHEDULER_ENABLE_ALL: 'maybe' is neither true nor false"),
        ({"V6_CLOCK_OFFSET": "315360000"}, "covers 1990-01-01 to"),
    ],
)
def test_l03_a_gate_that_cannot_decide_fails_loudly(site: ToyCheckout, environ: dict[str, str], words: str) -> None:
    done = site.gate("--slot", COLLECT, V6_PYTHON="/bin/true", **environ)
    assert done.returncode == 2
    assert words in done.stderr
    assert words in site.log.read_text()


def test_l03_a_gate_that_cannot_decide_tells_a_person(site: ToyCheckout) -> None:
    assert site.gate("--slot", COLLECT, SCHEDULER_ENABLE_ALL="maybe").returncode == 2

    def told() -> bool:
        db = site.journal()
        found = events.undelivered(db)
        db.close()
        return [alert.title for alert in found] == ["the gate cannot decide"]

    wait_until(told)


def test_a_missing_interpreter_is_named_with_what_to_do(site: ToyCheckout) -> None:
    done = site.gate("--slot", HEALTH, V6_PYTHON="/nonexistent/python", **at("2026-11-25 10:30"))
    assert done.returncode == 2
    assert "/nonexistent/python: no interpreter: run make setup" in done.stderr
    assert not list((site.home / "var" / "slots" / "health_check").iterdir())


def test_a_script_of_no_task_is_refused(site: ToyCheckout) -> None:
    done = site.gate("--slot", "scripts/no_such_job.py")
    assert done.returncode == 2
    assert "scripts/no_such_job.py belongs to no task of the schedule" in done.stderr


def test_an_edit_takes_effect_at_the_next_call_also_when_its_file_is_older(site: ToyCheckout) -> None:
    production = site.home / "config" / "production.yaml"
    original = production.read_text()
    edited = original + "    health_check: {minute: null, enabled: false}\n"
    production.write_text(edited.replace("minute: null, ", ""))
    os.utime(production, (1, 1))
    now = at("2026-11-25 10:30")
    assert site.gate("--slot", "--explain", HEALTH, **now).stdout == "skip disabled\n"
    production.write_text(original)
    os.utime(production, (1, 1))
    assert site.gate("--slot", "--explain", HEALTH, **now).stdout == "run\n"


def test_a_broken_edit_stops_nothing_and_is_alerted_once(site: ToyCheckout) -> None:
    production = site.home / "config" / "production.yaml"
    production.write_text(production.read_text() + "    health_check: {frequencey: 5min}\n")
    assert (
        compile_all(Paths(site.root, site.home)).outcome == "refused"
    )  # a person's command saw it first: that tells nobody
    now = at("2026-11-25 10:30")
    for _ in range(3):
        done = site.gate("--slot", "--explain", HEALTH, **now)
        assert (done.returncode, done.stdout) == (0, "run\n")
    assert sum(line[4] == "refused_edit" for line in skips(site)) == 3

    def alerts() -> list[events.Alert]:
        db = site.journal()
        found = events.undelivered(db)
        db.close()
        return found

    wait_until(alerts)
    assert [alert.title for alert in alerts()] == ["a configuration edit was refused"]
    assert "scheduler.tasks.health_check.frequencey" in alerts()[0].body

    production.write_text(production.read_text().replace("frequencey", "freqency"))
    assert site.gate("--slot", "--explain", HEALTH, **now).stdout == "run\n"
    wait_until(lambda: len(alerts()) == 2)
    assert "scheduler.tasks.health_check.freqency" in alerts()[1].body


@pytest.mark.parametrize("words", [["--slott", HEALTH], []])
def test_l03_a_mistyped_cron_line_is_told_to_a_person(site: ToyCheckout, words: list[str]) -> None:
    done = site.gate(*words)
    assert done.returncode == 2
    assert "usage: cron_wrapper.sh" in done.stderr
    assert "usage: cron_wrapper.sh" in site.log.read_text()

    def told() -> bool:
        db = site.journal()
        found = events.undelivered(db)
        db.close()
        return [alert.title for alert in found] == ["the gate cannot decide"]

    wait_until(told)


def test_the_first_call_in_a_new_home_compiles(full: ToyCheckout, tmp_path: Path) -> None:
    new = ToyCheckout(full.root, tmp_path / "new home")
    done = new.gate("--slot", "--explain", HEALTH, **at("2026-11-25 10:30"))
    assert done.stdout == "run\n", done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a process of another user")
def test_another_user_is_refused_with_the_command_to_use_instead(site: ToyCheckout) -> None:
    for folder in [site.home, *site.home.parents][:-1]:
        folder.chmod(folder.stat().st_mode | 0o055)
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", str(site.wrapper), HEALTH]
    for folder in [site.root, *site.root.parents][:-1]:
        folder.chmod(folder.stat().st_mode | 0o055)
    done = subprocess.run(command, env=site.environ(), cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "belongs to root; run instead: sudo -u root" in done.stderr


def test_a_sample_of_whole_processes_agrees_with_due(full: ToyCheckout) -> None:
    """300 moments of two years, most of them near a slot."""
    dice = random.Random(20261127)
    schedule = compiled.load(full.home / "var" / "compiled" / "schedule.txt")
    calendar = NYSECalendar(full.home / "var" / "compiled" / "calendar.txt")
    start = datetime(2026, 1, 1, tzinfo=NEW_YORK)
    differing = []
    for number in range(300):
        task = dice.choice(list(schedule.tasks.values()))
        moment = start + timedelta(minutes=dice.randrange(2 * 365 * 1440))
        if number % 3:
            moment = moment.replace(
                minute=dice.choice((0, 5, 15, 30, 45)) + dice.randrange(5), hour=dice.randrange(7, 21)
            )
        decision = decide(task, moment, calendar, schedule.windows)
        expected = "run" if decision.run else f"skip {decision.reason}"
        offset = f"{moment.timestamp() - clock.epoch() + 1:.3f}"
        done = full.gate("--slot", "--explain", task.script, *task.args, V6_CLOCK_OFFSET=offset)
        answer = done.stdout.splitlines()[-1] if done.stdout else done.stderr
        if answer != expected:
            differing.append((task.name, f"{moment}", expected, answer))
    assert differing == []


def test_the_whole_way_from_a_cron_line_to_the_journal(tmp_path: Path) -> None:
    """`cd / && env -i PATH=/usr/bin:/bin "/opt/v 6/scripts/cron_wrapper.sh" ...`: no HOME, no V6_HOME, a space."""
    checkout = toy_checkout.make(tmp_path / "opt", root="v 6")
    at_home = ToyCheckout(checkout.root, checkout.root)
    shutil.copytree(checkout.home / "config", checkout.root / "config", dirs_exist_ok=True)
    done = subprocess.run(
        [str(checkout.wrapper), "scripts/toy.py", "--do", "skip"],
        env={"PATH": "/usr/bin:/bin"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (run,) = at_home.runs_of("toy_skip")
    assert (run.outcome, run.reason) == ("skip", "no_input")


def test_a_broken_edit_stops_no_job(tmp_path: Path) -> None:
    """The gate goes on with the last good schedule, and the job with the settings that belong to it."""
    checkout = toy_checkout.make(tmp_path / "opt", root="v 6")
    assert checkout.gate("scripts/toy.py", "--do", "skip").returncode == 0
    production = checkout.home / "config" / "production.yaml"
    production.write_text(production.read_text() + "ibkr: {prot: 5}\n")
    done = checkout.gate("scripts/toy.py", "--do", "skip")
    assert done.returncode == 0
    assert "config/production.yaml: ibkr.prot: unknown key" in done.stderr
    assert [run.outcome for run in checkout.runs_of("toy_skip")] == ["skip", "skip"]
