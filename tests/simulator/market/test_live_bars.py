"""Real-time bars, bars kept up to date, head timestamps, schedules, volatilities and extended hours."""

from datetime import datetime, timedelta
from itertools import pairwise
from math import log
from statistics import stdev

import pytest
from ib_insync import Index, Stock
from ib_insync.wrapper import RequestError
from raw_tws_client import SPY, TUESDAY, RawClient

from v6.clock import NEW_YORK
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

STOCK = Stock("SPY", "SMART", "USD")


@pytest.fixture
def quick(calendar):
    """Fifty seconds of the simulator's clock in one."""
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, speed=50.0) as running:
        yield running


def live_bars(client, what, count=4, request=9):
    client.send(50, 3, request, *SPY, 5, what, 1, "")
    return [client.until(50) for _ in range(count)]


@pytest.mark.parametrize("what", ["TRADES", "MIDPOINT", "BID", "ASK"])
def test_real_time_bars_are_the_historical_bars_of_five_seconds(quick, what):
    with RawClient(quick.port) as client:
        bars = live_bars(client, what)
        starts = [int(bar[3]) for bar in bars]
        assert [start - starts[0] for start in starts] == [0, 5, 10, 15]
        assert starts[0] % 5 == 0
        client.send(51, 1, 9)
        end = datetime.fromtimestamp(starts[-1] + 5, NEW_YORK)
        client.send(20, 8, *SPY, 0, f"{end:%Y%m%d %H:%M:%S} US/Eastern", "5 secs", "20 S", 1, what, 2, 0, "")
        fields = client.until(17)
        rows = [fields[5 + 8 * place : 13 + 8 * place] for place in range(int(fields[4]))]
        assert [row[0] for row in rows] == [str(start) for start in starts]
        assert [list(map(float, row[1:])) for row in rows] == [list(map(float, bar[4:])) for bar in bars]


def test_a_real_time_bar_takes_a_market_data_line_until_it_is_cancelled(quick):
    with RawClient(quick.port) as client:
        live_bars(client, "TRADES", 1)
        assert quick.stats.lines == 1
        client.send(51, 1, 9)
        client.send(51, 1, 9)
        assert client.error()[:2] == (9, 300)
        assert quick.stats.lines == 0


def test_no_real_time_bars_come_after_the_session(calendar):
    with (
        simulated_tws(fast=True, start_at=TUESDAY.replace(hour=16, minute=0), calendar=calendar, speed=50.0) as tws,
        RawClient(tws.port) as client,
    ):
        client.send(50, 3, 9, *SPY, 5, "TRADES", 1, "")
        client.send(50, 3, 10, *SPY, 5, "TRADES", 0, "")
        assert {client.until(50)[2] for _ in range(4)} == {"10"}


def test_without_a_subscription_real_time_bars_are_refused(raw, tws):
    tws.set(no_subscription={"SPY": 354})
    client = raw()
    client.send(50, 3, 9, *SPY, 5, "TRADES", 1, "")
    request, code, text = client.error()
    assert (request, code) == (9, 420)
    assert text.startswith("Invalid Real-time Query:No market data permissions for SMART STK.")


def test_bars_kept_up_to_date_go_on_and_begin_anew(connected, quick):
    ib = connected(quick.port)
    bars = ib.reqHistoricalData(STOCK, "", "1800 S", "1 min", "TRADES", True, keepUpToDate=True)
    before, last = len(bars), bars[-1].date
    for _ in range(60):
        ib.sleep(0.1)
        if bars[-1].date >= last + timedelta(minutes=2):
            break
    assert len(bars) >= before + 2
    ib.cancelHistoricalData(bars)
    again = ib.reqHistoricalData(STOCK, "", "1800 S", "1 min", "TRADES", True)
    now = {bar.date: bar for bar in again}
    finished = [bar for bar in bars[-4:-1] if bar.date in now]
    assert finished
    assert finished == [now[bar.date] for bar in finished]


def test_updates_come_about_every_five_seconds_of_the_clock(quick):
    with RawClient(quick.port) as client:
        client.send(20, 8, *SPY, 0, "", "1 day", "2 D", 1, "TRADES", 1, 1, "")
        client.until(17)
        updates = [client.until(90) for _ in range(3)]
        assert {update[3] for update in updates} == {"20261124"}
        volumes = [float(update[9]) for update in updates]
        assert volumes == sorted(set(volumes))


@pytest.mark.parametrize(("end", "size"), [("20261123 16:00:00 US/Eastern", "1 min"), ("", "1 secs")])
def test_what_cannot_be_kept_up_to_date_is_refused(raw, end, size):
    client = raw()
    client.send(20, 8, *SPY, 0, end, size, "60 S", 1, "TRADES", 1, 1, "")
    assert client.error()[:2] == (8, 321)


def test_the_head_timestamp_is_where_the_bars_begin(ib):
    head = ib.reqHeadTimeStamp(STOCK, "TRADES", True, 1)
    assert head == datetime(2005, 1, 3, 14, 30)
    bars = ib.reqHistoricalData(STOCK, "20050105 16:00:00 US/Eastern", "1 M", "1 day", "TRADES", True)
    assert bars[0].date == head.date()


@pytest.mark.parametrize(
    ("offer", "form", "expected"),
    [("v157..178", 1, "20050103-14:30:00"), ("v157..173", 1, "20050103  14:30:00"), ("v157..178", 2, "1104762600")],
)
def test_head_timestamps_are_utc_as_their_version_writes_them(raw, offer, form, expected):
    client = raw(offer)
    client.send(87, 1, *SPY, 0, 1, "TRADES", form)
    assert client.until(88) == ["88", "1", expected]


