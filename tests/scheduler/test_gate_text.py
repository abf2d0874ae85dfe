"""The small files the gate reads hold what schedule.txt and calendar.txt say of one script."""

from pathlib import Path

import pytest

from v6.paths import Paths
from v6.scheduler import gate_text
from v6.scheduler.compile import Outcome, compile_all

SCHEDULE = """# v6 schedule 2
setting|timezone|America/New_York
setting|enable_holiday_check|1
setting|enable_logging|0
setting|root|/opt/v 6
setting|home|/var/v6
setting|log_directory|/var/v6/logs
setting|python|/opt/v 6/.venv/bin/python
setting|heartbeat.awaited|two,three
env|SCHEDULER_ENABLE_ALL|0
window|nightly|America/New_York|1234567|23:45|00:05|1
task|one|scripts/shared.py||1|every
task|two|scripts/shared.py|--all|1|every
task|three|scripts/alone.py||1|every
"""
CALENDAR = """# v6 calendar 1 pandas_market_calendars 5 covers 1990-01-01 2028-12-31 overrides none
2028-12-25 closed Christmas
"""


def test_a_script_gets_its_own_tasks_and_everything_they_share() -> None:
    files = gate_text.render(SCHEDULE, CALENDAR)
    assert sorted(files) == ["alone.txt", "shared.txt"]
    assert files["shared.txt"].splitlines() == [
        "# v6 gate 2",
        "/opt/v 6|/var/v6|/var/v6/logs|America/New_York|1|0|1990-01-01|2028-12-31|3|5|6|two",
        "SCHEDULER_ENABLE_ALL|0",
        "task|one|scripts/shared.py||1|every",
        "task|two|scripts/shared.py|--all|1|every",
        "nightly|America/New_York|1234567|23:45|00:05|1",
        "2028-12-25 closed Christmas",
    ]


def test_only_the_newest_days_are_copied() -> None:
    days = "".join(f"2027-{month:02}-{day:02} closed Test\n" for month in range(12, 0, -1) for day in range(28, 0, -1))
    lines = gate_text.render(SCHEDULE, CALENDAR.splitlines()[0] + "\n" + days)["alone.txt"].splitlines()
    assert (lines[-1], len(lines)) == ("2027-11-17 closed Test", 5 + gate_text.NEWEST_DAYS)


@pytest.mark.parametrize("damage", ["missing", "edited", "stale"])
def test_compiling_mends_what_the_gate_reads(paths: Paths, calendar_text: str, damage: str) -> None:
    paths.compiled.mkdir(parents=True)
    (paths.compiled / "calendar.txt").write_text(calendar_text)
    compile_all(paths)
    good = {file.name: file.read_text() for file in (paths.compiled / "gate").iterdir()}
    one: Path = paths.compiled / "gate" / "health_check.txt"
    if damage == "missing":
        one.unlink()
    elif damage == "edited":
        one.write_text("# v6 gate 0\n")
    else:
        one.with_name("no_longer_scheduled.txt").write_text("# v6 gate 2\n")
    assert compile_all(paths).outcome is Outcome.COMPILED
    assert {file.name: file.read_text() for file in (paths.compiled / "gate").iterdir()} == good
    assert compile_all(paths).outcome is Outcome.UNCHANGED
