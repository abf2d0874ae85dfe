"""`v6 restart`: the answers are compared with what the journal and the configuration hold."""

import json
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from v6.clock import NEW_YORK
from v6.journal import restarts
from v6.journal.database import connect
from v6.restart.alone import alone
from v6.restart.manager import TWSRestartManager
from v6.restart.records.report import RestartReport, Verdict
from v6.restart.records.report_files import ReportFiles
from v6.restart.records.report_text import to_do
from v6.restart.states import Event
from v6.restart.windows import Occurrence

V6 = Callable[..., Result]
Answer = Callable[..., Any]


def ny(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK, fold=fold)


TONIGHT = Occurrence("daily_restart", ny("2026-11-23 23:45"), ny("2026-11-24 00:05"), acts=True)


@pytest.fixture
def at(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Set V6's clock."""

    def set_clock(instant: datetime) -> None:
        monkeypatch.setenv("V6_CLOCK_OFFSET", f"{instant.timestamp() - datetime.now().timestamp():.3f}")

    set_clock(ny("2026-11-23 20:00"))
    return set_clock


@pytest.fixture
def windows_in_new_york(home: Path, at: Callable[[datetime], None]) -> None:
    (home / "config").mkdir()
    held = "{zone: Asia/Tokyo, days: [friday, sunday], start: '12:00', end: '12:30', acts: false}"
    windows = f"{{daily_restart: {{zone: America/New_York}}, held: {held}}}"
    (home / "config" / "production.yaml").write_text(f"scheduler: {{restart_windows: {windows}}}\n")


@pytest.fixture
def journal(home: Path) -> Path:
    (home / "var").mkdir(exist_ok=True)
    return home / "var" / "v6.db"


def step(journal: Path, *events: Event) -> None:
    with closing(connect(journal)) as db:
        for event in events:
            TWSRestartManager(db, []).step(event, f"cause of {event}", TONIGHT)


def restarted(journal: Path, **columns: object) -> restarts.Restart:
    with closing(connect(journal)) as db:
        row = restarts.begin(db, TONIGHT.name, TONIGHT.start, TONIGHT.end)
        restarts.note(db, row.id, **(columns or {"outcome": None}))
        return row


# status


def test_before_the_first_restart_status_says_what_comes(v6: V6, home: Path, windows_in_new_york: None) -> None:
    lines = v6("restart", "status").output.splitlines()
    assert lines[0] == "NORMAL: no restart yet"
    assert lines[1] == "next restart: daily_restart 2026-11-23 23:45-00:05 EST, in 3 h 45 min"
    assert lines[2] == "weekly login: Sunday 2026-11-29 01:00 EST, in 5 d 5 h"
    assert not (home / "var" / "v6.db").exists(), "a question creates no journal"


def test_status_names_state_since_cause_and_window(v6: V6, journal: Path, windows_in_new_york: None) -> None:
    step(journal, Event.WINDOW_NEAR, Event.PREPARED)
    assert v6("restart", "status").output.splitlines()[0] == (
        "RESTARTING since 2026-11-23 20:00 EST, daily_restart 11-23 23:45: cause of prepared"
    )


def test_degraded_is_exit_code_1(v6: V6, journal: Path, windows_in_new_york: None) -> None:
    step(journal, Event.WINDOW_NEAR, Event.FAILED)
    assert "DEGRADED" in v6("restart", "status", code=1).output


def test_overdue_is_said_and_is_exit_code_1_but_changes_nothing(
    v6: V6, journal: Path, at: Callable[[datetime], None], windows_in_new_york: None
) -> None:
    step(journal, Event.WINDOW_NEAR)
    at(ny("2026-11-24 00:45"))
    assert "should have been over 30 min ago" in v6("restart", "status", code=1).output
    assert v6("restart", "status", code=1).output.startswith("PRE_RESTART")


def test_a_degraded_state_is_said_once_with_what_to_do(
    v6: V6, home: Path, journal: Path, at: Callable[[datetime], None], windows_in_new_york: None
) -> None:
    step(journal, Event.WINDOW_NEAR, Event.FAILED)
    report = RestartReport.begin(TONIGHT, 1, Verdict.DEGRADED)
    ReportFiles(home / "var" / "state" / "restarts", 90).save(report)
    at(ny("2026-11-24 03:00"))
    said = v6("restart", "status", code=1).output
    assert said.count("cause of failed") == 1
    assert [f"To do: {one}" for one in to_do(report)] == [one for one in said.splitlines() if one.startswith("To do")]
    assert "nobody is at work now: recover_restart looks every 15 minutes" in said


def test_what_a_long_wait_is_about_is_in_the_status(v6: V6, journal: Path, windows_in_new_york: None) -> None:
    """A mute TWS is waited for during minutes, and status looked as if all were well."""
    step(journal, Event.WINDOW_NEAR, Event.PREPARED, Event.TWS_BACK)
    with closing(connect(journal)) as db:
        TWSRestartManager(db, []).tell("mute_before_handshake (7 attempts, mute for 210 s); gives up at 00:21:00 EST")
    said = v6("restart", "status").output.splitlines()[0]
    assert said.startswith("RECONNECTING since 2026-11-23 20:00 EST, daily_restart 11-23 23:45: mute_before_handshake")
    assert said.endswith("mute for 210 s); gives up at 00:21:00 EST")


def test_words_of_a_wait_that_is_over_change_nothing(v6: V6, journal: Path, windows_in_new_york: None) -> None:
    step(journal, Event.WINDOW_NEAR, Event.FAILED)
    with closing(connect(journal)) as db:
        TWSRestartManager(db, []).tell("a word too late")
    assert "cause of failed" in v6("restart", "status", code=1).output


def test_status_says_who_is_at_work_and_who_takes_over_when_nobody_is(
    v6: V6, home: Path, journal: Path, at: Callable[[datetime], None], windows_in_new_york: None
) -> None:
    step(journal, Event.WINDOW_NEAR, Event.PREPARED, Event.TWS_BACK)
    at(ny("2026-11-24 00:11"))
    with alone(home / "var" / "locks", task="post_restart"):
        assert f"at work: pid {os.getpid()} post_restart" in v6("restart", "status").output
    assert "recover_restart takes over after 00:15 EST, every 15 minutes" in v6("restart", "status").output


@pytest.mark.parametrize("command", [("status",), ("windows",), ("history",), ("report",)])
def test_a_broken_edit_hides_nothing(
    v6: V6, home: Path, journal: Path, windows_in_new_york: None, command: tuple[str, ...]
) -> None:
    kept_report(home, journal, Verdict.RESTORED)
    before = v6("restart", *command).stdout
    (home / "config" / "production.yaml").write_text("restart: {cancel: everything}\n")
    after = v6("restart", *command)
    assert after.stdout == before
    assert after.stderr.count("shown is the last good one") == (command != ("history",))


def test_inside_a_window_status_says_so(v6: V6, at: Callable[[datetime], None], windows_in_new_york: None) -> None:
    at(ny("2026-11-24 00:01"))
    assert "now in the window daily_restart 2026-11-23 23:45-00:05 EST" in v6("restart", "status").output


def test_the_countdown_of_the_night_clocks_go_back_counts_real_hours(
    v6: V6, at: Callable[[datetime], None], windows_in_new_york: None
) -> None:
    at(ny("2026-11-01 00:30"))
    assert "weekly login: Sunday 2026-11-01 01:00 EDT, in 30 min" in v6("restart", "status").output
    at(ny("2026-11-01 01:30", fold=1))
    said = v6("restart", "status").output
    assert "next restart: sunday_maintenance 2026-11-01 10:00-14:00 EST, in 8 h 30 min" in said
    assert "weekly login: Sunday 2026-11-08 01:00 EST, in 6 d 23 h" in said


def test_status_as_json(answer: Answer, journal: Path, windows_in_new_york: None) -> None:
    step(journal, Event.WINDOW_NEAR)
    told = answer("restart", "status")
    assert (told["state"], told["cause"], told["window"]) == ("pre_restart", "cause of window_near", "daily_restart")
    assert told["next_restart"]["start"] == "2026-11-23T23:45:00-05:00"
    assert told["weekly_login"] == "2026-11-29T01:00:00-05:00"
    assert told["overdue"] is None


# windows


def test_both_tables_are_shown(v6: V6, windows_in_new_york: None) -> None:
    said = v6("restart", "windows").output
    lines = [" ".join(line.split()) for line in said.splitlines()]
    at = lines.index("daily_restart every day 23:45-00:05 America/New_York, V6 acts")
    assert lines[at + 1] == "next in New York: 2026-11-23 23:45-00:05 EST"
    assert "weekday_morning Mon-Fri 05:45-06:00 America/New_York, V6 acts" in lines
    at = lines.index("held Fri Sun 12:00-12:30 Asia/Tokyo, V6 does not act")
    assert lines[at + 1] == "next in New York: 2026-11-26 22:00-22:30 EST"
    assert "north_america Sun-Fri 00:15-01:45 America/New_York (as of 2026-11-21)" in lines
    assert "(yours: north_america, restart.server_region, and everywhere)" in lines


def test_the_windows_fit_a_terminal_of_80_columns(v6: V6, windows_in_new_york: None) -> None:
    lines = v6("restart", "windows").output.splitlines()
    assert [line for line in lines if len(line) > 80] == []


def test_the_tables_as_json_carry_sources_and_dates(answer: Answer, windows_in_new_york: None) -> None:
    told = answer("restart", "windows")
    assert [one["name"] for one in told["windows"]] == [
        "daily_restart",
        "weekday_morning",
        "sunday_maintenance",
        "held",
    ]
    assert told["windows"][1]["days"] == ["Mon", "Tue", "Wed", "Thu", "Fri"]
    assert all(one["source"] and one["as_of"] for one in told["server_resets"])
    assert {one["name"] for one in told["server_resets"] if one["yours"]} == {
        "server_reset",
        "server_reset_older",
        "weekend_reset",
    }


# history and report


def test_the_history_of_nothing(v6: V6, home: Path, windows_in_new_york: None) -> None:
    assert v6("restart", "history").output == "no restart in the journal\n"
    assert not (home / "var" / "v6.db").exists()


def test_the_history_says_what_became_of_each_restart(v6: V6, answer: Answer, journal: Path) -> None:
    restarted(
        journal,
        prepared_at=ny("2026-11-23 23:40:22"),
        connected_at=ny("2026-11-24 00:10:03"),
        validated_at=ny("2026-11-24 00:10:31"),
        observed="restarted",
        outcome="restored",
        orders_cancelled=3,
        first_tick_seconds=1.234,
    )
    assert v6("restart", "history").output.splitlines() == [
        "2026-11-23 23:45 daily_restart (1): restored",
        "    prepared 23:40:22, TWS restarted, back 00:10:03, validated 00:10:31, 3 cancelled, first tick 1.2 s",
    ]


def test_the_history_says_what_could_not_be_seen(v6: V6, journal: Path) -> None:
    restarted(journal, connected_at=ny("2026-11-24 00:10:03"), observed="unknown", outcome="degraded")
    assert v6("restart", "history").output.splitlines() == [
        "2026-11-23 23:45 daily_restart (1): degraded",
        "    not prepared, could not see whether TWS restarted, back 00:10:03",
    ]


def test_the_history_as_json(answer: Answer, journal: Path) -> None:
    restarted(journal, outcome="degraded")
    [row] = answer("restart", "history")
    assert (row["id"], row["window"], row["outcome"]) == (1, "daily_restart", "degraded")
    assert row["window_start"] == "2026-11-23T23:45:00-05:00"


def test_the_steps_of_the_state_are_an_audit(v6: V6, journal: Path, at: Callable[[datetime], None]) -> None:
    step(journal, Event.WINDOW_NEAR, Event.PREPARED)
    said = v6("restart", "history", "--steps").output
    assert said.index("PRE_RESTART to RESTARTING: cause of prepared") < said.index("NORMAL to PRE_RESTART: cause of")
    assert "2026-11-23 20:00:0" in said


def kept_report(home: Path, journal: Path, verdict: Verdict) -> restarts.Restart:
    row = restarted(journal)
    report = RestartReport.begin(TONIGHT, row.id, verdict)
    ReportFiles(home / "var" / "state" / "restarts", 90).save(report)
    return row


@pytest.mark.parametrize("which", [(), ("latest",), ("1",)])
def test_a_report_is_shown_by_id_or_the_latest(v6: V6, home: Path, journal: Path, which: tuple[str, ...]) -> None:
    kept_report(home, journal, Verdict.RESTORED)
    assert "daily_restart" in v6("restart", "report", *which).output


def test_a_report_that_does_not_say_restored_is_exit_code_1(v6: V6, home: Path, journal: Path) -> None:
    kept_report(home, journal, Verdict.DEGRADED)
    v6("restart", "report", code=1)


def test_a_restart_that_is_prepared_is_no_trouble(v6: V6, home: Path, journal: Path) -> None:
    kept_report(home, journal, Verdict.PREPARED)
    v6("restart", "report")


def test_a_restored_restart_at_which_a_person_must_look_is_exit_code_1(v6: V6, home: Path, journal: Path) -> None:
    report = replace(RestartReport.begin(TONIGHT, restarted(journal).id, Verdict.RESTORED), exit_code=2)
    ReportFiles(home / "var" / "state" / "restarts", 90).save(report)
    v6("restart", "report", code=1)


def test_a_report_as_json_is_the_files_body(answer: Answer, home: Path, journal: Path) -> None:
    kept_report(home, journal, Verdict.RESTORED)
    [file] = (home / "var" / "state" / "restarts").glob("*.json")
    told = answer("restart", "report", "latest")
    assert told["window"] == "daily_restart"
    assert told["verdict"] == "restored"
    assert json.loads(file.read_text())["body"]["restart_id"] == told["restart_id"] == 1


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ("latest", "there is no report in "),
        ("7", "'7' is no restart, allowed: latest, or an id (1 to 1) of `v6 restart history`"),
        ("yesterday", "'yesterday' is no restart, allowed: latest, or an id (1 to 1)"),
        ("1", "restart 1 (daily_restart, 2026-11-23 23:45) has no report any more"),
    ],
)
def test_a_report_that_is_not_there_is_refused_with_what_is(v6: V6, journal: Path, which: str, message: str) -> None:
    restarted(journal)
    assert message in v6("restart", "report", which, code=2).output


def test_a_spoilt_report_is_refused_by_name(v6: V6, home: Path, journal: Path) -> None:
    kept_report(home, journal, Verdict.RESTORED)
    [file] = (home / "var" / "state" / "restarts").glob("*.json")
    file.write_bytes(file.read_bytes()[:-20])
    said = v6("restart", "report", code=2).output
    assert file.name in said
    assert os.linesep.join(said.splitlines()[1:]) == "", "one line, no traceback"