def test_an_index_has_no_head_timestamp_of_quotes(raw):
    client = raw()
    client.send(87, 1, 0, "VIX", "IND", "", "0.0", "", "", "CBOE", "", "USD", "", "", 0, 1, "BID", 1)
    assert client.error() == (1, 162, "Historical Market Data Service error message:No head time stamp")


def test_a_schedule_lists_the_sessions_and_leaves_holidays_out(ib, tws):
    tws.step_to(TUESDAY + timedelta(days=6))
    schedule = ib.reqHistoricalSchedule(STOCK, 4, "", True)
    assert [each.refDate for each in schedule.sessions] == ["20261124", "20261125", "20261127", "20261130"]
    assert schedule.timeZone == "US/Eastern"
    early = schedule.sessions[2]
    assert (early.startDateTime, early.endDateTime) == ("20261127-09:30:00", "20261127-13:00:00")
    extended = ib.reqHistoricalSchedule(STOCK, 1, "", False).sessions[0]
    assert (extended.startDateTime, extended.endDateTime) == ("20261130-04:00:00", "20261130-20:00:00")


def test_implied_volatility_bars_are_those_of_the_options_at_the_money(ib, tws):
    bars = ib.reqHistoricalData(STOCK, "", "60 D", "1 day", "OPTION_IMPLIED_VOLATILITY", True)
    assert len(bars) == 60
    assert all(0.05 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high < 1 for bar in bars)
    assert len({bar.close for bar in bars}) > 50
    now = tws.server.market.implied_volatility("SPY", TUESDAY.timestamp())
    assert bars[-1].close == pytest.approx(now, rel=0.02)
    option = tws.server.market.option("SPY", tws.server.market.price("SPY", TUESDAY.timestamp()),
                                      TUESDAY.timestamp() + 30 * 86400, True, TUESDAY.timestamp())  # fmt: skip
    assert option.iv == pytest.approx(now, rel=0.03)


def test_historical_volatility_bars_come_from_thirty_daily_closes(ib):
    daily = ib.reqHistoricalData(STOCK, "20261123 16:00:00 US/Eastern", "31 D", "1 day", "TRADES", True)
    closes = [bar.close for bar in daily]
    expected = stdev(log(after / before) for before, after in pairwise(closes)) * 252**0.5
    bars = ib.reqHistoricalData(STOCK, "20261123 16:00:00 US/Eastern", "5 D", "1 day", "HISTORICAL_VOLATILITY", True)
    assert bars[-1].close == pytest.approx(expected, rel=0.01)
    intraday = ib.reqHistoricalData(STOCK, "", "1 D", "30 mins", "HISTORICAL_VOLATILITY", True)
    assert intraday[0].open == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("contract", [Index("VIX", "CBOE"), Stock("IXHL", "SMART", "USD")])
def test_what_has_no_options_has_no_implied_volatility(ib, contract):
    with pytest.raises(RequestError) as caught:
        ib.reqHistoricalData(contract, "", "5 D", "1 day", "OPTION_IMPLIED_VOLATILITY", True)
    assert caught.value.code == 162


def test_bid_ask_bars_give_average_and_extreme_quotes(ib):
    ask = ib.reqHistoricalData(STOCK, "20261123 16:00:00 US/Eastern", "1 D", "30 mins", "ASK", True)
    bid = ib.reqHistoricalData(STOCK, "20261123 16:00:00 US/Eastern", "1 D", "30 mins", "BID", True)
    both = ib.reqHistoricalData(STOCK, "20261123 16:00:00 US/Eastern", "1 D", "30 mins", "BID_ASK", True)
    for one, other, bar in zip(bid, ask, both, strict=True):
        assert (bar.low, bar.high) == (one.low, other.high)
        assert one.low <= bar.open <= bar.close <= other.high
        assert other.close - one.close == pytest.approx(0.01)


def test_stocks_trade_thinly_before_and_after_the_regular_session(ib, tws):
    tws.step_to(TUESDAY.replace(hour=8, minute=0))
    ticker = ib.reqMktData(STOCK)
    ib.sleep(0.3)
    early = ticker.volume
    assert ticker.marketDataType == 1
    assert 0.02 < ticker.ask - ticker.bid < 0.1
    assert 0 < early < 1e6
    assert ticker.open != ticker.open  # none before the regular session
    tws.step_to(TUESDAY.replace(hour=18, minute=0))
    ib.sleep(0.6)
    assert ticker.marketDataType == 1
    assert ticker.volume > 100 * early
    assert ticker.low <= ticker.open <= ticker.high


def test_bars_outside_regular_hours_are_there_for_who_asks(ib, tws):
    tws.step_to(TUESDAY.replace(hour=18, minute=0))
    every = ib.reqHistoricalData(STOCK, "", "1 D", "1 hour", "TRADES", False)
    regular = ib.reqHistoricalData(STOCK, "", "1 D", "1 hour", "TRADES", True)
    assert (every[0].date.hour, every[-1].date.hour) == (4, 18)
    assert (regular[0].date.strftime("%H:%M"), regular[-1].date.hour) == ("09:30", 15)
    assert sum(bar.volume for bar in every) == pytest.approx(ib.reqTickers(STOCK)[0].volume, rel=1e-3)


def test_without_extended_hours_a_stock_is_quiet_in_the_evening(calendar, connected):
    evening = TUESDAY.replace(hour=18)
    with simulated_tws(fast=True, start_at=evening, calendar=calendar, extended_hours=False) as tws:
        ib = connected(tws.port)
        ib.reqMarketDataType(2)
        assert ib.reqTickers(STOCK)[0].marketDataType == 2
