"""`v6 runs`, `v6 events` and `v6 slots`."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from v6.clock import NEW_YORK
from v6.journal import events, ledger, runs
from v6.journal.database import connect

Command = Callable[..., Result]
Answer = Callable[..., Any]
TASK = "collect_option_snapshots"


def slot(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-20 {text}").replace(tzinfo=NEW_YORK)


@pytest.fixture
def evening(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is some time after the session of 2026-11-20."""
    from v6 import clock

    monkeypatch.setenv("V6_CLOCK_OFFSET", f"{slot('21:00').timestamp() - clock.epoch():.0f}")


def journal_of_the_day(home: Path) -> None:
    """09:30 complete, 09:35 with a miss, 09:40 skipped by the gate, 09:45 killed half-way, then nothing."""
    db = connect(home / "var" / "v6.db")
    ledger.open_slot(db, TASK, slot("09:30"), 3, 1)
    ledger.close_slot(db, TASK, slot("09:30"), 3, [])
    ledger.open_slot(db, TASK, slot("09:35"), 3, 2)
    ledger.close_slot(db, TASK, slot("09:35"), 2, [ledger.Miss("265598", "SPY", "partial", "no_greeks")])
    ledger.open_slot(db, TASK, slot("09:45"), 3, 2)
    run = runs.start_attempt(db, task=TASK, slot=slot("09:45"), attempt=1, pid=4711, log_file="")
    runs.mark_killed(db, run, "")
    db.close()
    log = home / "logs" / "scheduler" / "cron_wrapper.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"2026-11-20 09:40:01 EST|{TASK}|2026-11-20T14:40:00Z|skip|restart_window|daily\n", encoding="ascii")


@pytest.mark.usefixtures("evening")
def test_every_expected_slot_is_listed_with_its_reason(v6: Command, answer: Answer, home: Path) -> None:
    journal_of_the_day(home)

    states = answer("slots", "2026-11-20", "--task", TASK, code=1)

    assert len(states) == 78
    assert [(one["verdict"], one["reasons"]) for one in states[:4]] == [
        ("complete", {}),
        ("partial", {"no_greeks": 1}),
        ("missing", {"restart_window": 3}),
        ("missing", {"killed": 3}),
    ]
    assert states[-1]["reasons"] == {"host_down": 3}
    assert "2 partial" not in v6("slots", "2026-11-20", code=1).stdout


@pytest.mark.usefixtures("evening")
def test_slots_that_are_still_to_come_are_not_missing(answer: Answer) -> None:
    states = answer("slots", "2026-11-23")

    assert {one["verdict"] for one in states} == {"not yet"}


@pytest.mark.usefixtures("evening")
def test_the_closing_has_its_slot_whether_or_not_it_ran(v6: Command, answer: Answer, home: Path) -> None:
    [coming] = answer("slots", "2026-11-27", "--task", "final_data_collection")
    assert (coming["slot"], coming["verdict"]) == ("2026-11-27T13:15:00-05:00", "not yet")  # an early close

    [missed] = answer("slots", "2026-11-20", "--task", "final_data_collection", code=1)

    assert (missed["verdict"], missed["reasons"]) == ("missing", {"before_first_run": 1})
    assert "has no slots of contracts" in v6("slots", "2026-11-20", "--task", "health_check", code=2).stderr


def test_a_holiday_expects_nothing(v6: Command) -> None:
    assert "no slot of a collector is expected" in v6("slots", "2026-11-26").stdout


def test_runs_are_listed_newest_first(v6: Command, answer: Answer, home: Path) -> None:
    journal_of_the_day(home)

    [run] = answer("runs", "--task", TASK)

    assert (run["task"], run["outcome"], run["slot"]) == (TASK, "killed", "2026-11-20T09:45:00-05:00")
    assert "killed" in v6("runs").stdout


def test_a_question_never_creates_a_journal(v6: Command, home: Path) -> None:
    assert "no run in the journal" in v6("runs").stdout
    assert not (home / "var" / "v6.db").exists()


@pytest.mark.usefixtures("evening")
def test_events_are_listed_in_new_york_time_with_their_details_the_newest_last(
    v6: Command, answer: Answer, home: Path
) -> None:
    assert "no event in the journal of the kind k" in v6("events", "--kind", "k").stdout
    with closing(connect(home / "var" / "v6.db")) as db:
        for number in range(3):
            events.record(db, "k", f"step {number}", "k", {"who": {"uid": 7, "user": "eve"}, "left": ["a", "b"]})
        events.record(db, "other", "no such")

    said = v6("events", "--kind", "k", "--limit", "2").stdout.splitlines()

    assert [said[0][19:], said[3][19:]] == [" EST  k  step 1", " EST  k  step 2"]
    assert abs((datetime.fromisoformat(f"{said[0][:19]}-05:00") - slot("21:00")).total_seconds()) < 60
    assert said[1:3] == ["    who: uid 7, user eve", "    left: a; b"]
    assert [one["details"]["who"]["user"] for one in answer("events", "--kind", "k")] == ["eve"] * 3


def test_why_answers_on_one_screen(v6: Command) -> None:
    said = v6("why", TASK, "2026-11-27 13:05").stdout

    assert len(said.splitlines()) <= 24
    assert "Day after Thanksgiving" in said
    assert "post_market" in said


def test_why_answers_a_program(answer: Answer) -> None:
    facts = answer("why", TASK, "2026-11-26 10:00")

    assert facts["decision"] == {"run": False, "reason": "holiday", "slot": "2026-11-26T10:00:00-05:00"}


def test_why_refuses_an_unknown_task_with_those_there_are(v6: Command) -> None:
    said = v6("why", "colect_options", code=2).stderr

    assert "colect_options" in said
    assert TASK in said


def test_a_spoilt_journal_is_refused_by_name(v6: Command, home: Path) -> None:
    (home / "var" / "v6.db").write_bytes(b"this is no database, however long it may be" * 100)

    assert "v6.db: file is not a database" in v6("runs", code=2).stderr


@pytest.mark.parametrize("question", [("runs",), ("slots", "2026-11-20")])
def test_runs_and_slots_refuse_an_unknown_task_with_those_there_are(v6: Command, question: tuple[str, ...]) -> None:
    said = v6(*question, "--task", "nosuch", code=2).stderr

    assert "'nosuch' is no task of the schedule" in said
    assert TASK in said


def test_a_task_that_collects_nothing_has_no_slots(v6: Command) -> None:
    said = v6("slots", "2026-11-20", "--task", "health_check", code=2).stderr

    assert "health_check has no slots of contracts" in said
    assert TASK in said


def test_runs_of_a_task_that_has_left_the_schedule_are_shown(v6: Command, home: Path) -> None:
    db = connect(home / "var" / "v6.db")
    runs.start_attempt(db, task="collect_tulips", slot=slot("09:45"), attempt=1, pid=4711, log_file="")
    db.close()

    assert "collect_tulips" in v6("runs", "--task", "collect_tulips").stdout


@pytest.mark.usefixtures("evening")
def test_where_nothing_tells_how_many_contracts_there_were_the_total_is_unknown(v6: Command) -> None:
    assert f"{TASK}: 78 slots: 78 missing; 0 of ? contracts complete" in v6("slots", "2026-11-20", code=1).stdout


def test_why_says_of_a_killed_run_that_it_was_killed(v6: Command, home: Path) -> None:
    journal_of_the_day(home)

    said = v6("why", TASK, "2026-11-20 09:45").stdout

    assert said.splitlines()[0].endswith("09:45 EST: it was killed")
