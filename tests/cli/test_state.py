"""`v6 state list | show | diff | restore`."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from trading_states import AFTER, SAVED, order, position, state
from v6 import clock
from v6.journal import database, events
from v6.paths import Paths
from v6.restart.records.state_file import TradingStateManager

Command = Callable[..., Result]
Answer = Callable[..., Any]
YESTERDAY = state(saved_at=SAVED - timedelta(days=1), orders=(order(501), order(400)), restart_id=6)


@pytest.fixture(autouse=True)
def _morning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V6_CLOCK_OFFSET", f"{AFTER.timestamp() - clock.epoch():.0f}")


@pytest.fixture
def manager(home: Path) -> TradingStateManager:
    return TradingStateManager(home / "var" / "state", keep=14, max_age=timedelta(hours=1))


@pytest.fixture
def saved(manager: TradingStateManager) -> TradingStateManager:
    """Yesterday's state and tonight's, in which a position has changed."""
    manager.save(YESTERDAY)
    manager.save(state(positions=(position(quantity=105.0), state().positions[1])))
    return manager


@pytest.mark.usefixtures("saved")
def test_show_says_what_was_saved_and_how_old_it_is(v6: Command) -> None:
    said = v6("state", "show").stdout.splitlines()

    assert said[0] == ("saved 2026-11-23 23:41:00 EST, 10 min old, for daily_restart 2026-11-23 23:45-00:05 EST")
    assert "open order: BUY 5 SPY STK LMT 590 DAY (permId 501, client 20, Submitted)" in said
    assert "position: 105 SPY STK in DU9000001" in said
    assert "account value: DU9000001 NetLiquidation 100000.25" in said
    assert "subscription: SPY OPT: 1" in said
    assert "scanner: TOP_PERC_GAIN of STK.US.MAJOR" in said
    assert "order-id mark: client 20: 12" in said


def test_what_could_not_be_read_is_said_before_the_empty_lists(v6: Command, manager: TradingStateManager) -> None:
    manager.save(state(positions=(), partial=("positions: no answer within 5 s",)))

    said = v6("state", "show").stdout.splitlines()

    assert said[1] == "NOT read: positions: no answer within 5 s"
    assert "position: none" in said


@pytest.mark.usefixtures("saved")
def test_show_answers_a_program_for_an_older_one_by_number(answer: Answer) -> None:
    facts = answer("state", "show", "1")

    assert facts["restart_id"] == 6
    assert [one["perm_id"] for one in facts["orders"]] == [501, 400]


def test_show_reads_any_file(v6: Command, saved: TradingStateManager, tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    copy.write_bytes(saved.path.read_bytes())

    assert "105 SPY STK" in v6("state", "show", str(copy)).stdout


@pytest.mark.usefixtures("saved")
def test_a_number_that_there_is_not_is_refused_with_those_there_are(v6: Command) -> None:
    assert "there is no saved state number 2, allowed: 0 to 1, or a file" in v6("state", "show", "2", code=2).stderr


@pytest.mark.parametrize("command", [("show",), ("diff",), ("restore", "0")])
def test_without_any_state_the_file_is_named(v6: Command, manager: TradingStateManager, command: Any) -> None:
    said = v6("state", *command, code=2).stderr

    assert said.startswith("v6: ")
    assert str(manager.path) in said or "allowed: 0 to 0" in said


def test_a_tampered_state_is_refused_and_the_good_one_named(v6: Command, saved: TradingStateManager) -> None:
    saved.path.write_text(saved.path.read_text().replace("105.0", "106.0"))

    said = v6("state", "show", code=2).stderr

    assert f"{saved.path}: tampered: its checksum is" in said
    assert "the previous one is good" in said


def test_list_numbers_the_kept_states_and_shows_spoilt_ones(
    v6: Command, answer: Answer, saved: TradingStateManager
) -> None:
    saved.path.write_bytes(b"")

    rows = answer("state", "list", code=1)

    assert [row["number"] for row in rows] == [0, 1, 2]
    assert rows[0]["state"] is None
    assert rows[0]["flaw"].startswith("empty: ")
    assert rows[2]["state"]["saved_at"] == "2026-11-22T23:41:00-05:00"
    assert "2026-11-22 23:41:00 EST" in v6("state", "list", code=1).stdout


@pytest.mark.usefixtures("saved")
def test_diff_compares_the_previous_with_the_current_by_default(v6: Command, answer: Answer) -> None:
    said = v6("state", "diff", code=1).stdout

    assert "order is gone, nobody knows why: BUY 5 SPY STK LMT 590 DAY (permId 400" in said
    assert "new order: BUY 5 SPY STK LMT 590 DAY (permId 502" in said
    assert "position changed: SPY STK in DU9000001: 100 -> 105" in said
    assert answer("state", "diff", code=1)["difference"]["positions"][0]["after"] == 105.0


@pytest.mark.usefixtures("saved")
def test_diff_of_the_same_state_says_so(v6: Command) -> None:
    assert "no difference" in v6("state", "diff", "0", "0").stdout


def test_after_a_restore_the_newer_one_is_still_compared_with_the_older(
    v6: Command, saved: TradingStateManager
) -> None:
    """Compared the other way round, an older file read like orders gone and order ids rolled back."""
    there = v6("state", "diff", code=1).stdout.splitlines()[2:]

    v6("state", "restore", "1")

    back = v6("state", "diff", code=1).stdout.splitlines()
    assert back[0] == f"{saved.path} was saved earlier, so it is what the other one is compared with"
    assert back[3:] == there


def test_a_spoilt_state_is_one_short_row_of_the_list(v6: Command, saved: TradingStateManager) -> None:
    saved.path.write_text(saved.path.read_text().replace("105.0", "106.0"))

    row = v6("state", "list", code=1).stdout.splitlines()[1]

    assert " ".join(row.split()).startswith("0 tampered (v6 state show 0)")


@pytest.mark.usefixtures("saved")
@pytest.mark.parametrize("command", [("list",), ("show",), ("diff", "0", "0")])
def test_a_broken_edit_hides_no_state(v6: Command, home: Path, command: tuple[str, ...]) -> None:
    before = v6("state", *command).stdout
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "production.yaml").write_text("restart: {cancel: everything}\n")

    after = v6("state", *command)

    assert after.stdout == before
    assert "restart.cancel: 'everything' is wrong" in after.stderr


def test_restore_makes_a_kept_state_current_and_writes_it_down_l33(
    v6: Command, saved: TradingStateManager, home: Path
) -> None:
    replaced = saved.read()

    said = v6("state", "restore", "1").stdout

    assert "saved 2026-11-22 23:41:00 EST is the current trading state" in said
    assert "post_restart will not use it" in said
    assert saved.read() == YESTERDAY
    assert replaced in [kept.state for kept in saved.history()]
    db = database.connect(home / "var" / "v6.db")
    [event] = events.recent(db, "trading_state_restored")
    assert event.details["to"] == str(saved.path)
    db.close()


def test_restore_refuses_a_spoilt_file_and_changes_nothing_l33(
    v6: Command, saved: TradingStateManager, tmp_path: Path, home: Path
) -> None:
    current = saved.path.read_bytes()
    half = tmp_path / "half.json"
    half.write_bytes(current[:-30])

    said = v6("state", "restore", str(half), code=2).stderr

    assert f"{half}: truncated" in said
    assert saved.path.read_bytes() == current
    assert not (home / "var" / "v6.db").exists()


def test_restore_refuses_a_state_from_the_future(v6: Command, saved: TradingStateManager) -> None:
    saved.save(state(saved_at=AFTER + timedelta(days=300)))

    assert "future: it was saved" in v6("state", "restore", "0", code=2).stderr


def test_restoring_a_state_that_is_fresh_makes_post_restart_use_it(answer: Answer, saved: TradingStateManager) -> None:
    saved.path.write_bytes(b"half a st")

    facts = answer("state", "restore", "1")

    assert facts["usable_now"] is True
    assert saved.load(AFTER).positions[0].quantity == 105.0


def test_the_command_works_where_v6_home_points_and_nowhere_else_l33(v6: Command, saved: TradingStateManager) -> None:
    assert Paths.locate().state == saved.path.parent
    assert Paths.locate().root not in saved.path.parents
    assert json.loads(v6("state", "list", "--json").stdout)[0]["path"] == str(saved.path)
