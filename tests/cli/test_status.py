"""`v6 status`: each line is held against what the journal, the locks and the leases were given."""

import fcntl
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gateway_support import ibkr
from typer.testing import Result

from v6 import clock
from v6.clock import NEW_YORK
from v6.gateway import diagnosed
from v6.gateway.connection import Silent
from v6.gateway.connection_budget import ConnectionBudget
from v6.gateway.verdicts import Diagnosis, Verdict
from v6.journal import connections, database, events, ledger, restarts, session_cycles

V6 = Callable[..., Result]
Answer = Callable[..., Any]
SATURDAY = datetime(2026, 11, 21, 12, 0, tzinfo=NEW_YORK)
TUESDAY = datetime(2026, 11, 24, 10, 37, tzinfo=NEW_YORK)
SLOT = datetime(2026, 11, 24, 10, 35, tzinfo=NEW_YORK)
OPTIONS = "collect_option_snapshots"


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    def set_clock(instant: datetime) -> None:
        monkeypatch.setenv("V6_CLOCK_OFFSET", f"{instant.timestamp() - time.time():.3f}")

    set_clock(SATURDAY)
    return set_clock


@pytest.fixture
def journal(home: Path, at: Callable[[datetime], None]) -> Path:
    """Of a host on which a run has ended well a moment ago, on a Saturday."""
    (home / "var").mkdir(exist_ok=True)
    path = home / "var" / "v6.db"
    with closing(database.connect(path)) as db:
        connections.say(db, OPTIONS, connections.WAITING)
    return path


@pytest.fixture
def persistent(home: Path) -> None:
    (home / "config").mkdir()
    (home / "config" / "production.yaml").write_text("ibkr: {persistent_connection: true}\n")


