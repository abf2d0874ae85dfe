"""Orders and the clock: sessions, opening, close, times an order names."""

from datetime import datetime, timedelta

import pytest
from raw_tws_client import TUESDAY, RawClient
from wire_orders import errors, order_fields, said, statuses

from v6.clock import NEW_YORK
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration
MORNING = datetime(2026, 11, 24, 3, 0, tzinfo=NEW_YORK)
OPEN, CLOSE = MORNING.replace(hour=9, minute=30, second=1), MORNING.replace(hour=16, second=1)


@pytest.fixture
def night(calendar):
    with simulated_tws(fast=True, start_at=MORNING, calendar=calendar) as running:
        yield running


def next_status(client: RawClient, order_id: int) -> list[str]:
    while True:
        fields = client.until(3)
        if fields[1] == str(order_id):
            return fields


def test_an_order_outside_the_session_waits_with_warning_399(night):
    with RawClient(night.port) as client:
        said(client)
        frames = said(client, *order_fields(1, type="MKT"))
        assert errors(frames) == [
            (399, "Order Message:\nBUY 100 SPY ARCA\nWarning: your order will not be placed at the exchange until "
                  "2026-11-24 09:30:00 US/Eastern")
        ]  # fmt: skip
        assert statuses(frames, 1) == ["PreSubmitted"]
        night.step_to(OPEN)
        assert next_status(client, 1)[2] == "Filled"


def test_a_limit_order_is_submitted_when_the_session_opens(night):
    with RawClient(night.port) as client:
        assert statuses(said(client, *order_fields(1, limit=100)), 1) == ["PreSubmitted"]
        night.step_to(OPEN)
        assert next_status(client, 1)[2] == "Submitted"


def test_outside_regular_hours_only_orders_that_ask_for_it_trade(night):
    night.step_to(MORNING.replace(hour=8))
    with RawClient(night.port) as client:
        said(client)
        frames = said(client, *order_fields(1, limit=900, quantity=1, outside=1))
        assert errors(frames) == []
        assert statuses(frames, 1)[-1] == "Filled"
        assert statuses(said(client, *order_fields(2, limit=900, quantity=1)), 2) == ["PreSubmitted"]


def test_outside_regular_hours_is_ignored_for_market_orders_with_2109(client):
    frames = said(client, *order_fields(1, type="MKT", outside=1))
    assert [code for code, _ in errors(frames)] == [2109]
    assert statuses(frames, 1)[-1] == "Filled"


def test_day_orders_end_at_the_close_and_others_stay(tws, client):
    said(client, *order_fields(1, limit=100))
    said(client, *order_fields(2, limit=100, tif="GTC"))
    tws.step_to(CLOSE)
    assert next_status(client, 1)[2] == "Cancelled"
    assert client.error()[:2] == (1, 202)
    open_now = {fields[1] for fields in said(client, 5, 1) if fields[0] == "5"}
    assert open_now == {"2"}


def test_a_day_order_on_an_early_close_ends_then(calendar):
    friday = datetime(2026, 11, 27, 12, 59, tzinfo=NEW_YORK)
    with simulated_tws(fast=True, start_at=friday, calendar=calendar) as tws, RawClient(tws.port) as client:
        said(client, *order_fields(1, limit=100))
        tws.step_to(friday + timedelta(seconds=61))
        assert next_status(client, 1)[2] == "Cancelled"


def test_an_order_that_names_its_last_day_ends_at_that_time(tws, client):
    said(client, *order_fields(1, limit=100, tif="GTD", gtd="20261124 11:00:00 US/Eastern"))
    tws.step_to(TUESDAY.replace(hour=11, second=1))
    assert next_status(client, 1)[2] == "Cancelled"


def test_an_order_that_names_its_first_moment_waits_for_it(tws, client):
    frames = said(client, *order_fields(1, type="MKT", gat="20261124 11:00:00 US/Eastern"))
    assert statuses(frames, 1) == ["PreSubmitted"]
    assert "until 2026-11-24 11:00:00 US/Eastern" in errors(frames)[0][1]
    tws.step_to(TUESDAY.replace(hour=11, second=1))
    assert next_status(client, 1)[2] == "Filled"


@pytest.mark.parametrize("terms", [{"type": "MOC"}, {"type": "LOC", "limit": 900}])
def test_orders_for_the_close_fill_at_the_closing_price(tws, client, terms):
    assert statuses(said(client, *order_fields(1, **terms)), 1) == ["PreSubmitted"]
    tws.step_to(CLOSE)
    filled = next_status(client, 1)
    assert (filled[2], filled[3]) == ("Filled", "100")


def test_a_limit_for_the_close_that_is_not_met_ends_unfilled(tws, client):
    said(client, *order_fields(1, type="LOC", limit=100))
    tws.step_to(CLOSE)
    ended = next_status(client, 1)
    assert (ended[2], ended[3]) == ("Cancelled", "0")


def test_an_order_for_the_opening_fills_at_the_opening_price(night):
    with RawClient(night.port) as client:
        assert statuses(said(client, *order_fields(1, type="MKT", tif="OPG")), 1) == ["PreSubmitted"]
        night.step_to(OPEN)
        filled = next_status(client, 1)
    assert filled[2] == "Filled"


def test_a_future_trades_at_night(night):
    es = (0, "ES", "FUT", "202612", "0.0", "", "50", "CME", "", "USD", "", "")
    with RawClient(night.port) as client:
        assert statuses(said(client, *order_fields(1, type="MKT", quantity=1, contract=es)), 1)[-1] == "Filled"
