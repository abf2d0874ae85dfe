"""Trading halts: tick 49, no trades, the last quote stays, and the options of a halted stock stand still too."""

import re
from datetime import timedelta

import pytest
from ib_insync import Future, Option, Stock
from raw_tws_client import TUESDAY

from v6.simulator.market.halts import HaltError, MarketState
from v6.simulator.testing import ControlError

pytestmark = pytest.mark.integration

STOCK = Stock("NVDA", "SMART", "USD")


def numbers(ticker):
    return (ticker.bid, ticker.ask, ticker.last, ticker.volume, ticker.bidSize, ticker.askSize)


def comes(ib, condition, seconds=5.0):
    for _ in range(int(seconds * 20)):
        if condition():
            return True
        ib.sleep(0.05)
    return False


def halted(*tickers):
    return tuple(each.halted for each in tickers)


@pytest.mark.parametrize("kind", [1, 2])
def test_a_halted_stock_and_its_options_stand_still_until_they_resume(ib, tws, kind):
    listed = ib.reqContractDetails(Option("NVDA", "20270115", right="C", exchange="SMART"))
    option = listed[len(listed) // 2].contract
    stock, call, other = ib.reqMktData(STOCK), ib.reqMktData(option), ib.reqMktData(Stock("SPY", "SMART", "USD"))
    assert comes(ib, lambda: halted(stock, call, other) == (0.0, 0.0, 0.0))
    tws.control({"do": "halt", "symbol": "NVDA", "kind": kind})
    assert comes(ib, lambda: halted(stock, call, other) == (kind, kind, 0.0))
    ib.sleep(0.4)  # what was under way has arrived
    still = numbers(stock), numbers(call)
    flowing = numbers(other)
    tws.step_to(TUESDAY + timedelta(minutes=10))
    assert comes(ib, lambda: numbers(other) != flowing)
    ib.sleep(0.4)
    assert (numbers(stock), numbers(call)) == still
    assert tws.control({"do": "resume", "symbol": "NVDA"})["was_halted"]
    assert comes(ib, lambda: numbers(stock) != still[0] and halted(stock, call) == (0.0, 0.0))
    assert stock.volume > still[0][3]


def test_bars_are_flat_while_halted(ib, tws):
    tws.control({"do": "halt", "symbol": "NVDA"})
    tws.step_to(TUESDAY + timedelta(minutes=10))
    tws.control({"do": "resume", "symbol": "NVDA"})
    tws.step_to(TUESDAY + timedelta(minutes=12))
    bars = ib.reqHistoricalData(STOCK, "", "900 S", "1 min", "TRADES", True)
    by_minute = {bar.date.minute: bar for bar in bars}
    for minute in range(36, 45):
        bar = by_minute[minute]
        assert (bar.open, bar.high, bar.low) == (bar.close,) * 3
        assert (bar.volume, bar.barCount) == (0, 0)
    assert by_minute[45].volume > by_minute[34].volume


def test_a_scenario_halts_and_resumes(ib, tws):
    ticker = ib.reqMktData(STOCK)
    tws.set(halted={"NVDA": 2})
    assert comes(ib, lambda: ticker.halted == 2.0)
    tws.set(halted={})
    assert comes(ib, lambda: ticker.halted == 0.0)


def test_everything_can_be_halted_at_once(ib, tws):
    tws.set(halted={"*": 1})
    future = ib.reqContractDetails(Future("ES", exchange="CME"))[0].contract
    tickers = [ib.reqMktData(each) for each in (STOCK, future)]
    assert comes(ib, lambda: halted(*tickers) == (1.0, 1.0))


def test_halted_stocks_can_be_scanned_for(ib, tws):
    from ib_insync import ScannerSubscription

    tws.control({"do": "halt", "symbol": "NVDA"})
    found = ib.reqScannerData(ScannerSubscription(10, "STK", "STK.US.MAJOR", "HALTED"))
    assert [each.contractDetails.contract.symbol for each in found] == ["NVDA"]


def test_an_instant_within_a_halt_shows_its_beginning():
    now = [100.0]
    state = MarketState(lambda: now[0])
    state.halt("AAPL")
    now[0] = 160.0
    assert (state.halted("AAPL"), state.halted("SPY")) == (1, 0)
    assert state.resume("AAPL")
    assert not state.resume("AAPL")
    assert [state.effective("AAPL", at) for at in (99.0, 100.0, 159.0, 160.0)] == [99.0, 100.0, 100.0, 160.0]
    with pytest.raises(HaltError, match="halt kind 3; allowed"):
        state.halt("AAPL", 3)


@pytest.mark.parametrize(
    ("request_", "text"),
    [({"do": "halt"}, "symbol: None; allowed: a text"),
     ({"do": "halt", "symbol": "NVDA", "kind": 7}, "halt kind 7; allowed: 1 general, 2 volatility"),
     ({"do": "halt", "symbol": "NVDA", "kind": 1.5}, "kind: 1.5; allowed: a whole number"),
     ({"do": "halt", "symbol": "NVDIA"}, "symbol: 'NVDIA'; allowed: *, AAL, "),
     ({"do": "resume", "symbol": "NVDIA"}, "symbol: 'NVDIA'; allowed: *, AAL, "),
     ({"do": "resume", "symbol": 5}, "symbol: 5; allowed: a text")],
)  # fmt: skip
def test_a_wrong_order_to_halt_is_refused(tws, request_, text):
    with pytest.raises(ControlError, match=re.escape(text)):
        tws.control(request_)
    assert not tws.server.market_state.any


def test_a_symbol_may_be_written_small(tws):
    assert tws.control({"do": "halt", "symbol": "nvda"})["symbol"] == "NVDA"
    assert tws.server.market_state.halted("NVDA") == 1
    assert tws.control({"do": "resume", "symbol": "nvda"})["was_halted"]


@pytest.mark.parametrize("symbol", ["ES", "SPX", "*"])
def test_futures_indices_and_everything_can_be_halted_by_command(tws, symbol):
    tws.control({"do": "halt", "symbol": symbol})
    assert tws.server.market_state.halted("ES" if symbol == "*" else symbol) == 1