@pytest.fixture
def session_lock(home: Path, v6: V6) -> Iterator[None]:
    """What a running session holds."""
    (home / "var" / "locks").mkdir(parents=True, exist_ok=True)
    with (home / "var" / "locks" / "market_session.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def line(said: Result, name: str) -> str:
    [found] = [each for each in said.stdout.splitlines() if each[2:].startswith(name)]
    return found


def test_before_the_first_run_it_says_so_and_makes_no_journal(v6: V6, answer: Answer, home: Path) -> None:
    said = v6("status", code=1).stdout
    assert said.startswith("V6 has not run here yet: there is no journal. Next: `v6 gateway diagnose` ")
    assert answer("status", code=1)["well"] is False
    assert not (home / "var" / "v6.db").exists()


@pytest.mark.integration
def test_all_well_is_exit_0_on_six_lines_with_ages(command: Callable[..., Any], v6: V6, journal: Path) -> None:
    said = command("status").stdout
    assert [each[:14].strip() for each in said.splitlines()] == [
        "connection",
        "session",
        "collectors",
        "restart",
        "budget",
        "alerts",
    ]
    assert said.startswith(f"  connection  Waiting for cycle, 127.0.0.1:7497 · {OPTIONS} · proven ")
    assert " s ago" in said.splitlines()[0]


def test_every_part_is_in_the_json_with_its_state(answer: Answer, journal: Path) -> None:
    found = answer("status")
    assert found["well"] is True
    parts = ("connection", "session", "collectors", "restart", "budget", "alerts")
    assert {name: found[name]["state"] for name in parts} == dict.fromkeys(parts, "ok")
    assert 0 <= found["connection"]["age_seconds"] < 60
    assert [limit["used"] for limit in found["budget"]["limits"]] == [0, 0]


def test_a_lost_connection_is_wrong_and_its_verdict_is_named(v6: V6, journal: Path) -> None:
    with closing(database.connect(journal)) as db:
        connections.say(db, OPTIONS, connections.DISCONNECTED, "refused")
    assert line(v6("status", code=1), "connection").startswith("! connection  Disconnected (refused), ")


def test_l25_the_session_is_shown_with_its_last_cycle_and_the_next(
    v6: V6, answer: Answer, at: Callable[[datetime], None], persistent: None, journal: Path, session_lock: None
) -> None:
    at(TUESDAY)
    with closing(database.connect(journal)) as db:
        connections.say(db, "run_market_session", connections.RECONNECTING, attempts=2)
        session_cycles.begin(db, OPTIONS, SLOT)
        session_cycles.end(db, OPTIONS, SLOT, "success", "")
    said = v6("status", code=1)  # it is reconnecting, and nothing was collected
    assert line(said, "connection").startswith("! connection  Reconnecting (2), ")
    shown = line(said, "session")
    assert shown.startswith(f"  session     runs (pid {os.getpid()})")
    assert "last cycle 11-24 10:35, success " in shown
    assert shown.endswith("next 11-24 10:40")
    assert answer("status", code=1)["session"]["next"] == "2026-11-24T10:40:00-05:00"


def test_l25_a_session_that_hangs_is_wrong_and_said_to_prove_nothing(
    v6: V6,
    at: Callable[[datetime], None],
    persistent: None,
    journal: Path,
    session_lock: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(database.connect(journal)) as db:
        connections.say(db, "run_market_session", connections.CONNECTED, client_id=10)
    at(SATURDAY + timedelta(hours=3))
    monkeypatch.setattr(clock, "shifted", lambda: None)
    said = v6("status", code=1)
    assert line(said, "connection").startswith("! connection  Disconnected (nothing proven for 3 h 0 min), ")
    shown = line(said, "session")
    assert shown.startswith(f"! session     runs (pid {os.getpid()}) · but has proven nothing for 3 h 0 min")


def test_a_session_that_should_run_and_does_not_is_wrong(
    v6: V6, at: Callable[[datetime], None], persistent: None, journal: Path
) -> None:
    assert line(v6("status"), "session") == "  session     does not run now"
    at(TUESDAY)
    assert line(v6("status", code=1), "session") == "! session     should run and does not"


def test_a_session_that_runs_on_after_it_was_turned_off_is_said_to_end(
    v6: V6, journal: Path, session_lock: None
) -> None:
    with closing(database.connect(journal)) as db:
        connections.say(db, "run_market_session", connections.RECONNECTING, attempts=2)
    shown = line(v6("status", code=1), "session")
    assert " · off (ibkr.persistent_connection): it ends within a minute" in shown


def test_a_younger_diagnosis_that_found_something_wrong_has_a_line_of_its_own(
    v6: V6, answer: Answer, home: Path, journal: Path, at: Callable[[datetime], None]
) -> None:
    file = home / "var" / "state" / diagnosed.FILE
    file.parent.mkdir()

    def found(verdict: Verdict, instant: datetime, port: int = 7497) -> None:
        told = Diagnosis(verdict, f"127.0.0.1:{port}", "", (), instant, 0.1)
        file.write_text(json.dumps(told.as_dict()))

    at(SATURDAY + timedelta(seconds=80))
    found(Verdict.REFUSED, SATURDAY + timedelta(seconds=60))
    shown = line(v6("status", code=1), "diagnosis")
    assert re.match(r"! diagnosis   refused, 2\d s ago: ", shown)
    assert answer("status", code=1)["connection"]["state"] == "ok"
    for verdict, seconds, port in (
        (Verdict.HEALTHY, 60, 7497),
        (Verdict.REFUSED, 60, 4002),
        (Verdict.REFUSED, -60, 7497),  # before the run that ended well
        (Verdict.REFUSED, -900, 7497),
    ):
        found(verdict, SATURDAY + timedelta(seconds=seconds), port)
        assert "diagnosis " not in v6("status").stdout
    at(SATURDAY + timedelta(hours=1))
    found(Verdict.REFUSED, SATURDAY + timedelta(seconds=60))
    assert "diagnosis " not in v6("status").stdout


def test_while_the_configuration_is_refused_not_all_is_well(v6: V6, answer: Answer, home: Path, journal: Path) -> None:
    (home / ".env").write_text("IBKR_PERSISTENT_CONNECTION=flase\n")
    said = v6("status", code=1)
    assert "shown is the last good one" in said.stderr
    assert not said.stdout.count("!")
    assert "IBKR_PERSISTENT_CONNECTION" in answer("status", code=1)["refused"]


@pytest.mark.parametrize("question", [("status",), ("gateway", "diagnose"), ("gateway", "watch", "--once")])
def test_what_the_environment_has_wrong_is_said_once(
    v6: V6, journal: Path, monkeypatch: pytest.MonkeyPatch, question: tuple[str, ...]
) -> None:
    monkeypatch.setenv("IBKR_PORT", "99999")
    said = v6(*question, code=2).stderr
    assert said.count("IBKR_PORT") == 1
    assert "last good" not in said


def test_each_collectors_last_completed_slot_has_its_age(v6: V6, at: Callable[[datetime], None], journal: Path) -> None:
    at(TUESDAY)
    with closing(database.connect(journal)) as db:
        ledger.open_slot(db, OPTIONS, SLOT, 1)
        ledger.close_slot(db, OPTIONS, SLOT, complete=1, misses=[])
    shown = line(v6("status"), "collectors")
    assert shown == f"  collectors  {OPTIONS} 11-24 10:35 (2 min ago) · collect_futures_snapshots none yet"


def test_a_degraded_restart_is_wrong_and_says_what_to_do(v6: V6, journal: Path) -> None:
    with closing(database.connect(journal)) as db:
        restarts.set_current(db, "degraded", "nobody listens")
    shown = line(v6("status", code=1), "restart")
    assert shown.startswith("! restart     DEGRADED since 2026-11-21 12:00")
    assert "To do: " in shown


def test_l29_a_budget_that_is_nearly_spent_is_wrong(
    v6: V6, answer: Answer, home: Path, journal: Path, at: Callable[[datetime], None]
) -> None:
    budget = ConnectionBudget(ibkr(7497), home / "var" / "leases", OPTIONS, Silent())
    for _ in range(47):
        budget.count(refuse=True)
    assert answer("status")["budget"]["limits"][0]["used"] == 47
    budget.count(refuse=True)
    assert line(v6("status", code=1), "budget").startswith(
        "! budget      48 of 60 connections in the last hour · 48 of"
    )


def test_an_alert_that_nobody_has_received_is_wrong_and_has_its_age(
    v6: V6, home: Path, journal: Path, at: Callable[[datetime], None]
) -> None:
    with closing(database.connect(journal)) as db:
        events.raise_alert(db, severity="failure", title="run failed", body="", key="k")
        at(SATURDAY + timedelta(hours=3))
        shown = line(v6("status", code=1), "alerts")
        waiting = "! alerts      1 not delivered, the oldest 3 h 0 min ago: run failed"
        assert shown == f"{waiting} · no channel is set, nobody can be told: V6_ALERT_URLS in .env (CONTRIBUTING.md)"
        (home / ".env").write_text("V6_ALERT_URLS=json://127.0.0.1:9\n")
        assert line(v6("status", code=1), "alerts") == waiting
        events.mark_delivered(db, 1)
    assert line(v6("status"), "alerts").startswith("  alerts ")


def test_l30_what_cannot_be_looked_at_is_neither_well_nor_wrong(v6: V6, home: Path, journal: Path) -> None:
    (home / "var" / "leases" / "connections").mkdir(parents=True)
    said = v6("status", code=1)
    assert line(said, "budget").startswith("? budget      IsADirectoryError: ")
    assert line(said, "alerts").startswith("  alerts ")


def test_a_journal_that_is_none_is_refused_in_one_line(v6: V6, home: Path, journal: Path) -> None:
    journal.write_bytes(b"not a database, but long enough to be looked at" * 10)
    said = v6("status", code=2)
    assert said.stderr.startswith("v6: ")
    assert str(journal) in said.stderr
    assert clock.shifted()
