"""`v6 why`: one screen that says why a run did or did not happen."""

import os
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from toy_checkout import ToyCheckout
from v6.clock import NEW_YORK
from v6.journal import ledger, runs, session_cycles
from v6.journal.timestamps import instant_text
from v6.model import FatalError
from v6.paths import Paths
from v6.runner.why import Explanation, explain

pytestmark = pytest.mark.integration
COLLECT = "collect_option_snapshots"
Ask = Callable[..., Explanation]


def ny(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.fixture
def site(fresh_toys: ToyCheckout) -> ToyCheckout:
    return fresh_toys


@pytest.fixture
def ask(site: ToyCheckout, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asked on the evening of Friday 2026-11-27, an early close."""
    offset = ny("2026-11-27 20:00").timestamp() - datetime.now(tz=NEW_YORK).timestamp()
    monkeypatch.setenv("V6_CLOCK_OFFSET", f"{offset:.0f}")
    paths = Paths(site.root, site.home)
    return lambda task, when: explain(paths, task, ny(when), {})


def log_skip(site: ToyCheckout, text: str) -> None:
    with site.log.open("a") as file:
        file.write(text + "\n")


def test_a_slot_after_an_early_close(ask: Ask) -> None:
    found = ask(COLLECT, "2026-11-27 13:05")
    assert found.answer == "it was not due (phase): it wants market_open, and the market phase was post_market"
    assert "session 09:30-13:00 (Day after Thanksgiving)" in found.calendar
    assert len(str(found).splitlines()) <= 24


def test_a_holiday_is_named(ask: Ask) -> None:
    assert ask(COLLECT, "2026-11-26 10:35").answer.endswith("NYSE is closed: Thanksgiving")


def test_what_the_gate_logged(site: ToyCheckout, ask: Ask) -> None:
    log_skip(site, f"2026-11-27 10:35:01 EST|{COLLECT}|2026-11-27T15:35:00Z|skip|slot_taken|")
    log_skip(site, f"2026-11-27 10:40:01 EST|{COLLECT}|2026-11-27T15:40:00Z|skip|restart_window|daily_restart")
    log_skip(site, "2026-11-27 10:40:02 EST|health_check||skip|not_slot|")
    found = ask(COLLECT, "2026-11-27 10:41")
    assert found.answer == "the gate skipped it (restart_window): it needs TWS, which restarts then"
    assert [reason for _, reason in found.skips] == ["restart_window"]


def test_what_the_journal_knows(site: ToyCheckout, ask: Ask) -> None:
    db = site.journal()
    slot = ny("2026-11-27 10:35")
    for attempt, ended in enumerate((("recoverable", 1), ("success", 0)), start=1):
        number = runs.start_attempt(db, task=COLLECT, slot=slot, attempt=attempt, pid=1, log_file="x.log")
        runs.finish_attempt(db, number, runs.Ended(*ended, 9.0, 2.0, 150.0, f"words {attempt}"))
    ledger.open_slot(db, COLLECT, slot, 3, 2)
    ledger.close_slot(db, COLLECT, slot, 2, [ledger.Miss("7", "SPY", "missing", "no_tick")])
    db.close()
    found = ask(COLLECT, "2026-11-27 10:37")
    assert found.answer == "it ran: success: words 2"
    assert [run.attempt for run in found.attempts] == [1, 2]
    assert found.ledger == "closed: 3 expected, 2 complete, 0 partial, 1 missing (no_tick 1)"
    assert slot not in found.never_fired


def test_a_slot_that_the_market_session_had(site: ToyCheckout, ask: Ask) -> None:
    slot, alone = ny("2026-11-27 10:35"), ny("2026-11-27 10:40")
    with closing(site.journal()) as db:
        for one in (slot, alone):
            session_cycles.begin(db, COLLECT, one)
            session_cycles.end(db, COLLECT, one, session_cycles.SUCCESS, "10:35 24 of 24 complete")
        words = session_cycles.in_words(next(iter(session_cycles.between(db, slot, alone))))
        number = runs.start_attempt(db, task=COLLECT, slot=slot, attempt=1, pid=1, log_file="x.log")
        runs.finish_attempt(db, number, runs.Ended("skip", 0, 3.0, 0.3, 60.0, words, runs.COVERED))
    found = ask(COLLECT, "2026-11-27 10:35")
    assert found.answer.startswith(f"skipped (covered_by_session): the market session (pid {os.getpid()}) from ")
    assert f"\n  session      {words}\n" in str(found)
    assert not {slot, alone} & set(found.never_fired)
    assert ask(COLLECT, "2026-11-27 10:40").answer.startswith("no run of its own: the market session (pid ")


def test_a_cycle_that_failed_is_shown_beside_the_run_that_took_over(site: ToyCheckout, ask: Ask) -> None:
    slot = ny("2026-11-27 10:35")
    with closing(site.journal()) as db:
        session_cycles.begin(db, COLLECT, slot)
        session_cycles.end(db, COLLECT, slot, session_cycles.FAILED, "10:35 Disconnected: reset")
        began = ny("2026-11-27 10:35:01")
        lasted = instant_text(began), instant_text(began + timedelta(seconds=3.2))
        db.execute("UPDATE session_cycles SET started_at = ?, ended_at = ?", lasted)
        number = runs.start_attempt(db, task=COLLECT, slot=slot, attempt=1, pid=1, log_file="x.log")
        runs.finish_attempt(db, number, runs.Ended("success", 0, 3.0, 0.3, 60.0, "10:35 24 of 24 complete"))
    found = ask(COLLECT, "2026-11-27 10:35")
    assert found.answer == "it ran: success: 10:35 24 of 24 complete"
    assert "from 10:35:01 on, failed in 3.2 s: 10:35 Disconnected: reset" in found.session


def test_l10_a_slot_that_never_fired_is_named(ask: Ask) -> None:
    found = ask(COLLECT, "2026-11-27 10:35")
    assert found.answer.startswith("it was expected but never fired")
    assert found.never_fired[0] == ny("2026-11-27 09:30")
    assert found.never_fired[-1] == ny("2026-11-27 12:55")


def test_a_slot_from_before_the_first_run_has_no_invented_cause(site: ToyCheckout, ask: Ask) -> None:
    with closing(site.journal()) as db:
        runs.start_attempt(db, task="health_check", slot=ny("2026-11-27 11:00"), attempt=1, pid=1, log_file="")
        db.execute("UPDATE runs SET started_at = '2026-11-27T16:00:01.000Z'")
    found = ask(COLLECT, "2026-11-27 10:35")
    assert found.answer == "it never fired: that was before V6 was installed here (first run 2026-11-27 11:00 EST)"
    assert found.never_fired[0] == ny("2026-11-27 11:00")
    assert ask(COLLECT, "2026-11-27 11:05").answer.startswith("it was expected but never fired")


def test_attempts_that_end_alike_are_told_once(site: ToyCheckout, ask: Ask) -> None:
    words = "refused (127.0.0.1:7497): four ports to try"
    with closing(site.journal()) as db:
        for attempt in (1, 2):
            slot = ny("2026-11-27 10:35")
            number = runs.start_attempt(db, task=COLLECT, slot=slot, attempt=attempt, pid=1, log_file="x.log")
            runs.finish_attempt(db, number, runs.Ended("recoverable", 1, 9.0, 2.0, 150.0, words, "refused"))
    lines = str(ask(COLLECT, "2026-11-27 10:35")).splitlines()[1:]
    assert sum(words in line for line in lines) == 1
    assert any(line.endswith("recoverable exit 1, 9.0 s - the same") for line in lines)
    assert not any("refused: refused" in line for line in lines)


def test_a_slot_to_come(ask: Ask) -> None:
    assert ask(COLLECT, "2026-11-30 10:35").answer == "it is due then, in the future"


def test_between_slots(ask: Ask) -> None:
    assert ask("queue_option_contracts", "2026-11-27 09:00").answer == "it was not due (not_slot): it has no slot there"


def test_an_unknown_task_is_refused_with_the_known_ones(ask: Ask) -> None:
    with pytest.raises(FatalError, match="collect_options is not a task of the schedule, allowed: "):
        ask("collect_options", "2026-11-27 10:35")


def test_a_run_by_hand_near_the_time_is_shown(site: ToyCheckout, ask: Ask) -> None:
    db = site.journal()
    number = runs.start_attempt(db, task=COLLECT, slot=None, attempt=1, pid=1, log_file="x.log")
    runs.finish_attempt(db, number, runs.Ended("fatal", 2, 1.0, 1.0, 90.0, "wrong symbols"))
    db.close()
    now = ny("2026-11-27 20:00") + timedelta(minutes=1)
    assert ask(COLLECT, f"{now:%Y-%m-%d %H:%M}").answer == "it ran: fatal: wrong symbols"
