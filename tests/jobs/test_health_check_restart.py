"""What health_check finds about TWS's restart, whom it tells, and how often. TWS is away unless a test brings one."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from desk import Desk, Ran

from thinned import thinned
from v6.clock import NEW_YORK
from v6.gateway import sockets
from v6.journal import events, restarts
from v6.journal.timestamps import instant_text
from v6.missed import telling
from v6.restart.manager import EVENT
from v6.restart.states import State
from v6.simulator.testing import SimulatedTWS

pytestmark = pytest.mark.integration

THURSDAY, FRIDAY = date(2026, 11, 19), date(2026, 11, 20)
UNFINISHED = [state for state in State if state is not State.NORMAL]


def ny(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK, fold=fold)


WINDOW = ("daily_restart", ny("2026-11-19 23:45"), ny("2026-11-20 00:05"))


@pytest.fixture(scope="session")
def schedule_of_new_york(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """schedule.txt of a host in New York, wherever the test runs."""
    home = tmp_path_factory.mktemp("new_york")
    (home / "config").mkdir()
    window = "scheduler: {restart_windows: {daily_restart: {zone: America/New_York}}}\n"
    (home / "config" / "production.yaml").write_text(window)
    compile_again(home)
    return home / "var" / "compiled" / "schedule.txt"


def compile_again(home: Path) -> None:
    command = [sys.executable, "-m", "v6.scheduler.compile"]
    subprocess.run(command, env=os.environ | {"V6_HOME": str(home)}, check=True, capture_output=True)


@pytest.fixture
def desk(desk_without_tws: Desk, schedule_of_new_york: Path) -> Desk:
    shutil.copy(schedule_of_new_york, desk_without_tws.home / "var" / "compiled" / "schedule.txt")
    return desk_without_tws


@contextmanager
def journal(desk: Desk) -> Iterator[sqlite3.Connection]:
    with closing(desk.journal()) as db:
        yield db


def set_state(desk: Desk, state: State, since: str) -> None:
    with journal(desk) as db:
        restarts.set_current(db, state, "as the test says", *WINDOW, since=ny(since))


def check(desk: Desk, wall: str, day: date = FRIDAY) -> Ran:
    desk.at(wall, day)
    return desk.run("health_check", slot=wall, day=day)


def told(desk: Desk) -> list[events.Alert]:
    """But for missed slots: no cron is at work here, so the second check finds all that was due since the first."""
    with journal(desk) as db:
        found = events.alerts_since(db, ny("2026-01-01 00:00"))
    return [alert for alert in found if not alert.key.startswith(telling.KEY)]


def outage(desk: Desk, *times: str, kind: str = "refused") -> None:
    with journal(desk) as db:
        for text in times:
            db.execute(
                "INSERT INTO outages (at, kind, evidence) VALUES (?, ?, 'connection refused')",
                (instant_text(ny(text)), kind),
            )


def past_restart(desk: Desk, day: date, **columns: object) -> None:
    start = datetime(day.year, day.month, day.day, 23, 45, tzinfo=NEW_YORK)
    with journal(desk) as db:
        row = restarts.begin(db, "daily_restart", start, start + timedelta(minutes=20))
        usual = {
            "observed": "restarted",
            "outcome": "restored",
            "validated_at": start + timedelta(minutes=25, seconds=20),
        }
        restarts.note(db, row.id, **(usual | columns))


# a restart that is not over


@pytest.mark.parametrize("state", thinned(UNFINISHED, (State.PRE_RESTART, State.DEGRADED)))
def test_a_restart_that_is_not_over_is_found_in_exactly_that_state_l25(desk: Desk, state: State) -> None:
    set_state(desk, state, "2026-11-19 23:41")

    ran = check(desk, "00:30")

    assert ran.code == 1
    assert (
        f"restart: failed: overdue: {state.upper()} since 2026-11-19 23:41 EST, daily_restart 11-19 23:45" in ran.words
    )
    with journal(desk) as db:
        assert restarts.current(db).state == "degraded"  # type: ignore[union-attr]
        moves = [event.text for event in events.recent(db, EVENT)]
    assert len(moves) == (0 if state is State.DEGRADED else 1)
    assert [alert.title for alert in told(desk)] == [f"TWS's restart is not over: {state}"]


def test_a_person_is_told_once_although_every_check_finds_it(desk: Desk) -> None:
    set_state(desk, State.RESTARTING, "2026-11-19 23:41")
    codes = [check(desk, wall).code for wall in ("00:30", "00:45", "01:00")]
    assert (codes, len(told(desk))) == ([1, 1, 1], 1)


def test_a_restart_at_work_is_no_failure(desk: Desk) -> None:
    set_state(desk, State.RECONNECTING, "2026-11-20 00:10")
    assert "restart: ok: RECONNECTING since 2026-11-20 00:10 EST" in check(desk, "00:14").words
    assert told(desk) == []


def test_degraded_is_shown_with_its_cause_until_it_is_mended(desk: Desk) -> None:
    with journal(desk) as db:
        restarts.set_current(db, "degraded", "2 subscriptions do not tick", *WINDOW, since=ny("2026-11-20 00:12"))
    assert "restart: failed: DEGRADED" in check(desk, "00:14").words
    with journal(desk) as db:
        restarts.set_current(db, "normal", "all proofs", *WINDOW)
    assert "restart: ok: NORMAL" in check(desk, "00:15").words


def not_over(desk: Desk, state: State, window: str = "daily_restart", **columns: object) -> None:
    """As pre_restart and post_restart leave it."""
    _, start, end = WINDOW
    with journal(desk) as db:
        restarts.set_current(db, state, "as the test says", window, start, end, since=ny("2026-11-20 00:10"))
        if window == "daily_restart":
            row = restarts.begin(db, *WINDOW)
            restarts.note(db, row.id, prepared_at=ny("2026-11-19 23:41"), **columns)


@pytest.mark.parametrize("state", [State.RECONNECTING, State.DEGRADED])
def test_a_tws_that_a_restart_has_not_brought_back_is_no_failure_to_tell_again(desk: Desk, state: State) -> None:
    not_over(desk, state)
    ran = check(desk, "00:14")
    assert ran.code == 1
    assert "gateway: failed: refused" in ran.words
    assert "recoverable: restart_not_over" in ran.words


def test_a_tws_that_goes_after_it_was_reached_is_one(desk: Desk) -> None:
    not_over(desk, State.DEGRADED, connected_at=ny("2026-11-20 00:11"))
    words = check(desk, "00:14").words
    assert "recoverable: " in words
    assert "restart_not_over" not in words


def test_a_tws_that_goes_after_a_proof_at_the_open_has_failed_is_one(desk: Desk) -> None:
    not_over(desk, State.DEGRADED, window="live_proof")
    words = check(desk, "10:14").words
    assert "recoverable: " in words
    assert "restart_not_over" not in words


def test_the_message_says_who_tries_again_and_that_nobody_does(desk: Desk) -> None:
    set_state(desk, State.RESTARTING, "2026-11-19 23:41")
    check(desk, "00:30")
    set_state(desk, State.RESTARTING, "2026-11-19 23:41")
    desk.configure({"scheduler": {"tasks": {"recover_restart": {"enabled": False}}}})
    check(desk, "06:45")
    said = [alert.body for alert in told(desk)]
    assert "recover_restart (15min) validates it when TWS's API port is open." in said[0]
    assert "Nothing validates it again by itself: recover_restart is disabled." in said[1]


# another TWS


def validated(desk: Desk, listener: str) -> None:
    past_restart(desk, THURSDAY, connected_at=ny("2026-11-20 00:10"), listener_after=listener)


@pytest.mark.both_libraries
def test_a_tws_that_restarted_outside_of_every_window_is_found_without_touching_it_l27(
    desk: Desk, tws: SimulatedTWS
) -> None:
    found = sockets.listener("127.0.0.1", tws.port)
    assert found is not None
    validated(desk, found.words())
    assert (
        f"TWS's process: ok: the one validated 2026-11-20 00:10 EST: inode {found.inode}" in check(desk, "10:00").words
    )

    validated(desk, "inode 1, pid 2")
    before = tws.stats.connections
    ran = check(desk, "10:15")

    assert ran.code == 1
    assert "TWS's process: failed: restarted outside of every window" in ran.words
    assert tws.stats.connections == before + 1, "only the check of the gateway connects"


@pytest.mark.parametrize("recovers", [True, False])
def test_another_tws_is_told_by_the_job_that_validates_it_if_there_is_one(
    desk: Desk, tws: SimulatedTWS, recovers: bool
) -> None:
    validated(desk, "inode 1, pid 2")
    desk.configure({"scheduler": {"tasks": {"recover_restart": {"enabled": recovers}}}})
    words = check(desk, "10:15").words
    assert "recoverable: " in words
    assert ("recoverable: restart_not_over: " in words) is recovers


def test_inside_a_window_another_tws_is_expected(desk: Desk, tws: SimulatedTWS) -> None:
    validated(desk, "inode 1, pid 2")
    assert "TWS's process: ok: it may be another one: weekday_morning" in check(desk, "05:50").words
    assert "TWS's process: ok: it may be another one: weekday_morning" in check(desk, "06:05").words


def test_a_tws_elsewhere_cannot_be_looked_at_and_that_is_said_l30(desk: Desk) -> None:
    validated(desk, "inode 1, pid 2")
    desk.configure({"ibkr": {"host": "192.0.2.1", "connect_timeout_seconds": 0.2}})
    assert "TWS's process: could_not_check: 192.0.2.1" in check(desk, "10:00").words


def test_nobody_listening_is_not_called_the_same_tws(desk: Desk) -> None:
    validated(desk, "inode 1, pid 2")
    assert "TWS's process: could_not_check: nobody listens on the API port" in check(desk, "10:00").words


# the weekly login

SATURDAY, SUNDAY = date(2026, 11, 21), date(2026, 11, 22)


def reminders(desk: Desk, *moments: tuple[str, date]) -> list[str]:
    for wall, day in moments:
        check(desk, wall, day)
    return [alert.body.partition(". ")[0] for alert in told(desk) if "weekly login" in alert.title]


def test_the_countdown_to_sundays_login_is_told_a_day_four_hours_and_one_hour_before(desk: Desk) -> None:
    at = [("00:45", SATURDAY), ("01:00", SATURDAY), ("01:15", SATURDAY), ("20:45", SATURDAY), ("21:00", SATURDAY)]
    at += [("21:15", SATURDAY), ("00:00", SUNDAY), ("00:15", SUNDAY), ("01:00", SUNDAY), ("01:15", SUNDAY)]
    assert reminders(desk, *at) == [
        "the login ends Sunday 2026-11-22 01:00 EST, in 1 d 0 h",
        "the login ends Sunday 2026-11-22 01:00 EST, in 4 h 0 min",
        "the login ends Sunday 2026-11-22 01:00 EST, in 1 h 0 min",
    ]


def test_a_check_that_comes_late_tells_the_nearest_reminder_only(desk: Desk) -> None:
    assert reminders(desk, ("00:30", SUNDAY)) == ["the login ends Sunday 2026-11-22 01:00 EST, in 30 min"]


def test_the_night_clocks_go_back_has_one_login_and_no_second_countdown(desk: Desk) -> None:
    night = date(2026, 11, 1)
    assert reminders(desk, ("00:00", night)) == ["the login ends Sunday 2026-11-01 01:00 EDT, in 1 h 0 min"]
    second_pass = ny("2026-11-01 01:15", fold=1)
    desk.clock_file.write_text(f"{second_pass.timestamp() - datetime.now().timestamp():.3f}")
    assert "weekly login: ok: the login ends Sunday 2026-11-08 01:00 EST, in 6 d 23 h" in desk.run("health_check").words
    assert len([alert for alert in told(desk) if "weekly login" in alert.title]) == 1


def test_the_night_clocks_go_forward_counts_real_hours(desk: Desk) -> None:
    production = desk.home / "config" / "production.yaml"
    production.write_text(
        f"{production.read_text()}restart: {{weekly_login: {{time: '03:30', remind_hours_before: [4]}}}}\n"
    )
    before = date(2026, 3, 7)
    assert reminders(desk, ("22:15", before)) == []
    assert reminders(desk, ("22:30", before)) == ["the login ends Sunday 2026-03-08 03:30 EDT, in 4 h 0 min"]


# outages that no window explains


def test_outages_at_the_same_time_name_a_likely_window_as_yaml_and_are_no_failure(desk: Desk) -> None:
    outage(desk, "2026-11-16 19:02", "2026-11-17 19:03", "2026-11-18 19:05", "2026-11-18 19:07")
    ran = check(desk, "10:00")
    assert "outages: ok: 3 in 14 days, 3 outside of windows and server resets; likely a window" in ran.words
    [alert] = [alert for alert in told(desk) if "outside of every window" in alert.title]
    assert (alert.severity, alert.title) == (
        "warning",
        "TWS or IBKR goes away around 18:55 America/New_York, outside of every window",
    )
    assert "Mon 2026-11-16 19:02 EST refused: connection refused" in alert.body
    assert (
        'observed_1855: {zone: America/New_York, days: [monday, tuesday, wednesday], start: "18:55", end: "19:15"}'
        in (alert.body)
    )
    check(desk, "10:15")
    assert len([alert for alert in told(desk) if "outside of every window" in alert.title]) == 1


def test_the_window_it_names_can_be_pasted_and_ends_the_warning(desk: Desk) -> None:
    outage(desk, "2026-11-16 19:02", "2026-11-17 19:03", "2026-11-18 19:05")
    desk.configure(
        {
            "scheduler": {
                "restart_windows": {
                    "daily_restart": {"zone": "America/New_York"},
                    "observed_1855": {
                        "zone": "America/New_York",
                        "days": ["monday", "tuesday", "wednesday"],
                        "start": "18:55",
                        "end": "19:10",
                    },
                }
            }
        }
    )
    compile_again(desk.home)
    assert "outages: ok: 3 in 14 days, 0 outside of windows and server resets" in check(desk, "10:00").words
    assert told(desk) == []


@pytest.mark.parametrize(
    ("times", "why"),
    [
        (("2026-11-16 23:46", "2026-11-17 23:46", "2026-11-18 23:46"), "inside the daily window"),
        (("2026-11-17 00:12", "2026-11-18 00:12", "2026-11-19 00:12"), "just after it"),
        (("2026-11-17 01:30", "2026-11-18 01:30", "2026-11-19 01:30"), "IBKR's own reset"),
        (("2026-11-08 01:20", "2026-11-15 01:20"), "the weekly login"),
        (("2026-11-06 23:30", "2026-11-14 02:00", "2026-11-13 23:30"), "the weekend's reset"),
        (("2026-11-01 19:00", "2026-11-02 19:00", "2026-11-03 19:00"), "more than 14 days ago"),
    ],
)
def test_outages_that_are_explained_raise_nothing(desk: Desk, times: tuple[str, ...], why: str) -> None:
    outage(desk, *times)
    check(desk, "10:00")
    assert [alert.title for alert in told(desk)] == [], why


# a restart unlike the others


def nights(desk: Desk, count: int = 10) -> None:
    for back in range(1, count + 1):
        past_restart(desk, THURSDAY - timedelta(days=back))


def test_a_restart_that_did_not_come_is_told_once(desk: Desk) -> None:
    nights(desk)
    past_restart(desk, THURSDAY, observed="no_restart")
    assert "restart patterns: ok: 1 of the last day looked at; daily_restart missing: TWS did not" in (
        check(desk, "00:30").words
    )
    check(desk, "00:45")
    assert [alert.title for alert in told(desk)] == ["missing restart: daily_restart 2026-11-19 23:45"]


def test_a_slow_one_is_told(desk: Desk) -> None:
    nights(desk)
    past_restart(desk, THURSDAY, validated_at=ny("2026-11-20 00:20"))
    check(desk, "00:30")
    [alert] = told(desk)
    assert alert.body.startswith("validated 900 s after the window's end, the median of 10 is 320")


def test_one_that_waited_for_sundays_login_is_not_called_slow(desk: Desk) -> None:
    """Saturday's window is before the token's end, Sunday's after it."""
    for back in range(1, 11):
        past_restart(desk, date(2026, 11, 22) - timedelta(days=back))
    past_restart(desk, date(2026, 11, 22), validated_at=ny("2026-11-23 08:10"))
    assert "restart patterns: ok: 1 of the last day looked at" in check(desk, "08:30", date(2026, 11, 23)).words
    assert told(desk) == []


