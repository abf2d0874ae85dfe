"""What a restart of TWS, and of the simulator itself, leaves of orders and ids."""

import json
import os
import signal
import subprocess
import sys

import pytest
from raw_tws_client import TUESDAY, RawClient, eventually
from wire_orders import order_fields, said

from v6.simulator.state import StateError
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration


def next_id(client: RawClient) -> int:
    client.send(8, 1, 1)
    return int(client.until(9)[2])


def open_ids(client: RawClient) -> set[int]:
    return {int(fields[1]) for fields in said(client, 16, 1) if fields[0] == "5"}


# a restart of TWS


@pytest.fixture
def slow(calendar):
    with simulated_tws(
        fast=True, start_at=TUESDAY, calendar=calendar, latency=True, submit_seconds=(0.3, 0.3)
    ) as running:
        yield running


def test_orders_on_their_way_are_lost_and_their_ids_given_out_again(slow):
    with RawClient(slow.port) as client:
        client.send(*order_fields(4, limit=100))
        client.until(3)
        client.send(*order_fields(5, limit=100))
        assert next_id(client) == 6
        slow._call(lambda: slow.server.trading.restart(lose_in_flight=True))
        assert next_id(client) == 5
        assert open_ids(client) == {4}
        client.send(*order_fields(5, limit=101))  # the id is free again
        while client.until(3)[1] != "5":
            pass


def test_a_cancel_on_its_way_is_lost_too(slow):
    with RawClient(slow.port) as client:
        client.send(*order_fields(4, limit=100))
        while client.until(3)[2] != "Submitted":
            pass
        client.send(4, 1, 4, "")
        said(client)
        slow._call(lambda: slow.server.trading.restart(lose_in_flight=True))
        assert client.falls_silent()
        assert open_ids(client) == {4}
        client.send(4, 1, 4, "")
        assert client.until(3)[2] == "Cancelled"


def test_a_gentle_restart_loses_nothing(slow):
    with RawClient(slow.port) as client:
        client.send(*order_fields(5, limit=100))
        assert next_id(client) == 6
        slow._call(lambda: slow.server.trading.restart(lose_in_flight=False))
        assert next_id(client) == 6
        assert open_ids(client) == {5}


def test_orders_that_were_not_transmitted_are_gone_after_a_restart(tws, client):
    said(client, *order_fields(5, limit=100, transmit=0))
    tws._call(lambda: tws.server.trading.restart(lose_in_flight=True))
    assert next_id(client) == 1


# a restart of the simulator


def test_orders_executions_positions_cash_and_ids_survive_the_simulator(tmp_path, calendar):
    state = tmp_path / "state.json"
    setup = {"fast": True, "start_at": TUESDAY, "calendar": calendar, "state": state}
    with simulated_tws(**setup) as tws, RawClient(tws.port) as client:
        said(client, *order_fields(1, type="MKT", quantity=10, ref="bought"))
        said(client, *order_fields(2, type="STP", aux=100, action="SELL", tif="GTC"))
        said(client, *order_fields(3, limit=100))
        said(client, 4, 1, 3, "")
        perm_ids = {ticket.perm_id for ticket in tws.server.trading.blotter.open}
        cash = tws.server.books.total_cash("DU9000001")
    with simulated_tws(**setup) as tws, RawClient(tws.port) as client:
        assert next_id(client) == 4
        assert open_ids(client) == {2}
        frames = said(client, 7, 3, 9, 0, "", "", "", "", "", "")
        assert [fields[26] for fields in frames if fields[0] == "11"] == ["bought"]
        assert [fields[0] for fields in said(client, 99, 0)].count("101") == 2
        server = tws.server
        assert server.books.quantity("DU9000001", 756733, server.epoch()) == 110
        assert server.books.total_cash("DU9000001") == pytest.approx(cash)
        assert {ticket.perm_id for ticket in server.trading.blotter.open} == perm_ids
        said(client, *order_fields(4, limit=100))
        assert len({ticket.perm_id for ticket in server.trading.blotter.open} - perm_ids) == 1
        assert ("4", "2", "1", "104") not in [tuple(f[:4]) for f in client.seen]
        assert [f[3] for f in said(client, *order_fields(3, limit=100)) if f[0] == "4"] == ["103"]


def test_a_stop_that_survived_still_triggers(tmp_path, calendar):
    setup = {"fast": True, "start_at": TUESDAY, "calendar": calendar, "state": tmp_path / "state.json"}
    with simulated_tws(**setup) as tws, RawClient(tws.port) as client:
        said(client, *order_fields(1, type="STP", aux=100, action="SELL", tif="GTC"))
    with simulated_tws(**setup) as tws, RawClient(tws.port) as client:
        said(client, *order_fields(1, type="STP", aux=900, action="SELL", tif="GTC"))
        assert eventually(lambda: not tws.server.trading.blotter.open)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no JSON", "not a state file of the simulator"),
        ('{"some": "thing"}', "not a state file of the simulator"),
        ('["list"]', "not a state file of the simulator"),
        (json.dumps({"kind": "v6 simulator state", "version": 99}), "version 99, but this simulator has 1"),
        (json.dumps({"kind": "v6 simulator state", "version": 1, "seed": 8}), "seed 8, but this simulator has 1"),
        (
            json.dumps({"kind": "v6 simulator state", "version": 1, "seed": 1, "accounts": ["DU9000001"]}),
            "cannot be read",
        ),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_left_alone(tmp_path, content, words):
    state = tmp_path / "state.json"
    state.write_text(content, encoding="utf-8")
    with pytest.raises(StateError, match=words), simulated_tws(fast=True, state=state):
        pass
    assert state.read_text(encoding="utf-8") == content


def test_a_killed_simulator_leaves_a_whole_file(tmp_path):
    state, port_file = tmp_path / "state.json", tmp_path / "port"
    process = subprocess.Popen(
        [sys.executable, "-m", "v6.simulator", "--fast", "--port", "0", "--port-file", str(port_file),
         "--state", str(state), "--at", "2026-11-24 10:35"], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert eventually(port_file.exists, 20)
        with RawClient(int(port_file.read_text())) as client:
            said(client, *order_fields(1, limit=100, tif="GTC"))
            assert eventually(lambda: json.loads(state.read_text())["orders"])
            for order_id in range(2, 60):
                client.send(*order_fields(order_id, limit=100, tif="GTC"))
            client.until(3)
            os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    found = json.loads(state.read_text())
    assert len(found["orders"]) >= 1
    with simulated_tws(fast=True, start_at=TUESDAY, state=state) as tws, RawClient(tws.port) as client:
        assert 1 in open_ids(client)
