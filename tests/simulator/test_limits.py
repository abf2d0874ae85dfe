"""The limits of real TWS, on by default, each to be switched off."""

import socket
import struct
import threading
import time

import pytest
from raw_tws_client import SPY, TUESDAY, RawClient, eventually, framed

from v6.simulator.arrivals import TCP_INFO
from v6.simulator.limits import WINDOW, LineBudget, MessageMeter, Verdict
from v6.simulator.options import Options
from v6.simulator.testing import simulated_tws

ALLOWED = (Verdict.ACCEPTED, Verdict.WARNED)


def test_fifty_messages_in_a_second_are_allowed_and_one_more_is_a_strike():
    meter = MessageMeter(50)
    verdicts = [meter.count(7.5) for _ in range(50)]
    assert verdicts == [Verdict.ACCEPTED] * 41 + [Verdict.WARNED] + [Verdict.ACCEPTED] * 8
    assert meter.count(7.9) is Verdict.STRIKE
    assert meter.count(7.9) is Verdict.REJECTED
    assert meter.count(8.5) is Verdict.ACCEPTED
    assert (meter.strikes, meter.struck_out) == (1, False)


@pytest.mark.parametrize("begin", [7.0, 7.4, 7.94, 7.99])
def test_wherever_a_second_begins_it_holds_no_more_than_the_limit(begin):
    meter = MessageMeter(50)
    verdicts = [meter.count(begin) for _ in range(49)] + [meter.count(begin + 0.06) for _ in range(49)]
    assert verdicts.index(Verdict.STRIKE) == 50
    assert Verdict.ACCEPTED not in verdicts[50:]


def test_even_sending_over_the_rate_stays_refused_with_a_strike_a_second():
    meter = MessageMeter(50)
    verdicts = [meter.count(number / 60) for number in range(240)]
    assert set(verdicts[51:]) == {Verdict.REJECTED, Verdict.STRIKE}
    assert meter.strikes == meter.strikes_allowed + 1


def test_bursts_a_second_apart_and_even_sending_below_the_rate_go_unpunished():
    bursts, evenly = MessageMeter(50), MessageMeter(50)
    for second in range(5):
        assert all(bursts.count(second + number / 4500) in ALLOWED for number in range(45))
    assert all(evenly.count(number / 48) in ALLOWED for number in range(500))


def test_the_third_strike_is_the_last():
    meter = MessageMeter(1)
    for second in range(3):
        meter.count(second)
        meter.count(second)
    assert meter.struck_out


def test_no_limit_is_no_limit():
    meter, lines = MessageMeter(0), LineBudget(0)
    assert all(meter.count(1.0) is Verdict.ACCEPTED for _ in range(1000))
    assert all(lines.take() for _ in range(1000))
    assert lines.peak == 1000


@pytest.mark.integration
def test_too_many_messages_get_error_100_and_the_third_time_the_door():
    with simulated_tws(fast=False, start_at=TUESDAY) as tws:
        client = RawClient(tws.port)
        for _ in range(40):
            client.send(49, 1)
        client.until(49)
        assert tws.stats.breaches == 0
        assert flood(client)
        assert tws.stats.breaches == 3
        assert tws.stats.struck_out == 1
        assert tws.stats.errors[100] == 3
        client.close()


def flood(client):
    """Send without pause; whether the server ended it."""
    try:
        for _ in range(2000):
            client.send(49, 1)
            client.silent(0.002)
    except ConnectionError:
        return True
    return False


@pytest.mark.integration
def test_two_bursts_around_the_turn_of_a_second_get_error_100():
    with simulated_tws(fast=False, start_at=TUESDAY) as tws, RawClient(tws.port) as client:
        assert eventually(lambda: time.monotonic() % 1 > 0.93)
        client.socket.sendall(framed(49, 1) * 40)
        assert eventually(lambda: time.monotonic() % 1 < 0.5)
        client.socket.sendall(framed(49, 1) * 40)
        while (error := client.error())[1] == 0:
            pass
        assert error[1:] == (100, "Max rate of messages per second has been exceeded:max=50 rec=51 (1)")


