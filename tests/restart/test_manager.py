"""The state lives in the journal: steps are transactions and audit events; what stands still is found (L25, L35)."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from one_night import DAILY, TONIGHT, SetClock, ny

from v6 import clock
from v6.journal import events, restarts
from v6.journal.database import connect
from v6.restart.manager import EVENT, TROUBLE, TWSRestartManager, subject_of
from v6.restart.states import TRANSITIONS, Event, State, WrongStep
from v6.restart.windows import Occurrence

WAY = {
    State.NORMAL: (),
    State.PRE_RESTART: (Event.WINDOW_NEAR,),
    State.RESTARTING: (Event.WINDOW_NEAR, Event.PREPARED),
    State.RECONNECTING: (Event.WINDOW_NEAR, Event.PREPARED, Event.TWS_BACK),
    State.VALIDATING: (Event.WINDOW_NEAR, Event.PREPARED, Event.TWS_BACK, Event.CONNECTED),
    State.DEGRADED: (Event.WINDOW_NEAR, Event.FAILED),
}
UNFINISHED = [state for state in State if state is not State.NORMAL]


@pytest.fixture
def at(set_clock: SetClock) -> SetClock:
    set_clock("2026-11-23 23:40")
    return set_clock


def bring_to(manager: TWSRestartManager, state: State) -> None:
    for event in WAY[state]:
        manager.step(event, f"on the way to {state}", TONIGHT)
    assert manager.current().state is state


def audit(db: sqlite3.Connection) -> list[str]:
    return [event.text for event in reversed(events.recent(db, EVENT, 1000))]


# steps


def test_before_the_first_restart_everything_is_normal(manager: TWSRestartManager) -> None:
    assert manager.current().state is State.NORMAL
    assert manager.overdue(ny("2027-01-01 00:00")) is None


def test_a_step_survives_the_process_that_made_it_l35(manager: TWSRestartManager, home: Path) -> None:
    manager.step(Event.WINDOW_NEAR, "pre_restart begins", TONIGHT)
    with closing(connect(home / "v6.db")) as other:
        where = TWSRestartManager(other, [DAILY]).current()
    assert (where.state, where.cause) == (State.PRE_RESTART, "pre_restart begins")
    assert (where.window, where.start, where.end) == ("daily_restart", TONIGHT.start, TONIGHT.end)
    assert where.since == pytest.approx(ny("2026-11-23 23:40"), abs=timedelta(seconds=30))


def test_every_step_is_an_audit_event_with_time_from_to_cause_and_window(
    manager: TWSRestartManager, db: sqlite3.Connection
) -> None:
    manager.step(Event.WINDOW_NEAR, "pre_restart begins", TONIGHT)
    manager.step(Event.PREPARED, "saved, 2 orders cancelled")
    last, first = events.recent(db, EVENT)
    assert first.text == "NORMAL to PRE_RESTART: pre_restart begins"
    assert last.details == {
        "from": "pre_restart",
        "to": "restarting",
        "event": "prepared",
        "cause": "saved, 2 orders cancelled",
        "window": "daily_restart",
        "window_start": TONIGHT.start.isoformat(),
        "window_end": TONIGHT.end.isoformat(),
    }
    assert last.at == pytest.approx(ny("2026-11-23 23:40"), abs=timedelta(seconds=30))


def test_a_wrong_step_changes_nothing(manager: TWSRestartManager, db: sqlite3.Connection) -> None:
    manager.step(Event.WINDOW_NEAR, "pre_restart begins", TONIGHT)
    with pytest.raises(WrongStep, match="no step validated from state pre_restart"):
        manager.step(Event.VALIDATED, "cannot be")
    assert manager.current().state is State.PRE_RESTART
    assert len(audit(db)) == 1


def test_a_restart_outside_of_every_window_belongs_to_none(manager: TWSRestartManager) -> None:
    bring_to(manager, State.VALIDATING)
    manager.step(Event.VALIDATED, "all proofs")
    assert manager.current().window == "daily_restart"
    manager.step(Event.TWS_GONE, "another listener")
    assert (manager.current().window, manager.current().end) == ("", None)


def test_a_step_begun_again_does_not_make_the_state_younger(manager: TWSRestartManager, at: SetClock) -> None:
    manager.step(Event.WINDOW_NEAR, "pre_restart begins", TONIGHT)
    first = manager.current().since
    at("2026-11-23 23:43")
    manager.step(Event.WINDOW_NEAR, "pre_restart begins again", TONIGHT)
    assert manager.current().since == first


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_the_journal_takes_every_step_of_the_table(manager: TWSRestartManager, state: State, event: Event) -> None:
    bring_to(manager, state)
    if (state, event) in TRANSITIONS:
        assert manager.step(event, "any", TONIGHT) is TRANSITIONS[state, event] is manager.current().state


# two processes


STEP_AT_ONCE = """
import sys, pathlib
from v6.journal.database import connect
from v6.restart.manager import TWSRestartManager
from v6.restart.states import Event, State, WrongStep
manager = TWSRestartManager(connect(sys.argv[1]), [])
print("ready", flush=True)
while not pathlib.Path(sys.argv[2]).exists():
    pass
