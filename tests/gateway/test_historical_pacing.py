"""Pacing of historical requests: the rules, proven against a checker that knows nothing of how they are kept."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v6 import clock
from v6.gateway.historical_memory import JournalMemory, ProcessMemory
from v6.gateway.historical_pacing import Ask, BackOff, Sent, Window, is_small, wait
from v6.journal import database, historical_requests

CONTRACTS = ("SPY TRADES", "QQQ TRADES", "ES BID_ASK")


def ask(contract: str, number: int = 0) -> Ask:
    return Ask(contract, f"{contract} {number}", 2 if contract.endswith("BID_ASK") else 1)


def violations(sent: list[Sent]) -> list[str]:
    """IBKR's rules word for word, over every pair and every window that begins with a request."""
    found = []
    for index, (at, first) in enumerate(sent):
        later = sent[index:]
        if sum(each.ask.weight for each in later if each.at - at < 600) > 60:
            found.append(f"more than 60 in the ten minutes from {at}")
        if sum(e.ask.weight for e in later if e.at - at < 2 and e.ask.alike == first.alike) >= 6:
            found.append(f"six of {first.alike} in the two seconds from {at}")
        if any(e.ask.same == first.same and e.at - at < 15 for e in later[1:]):
            found.append(f"{first.same} again within 15 s of {at}")
    return found


asks = st.builds(ask, st.sampled_from(CONTRACTS), st.integers(0, 40))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(asks, st.floats(0, 30)), max_size=150))
def test_whatever_is_asked_for_no_rule_of_ibkr_is_ever_broken(plan: list[tuple[Ask, float]]) -> None:
    now, sent = 1000.0, list[Sent]()
    for wanted, pause in plan:
        now += pause / 10
        while (seconds := wait(sent, wanted, now)) > 0:
            now += seconds
        sent.append(Sent(now, wanted))

    assert violations(sent) == []


@settings(max_examples=60, deadline=None)
@given(st.lists(asks, min_size=1, max_size=80), st.integers(1, 79))
def test_a_process_that_was_killed_and_started_again_keeps_the_windows(plan: list[Ask], killed_after: int) -> None:
    """Each process decides from what the journal holds; the second one knows nothing else."""
    now, journal = 1000.0, list[Sent]()
    for part in (plan[:killed_after], plan[killed_after:]):
        for wanted in part:
            remembered = [Sent(round(each.at, 3), each.ask) for each in journal]
            while (seconds := wait(remembered, wanted, now)) > 0:
                now += seconds
            journal.append(Sent(now, wanted))

    assert violations(journal) == []


def test_the_checker_itself_sees_each_violation() -> None:
    fast = [Sent(float(index) / 10, ask("SPY TRADES", index)) for index in range(6)]
    many = [Sent(float(index) * 5, ask(f"S{index} TRADES")) for index in range(61)]
    double = [Sent(float(index) / 10, ask("ES BID_ASK", index)) for index in range(3)]
    again = [Sent(0.0, ask("SPY TRADES")), Sent(14.9, ask("SPY TRADES"))]
    assert [bool(violations(each)) for each in (fast, many, double, again)] == [True] * 4
    assert violations(fast[:5]) == violations(many[:60]) == violations(double[:2]) == []


def test_five_of_a_contract_leave_at_once_and_the_sixth_two_seconds_later() -> None:
    sent = [Sent(100.0, ask("SPY TRADES", number)) for number in range(5)]
    assert wait(sent[:4], ask("SPY TRADES", 9), 100.0) == 0
    assert wait(sent, ask("SPY TRADES", 9), 100.0) == pytest.approx(2.25)
    assert wait(sent, ask("QQQ TRADES", 9), 100.0) == 0


def test_the_sixty_first_waits_until_the_first_is_ten_minutes_old() -> None:
    sent = [Sent(100.0 + number, ask(f"S{number} TRADES")) for number in range(60)]
    assert wait(sent, ask("SPY TRADES"), 160.0) == pytest.approx(100 + 600.25 - 160)


def test_a_clock_that_was_set_back_makes_nobody_wait_longer_than_a_window() -> None:
    sent = [Sent(5000.0, ask(f"S{number} TRADES")) for number in range(60)]
    assert wait(sent, ask("SPY TRADES"), 100.0) == pytest.approx(600.25)


@pytest.mark.parametrize("size", ["1 secs", "5 secs", "30 secs"])
def test_bars_of_thirty_seconds_and_less_are_counted(size: str) -> None:
    assert is_small(size)


@pytest.mark.parametrize("size", ["1 day", "1 hour", "1 min", "5 mins"])
def test_bars_of_a_minute_and_more_are_not(size: str) -> None:
    assert not is_small(size)


def test_more_requests_are_in_flight_while_answers_are_quick_and_fewer_after_a_refusal() -> None:
    window = Window()
    for _ in range(300):
        window.answered(0.5)
    assert window.has_room(23)
    assert not window.has_room(24)
    window.refused(began=100.0, now=130.0)
    assert not window.has_room(12)
    for _ in range(20):
        window.refused(began=101.0, now=131.0)  # they were in flight together
    assert window.has_room(11)
    window.refused(began=130.0, now=160.0)
    assert not window.has_room(6)
    for _ in range(50):
        window.answered(20.0)
    assert window.has_room(1)
    assert not window.has_room(2)


def test_pauses_double_up_to_two_minutes_and_an_answer_ends_that() -> None:
    pause, now = BackOff(), 0.0
    lengths = []
    for _ in range(5):
        pause.refused(now)
        lengths.append(pause.left(now))
        now += lengths[-1]
    assert lengths == [15.0, 30.0, 60.0, 120.0, 120.0]
    pause.answered()
    pause.refused(now)
    assert pause.left(now) == 15.0


def test_refusals_of_what_was_in_flight_do_not_lengthen_the_pause() -> None:
    pause = BackOff()
    for at in (0.0, 0.1, 0.2):
        pause.refused(at)
    assert pause.left(0.2) == pytest.approx(14.8)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    db = database.connect(tmp_path / "v6.db")
    yield db
    db.close()


def test_the_journal_remembers_for_a_process_that_comes_after(journal: sqlite3.Connection, tmp_path: Path) -> None:
    first = JournalMemory(journal)
    assert [first.reserve(ask("SPY TRADES", number)) for number in range(5)] == [0.0] * 5
    assert first.reserve(ask("SPY TRADES", 9)) > 1

    other = database.connect(tmp_path / "v6.db")
    assert JournalMemory(other).reserve(ask("SPY TRADES", 9)) > 1
    assert JournalMemory(other).reserve(ask("SPY TRADES", 4)) > 14  # the same one: 15 s
    assert JournalMemory(other).reserve(ask("QQQ TRADES")) == 0
    other.close()
    assert ProcessMemory().reserve(ask("SPY TRADES", 9)) == 0  # which knows nothing of them


def test_the_journal_keeps_no_request_longer_than_tws_counts_it(
    journal: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    JournalMemory(journal).reserve(ask("SPY TRADES"))
    JournalMemory(journal).reserve(ask("QQQ TRADES"))
    assert len(historical_requests.stored(journal)) == 2
    later = clock.epoch() + 630
    monkeypatch.setattr(clock, "epoch", lambda: later)
    JournalMemory(journal).reserve(ask("IWM TRADES"))
    assert [each.contract for each in historical_requests.stored(journal)] == ["IWM TRADES"]
