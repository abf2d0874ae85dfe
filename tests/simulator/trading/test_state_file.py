"""The state file: what it brings back weeks later, and a disk or a folder that does not take it."""

import errno
import json
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from raw_tws_client import TUESDAY, RawClient, eventually
from wire_orders import order_fields, said

from v6.simulator import state as state_module
from v6.simulator.state import StateError
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration
ACCOUNT = "DU9000001"
THURSDAY_BEFORE_THE_ROLL = TUESDAY.replace(month=12, day=9)
AFTER_THE_QUARTER = TUESDAY.replace(month=12, day=21)


def held(tws) -> dict[str, float]:
    instant = tws.server.epoch()
    return {each.listing.local_symbol: each.quantity for each in tws.server.books.holdings(ACCOUNT, instant)}


def positions(frames) -> dict[str, float]:
    """Local symbol -> quantity of the last position frame (61) of each contract."""
    return {fields[12]: float(fields[14]) for fields in frames if fields[0] == "61"}


# what is held


def test_a_clock_that_steps_over_the_roll_changes_no_position(calendar):
    with (
        simulated_tws(start_at=THURSDAY_BEFORE_THE_ROLL, calendar=calendar) as tws,
        RawClient(tws.port) as client,
    ):
        before = positions(said(client, 61, 1))
        assert before == held(tws)
        assert before["ESZ6"] == 1
        tws.control({"do": "clock", "at": "2026-12-11 10:35"})
        assert client.silent(1.2)  # books look for expiries every second
        assert held(tws) == before


def test_an_expired_position_ends_with_a_message_and_becomes_cash(calendar):
    with (
        simulated_tws(start_at=THURSDAY_BEFORE_THE_ROLL, calendar=calendar) as tws,
        RawClient(tws.port) as client,
    ):
        before, cash = positions(said(client, 61, 1)), tws.server.books.total_cash(ACCOUNT)
        tws.step_to(AFTER_THE_QUARTER)
        assert positions([client.until(61)]) == {"ESZ6": 0.0}
        assert held(tws) == {name: quantity for name, quantity in before.items() if name != "ESZ6"}
        assert tws.server.books.total_cash(ACCOUNT) != cash


def test_a_state_file_brings_the_same_positions_back_weeks_later(calendar, tmp_path):
    state = tmp_path / "state.json"
    with simulated_tws(start_at=TUESDAY, calendar=calendar, state=state) as tws:
        before = held(tws)
        cash = tws.server.books.total_cash(ACCOUNT)
        assert len(before) == 4
    with simulated_tws(start_at=TUESDAY + timedelta(days=14), calendar=calendar, state=state) as tws:
        assert held(tws) == before
    later = TUESDAY.replace(year=2027, month=2, day=24)
    with simulated_tws(start_at=later, calendar=calendar, state=state) as tws:
        assert held(tws) == {name: quantity for name, quantity in before.items() if name != "ESZ6"}
        assert tws.server.books.total_cash(ACCOUNT) != cash
    expired = later.replace(month=3, day=22)
    with simulated_tws(start_at=expired, calendar=calendar, state=state) as tws:
        assert held(tws) == {"SPY": 100}


# the disk


class Disk:
    """Is full while `full` says so."""

    def __init__(self, monkeypatch):
        self.full, self._fsync = False, os.fsync
        monkeypatch.setattr(state_module.os, "fsync", self.fsync)
        monkeypatch.setattr(state_module, "RETRY_SECONDS", 0.1)

    def fsync(self, file: int) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._fsync(file)


def orders_in(path) -> int:
    return len(json.loads(path.read_text())["orders"])


def test_a_disk_that_is_full_for_a_moment_loses_nothing_and_is_told_once(calendar, tmp_path, monkeypatch, capfd):
    disk, state = Disk(monkeypatch), tmp_path / "state.json"
    with simulated_tws(calendar=calendar, state=state) as tws, RawClient(tws.port) as client:
        disk.full = True
        for order_id in (1, 2, 3):
            said(client, *order_fields(order_id, limit=100, tif="GTC"))
            assert client.silent(0.2)
        assert orders_in(state) == 0
        disk.full = False
        assert eventually(lambda: orders_in(state) == 3)
        assert eventually(lambda: not tws.server._state._failing)
    told = capfd.readouterr().err
    assert told.count("No space left on device: orders and positions are not saved; tried again every second") == 1
    assert told.count("saved again") == 1
    assert "internal error" not in told
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".json"] == ["state.json"]


def test_a_disk_that_is_full_at_the_end_is_an_error_and_everything_is_closed_all_the_same(
    calendar, tmp_path, monkeypatch
):
    disk, state, log = Disk(monkeypatch), tmp_path / "state.json", tmp_path / "events.jsonl"
    running = simulated_tws(calendar=calendar, state=state, event_log=log)
    tws = running.__enter__()
    with RawClient(tws.port) as client:
        disk.full = True
        said(client, *order_fields(1, limit=100, tif="GTC"))
    with pytest.raises(StateError, match="No space left on device"):
        running.__exit__(None, None, None)
    assert tws.server.events._file.closed
    assert tws._loop.is_closed()
    disk.full = False
    with simulated_tws(calendar=calendar, state=state) as again:
        assert again.server.trading.blotter.open == []


def test_a_folder_that_does_not_exist_is_said_and_nothing_starts(tmp_path):
    command = [sys.executable, "-m", "v6.simulator", "--port", "0", "--state", str(tmp_path / "none" / "state.json")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr == f"simulator: --state: folder {tmp_path / 'none'} does not exist\n"


def test_a_file_that_cannot_be_written_is_said_at_the_start(tmp_path, monkeypatch):
    Disk(monkeypatch).full = True
    with pytest.raises(StateError, match=r"state\.json: No space left"), simulated_tws(state=tmp_path / "state.json"):
        pass
    with pytest.raises(StateError, match="Is a directory"), simulated_tws(state=tmp_path):
        pass


def test_the_file_is_there_from_the_start(tmp_path):
    with simulated_tws(state=tmp_path / "state.json"):
        assert len(json.loads((tmp_path / "state.json").read_text())["positions"]) == 4


def test_two_simulators_never_share_a_state_file(tmp_path):
    state = tmp_path / "state.json"
    link = tmp_path / "link.json"
    link.symlink_to(state)
    with simulated_tws(state=state) as tws:
        for path in (state, link):
            with pytest.raises(StateError, match=r"state\.json: another simulator uses it"), simulated_tws(state=path):
                pass
        RawClient(tws.port).close()
    with simulated_tws(state=state):
        pass
