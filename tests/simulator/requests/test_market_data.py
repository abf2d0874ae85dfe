"""Streams and snapshots, with ib_insync."""

import itertools
import math
from datetime import datetime, timedelta

import pytest
from ib_insync import Contract, Future, Index, Option, Stock
from raw_tws_client import SPY, TUESDAY, RawClient, eventually

from v6.clock import NEW_YORK
from v6.simulator.options import Options
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

STOCK = Stock("SPY", "SMART", "USD")


def near(ib, expiry="20270115", right="C"):
    listed = ib.reqContractDetails(Option("SPY", expiry, right=right, exchange="SMART", tradingClass="SPY"))
    price = ib.reqTickers(STOCK)[0].last
    return min((each.contract for each in listed), key=lambda each: abs(each.strike - price))


def streamed(ib, contract, generic="", until=lambda ticker: ticker.bid > 0):
    ticker = ib.reqMktData(contract, generic)
    for _ in range(100):
        ib.sleep(0.02)
        if until(ticker):
            return ticker
    raise AssertionError(f"incomplete: {ticker}")


def test_a_stock_streams_bid_ask_last_and_the_day(ib):
    ticker = streamed(ib, STOCK)
    assert 0 < ticker.ask - ticker.bid <= 0.011
    assert ticker.bid <= ticker.last <= ticker.ask
    assert ticker.low <= ticker.last <= ticker.high
    assert ticker.volume > 1e6
    assert min(ticker.bidSize, ticker.askSize, ticker.lastSize) >= 100
    assert (ticker.minTick, ticker.halted, ticker.marketDataType) == (0.01, 0.0, 1)


def test_an_option_streams_its_greeks_and_open_interest(ib):
    ticker = streamed(ib, near(ib), "100,101", lambda ticker: ticker.modelGreeks)
    model = ticker.modelGreeks
    assert 0.05 < model.impliedVol < 0.6
    assert 0.4 < model.delta < 0.65
    assert model.gamma > 0 > model.theta
    assert model.vega > 0
    assert ticker.bid <= model.optPrice <= ticker.ask
    assert model.undPrice == pytest.approx(streamed(ib, STOCK).last, abs=0.5)
    assert ticker.bidGreeks.impliedVol <= model.impliedVol <= ticker.askGreeks.impliedVol
    assert ticker.callOpenInterest > 0
    assert ticker.putOpenInterest == 0


def test_open_interest_needs_generic_tick_101(ib):
    ticker = streamed(ib, near(ib), "", lambda ticker: ticker.modelGreeks)
    assert math.isnan(ticker.callOpenInterest)


def test_a_future_streams_around_its_index(ib):
    contract = ib.reqContractDetails(Future("ES", exchange="CME"))[0].contract
    future = streamed(ib, contract, "588", lambda ticker: ticker.futuresOpenInterest > 0)
    index = streamed(ib, Index("SPX", "CBOE"), until=lambda ticker: ticker.last > 0)
    assert future.last == pytest.approx(index.last, rel=0.01)
    assert (future.ask - future.bid, future.bid % 0.25) == (0.25, 0)
    assert math.isnan(index.bid)


def test_volume_never_falls_while_streaming(ib):
    ticker = streamed(ib, STOCK)
    volumes = []
    for _ in range(8):
        ib.sleep(0.1)
        volumes.append(ticker.volume)
    assert volumes == sorted(volumes)
    assert volumes[-1] > volumes[0]


def test_updates_come_four_times_a_second_at_most(tws):
    client = RawClient(tws.port)
    client.send(1, 11, 1, *SPY, 0, "", 0, 0, "")
    client.until(1)
    received = []
    for _ in range(40):
        fields = client.next()
        if fields[0] == "2" and fields[3] == "8":
            received.append(datetime.now(NEW_YORK))
        if len(received) == 5:
            break
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(received)]
    assert min(gaps) > 0.15
    client.close()


def test_the_first_messages_are_the_data_type_and_the_parameters(raw):
    client = raw()
    client.send(1, 11, 9, *SPY, 0, "", 0, 0, "")
    while client.next()[0] == "4":
        pass
    assert client.seen[-1] == ["58", "1", "9", "1"]
    assert client.next() == ["81", "9", "0.01", "9c0001", "3"]


def test_a_snapshot_ends_and_gives_its_line_back(ib, tws):
    assert Options().snapshot_seconds == 11.0
    tws.server.options.snapshot_seconds = 0.3
    before = ib.client.conn.numMsgSent
    ticker = ib.reqTickers(STOCK)[0]
    assert ticker.bid > 0
    assert ib.client.conn.numMsgSent == before + 1
    assert tws.stats.lines == 0


def test_a_snapshot_with_generic_ticks_is_refused(raw):
    client = raw()
    client.send(1, 11, 9, *SPY, 0, "101", 1, 0, "")
    assert client.error()[:2] == (9, 321)


def test_data_need_an_exchange(raw):
    client = raw()
    client.send(1, 11, 9, *SPY[:7], "", *SPY[8:], 0, "", 0, 0, "")
    assert client.error()[:2] == (9, 321)


def test_an_ambiguous_or_unknown_contract_gets_200(raw):
    client = raw()
    client.send(1, 11, 9, 0, "SPY", "OPT", "20270115", 0.0, "C", "", "SMART", "", "USD", "", "", 0, "", 0, 0, "")
    assert client.error()[:2] == (9, 200)
    assert "ambiguous" in client.seen[-1][4]
    client.send(1, 11, 9, 0, "SPY", "OPT", "20270115", 1.25, "C", "", "SMART", "", "USD", "", "", 0, "", 0, 0, "")
    assert client.error()[:2] == (9, 200)