@pytest.mark.integration
@pytest.mark.parametrize("rate", ["reject", "queue"])
def test_an_unmodified_ib_insync_asking_300_times_is_never_too_fast(connected, rate):
    with simulated_tws(fast=False, start_at=TUESDAY, rate=rate) as tws:
        ib = connected(tws.port)
        for _ in range(300):
            ib.client.reqCurrentTime()
        for _ in range(200):
            if tws.stats.requests[49] >= 300:
                break
            ib.sleep(0.1)
        assert tws.stats.requests[49] >= 300
        assert (tws.stats.errors[100], tws.stats.breaches) == (0, 0)
        assert 40 <= tws.stats.most_in_a_second <= 50
        ib.disconnect()


@pytest.mark.integration
@pytest.mark.skipif(TCP_INFO is None, reason="only Linux tells when bytes arrived")
def test_a_busy_simulator_takes_messages_for_no_closer_than_they_arrived():
    """It reads the first burst late and the second at once; they were sent a second apart."""
    with simulated_tws(fast=False, start_at=TUESDAY, latency=False) as tws, RawClient(tws.port) as client:
        busy = threading.Event()
        tws.server.loop.call_soon_threadsafe(lambda: (busy.set(), time.sleep(0.4)))
        busy.wait(5)
        client.socket.sendall(framed(49, 1) * 45)
        begun = time.monotonic()
        assert eventually(lambda: time.monotonic() - begun >= 1.0)
        client.socket.sendall(framed(49, 1) * 45)
        for _ in range(90):
            client.until(49)
        assert tws.stats.breaches == 0


@pytest.mark.integration
def test_lines_are_shared_by_all_clients():
    with simulated_tws(fast=False, start_at=TUESDAY, messages_a_second=0) as tws:
        first, second = RawClient(tws.port, client_id=1), RawClient(tws.port, client_id=2)
        for request in range(60):
            first.send(1, 11, request, *SPY, 0, "", 0, 0, "")
        first.until(1)
        for request in range(60):
            second.send(1, 11, request, *SPY, 0, "", 0, 0, "")
        assert second.error()[1] == 101
        assert tws.stats.peak_lines == 100
        assert second.error()[1] == 101
        first.send(2, 2, 0)
        first.send(49, 1)
        first.until(49)
        second.send(1, 11, 77, *SPY, 0, "", 0, 0, "")
        while second.until(58)[2] != "77":
            pass
        first.close()
        second.close()


@pytest.mark.integration
def test_snapshots_hold_a_line_until_their_end():
    with simulated_tws(fast=False, start_at=TUESDAY, lines=1, snapshot_seconds=0.5) as tws:
        client = RawClient(tws.port)
        client.send(1, 11, 1, *SPY, 0, "", 1, 0, "")
        client.send(1, 11, 2, *SPY, 0, "", 1, 0, "")
        assert client.error()[:2] == (2, 101)
        assert client.until(57)[2] == "1"
        assert tws.stats.lines == 0
        client.close()


@pytest.mark.integration
def test_the_thirty_third_client_is_turned_away():
    with simulated_tws(fast=False, start_at=TUESDAY, clients=2) as tws:
        clients = [RawClient(tws.port, client_id=number) for number in range(2)]
        third = RawClient(tws.port, client_id=3, start=False)
        assert third.gone()
        for client in [*clients, third]:
            client.close()


def test_a_queueing_meter_says_how_long_the_next_message_waits():
    meter = MessageMeter(2)
    assert meter.wait(7.25) == 0.0
    meter.count(7.25)
    meter.count(7.25)
    assert meter.wait(7.25) == pytest.approx(WINDOW)
    assert meter.wait(7.25 + WINDOW) == 0.0


@pytest.mark.integration
def test_queued_messages_wait_instead_of_being_rejected():
    with simulated_tws(fast=False, start_at=TUESDAY, messages_a_second=20, rate="queue") as tws:
        client = RawClient(tws.port)
        begun = time.monotonic()
        for _ in range(50):
            client.send(49, 1)
        for _ in range(50):
            client.until(49)
        assert 1.0 < time.monotonic() - begun < 4.0
        assert tws.stats.errors[100] == tws.stats.breaches == 0
        client.close()


