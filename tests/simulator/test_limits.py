"""The limits of real TWS, on by default, each to be switched off."""

import pytest
from raw_tws_client import SPY, TUESDAY, RawClient

from v6.simulator.limits import LineBudget, MessageMeter, Verdict
from v6.simulator.testing import simulated_tws


def test_fifty_messages_in_a_second_are_allowed_and_one_more_is_a_strike():
    meter = MessageMeter(50)
    verdicts = [meter.count(7.5) for _ in range(50)]
    assert verdicts == [Verdict.ACCEPTED] * 41 + [Verdict.WARNED] + [Verdict.ACCEPTED] * 8
    assert meter.count(7.9) is Verdict.STRIKE
    assert meter.count(7.9) is Verdict.REJECTED
    assert meter.count(8.0) is Verdict.ACCEPTED
    assert (meter.strikes, meter.struck_out) == (1, False)


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
    with simulated_tws(start_at=TUESDAY) as tws:
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
def test_lines_are_shared_by_all_clients():
    with simulated_tws(start_at=TUESDAY, messages_a_second=0) as tws:
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
    with simulated_tws(start_at=TUESDAY, lines=1, snapshot_seconds=0.5) as tws:
        client = RawClient(tws.port)
        client.send(1, 11, 1, *SPY, 0, "", 1, 0, "")
        client.send(1, 11, 2, *SPY, 0, "", 1, 0, "")
        assert client.error()[:2] == (2, 101)
        assert client.until(57)[2] == "1"
        assert tws.stats.lines == 0
        client.close()


@pytest.mark.integration
def test_the_thirty_third_client_is_turned_away():
    with simulated_tws(start_at=TUESDAY, clients=2) as tws:
        clients = [RawClient(tws.port, client_id=number) for number in range(2)]
        third = RawClient(tws.port, client_id=3, start=False)
        assert third.gone()
        for client in [*clients, third]:
            client.close()
