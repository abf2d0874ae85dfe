"""What happens once: restarts, resets, half-closed connections, garbage; and what it leaves behind."""

import asyncio
import socket
import struct
import threading

import psutil
import pytest
from raw_tws_client import SPY, TUESDAY, RawClient, eventually

from v6.simulator import requests
from v6.simulator.faults.garbage import GARBAGE
from v6.simulator.faults.model import Restart, ServerReset
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

QUICK = Restart(refused_seconds=0.2, mute_seconds=0.2, farm_seconds=0.2)


def data(client, request=9):
    client.send(1, 11, request, *SPY, 0, "", 0, 0, "")


def refused(tws):
    try:
        socket.create_connection(("127.0.0.1", tws.port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def all_well(tws):
    return tws.control({"do": "faults"})["faults"].keys() <= {"restart", "server_reset"}


# restart


def test_a_restart_is_reset_refused_mute_without_farms_and_then_well(tws, raw):
    client = raw()
    tws.set(restart=Restart(refused_seconds=0.4, mute_seconds=0.4, farm_seconds=0.4))
    assert client.end() == "reset"
    assert refused(tws)
    assert eventually(lambda: tws.server.faults.mute_before_handshake)
    mute = raw(start=False)
    assert mute.silent(0.05)
    assert eventually(lambda: tws.server.faults.deaf_until_farms)
    early = raw(client_id=6)
    assert early.until(4)[3] == "2119"
    data(early)
    while early.until(4)[3] != "2158":
        pass
    assert early.silent()
    assert eventually(lambda: all_well(tws))
    data(early, 10)
    assert early.until(1)[2] == "10"


def test_one_restart_is_not_repeated_until_it_is_asked_for_again(tws):
    tws.set(restart=QUICK)
    assert eventually(lambda: all_well(tws))
    tws.set(silent_share=0.1)
    assert tws.stats.restarts == 1
    tws.set(restart=None)
    tws.set(restart=QUICK)
    assert tws.stats.restarts == 2


def test_a_second_restart_in_the_middle_of_the_first_begins_anew(tws):
    tws.set(restart=Restart(refused_seconds=0.3, mute_seconds=60.0))
    tws.control({"do": "restart", "refused_seconds": 0.3, "mute_seconds": 0, "farm_seconds": 0})
    assert refused(tws)
    assert eventually(lambda: not refused(tws))
    assert all_well(tws)


def test_a_restart_frees_every_client_id(tws, raw):
    tws.set(never_closes=True)
    raw(client_id=7).close()
    tws.set(never_closes=False)
    tws.set(restart=Restart(0.0, 0.0, 0.0))
    assert raw(client_id=7).version == 178


def listening(tws):
    """The inode of the LISTEN socket, as the kernel shows it."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return [row[9] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == tws.port]


@pytest.mark.parametrize("seconds", [0.3, 0.0])
def test_a_restarted_tws_listens_on_a_socket_of_its_own_also_where_the_clock_has_stepped_over_it(tws, seconds):
    before = listening(tws)
    tws.set(restart=Restart(seconds, 0.0, 0.0))
    assert eventually(lambda: listening(tws))
    assert len(before) == len(listening(tws)) == 1
    assert before != listening(tws)


def test_what_is_no_restart_keeps_the_listening_socket(tws):
    before = listening(tws)
    tws.control({"do": "drop"})
    tws.set(mute_before_handshake=True, server_reset=ServerReset(lost_seconds=0.1))
    assert listening(tws) == before


def test_client_ids_of_before_a_restart_stay_in_use_for_their_time_others_and_later_ones_are_free(tws, raw):
    raw(client_id=7)
    tws.set(restart=Restart(0.0, 0.0, farm_seconds=0.2, ids_occupied_seconds=0.6))
    assert eventually(lambda: not refused(tws))
    again = raw(client_id=7, start=False)
    again.next()
    again.send(71, 2, 7, "")
    assert again.error()[:2] == (-1, 326)
    other = raw(client_id=8)
    other.until(4)
    assert eventually(lambda: all_well(tws))
    assert raw(client_id=7).version == 178
    tws.set(restart=None)
    tws.set(restart=Restart(0.0, 0.0, 0.0, ids_occupied_seconds=60.0))
    assert eventually(lambda: tws.server.faults.client_ids_in_use == {7, 8})


def test_a_restart_that_needs_a_login_waits_for_it(tws, raw):
    tws.set(restart=QUICK._replace(needs_login=True))
    assert eventually(lambda: tws.server.faults.awaiting_login)
    assert refused(tws)
    assert tws.control({"do": "login"})["ok"]
    assert eventually(lambda: all_well(tws))
    assert raw().version == 178


def order(client, order_id, limit=600.0):
    """A day limit order for 10 SPY, at version 157: the layout is the client's, not the simulator's."""
    from ib_insync import Client, LimitOrder, Stock

    sent = []

    class Wire(Client):
        def send(self, *fields, **_):
            sent.append(fields)

    wire = Wire(None)
    wire._serverVersion = client.version
    wire.placeOrder(order_id, Stock("SPY", "SMART", "USD"), LimitOrder("BUY", 10, limit, tif="DAY", transmit=True))
    client.send(*_texts(sent[0]))


def _texts(fields):
    from ib_insync import Contract
    from ib_insync.util import UNSET_DOUBLE, UNSET_INTEGER

    for field in fields:
        if isinstance(field, Contract):
            yield from (field.conId, field.symbol, field.secType, field.lastTradeDateOrContractMonth, field.strike,
                        field.right, field.multiplier, field.exchange, field.primaryExchange, field.currency,
                        field.localSymbol, field.tradingClass)  # fmt: skip
        elif field in (UNSET_INTEGER, UNSET_DOUBLE, None):
            yield ""
        else:
            yield int(field) if isinstance(field, bool) else field


def test_orders_that_were_received_survive_a_restart_and_ids_go_on_after_them(tws, raw):
    client = raw("v157..176")
    order(client, 41)
    assert client.until(5)[1] == "41"
    assert eventually(lambda: any(each.received for each in tws.server.trading.blotter.open))
    tws.set(restart=Restart(0.0, 0.0, 0.0))
    assert client.end() == "reset"
    again = raw("v157..176")
    assert [fields for fields in again.seen if fields[0] == "9"] == [["9", "1", "42"]]
    again.send(5, 1)
    assert again.until(5)[1] == "41"


# IBKR's reset


def test_a_reset_keeps_the_connection_and_the_data_stop_meanwhile(tws, raw):
    client = raw()
    data(client)
    client.until(1)
    tws.set(server_reset=ServerReset(lost_seconds=0.6, repeat_seconds=0.2))
    assert client.error() == (-1, 1100, "Connectivity between IB and Trader Workstation has been lost.")
    while (fields := client.next())[3] == "1100":
        assert fields[0] == "4"
    assert fields[0] == "4"
    assert fields[3:5] == [
        "1102",
        "Connectivity between IB and Trader Workstation has been restored - data maintained. "
        "All data farms are connected: usfarm; usopt; usfuture; ushmds; secdefil.",
    ]
    assert client.until(1)


def test_1102_names_the_farms_that_are_not_back(tws, raw):
    client = raw()
    tws.set(farms_down=frozenset({"ushmds"}), server_reset=ServerReset(lost_seconds=0.1, repeat_seconds=60))
    while (fields := client.until(4))[3] != "1102":
        pass
    assert fields[4].endswith("The following farms are not connected: ushmds.")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ((20, 7, *SPY, 0, "", "1 hour", "1 D", 1, "TRADES", 1, 0, ""), 162),
        ((9, 8, 7, *SPY, 0, "", "", ""), 200),
        ((50, 3, 7, *SPY, 5, "TRADES", 1, ""), 10182),
        ((3, 7, *SPY), 1100),
    ],
)
def test_while_ibkr_is_lost_requests_are_answered_as_tws_does(tws, raw, request_, code):
    client = raw()
    tws.set(link_broken=True)
    while client.until(4)[3] != "2110":
        pass
    client.send(*request_)
    assert client.error()[:2] == (7, code)


def test_who_connects_while_ibkr_is_lost_is_told(tws, raw):
    tws.set(link_broken=True)
    assert raw().until(4)[3] == "2110"


def test_every_line_of_every_client_is_dead_after_data_were_lost(tws, raw):
    first, second = raw(client_id=1), raw(client_id=2)
    data(first)
    data(second)
    first.until(1)
    second.until(1)
    tws.set(server_reset=ServerReset(lost_seconds=0.1, data_lost=True))
    for client in (first, second):
        while client.error()[1] != 1101:
            pass
        assert client.falls_silent()
        assert tws.stats.lines == 2
        client.send(2, 2, 9)
        data(client)
        assert client.until(1)


# connections


def test_a_half_closed_connection_is_still_read(tws, raw):
    client = raw(client_id=7)
    tws.set(half_close=True)
    assert client.end() == "closed"
    asked = tws.stats.requests[49]
    client.send(49, 1)
    assert eventually(lambda: tws.stats.requests[49] == asked + 1)
    assert tws.stats.clients == 1


def test_a_tws_that_never_closes_stays_in_close_wait_with_the_clients_id(tws, raw):
    tws.set(never_closes=True)
    for number in range(3):
        client = raw(client_id=number)
        while client.until(4)[3] != "2158":
            pass
        client.close()
    assert eventually(lambda: waiting(tws) == 3)
    assert tws.stats.clients == 3
    tws.control({"do": "drop"})
    assert eventually(lambda: waiting(tws) == 0)
    assert tws.stats.clients == 0


def waiting(tws):
    found = psutil.Process().net_connections("tcp")
    return sum(each.status == psutil.CONN_CLOSE_WAIT and each.laddr.port == tws.port for each in found)


def test_a_stuck_acceptor_goes_on_where_it_stopped(calendar):
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, backlog=1) as tws:
        tws.set(stuck_acceptor=True)
        waiting = RawClient(tws.port, start=False)
        assert waiting.silent(0.2)
        assert tws.stats.connections == 0
        tws.set(stuck_acceptor=False)
        assert waiting.next()[0] == "178"
        waiting.close()


@pytest.mark.parametrize("kind", sorted(GARBAGE))
def test_garbage_arrives_as_it_is_and_only_a_cut_ends_the_connection(tws, raw, kind):
    client = raw()
    while client.until(4)[3] != "2158":
        pass
    tws.set(garbage=kind)
    got = b""
    client.socket.settimeout(3)
    while len(got) < len(GARBAGE[kind]):
        got += client.socket.recv(4096)
    assert got == GARBAGE[kind]
    client.socket.settimeout(0.2)
    if kind == "cut_frame":
        assert client.socket.recv(1) == b""
    else:
        client.send(49, 1)
        assert client.socket.recv(4096)[4:].startswith(b"49\x001\x00")


def test_bytes_that_drip_are_whole_in_the_end(tws, raw):
    client = raw()
    tws.set(drip_seconds=0.02)
    client.send(49, 1)
    client.send(49, 1)
    assert client.until(49)
    tws.set(drip_seconds=0.0)
    assert client.until(49)
    client.send(49, 1)
    assert client.until(49)


# defects of the simulator itself


@pytest.fixture
def defective(monkeypatch):
    def fail(*_):
        raise ZeroDivisionError("a bug")

    async def fail_later():
        raise ZeroDivisionError("a later bug")

    monkeypatch.setitem(requests.HANDLERS, 7, fail)
    monkeypatch.setitem(requests.HANDLERS, 8, lambda session, _: session.start_task(fail_later(), 77))
    monkeypatch.setitem(requests.HANDLERS, 99, lambda session, _: session.server.wheel.after(0.01, fail))


def test_a_defect_gets_error_320_and_the_connection_goes_on(tws, raw, defective, capfd):
    client = raw()
    client.send(7, 3, 4711, *[""] * 7)
    assert client.error()[:2] == (4711, 320)
    client.send(8, 1, 1)
    assert client.error()[:2] == (77, 320)
    client.send(99, 1)
    assert eventually(lambda: tws.stats.internal_errors == 3)
    data(client)
    assert client.until(1)
    assert capfd.readouterr().err.count("ZeroDivisionError: a bug") == 2
    tws.stats.internal_errors = 0


def use_the_defect():
    with simulated_tws(fast=True, start_at=TUESDAY) as tws:
        client = RawClient(tws.port)
        client.send(7, 3, 4711, *[""] * 7)
        client.error()
        client.close()


def test_the_fixture_fails_when_the_simulator_had_a_defect(defective):
    with pytest.raises(AssertionError, match=r"(?s)1 internal errors of the simulator.*ZeroDivisionError: a bug"):
        use_the_defect()


# what is left behind

LEFT = struct.pack("ii", 1, 0)


def misbehave(tws, number):
    """One of ten kinds of client, none of which ends well."""
    kind = number % 10
    client = RawClient(tws.port, client_id=number, start=kind < 5)
    if kind in (1, 6):
        data(client)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LEFT)
    elif kind in (2, 7):
        client.socket.sendall(bytes(range(256)))
    elif kind in (3, 8):
        client.socket.sendall(b"\0\0\1\0half a frame")
    elif kind == 4:
        client.send(20, 7, *SPY, 0, "", "1 hour", "1 D", 1, "TRADES", 1, 0, "")
    elif kind == 9:
        tws.drop_all()
    client.close()


def test_a_hundred_bad_clients_and_faults_leave_no_task_socket_or_thread(calendar):
    ours = psutil.Process()
    before = (ours.num_fds(), ours.num_threads())
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, control_port=0) as tws:
        for number in range(100):
            misbehave(tws, number)
            if number == 50:
                tws.set(restart=Restart(0.0, 0.0, 0.0), never_closes=True)
            if number == 70:
                tws.set(garbage="bytes", half_close=True, error_flood=100)
        tws.set(never_closes=False)
        tws.drop_all()
        assert eventually(lambda: not tws.server.sessions and not tws.server._serving)
        assert asyncio.all_tasks(tws._loop) == set()
        assert tws.stats.lines == tws.stats.clients == 0
        RawClient(tws.port, client_id=1000).close()
    # the kernel may need a moment to forget a thread that has ended
    assert eventually(lambda: (ours.num_fds(), ours.num_threads()) == before), threading.enumerate()


def test_stopping_ends_clients_that_do_not_read(calendar):
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar) as tws:
        client = RawClient(tws.port)
        data(client)
        tws.set(error_flood=200_000)
        assert eventually(lambda: tws.server.sessions and _unsent(tws) > 1_000_000, 20)
    assert client.gone()
    client.close()


def _unsent(tws):
    return max(each._writer.transport.get_write_buffer_size() for each in tws.server.sessions)


def test_bars_kept_up_to_date_end_with_10182_when_their_farm_breaks(tws, raw):
    client = raw()
    client.send(50, 3, 7, *SPY, 5, "TRADES", 1, "")
    client.send(20, 8, *SPY, 0, "", "5 mins", "1 D", 1, "TRADES", 1, 1, "")
    client.until(17)
    tws.set(farms_down=frozenset({"ushmds"}))
    ended = [client.error() for _ in range(2)]
    assert sorted(ended) == [(request, 10182, "Failed to request live updates (disconnected).") for request in (7, 8)]
    assert tws.stats.lines == 0
