"""`v6 schedule check | list | next | due | day | render`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Command = Callable[..., Result]
Answer = Callable[..., Any]


def production(home: Path, text: str) -> None:
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "production.yaml").write_text(text, encoding="utf-8")


def test_check_says_that_all_is_well(v6: Command) -> None:
    assert "the configuration is right" in v6("schedule", "check").stdout


def test_check_names_file_key_what_is_wrong_and_what_is_allowed(v6: Command, home: Path) -> None:
    production(home, "scheduler:\n  tasks:\n    health_check:\n      frequency: fortnightly\n")

    said = v6("schedule", "check", code=1).stdout

    assert "config/production.yaml: scheduler.tasks.health_check.frequency" in said
    assert "fortnightly" in said
    assert "weekly" in said


def test_a_refused_edit_leaves_the_last_good_schedule_and_says_so(v6: Command, home: Path) -> None:
    production(home, "scheduler: {timezone: Mars/Olympus}\n")

    result = v6("schedule", "list")

    assert "health_check" in result.stdout
    assert "the last good one" in result.stderr


def test_next_is_what_will_really_run(answer: Answer) -> None:
    found = answer("schedule", "next", "collect_option_snapshots", "--after", "2026-11-27 12:50", "--count", "2")

    assert [one["slot"] for one in found] == ["2026-11-27T12:55:00-05:00", "2026-11-30T09:30:00-05:00"]


def test_due_gives_the_reason_for_every_task_that_is_not(answer: Answer) -> None:
    decided = {one["task"]: one for one in answer("schedule", "due", "2026-11-26 10:00")}

    assert decided["collect_option_snapshots"]["reason"] == "holiday"
    assert decided["health_check"]["run"] is True


def test_nothing_due_is_exit_code_1(v6: Command) -> None:
    v6("schedule", "due", "2026-11-26 10:07", code=1)


@pytest.mark.parametrize(("day", "runs"), [("2026-11-27", 42), ("2026-11-20", 78), ("2026-11-26", 0)])
def test_day_counts_the_slots_of_a_session(answer: Answer, day: str, runs: int) -> None:
    planned = answer("schedule", "day", day, "--task", "collect_option_snapshots")

    assert sum(one["run"] for one in planned) == runs


@pytest.mark.parametrize(("day", "quarters"), [("2026-03-08", 92), ("2026-11-01", 100)])
def test_a_dst_sunday_has_as_many_quarter_hours_as_it_lasts(answer: Answer, day: str, quarters: int) -> None:
    assert len(answer("schedule", "day", day, "--task", "health_check")) == quarters


def test_an_unknown_task_is_refused_with_the_tasks_there_are(v6: Command) -> None:
    said = v6("schedule", "next", "colect_options", code=2).stderr

    assert "colect_options" in said
    assert "collect_option_snapshots" in said


def test_render_is_a_crontab_for_the_zone_asked_for(v6: Command) -> None:
    said = v6("schedule", "render", "--zone", "Asia/Tokyo").stdout

    assert "on a host in Asia/Tokyo" in said
    assert "--slot scripts/collect_option_snapshots.py" in said


def test_render_refuses_a_zone_that_does_not_exist(v6: Command) -> None:
    assert "Mars/Olympus" in v6("schedule", "render", "--zone", "Mars/Olympus", code=2).stderr


def test_render_makes_the_folder_its_lines_write_to(v6: Command, home: Path) -> None:
    v6("schedule", "render", "--zone", "Asia/Tokyo")

    assert (home / "logs" / "cron").is_dir()


def test_a_rehearsals_home_never_gets_into_a_crontab(v6: Command, home: Path) -> None:
    production(home, "ibkr:\n  simulator: true\n")

    assert "rehearsal's home" in v6("schedule", "render", code=2).stderr


def test_next_tells_the_hosts_time_beside_new_yorks(v6: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("v6.scheduler.host.host_zone", lambda: "Asia/Tokyo")

    said = v6("schedule", "next", "queue_option_contracts", "--after", "2026-11-27 12:50").stdout

    assert "Mon 2026-11-30 08:00 EST" in said
    assert "Mon 22:00 JST here" in said
