"""What the gate and the supervisor read is what was configured."""

from pathlib import Path

import pytest

from v6.config.scheduler_config import Scheduler, parse_time
from v6.scheduler import compiled, schedule_text
from v6.scheduler.compiled import Schedule, ScheduleError, parse
from v6.scheduler.host import HostZoneError, host_zone


def test_every_field_of_a_task_survives(scheduler: Scheduler, schedule: Schedule) -> None:
    for name, task in scheduler.tasks.items():
        row = schedule.tasks[name]
        assert (row.script, row.args, row.enabled, row.days, row.phase) == (
            task.script, task.args, task.enabled, task.days, task.market_phase)  # fmt: skip
        assert (row.timeout, row.max_retries, row.deadline, row.depends_on, row.catch_up, row.alert_on) == (
            task.timeout_seconds, task.max_retries, task.deadline_seconds, task.depends_on, task.catch_up,
            task.alert_on)  # fmt: skip
        assert (row.backoff_base, row.backoff_factor, row.backoff_cap) == (
            task.backoff_seconds, task.backoff_factor, task.backoff_cap_seconds)  # fmt: skip
        assert (row.backoff_jitter, row.idempotent) == (task.backoff_jitter, task.idempotent)
        assert row.must_finish_by == (task.must_finish_by and parse_time(task.must_finish_by))
        assert row.needs_gateway == task.needs_gateway
        assert row.kind == ("every" if task.period_minutes else "at")


def test_what_a_run_may_and_may_not_survives(scheduler: Scheduler) -> None:
    task = scheduler.tasks["health_check"].model_copy(
        update={"must_finish_by": "restart-5min", "idempotent": False, "backoff_jitter": 0.25}
    )
    one = scheduler.model_copy(update={"tasks": {"health_check": task}})
    row = parse(schedule_text.render(one, host_zone="UTC")).tasks["health_check"]
    assert (row.must_finish_by, row.idempotent, row.backoff_jitter) == (("restart", -5), False, 0.25)


def test_arguments_with_spaces_survive(scheduler: Scheduler) -> None:
    task = scheduler.tasks["health_check"].model_copy(update={"args": ("--text", "two words", "é")})
    one = scheduler.model_copy(update={"tasks": {"health_check": task}})
    assert parse(schedule_text.render(one, host_zone="UTC")).tasks["health_check"].args == ("--text", "two words", "é")


def test_the_hosts_zone_is_written_by_name(scheduler: Scheduler) -> None:
    text = schedule_text.render(scheduler, host_zone="Asia/Tokyo")
    assert "window|daily_restart|Asia/Tokyo|1234567|23:45|00:05|1\n" in text
    assert "window|sunday_maintenance|America/New_York|7|10:00|14:00|1\n" in text


def test_relative_times_are_anchor_and_signed_minutes(schedule: Schedule) -> None:
    rows = {name: (row.anchor, row.offset_min, row.weekday) for name, row in schedule.tasks.items()}
    assert rows["validate_data_quality"] == ("close", 150, "*")
    assert rows["pre_restart"] == ("restart", -5, "*")
    assert rows["post_restart"] == ("restart_end", 5, "*")
    assert rows["audit_data_integrity"] == ("clock", 660, "6")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 is not"),
        ("# v6 schedule 1\n", "line 1 is not"),
        ("# v6 schedule 2\ntask|x\n", "line 2 cannot be read"),
        ("# v6 schedule 2\nsurprise|x\n", "line 2 cannot be read"),
        ("# v6 schedule 2\nwindow|x|UTC|1|noon|13:00|1\n", "line 2 cannot be read"),
    ],
)
def test_a_file_of_another_version_or_a_damaged_line_is_refused(text: str, message: str) -> None:
    with pytest.raises(ScheduleError, match=message):
        parse(text)


def test_a_missing_schedule_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ScheduleError, match=r"python -m v6\.scheduler\.compile"):
        compiled.load(tmp_path / "schedule.txt")


@pytest.mark.parametrize(
    ("environ", "forced"), [({}, False), ({"FORCE_RUN": "true"}, True), ({"SCHEDULER_FORCE_RUN": "1"}, True)]
)
def test_force_has_two_names(environ: dict[str, str], forced: bool) -> None:
    assert compiled.forced(environ) is forced


def test_the_hosts_zone_is_what_localtime_links_to(tmp_path: Path) -> None:
    assert host_zone(tmp_path) == "Etc/UTC"
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Asia/Tokyo")
    assert host_zone(tmp_path) == "Asia/Tokyo"


def test_a_copied_localtime_needs_a_name_beside_it(tmp_path: Path) -> None:
    (tmp_path / "localtime").write_bytes(b"TZif2")
    with pytest.raises(HostZoneError, match="timedatectl"):
        host_zone(tmp_path)
    (tmp_path / "timezone").write_text("Asia/Kolkata\n")
    assert host_zone(tmp_path) == "Asia/Kolkata"
