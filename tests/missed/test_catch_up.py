"""What is made up: the latest missed slot of the day of a task that wants it, if it can still end in time."""

from small_home import COLLECT, STATISTICS, TASKS, Home, ny

from v6.config import schedule_rules
from v6.config.scheduler_config import Scheduler
from v6.journal import runs
from v6.journal.ledger import TABLE_OF
from v6.missed import catch_up, find
from v6.missed.causes import Cause, Missed
from v6.paths import ROOT

STATISTICS_TASK, QUALITY_TASK = "calculate_daily_statistics", "validate_data_quality"


def missed(task: str, slot: str) -> Missed:
    return Missed(task, ny(slot), Cause.HOST_DOWN, "the host was down")


def plan(small: Home, *found: Missed, claimed: tuple[find.Slot, ...] = ()) -> dict[str, str]:
    """`task HH:MM` -> verdict, in order."""
    planned = catch_up.plan(small.site, found, claimed, small.now)
    return {f"{one.task} {one.slot:%H:%M}": verdict for one, verdict in planned.items()}


def usual(small: Home, task: str, seconds: float) -> None:
    number = runs.start_attempt(small.db, task=task, slot=ny("2026-11-23 18:00"), attempt=1, pid=1, log_file="")
    runs.finish_attempt(small.db, number, runs.Ended("success", 0, seconds, 1.0, 1.0))


def test_the_day_s_statistics_are_made_up_and_what_depends_on_them_after_them(small: Home) -> None:
    small.at("19:00")

    planned = plan(small, missed(QUALITY_TASK, "18:30"), missed(STATISTICS_TASK, "18:00"))

    assert list(planned.items()) == [(f"{STATISTICS_TASK} 18:00", "started"), (f"{QUALITY_TASK} 18:30", "started")]


def test_a_task_whose_dependency_has_not_run_is_not_made_up(small: Home) -> None:
    small.schedule(TASKS | {STATISTICS_TASK: STATISTICS | {"catch_up": "none"}})
    small.at("19:00")
    found = (missed(STATISTICS_TASK, "18:00"), missed(QUALITY_TASK, "18:30"))
    assert plan(small, *found) == {f"{STATISTICS_TASK} 18:00": "", f"{QUALITY_TASK} 18:30": "dependency"}

    small.ran(STATISTICS_TASK, "18:00")
    assert plan(small, found[1]) == {f"{QUALITY_TASK} 18:30": "started"}


def test_a_run_that_could_not_end_before_its_deadline_is_not_started(small: Home) -> None:
    small.at("20:55")  # the deadline is 21:00; before its first success it is taken to need its timeout, 10 minutes
    assert plan(small, missed(STATISTICS_TASK, "18:00")) == {f"{STATISTICS_TASK} 18:00": "too_late"}

    usual(small, STATISTICS_TASK, 60.0)
    assert plan(small, missed(STATISTICS_TASK, "18:00")) == {f"{STATISTICS_TASK} 18:00": "started"}


def test_what_is_made_up_before_it_takes_its_time(small: Home) -> None:
    tasks = {
        name: STATISTICS | {"script": f"scripts/{name}.py"} for name in ("load_enhanced_market_data", "test_connection")
    }
    small.schedule(tasks)
    small.at("20:45")
    usual(small, "load_enhanced_market_data", 500.0)
    usual(small, "test_connection", 500.0)

    planned = plan(small, missed("load_enhanced_market_data", "18:00"), missed("test_connection", "18:00"))

    assert planned == {"load_enhanced_market_data 18:00": "started", "test_connection 18:00": "too_late"}


def test_must_finish_by_counts_too(small: Home) -> None:
    small.schedule({STATISTICS_TASK: STATISTICS | {"must_finish_by": "18:20"}})
    usual(small, STATISTICS_TASK, 60.0)
    small.at("18:15")
    assert plan(small, missed(STATISTICS_TASK, "18:00")) == {f"{STATISTICS_TASK} 18:00": "started"}
    small.at("18:21")
    assert plan(small, missed(STATISTICS_TASK, "18:00")) == {f"{STATISTICS_TASK} 18:00": "too_late"}


def test_yesterday_is_over(small: Home) -> None:
    small.schedule({STATISTICS_TASK: STATISTICS | {"time": "23:30", "deadline_seconds": 7200}})
    small.at("2026-11-25 00:05")

    assert plan(small, missed(STATISTICS_TASK, "23:30")) == {f"{STATISTICS_TASK} 23:30": "not_today"}


def test_of_several_slots_only_the_latest_is_made_up(small: Home) -> None:
    hourly = {"script": "scripts/calculate_intraday_statistics.py", "frequency": "hourly", "catch_up": "same_day"}
    small.schedule({"hourly": hourly})
    small.at("12:30")
    found = [missed("hourly", f"{hour}:00") for hour in (10, 11, 12)]
    assert plan(small, *found) == {
        "hourly 12:00": "started",
        "hourly 10:00": "not_latest",
        "hourly 11:00": "not_latest",
    }

    small.ran("hourly", "12:00")
    assert plan(small, *found[:2]) == {"hourly 10:00": "not_latest", "hourly 11:00": "not_latest"}


def test_nothing_is_made_up_of_tasks_that_do_not_want_it(small: Home) -> None:
    small.schedule(TASKS | {STATISTICS_TASK: STATISTICS | {"catch_up": "none", "idempotent": False}})
    small.at("19:00")
    found = [
        missed("health_check", "18:00"),
        missed(STATISTICS_TASK, "18:00"),
        missed("collect_option_snapshots", "15:55"),
    ]

    assert set(plan(small, *found).values()) == {""}


def test_a_run_the_gate_had_started_once_is_not_started_again(small: Home) -> None:
    small.at("19:00")
    one = missed(STATISTICS_TASK, "18:00")

    assert plan(small, one, claimed=((one.task, one.slot),)) == {f"{STATISTICS_TASK} 18:00": "claimed"}


def test_a_task_that_needs_tws_waits_for_no_restart(small: Home) -> None:
    window = {"zone": "America/New_York", "start": "19:00", "end": "19:30"}
    tasks = {STATISTICS_TASK: STATISTICS | {"needs_gateway": True}}
    small.schedule(tasks, restart_windows={"evening": window})
    small.at("19:10")

    assert plan(small, missed(STATISTICS_TASK, "18:00")) == {f"{STATISTICS_TASK} 18:00": "restart_window"}


def test_l16_a_collector_with_catch_up_is_refused() -> None:
    assert frozenset(TABLE_OF) == schedule_rules.COLLECTORS
    body = {"description": "a test's", "timeout_seconds": 60, **COLLECT, "catch_up": "same_day"}
    settings = {"log_directory": "logs", "enable_holiday_check": True, "enable_logging": True, "restart_windows": {}}
    scheduler = Scheduler.model_validate({**settings, "timezone": "America/New_York", "tasks": {"collect": body}})

    problems = dict(schedule_rules.problems(scheduler, ROOT))

    assert problems == {"tasks.collect.catch_up": "same_day of a collector would forge quotes, allowed: none"}
