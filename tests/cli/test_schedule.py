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


def test_next_n_is_what_comes_next_of_all_tasks_together(v6: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("v6.scheduler.host.host_zone", lambda: "Europe/London")

    said = v6("schedule", "next", "-n", "50", "--after", "2026-11-27 12:50").stdout.splitlines()

    assert len(said) == 50
    assert said[0] == "Fri 2026-11-27 12:55 EST  Fri 17:55 GMT here  collect_option_snapshots"
    assert "Fri 2026-11-27 15:00 EST  Fri 20:00 GMT here  calculate_daily_statistics" in said
    instants = [line[4:20] for line in said]
    assert instants == sorted(instants)


def test_next_n_of_one_task_is_its_next_runs(answer: Answer) -> None:
    found = answer("schedule", "next", "queue_option_contracts", "-n", "3", "--after", "2026-11-25 09:00")

    assert [one["slot"][:10] for one in found] == ["2026-11-27", "2026-11-30", "2026-12-01"]


def cells(line: str) -> list[str]:
    return [cell for cell in (part.strip() for part in line.split("  ")) if cell]


def test_day_is_a_timeline_with_gates_and_worst_case_ends(v6: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("v6.scheduler.host.host_zone", lambda: "Asia/Tokyo")

    said = [cells(line) for line in v6("schedule", "day", "2026-11-27").stdout.splitlines()]

    assert said[0] == ["Friday 2026-11-27: NYSE 09:30-13:00 (Day after Thanksgiving)"]
    assert ["09:30", "23:30", "-- NYSE opens"] in said
    assert ["13:00", "Sat 03:00", "-- NYSE closes: Day after Thanksgiving"] in said
    [row] = [row for row in said if "collect_option_snapshots, every 5 min" in row]
    assert row[:3] == ["09:30-12:55", "23:30-Sat 02:55", "42"]
    assert row[4:] == ["trading day, market_open, TWS", "12:59:45", "12:59:45"]
    # 6 x 600 s and waits of 20, 40, 80, 160 and 300 s
    assert ["08:00", "22:00", "1", "queue_option_contracts", "trading day, TWS", "09:10", "09:20"] in said
    assert ["collect_option_snapshots", "246", "00:00-09:25, 13:00-23:55", "phase: it wants market_open"] in said


def test_on_a_new_york_host_the_timeline_has_one_clock(v6: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("v6.scheduler.host.host_zone", lambda: "America/New_York")

    said = [cells(line) for line in v6("schedule", "day", "2026-11-26").stdout.splitlines()]

    assert said[0] == ["Thursday 2026-11-26: NYSE is closed (Thanksgiving)"]
    assert said[1][:3] == ["New York", "runs", "task"]
    assert ["queue_option_contracts", "1", "08:00", "holiday: NYSE is closed (Thanksgiving)"] in said


DEPENDENT = """
scheduler:
  tasks:
    validate_data_quality: {depends_on: [calculate_daily_statistics]}
    calculate_daily_statistics: {enabled: %s}
"""


def test_day_shows_what_a_run_waits_for(v6: Command, home: Path) -> None:
    production(home, DEPENDENT % "true")

    said = [cells(line) for line in v6("schedule", "day", "2026-11-24").stdout.splitlines()]

    [row] = [row for row in said if "validate_data_quality" in row]
    assert row[-3:] == ["calculate_daily_statistics", "18:50:20", "23:30"]  # 18:00, 5 x 600 s, 20 s of waits


def test_day_says_which_run_will_wait_in_vain(v6: Command, answer: Answer, home: Path) -> None:
    production(home, DEPENDENT % "false")

    words = "dependency: calculate_daily_statistics will not have run by its deadline"
    assert ["validate_data_quality", "1", "18:30", words] in [
        cells(line) for line in v6("schedule", "day", "2026-11-24").stdout.splitlines()
    ]
    [one] = answer("schedule", "day", "2026-11-24", "--task", "validate_data_quality")
    assert (one["run"], one["reason"], one["without"]) == (False, "dependency", ["calculate_daily_statistics"])


def test_one_task_is_told_slot_by_slot_with_its_ends(v6: Command) -> None:
    said = v6("schedule", "day", "2026-11-27", "--task", "calculate_intraday_statistics").stdout

    assert "10:08 EST  run   ends by 10:23:15 at worst, deadline 10:38\n" in said
    assert "13:08 EST  skip: phase\n" in said
    assert said.endswith("3 runs on Friday 2026-11-27\n")


def test_day_for_a_program_has_both_clocks_and_both_ends(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("v6.scheduler.host.host_zone", lambda: "Asia/Tokyo")

    [one] = answer("schedule", "day", "2026-11-24", "--task", "queue_option_contracts")

    assert one["slot"] == "2026-11-24T08:00:00-05:00"
    assert one["host"] == "2026-11-24T22:00:00+09:00"
    assert (one["worst_end"], one["deadline"]) == ("2026-11-24T09:10:00-05:00", "2026-11-24T09:20:00-05:00")


def test_list_tells_what_a_run_may(answer: Answer) -> None:
    rows = {one["task"]: one for one in answer("schedule", "list")}

    queue = rows["queue_option_contracts"]
    assert (queue["must_finish_by"], queue["catch_up"], queue["idempotent"]) == ("open-10min", "same_day", True)
    assert rows["cleanup_old_data"]["must_finish_by"] == "23:30"
    assert rows["health_check"]["must_finish_by"] is None
