"""Contracts cross to the library and back unchanged; TWS's dates and hours are read as TWS means them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from v6.clock import NEW_YORK
from v6.gateway import library
from v6.gateway.contracts import day, from_library, hours, to_library
from v6.gateway.historical import bar_start
from v6.model import Contract

pytestmark = pytest.mark.both_libraries
OPTION = Contract(
    "OPT", "SPY", "SMART", trading_class="SPY", multiplier=100.0, expiry=date(2026, 12, 18), strike=600.0, right="P"
)


@pytest.fixture(scope="module")
def used() -> library.Library:
    return library.load("auto")


def test_an_option_survives_the_way_there_and_back(used: library.Library) -> None:
    assert from_library(to_library(used, OPTION)) == OPTION


def test_a_con_id_is_sent_without_anything_that_could_contradict_it(used: library.Library) -> None:
    wire = to_library(used, OPTION.with_con_id(77))
    assert (wire.conId, wire.symbol, wire.exchange) == (77, "SPY", "SMART")
    assert (wire.lastTradeDateOrContractMonth, wire.strike, wire.right) == ("", 0.0, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20260116", date(2026, 1, 16)),
        ("20230714 22:00:00 Europe/Prague", date(2023, 7, 14)),
        ("202601", None),
        ("", None),
    ],
)
def test_last_trade_dates(text: str, expected: date | None) -> None:
    assert day(text) == expected


@pytest.mark.parametrize("zone", ["US/Eastern", "America/New_York", "EST (Eastern Standard Time)"])
def test_liquid_hours_are_aware(zone: str) -> None:
    sessions = hours("20261126:CLOSED;20261127:0930-20261127:1300", zone)
    assert sessions == (
        (datetime(2026, 11, 27, 9, 30, tzinfo=NEW_YORK), datetime(2026, 11, 27, 13, 0, tzinfo=NEW_YORK)),
    )


def test_hours_in_an_unknown_zone_are_not_guessed() -> None:
    assert hours("20261127:0930-20261127:1300", "Mars/Olympus") == ()
    assert hours("", "US/Eastern") == ()


def test_hours_of_chicago() -> None:
    [(opening, _)] = hours("20261127:0830-20261127:1215", "US/Central")
    assert opening == datetime(2026, 11, 27, 9, 30, tzinfo=ZoneInfo("America/New_York"))


def test_bars_start_at_an_instant() -> None:
    assert bar_start("1795789800") == datetime.fromtimestamp(1795789800, UTC)
    assert bar_start("20261127") == datetime(2026, 11, 27, tzinfo=NEW_YORK)
