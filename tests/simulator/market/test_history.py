"""Historical bars, with ib_insync."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from ib_insync import Future, Index, Stock
from ib_insync.wrapper import RequestError
from raw_tws_client import SPY, TUESDAY

from v6.clock import NEW_YORK

pytestmark = pytest.mark.integration

STOCK = Stock("SPY", "SMART", "USD")


def test_five_minute_bars_of_two_days(ib):
    bars = ib.reqHistoricalData(STOCK, "", "2 D", "5 mins", "TRADES", True)
    assert len(bars) == 78 + 14
    assert bars[0].date.strftime("%Y%m%d %H:%M") == "20261123 09:30"
    assert bars[-1].date.strftime("%H:%M") == "10:35"
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
    assert all(bar.volume > 0 and bar.low <= bar.average <= bar.high for bar in bars)


def test_bars_continue_each_other_and_agree_with_the_stream(ib):
    bars = ib.reqHistoricalData(STOCK, "", "1 D", "1 min", "TRADES", True)
    assert max(abs(after.open / before.close - 1) for before, after in itertools.pairwise(bars)) < 0.001
    ticker = ib.reqTickers(STOCK)[0]
    assert bars[-1].close == pytest.approx(ticker.last, abs=0.1)
    assert sum(bar.volume for bar in bars) == pytest.approx(ticker.volume, rel=0.02)


def test_hourly_bars_begin_on_the_hour_after_the_open(ib):
    bars = ib.reqHistoricalData(STOCK, "20261123 16:00:00 US/Eastern", "1 D", "1 hour", "TRADES", True)
    assert [bar.date.strftime("%H:%M") for bar in bars] == [
        "09:30",
        "10:00",
        "11:00",
        "12:00",
        "13:00",
        "14:00",
        "15:00",
    ]


def test_daily_bars_carry_dates_and_skip_holidays(ib, tws):
    tws.step_to(TUESDAY + timedelta(days=6))
    bars = ib.reqHistoricalData(STOCK, "", "5 D", "1 day", "TRADES", True)
    assert [bar.date for bar in bars] == [date(2026, 11, day) for day in (23, 24, 25, 27, 30)]


def test_an_early_close_ends_the_bars(ib, tws):
    tws.step_to(TUESDAY + timedelta(days=4))
    bars = ib.reqHistoricalData(STOCK, "", "1 D", "30 mins", "TRADES", True)
    assert (len(bars), bars[-1].date.strftime("%Y%m%d %H:%M")) == (7, "20261127 12:30")


def test_futures_have_overnight_bars_unless_regular_hours_are_asked_for(ib):
    future = ib.reqContractDetails(Future("ES", exchange="CME"))[0].contract
    everything = ib.reqHistoricalData(future, "", "1 D", "1 hour", "TRADES", False)
    regular = ib.reqHistoricalData(future, "", "1 D", "1 hour", "TRADES", True)
    assert everything[0].date.astimezone(NEW_YORK).strftime("%m%d %H:%M") == "1123 18:00"
    assert len(everything) == 17
    assert len(regular) == 2


def test_format_2_is_epoch_seconds_in_utc(ib):
    bars = ib.reqHistoricalData(STOCK, "", "1 D", "30 mins", "TRADES", True, formatDate=2)
    assert bars[0].date == datetime(2026, 11, 24, 14, 30, tzinfo=UTC)


def test_quotes_have_no_volume(ib):
    bars = ib.reqHistoricalData(STOCK, "", "1 D", "30 mins", "MIDPOINT", True)
    assert {(bar.volume, bar.average, bar.barCount) for bar in bars} == {(-1.0, -1.0, -1)}


def test_indices_have_bars(ib):
    bars = ib.reqHistoricalData(Index("VIX", "CBOE"), "", "1 D", "30 mins", "TRADES", True)
    assert 5 < bars[-1].close < 80


def test_old_versions_get_two_blanks_and_no_zone(raw):
    for offer, expected in (("v100..157", "20261124  09:30:00"), ("v157..176", "20261124 09:30:00 US/Eastern")):
        client = raw(offer, client_id=int(offer[-3:]))
        client.send(20, 5, *SPY, 0, "", "30 mins", "1 D", 1, "TRADES", 1, 0, "")
        assert client.until(17)[5] == expected


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("", "1 D", "7 mins", "TRADES"), 321),
        (("", "1 X", "5 mins", "TRADES"), 321),
        (("", "1 D", "5 mins", "GOSSIP"), 321),
        (("yesterday", "1 D", "5 mins", "TRADES"), 321),
        (("20261126 12:00:00 US/Eastern", "3600 S", "5 mins", "TRADES"), 162),
    ],
)
def test_a_request_that_cannot_be_answered_is_an_error(ib, tws, arguments, code):
    tws.step_to(TUESDAY + timedelta(days=6))
    with pytest.raises(RequestError) as caught:
        ib.reqHistoricalData(STOCK, *arguments, True)
    assert caught.value.code == code


def test_a_long_span_does_not_stop_the_stream(ib, tws):
    ticker = ib.reqMktData(STOCK)
    bars = ib.reqHistoricalData(STOCK, "", "30 D", "5 mins", "TRADES", True)
    assert len(bars) > 2000
    assert ticker.bid > 0


def test_a_finished_bar_never_changes(ib, tws):
    before = ib.reqHistoricalData(STOCK, "", "1 D", "5 mins", "TRADES", True)
    tws.step_to(TUESDAY + timedelta(minutes=20))
    after = ib.reqHistoricalData(STOCK, "", "1 D", "5 mins", "TRADES", True)
    assert after[: len(before) - 1] == before[:-1]
