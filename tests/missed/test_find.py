"""Which slots count as missed: due by schedule and calendar, without a trace, and of a task that a look knew."""

from datetime import timedelta

import pytest
from small_home import CHECK, COLLECT, TASKS, Home, ny

from v6.clock import NEW_YORK
from v6.file_locks import acquire
from v6.journal import missed, session_cycles
from v6.missed import find

CHECKS = ["10:00", "10:15", "10:30"]


def test_a_slot_without_any_trace_is_missed(small: Home) -> None:
    small.looked("10:00")
    small.checked("10:00", "10:30")
    small.ran("collect_option_snapshots", "10:00", "10:05", "10:15", "10:20")
    small.at("10:30")

    assert small.slots() == {"collect_option_snapshots": ["10:10"]}


def test_a_slot_of_the_last_five_minutes_may_still_come(small: Home) -> None:
    small.looked("10:00")
    small.checked("09:45", "10:30")
    small.at("10:10")
    assert small.slots() == {"collect_option_snapshots": ["10:00"]}
    small.at("10:11")
    assert small.slots() == {"collect_option_snapshots": ["10:00", "10:05"]}


@pytest.mark.parametrize("outcome", ["fatal", "killed", "recoverable", "skip", "success", "time_limit"])
def test_whatever_became_of_a_run_it_was_started(small: Home, outcome: str) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("10:00")
    small.ran("health_check", "10:00", outcome=outcome)
    small.at("10:14")

    assert small.slots() == {}


def test_what_the_gate_skipped_was_not_missed(small: Home) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("10:00")
    small.gate_says("10:00", "health_check", "2026-11-24T15:00:00Z|skip|slot_taken|")
    small.gate_says("10:15", "collect_option_snapshots", "2026-11-24T15:15:00Z|skip|phase|")
    small.at("10:21")

    assert small.slots() == {"health_check": ["10:15"]}


def test_a_slot_of_the_market_session_was_not_missed(small: Home) -> None:
    small.schedule({"collect_option_snapshots": COLLECT})
    small.looked("10:00")
    session_cycles.begin(small.db, "collect_option_snapshots", ny("10:00"))
    small.at("10:11")

    assert small.slots() == {"collect_option_snapshots": ["10:05"]}


def test_nothing_is_missed_before_somebody_has_looked(small: Home) -> None:
    small.at("10:30")
    looked = small.look()
    assert looked.first
    assert looked.slots == ()


def test_nothing_of_a_task_is_missed_before_it_was_defined_so(small: Home) -> None:
    small.looked("10:00")
    small.checked("10:00", "10:45")
    small.schedule(TASKS | {"collect_option_snapshots": COLLECT | {"frequency": "15min"}})
    small.at("10:30")
    assert small.slots() == {}  # not at the old times, nor at the new ones of before
    missed.know(small.db, find.definitions(small.site.schedule), small.now)
    missed.set_looked_until(small.db, small.now - find.OLDER_THAN)
    small.at("11:00")
    assert small.slots() == {"collect_option_snapshots": ["10:30", "10:45"]}


def test_a_change_that_moves_no_slot_forgets_nothing(small: Home) -> None:
    small.looked("10:00")
    small.checked("10:00", "10:15")
    small.schedule(TASKS | {"collect_option_snapshots": COLLECT | {"timeout_seconds": 100, "alert_on": []}})
    small.at("10:11")

    assert small.slots() == {"collect_option_snapshots": ["10:00", "10:05"]}


def test_a_disabled_task_misses_nothing_and_neither_does_one_that_was_just_enabled(small: Home) -> None:
    tasks = {"collect_option_snapshots": COLLECT | {"enabled": False}}
    small.schedule(tasks)
    small.looked("10:00")
    small.at("10:30")
    assert small.slots() == {}
    small.schedule({"collect_option_snapshots": COLLECT})
    assert small.slots() == {}


def test_holidays_weekends_and_restart_windows_are_no_misses(small: Home) -> None:
    window = {"zone": "America/New_York", "start": "10:00", "end": "10:20"}
    small.schedule({"collect_option_snapshots": COLLECT | {"needs_gateway": True}}, restart_windows={"morning": window})
    small.looked("2026-11-24 10:00")
    small.at("2026-11-24 10:31")
    assert small.slots() == {"collect_option_snapshots": ["10:20", "10:25"]}
    missed.set_looked_until(small.db, ny("2026-11-25 16:00"))
    small.at("2026-11-27 09:46")  # Thanksgiving between, an early close today
    assert small.slots() == {"collect_option_snapshots": ["09:30", "09:35", "09:40"]}
    missed.set_looked_until(small.db, ny("2026-11-27 12:50"))
    small.at("2026-11-29 20:00")
    assert small.slots() == {"collect_option_snapshots": ["12:50", "12:55"]}


def test_both_passes_of_the_repeated_hour_are_looked_at(small: Home) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("2026-11-01 00:45")
    small.at("2026-11-01 02:05")

    found = [f"{slot.astimezone(NEW_YORK):%H:%M %Z}" for _, slot in small.look().slots]

    quarters = ["01:00", "01:15", "01:30", "01:45"]
    twice = [f"{wall} {zone}" for zone in ("EDT", "EST") for wall in quarters]
    assert found == ["00:45 EDT", *twice]


def test_what_a_look_recorded_the_next_does_not_find_again(small: Home) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("10:00")
    small.at("10:21")
    (one, *_) = small.judged()
    missed.record(small.db, missed.MissedSlot(one.task, one.slot, "", one.cause, one.evidence, small.now, ""))

    assert small.slots() == {"health_check": ["10:15"]}


def test_it_looks_back_two_weeks_at_most(small: Home) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("2026-11-01 10:00")
    small.at("2026-11-24 10:00")

    looked = small.look()

    assert looked.start == ny("2026-11-10 09:55")
    assert len(looked.slots) == 14 * 24 * 4


def test_a_clock_that_was_in_the_future_costs_a_day_at_most(small: Home) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("2026-10-20 10:00")
    missed.set_looked_until(small.db, ny("2027-03-01 10:00"))
    small.at("2026-11-24 10:00")

    assert small.look().start == ny("2026-11-23 09:55")


def test_a_look_under_a_clock_that_was_in_the_future_does_not_blind_the_later_ones(small: Home) -> None:
    small.schedule({"health_check": CHECK})
    small.looked("2027-03-01 10:00")
    missed.know(small.db, find.definitions(small.site.schedule), ny("09:58"))
    small.looked("10:05")
    small.at("10:21")

    assert small.slots() == {"health_check": ["10:00", "10:15"]}


def test_a_run_that_waits_for_others_is_judged_when_its_time_is_over(small: Home) -> None:
    small.looked("18:00")
    small.checked("17:45", "23:45")
    claim = find.claim_of(small.paths, "calculate_daily_statistics", ny("18:00"))
    claim.parent.mkdir(parents=True)
    claim.touch()
    small.paths.locks.mkdir(parents=True)
    lock = acquire(small.paths.locks / "calculate_daily_statistics.lock")
    small.at("18:30")

    looked = small.look()

    assert lock is not None
    assert (looked.slots, looked.until) == ((), ny("18:00"))
    small.ran("validate_data_quality", "18:30")
    small.at("21:06")  # its deadline is 21:00
    assert small.slots() == {"calculate_daily_statistics": ["18:00"]}
    assert len(small.look().claimed) == 1


def test_it_costs_little_on_a_usual_day(small: Home) -> None:
    small.looked("09:00")
    small.checked("09:00", "10:00")
    small.at("10:00")

    assert small.look().until == ny("10:00") - timedelta(minutes=5)
