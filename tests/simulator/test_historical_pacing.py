"""How often historical data may be asked for: the rules as pure functions, and what a client sees of them."""

import pytest
from raw_tws_client import SPY, TUESDAY, RawClient

from v6.simulator.options import Options
from v6.simulator.pacing import Ask, HistoricalPacing
from v6.simulator.testing import simulated_tws


def ask(number=0, what="TRADES", con_id=0, size="5 secs"):
    return Ask(con_id or 1000 + number, "SMART", what, f"end {number}", "60 S", size, True)


def test_sixty_small_bar_requests_in_ten_minutes_and_no_more():
    pacing = HistoricalPacing()
    assert not any(pacing.violates(ask(number), number * 5.0) for number in range(60))
    assert pacing.violates(ask(60), 300.0)
    assert not pacing.violates(ask(61), 600.0)
    assert pacing.violates(ask(62), 600.1)


def test_the_sixth_request_for_one_contract_within_two_seconds_is_one_too_many():
    pacing = HistoricalPacing()
    assert not any(pacing.violates(ask(number, con_id=1), number * 0.1) for number in range(5))
    assert pacing.violates(ask(5, con_id=1), 0.6)
    assert not pacing.violates(ask(5, con_id=2), 0.6)
    assert not pacing.violates(ask(5, "MIDPOINT", con_id=1), 0.6)
    assert not pacing.violates(ask(5, con_id=1), 2.01)


def test_an_identical_request_within_fifteen_seconds_is_one_too_many():
    pacing = HistoricalPacing()
    assert not pacing.violates(ask(1), 0.0)
    assert pacing.violates(ask(1), 14.9)
    assert not pacing.violates(ask(1), 15.0)


def test_bid_ask_counts_twice():
    pacing = HistoricalPacing()
    assert not any(pacing.violates(ask(number, "BID_ASK"), number * 10.0) for number in range(30))
    assert pacing.violates(ask(31, "BID_ASK"), 300.0)
    pacing = HistoricalPacing()
    assert not any(pacing.violates(ask(number, "BID_ASK", con_id=1), 0.0) for number in range(2))
    assert pacing.violates(ask(2, "BID_ASK", con_id=1), 0.0)


def test_large_bars_are_slowed_down_and_never_refused():
    pacing = HistoricalPacing()
    waits = [pacing.throttle(100.0) for _ in range(12)]
    assert waits[:6] == [0.0] * 6
    assert waits[-1] == pytest.approx(2.0)
    assert pacing.throttle(110.0) == 0.0


def test_everything_can_be_switched_off():
    pacing = HistoricalPacing(rules=False, most_open=0)
    assert not any(pacing.violates(ask(1), 0.0) for _ in range(100))
    assert not any(pacing.throttle(0.0) for _ in range(100))
    assert all(pacing.enter() for _ in range(100))
    assert Options().historical_pacing
    assert Options().historical_open == 50
    fast = Options().fast()
    assert (fast.historical_pacing, fast.historical_open) == (False, 0)


VIOLATION = (162, "Historical Market Data Service error message:Historical data request pacing violation")


@pytest.mark.integration
def test_a_client_that_repeats_a_request_is_told_of_the_pacing_violation(calendar):
    with simulated_tws(fast=False, start_at=TUESDAY, calendar=calendar) as tws, RawClient(tws.port) as client:
        for request in (1, 2):
            client.send(20, request, *SPY, 0, "", "5 secs", "60 S", 1, "TRADES", 1, 0, "")
        assert client.error() == (2, *VIOLATION)
        bars = [frame[1] for frame in client.seen if frame[0] == "17"]  # either may come first
        assert (bars or [client.until(17)[1]]) == ["1"]
        client.send(20, 3, *SPY, 0, "", "1 min", "120 S", 1, "TRADES", 1, 0, "")
        client.send(20, 4, *SPY, 0, "", "1 min", "120 S", 1, "TRADES", 1, 0, "")
        assert {client.until(17)[1], client.until(17)[1]} == {"3", "4"}


@pytest.mark.integration
def test_fifty_open_requests_are_the_limit_whatever_their_bars(calendar):
    with (
        simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, historical_open=2) as tws,
        RawClient(tws.port) as client,
    ):
        for request in (1, 2):
            client.send(20, request, *SPY, 0, "", "1 min", "120 S", 1, "TRADES", 1, 1, "")
            client.until(17)
        client.send(20, 3, *SPY, 0, "", "1 min", "120 S", 1, "TRADES", 1, 0, "")
        assert client.error() == (
            3, 322, "Error processing request.-'bS' : cause - Only 2 simultaneous API historical data requests "
            "allowed.",
        )  # fmt: skip
        client.send(25, 1, 1)
        assert client.error() == (
            1, 162, "Historical Market Data Service error message:API historical data query cancelled: 1"
        )  # fmt: skip
        client.send(20, 3, *SPY, 0, "", "1 min", "120 S", 1, "TRADES", 1, 0, "")
        assert client.until(17)[1] == "3"
        assert tws.server.pacing.open == 1


@pytest.mark.integration
def test_a_head_timestamp_counts_as_open_until_it_is_cancelled(calendar):
    with (
        simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, historical_open=1) as tws,
        RawClient(tws.port) as client,
    ):
        client.send(87, 1, *SPY, 0, 1, "TRADES", 1)
        client.until(88)
        client.send(87, 2, *SPY, 0, 1, "TRADES", 1)
        assert client.error()[:2] == (2, 322)
        client.send(90, 1)
        client.send(87, 2, *SPY, 0, 1, "TRADES", 1)
        assert client.until(88)[1] == "2"


@pytest.mark.integration
def test_sixty_new_real_time_bars_in_ten_minutes_and_no_more(calendar):
    with (
        simulated_tws(fast=False, start_at=TUESDAY, calendar=calendar, messages_a_second=0) as tws,
        RawClient(tws.port) as client,
    ):
        for request in range(61):
            client.send(50, 3, request, *SPY, 5, "TRADES", 1, "")
            client.send(51, 1, request)
        assert client.error() == (60, 420, "Invalid Real-time Query:Historical data request pacing violation")