@pytest.mark.integration
def test_near_the_rate_tws_warns_with_code_0_and_no_request_id():
    with simulated_tws(fast=False, start_at=TUESDAY, messages_a_second=50) as tws:
        client = RawClient(tws.port)
        assert warned(client)[:3] == (-1, 0, "Warning: Approaching max rate of 50 messages per second (42)")
        client.close()


def warned(client):
    """Send 45 at once until they fall into one second."""
    for _ in range(5):
        for _ in range(45):
            client.send(49, 1)
        for _ in range(45):
            while (fields := client.next())[0] != "49":
                if fields[0] == "4" and fields[3] == "0":
                    return int(fields[2]), int(fields[3]), fields[4]
    return None


@pytest.mark.integration
def test_a_hundred_snapshots_a_second_are_allowed_and_no_more():
    with simulated_tws(fast=False, start_at=TUESDAY, messages_a_second=0, lines=0, snapshots_a_second=3) as tws:
        client = RawClient(tws.port)
        for request in range(12):
            client.send(1, 11, request, *SPY, 0, "", 1, 0, "")
        request, code, text = client.error()
        assert (code, text) == (
            321,
            "Error validating request.-'bW' : cause - Snapshot requests limitation exceeded:3 per 1 second(s)",
        )
        assert request >= 3
        client.close()


def test_the_defaults_are_those_of_real_tws_and_fast_switches_them_all_off():
    real, fast = Options(), Options().fast()
    assert (real.messages_a_second, real.lines, real.clients, real.snapshots_a_second) == (50, 100, 32, 100)
    assert (real.snapshot_seconds, real.refresh_seconds, real.rate) == (11.0, 180.0, "reject")
    assert real.occupied_seconds >= 5.0
    assert real.freed_seconds > 0
    assert (fast.messages_a_second, fast.lines, fast.clients, fast.snapshots_a_second) == (0, 0, 0, 0)
    assert fast.occupied_seconds == fast.freed_seconds == fast.snapshot_seconds == 0.0


def in_use(port, client_id):
    """Whether the id is answered with 326."""
    client = RawClient(port, client_id=client_id, start=False)
    try:
        client.next()
        client.send(71, 2, client_id, "")
        return client.next()[3:4] == ["326"]
    finally:
        client.close()


def vanish(client):
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.integration
def test_the_id_of_a_vanished_client_is_in_use_for_a_while_and_that_of_a_clean_one_hardly():
    with simulated_tws(fast=False, start_at=TUESDAY, messages_a_second=0, freed_seconds=0.0) as tws:
        clean = RawClient(tws.port, client_id=7)
        while clean.next()[3:4] != ["2158"]:
            pass
        clean.close()
        assert eventually(lambda: tws.stats.clients == 0)
        assert not in_use(tws.port, 7)
        vanish(RawClient(tws.port, client_id=8))
        assert eventually(lambda: tws.stats.clients == 0)
        assert in_use(tws.port, 8)
        tws.control({"do": "restart", "refused_seconds": 0, "mute_seconds": 0, "farm_seconds": 0})
        assert not in_use(tws.port, 8)


@pytest.mark.integration
def test_a_struck_out_client_finds_its_id_in_use():
    with simulated_tws(fast=False, start_at=TUESDAY, strikes=1, messages_a_second=5) as tws:
        client = RawClient(tws.port, client_id=9)
        assert flood(client)
        client.close()
        assert eventually(lambda: tws.stats.clients == 0)
        assert in_use(tws.port, 9)


@pytest.mark.integration
def test_how_long_the_details_of_a_whole_chain_take_can_be_set():
    with (
        simulated_tws(fast=False, start_at=TUESDAY, messages_a_second=0, wide_details_seconds=0.4) as tws,
        RawClient(tws.port) as client,
    ):
        begun = time.monotonic()
        client.send(9, 8, 1, 0, "SPY", "OPT", "", "0.0", "C", "100", "SMART", "", "USD", "", "", 0, "", "")
        client.until(10)
        assert time.monotonic() - begun > 0.39
        client.until(52, 20)