try:
    print(manager.step(Event.WINDOW_NEAR, "me", None, expected=State.NORMAL))
except WrongStep as error:
    print(error)
"""


@pytest.mark.integration
def test_of_processes_that_step_at_once_one_wins_and_the_others_are_told(db: sqlite3.Connection, home: Path) -> None:
    command = [sys.executable, "-c", STEP_AT_ONCE, str(home / "v6.db"), str(home / "go")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.stdout.readline() for process in processes if process.stdout] == ["ready\n"] * 4
    (home / "go").touch()
    said = sorted((process.communicate(timeout=60)[0].strip() for process in processes), key=len)
    assert said[0] == State.PRE_RESTART
    assert all("step window_near expected state normal, but it is PRE_RESTART" in words for words in said[1:])
    assert audit(db) == ["NORMAL to PRE_RESTART: me"]


def test_a_second_validated_is_refused(manager: TWSRestartManager, home: Path) -> None:
    bring_to(manager, State.VALIDATING)
    with closing(connect(home / "v6.db")) as other:
        TWSRestartManager(other, [DAILY]).step(Event.VALIDATED, "all proofs")
    with pytest.raises(WrongStep, match="no step validated from state normal"):
        manager.step(Event.VALIDATED, "all proofs")


# what stands still


@pytest.mark.parametrize("state", UNFINISHED)
def test_a_restart_that_stands_still_is_found_in_exactly_that_state_l25(
    manager: TWSRestartManager, db: sqlite3.Connection, at: SetClock, state: State
) -> None:
    bring_to(manager, state)
    at("2026-11-24 00:14")
    assert manager.find_overdue(clock.now()) is None
    at("2026-11-24 00:16")
    why = manager.find_overdue(clock.now())
    assert why is not None
    assert f"{state.upper()} since 2026-11-23 23:40 EST, daily_restart 11-23 23:45" in why
    assert manager.current().state is State.DEGRADED
    [alert] = events.alerts_since(db, ny("2026-11-23 00:00"))
    assert (alert.severity, alert.title) == ("failure", f"TWS's restart is not over: {state}")


@pytest.mark.parametrize("state", UNFINISHED)
def test_a_person_is_told_once_and_again_after_hours(
    manager: TWSRestartManager, db: sqlite3.Connection, at: SetClock, state: State
) -> None:
    bring_to(manager, state)
    for moment in ("2026-11-24 00:16", "2026-11-24 00:31", "2026-11-24 00:46", "2026-11-24 06:17"):
        at(moment)
        assert manager.find_overdue(clock.now()) is not None
    told = events.alerts_since(db, ny("2026-11-23 00:00"))
    assert [f"{alert.at:%H:%M}" for alert in told] == ["00:16", "06:17"]
    assert len({alert.key for alert in told}) == 1
    assert sum("to DEGRADED" in text for text in audit(db)) == 1


def tell_trouble(db: sqlite3.Connection) -> None:
    """As post_restart does at the end of a restart that has not gone well."""
    key = f"{subject_of('daily_restart', ny('2026-11-23 23:45'))} {TROUBLE} degraded 1"
    events.raise_alert(db, severity="failure", title="restart degraded", body="", key=key)


@pytest.mark.parametrize("state", [State.RECONNECTING, State.VALIDATING, State.DEGRADED])
def test_what_post_restart_has_told_minutes_ago_is_repeated_hours_later(
    manager: TWSRestartManager, db: sqlite3.Connection, at: SetClock, state: State
) -> None:
    bring_to(manager, state)
    at("2026-11-24 00:12")
    tell_trouble(db)
    for moment in ("2026-11-24 00:16", "2026-11-24 03:00", "2026-11-24 06:13", "2026-11-24 06:30"):
        at(moment)
        assert manager.find_overdue(clock.now()) is not None
    told = events.alerts_since(db, ny("2026-11-23 00:00"))
    assert [f"{alert.at:%H:%M}" for alert in told] == ["00:12", "06:13"]


@pytest.mark.parametrize("state", [State.PRE_RESTART, State.RESTARTING])
def test_what_was_told_of_a_trial_in_the_evening_does_not_hide_the_night(
    manager: TWSRestartManager, db: sqlite3.Connection, at: SetClock, state: State
) -> None:
    at("2026-11-23 19:00")
    tell_trouble(db)
    at("2026-11-23 23:40")
    bring_to(manager, state)
    row = restarts.begin(db, "daily_restart", ny("2026-11-23 23:45"), ny("2026-11-24 00:05"))
    if state is State.RESTARTING:
        restarts.note(db, row.id, prepared_at=clock.now())
    at("2026-11-24 00:16")
    manager.find_overdue(clock.now())
    assert [f"{alert.at:%H:%M}" for alert in events.alerts_since(db, ny("2026-11-23 00:00"))] == ["19:00", "00:16"]


def test_what_comes_next_is_said_by_who_knows_it(
    manager: TWSRestartManager, db: sqlite3.Connection, at: SetClock
) -> None:
    bring_to(manager, State.RESTARTING)
    at("2026-11-24 00:16")
    manager.find_overdue(clock.now(), "Nothing validates it again by itself.")
    [alert] = events.alerts_since(db, ny("2026-11-23 00:00"))
    assert "Nothing validates it again by itself.\n`v6 restart status`" in alert.body


def test_each_window_is_alerted_for_itself(manager: TWSRestartManager, db: sqlite3.Connection, at: SetClock) -> None:
    bring_to(manager, State.RESTARTING)
    at("2026-11-24 00:16")
    manager.find_overdue(clock.now())
    at("2026-11-24 05:40")
    morning = Occurrence("weekday_morning", ny("2026-11-24 05:45"), ny("2026-11-24 06:00"), acts=True)
    manager.step(Event.WINDOW_NEAR, "pre_restart begins", morning)
    at("2026-11-24 06:11")
    assert "weekday_morning 11-24 05:45" in (manager.find_overdue(clock.now()) or "")
    assert len(events.alerts_since(db, ny("2026-11-23 00:00"))) == 2


def test_a_validation_at_work_long_after_the_window_still_has_its_time(
    manager: TWSRestartManager, at: SetClock
) -> None:
    bring_to(manager, State.DEGRADED)
    at("2026-11-24 03:00")
    manager.step(Event.TWS_BACK, "recover_restart begins")
    at("2026-11-24 03:09")
    assert manager.overdue(clock.now()) is None
    at("2026-11-24 03:11")
    assert manager.overdue(clock.now()) is not None


def test_a_validation_called_overdue_while_it_worked_can_still_succeed(
    manager: TWSRestartManager, at: SetClock
) -> None:
    bring_to(manager, State.VALIDATING)
    at("2026-11-24 00:16")
    manager.find_overdue(clock.now())
    assert manager.step(Event.VALIDATED, "all proofs") is State.NORMAL
    assert manager.overdue(clock.now()) is None


@pytest.mark.parametrize("state", UNFINISHED)
def test_a_window_that_never_ended_is_overdue_a_day_later(
    manager: TWSRestartManager, at: SetClock, state: State
) -> None:
    endless = Occurrence("endless", ny("2026-11-23 23:45"), ny("2036-11-24 00:05"), acts=True)
    for event in WAY[state]:
        manager.step(event, "any", endless)
    assert manager.overdue(ny("2026-11-24 23:00")) is None
    assert manager.overdue(ny("2026-11-24 23:51")) is not None


@pytest.mark.parametrize("state", UNFINISHED)
def test_without_a_window_the_time_counts_from_the_step(manager: TWSRestartManager, state: State) -> None:
    restarts.set_current(manager.db, state, "TWS went by itself")
    assert manager.overdue(ny("2026-11-23 23:49")) is None
    assert manager.overdue(ny("2026-11-23 23:51")) is not None


@pytest.mark.parametrize("state", UNFINISHED)
def test_a_state_from_the_future_is_overdue_because_the_clock_went_back(
    manager: TWSRestartManager, state: State
) -> None:
    bring_to(manager, state)
    assert "the clock went back" in (manager.overdue(ny("2026-11-23 22:00")) or "")
    assert manager.overdue(ny("2026-11-23 23:39")) is None


def test_a_clock_that_leaps_forward_makes_it_overdue_at_once(manager: TWSRestartManager, at: SetClock) -> None:
    bring_to(manager, State.PRE_RESTART)
    at("2026-12-24 00:00")
    assert "should have been over 29 d 23 h ago" in (manager.find_overdue(clock.now()) or "")


def test_the_night_clocks_go_back_is_measured_in_real_minutes(manager: TWSRestartManager, at: SetClock) -> None:
    at("2026-11-01 00:40")
    night = Occurrence("late", ny("2026-11-01 00:45"), ny("2026-11-01 01:30"), acts=True)
    manager.step(Event.WINDOW_NEAR, "pre_restart begins", night)
    assert manager.overdue(ny("2026-11-01 01:39")) is None
    assert manager.overdue(ny("2026-11-01 01:10", fold=1)) is not None


def test_the_minutes_are_configured(db: sqlite3.Connection) -> None:
    patient = TWSRestartManager(db, [DAILY], overdue=timedelta(minutes=45))
    bring_to(patient, State.RESTARTING)
    assert patient.overdue(ny("2026-11-24 00:49")) is None
    assert patient.overdue(ny("2026-11-24 00:51")) is not None


def test_what_was_moved_meanwhile_is_not_degraded(
    manager: TWSRestartManager, home: Path, at: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state is read, then somebody else validates, then it would be written."""
    bring_to(manager, State.VALIDATING)
    at("2026-11-24 00:16")
    seen = manager.overdue

    def overdue_and_then_validated(now: datetime) -> str | None:
        why = seen(now)
        with closing(connect(home / "v6.db")) as other:
            rival = TWSRestartManager(other, [DAILY])
            if rival.current().state is State.VALIDATING:
                rival.step(Event.VALIDATED, "all proofs")
        return why

    monkeypatch.setattr(manager, "overdue", overdue_and_then_validated)
    manager.find_overdue(clock.now())
    assert manager.current().state is State.NORMAL