def test_cancelling_gives_the_line_back_and_twice_is_error_300(raw, tws):
    client = raw()
    client.send(1, 11, 9, *SPY, 0, "", 0, 0, "")
    client.until(1)
    assert tws.stats.lines == 1
    client.send(2, 2, 9)
    client.send(2, 2, 9)
    assert client.error()[:2] == (9, 300)
    assert (tws.stats.lines, tws.stats.peak_lines) == (0, 1)


def test_a_ticker_id_cannot_be_used_twice(raw):
    client = raw()
    for _ in range(2):
        client.send(1, 11, 9, *SPY, 0, "", 0, 0, "")
    assert client.error()[:2] == (9, 322)


def test_a_lost_client_gives_its_lines_back(raw, tws):
    client = raw()
    client.send(1, 11, 9, *SPY, 0, "", 0, 0, "")
    client.until(1)
    client.close()
    assert eventually(lambda: tws.stats.lines == 0)


EVENING = TUESDAY.replace(hour=20)


@pytest.mark.parametrize(("wanted", "kind"), [(1, 1), (3, 1), (2, 2), (4, 2)])
def test_after_the_session_only_who_wants_frozen_data_gets_a_quote(ib, tws, wanted, kind):
    tws.step_to(EVENING)
    ib.reqMarketDataType(wanted)
    ticker = streamed(ib, STOCK, until=lambda ticker: ticker.close > 0 and ticker.marketDataType == kind)
    assert math.isnan(ticker.bid) == (kind == 1)


def test_an_open_line_follows_the_clock_into_the_evening(ib, tws):
    ib.reqMarketDataType(2)
    ticker = streamed(ib, STOCK)
    assert ticker.marketDataType == 1
    tws.step_to(EVENING)
    ib.sleep(0.5)
    assert ticker.marketDataType == 2


def test_nothing_moves_after_the_session(ib, tws):
    tws.step_to(EVENING)
    ib.reqMarketDataType(2)
    ticker = streamed(ib, STOCK)
    before = (ticker.bid, ticker.ask, ticker.last, ticker.volume)
    tws.step_to(EVENING + timedelta(hours=3))
    ib.sleep(0.6)
    assert (ticker.bid, ticker.ask, ticker.last, ticker.volume) == before


def test_futures_trade_in_the_evening(ib, tws):
    tws.step_to(EVENING)
    contract = ib.reqContractDetails(Future("ES", exchange="CME"))[0].contract
    assert streamed(ib, contract).marketDataType == 1


def test_the_clock_file_steps_the_market(tmp_path, monkeypatch, connected, calendar):
    file = tmp_path / "clock"
    shift = TUESDAY.timestamp() - datetime.now(NEW_YORK).timestamp()
    file.write_text(str(shift))
    monkeypatch.setenv("V6_CLOCK_FILE", str(file))
    with simulated_tws(start_at=None, calendar=calendar) as tws:
        ib = connected(tws.port)
        ticker = streamed(ib, STOCK)
        before = ticker.volume
        file.write_text(str(shift + 3600))
        ib.sleep(0.6)
        assert ticker.volume > 1.3 * before
        assert f"{ib.reqCurrentTime().astimezone(NEW_YORK):%H:%M}" == "11:35"


def test_realistic_data_take_their_time(connected, calendar):
    with simulated_tws(fast=False, start_at=TUESDAY, calendar=calendar, greeks_seconds=(0.3, 0.5)) as tws:
        tws.set(no_greeks_share=0.0)
        client = RawClient(tws.port)
        option = tws.server.contracts.find(spec("SPY", "20270115"), TUESDAY.date())[200]
        started = datetime.now(NEW_YORK)
        client.send(1, 11, 1, option.con_id, *[""] * 6, "SMART", *[""] * 4, 0, "101", 0, 0, "")
        arrived = {}
        while "21" not in arrived:
            arrived.setdefault(client.next()[0], (datetime.now(NEW_YORK) - started).total_seconds())
        assert arrived["58"] < 0.1
        assert 0.14 < arrived["1"] < 0.6
        assert arrived["21"] - arrived["1"] > 0.25
        client.close()


def test_some_contracts_never_get_greeks_all_day_the_same(connected, calendar):
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar) as tws:
        tws.set(no_greeks_share=0.3)
        ib = connected(tws.port)
        options = [
            each.contract for each in ib.reqContractDetails(Option("SPY", "20270115", right="C", exchange="SMART"))
        ]
        tickers = [ib.reqMktData(option) for option in options[:100]]
        ib.sleep(2.5)
        without = {ticker.contract.conId for ticker in tickers if ticker.modelGreeks is None}
        assert 15 <= len(without) <= 45
        assert all(ticker.ask > 0 for ticker in tickers)
        day = TUESDAY.toordinal()
        listed = [tws.server.contracts.find(spec(con_id=option.conId), TUESDAY.date())[0] for option in options[:100]]
        assert without == {each.con_id for each in listed if tws.faults.never_has_greeks(each, day)}


def spec(symbol="", expiry="", con_id=0):
    from v6.simulator.instruments.listings import Spec

    return Spec(con_id=con_id, symbol=symbol, sec_type="OPT", expiry=expiry)


def test_a_line_by_contract_id_and_exchange_alone_is_enough(ib):
    option = near(ib)
    assert streamed(ib, Contract(conId=option.conId, exchange="SMART")).bid > 0