def test_one_that_came_early_is_told(desk: Desk) -> None:
    for back in range(1, 11):
        day = THURSDAY - timedelta(days=back)
        past_restart(desk, day, started_at=datetime(day.year, day.month, day.day, 23, 45, 40, tzinfo=NEW_YORK))
    past_restart(desk, THURSDAY, started_at=ny("2026-11-19 23:42"))
    check(desk, "00:30")
    [alert] = told(desk)
    assert alert.body.startswith("TWS went -180 s from the window's start, the median of 10 is +40")


def test_after_a_few_nights_there_is_no_verdict(desk: Desk) -> None:
    nights(desk, 3)
    past_restart(desk, THURSDAY, observed="no_restart", validated_at=ny("2026-11-20 00:29"))
    assert "restart patterns: ok: 1 of the last day looked at; 1 without a verdict" in check(desk, "00:30").words
    assert told(desk) == []


def test_nothing_is_written_but_to_the_journal(desk: Desk) -> None:
    set_state(desk, State.RESTARTING, "2026-11-19 23:41")
    before = {path: path.stat().st_mtime_ns for path in desk.home.rglob("*") if path.is_file()}
    check(desk, "00:30")
    changed = {
        str(path.relative_to(desk.home)).partition("/")[0] + "/" + path.name
        for path in desk.home.rglob("*")
        if path.is_file() and before.get(path) != path.stat().st_mtime_ns
    }
    beside = ("logs/", "var/v6.db", "var/client-", "var/connections", "clock/")
    assert {name for name in changed if not name.startswith(beside)} == set()
