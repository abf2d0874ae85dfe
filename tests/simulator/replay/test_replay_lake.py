"""Our own lake as a recording: what V6's store wrote comes back over the wire, with its gaps, at any speed."""

import math
from datetime import UTC, date, datetime, timedelta

import pytest
from ib_insync import Future, Index, Option, Stock
from raw_tws_client import SPY, RawClient

import option_rows
from v6.clock import NEW_YORK
from v6.simulator.testing import simulated_tws
from v6.simulator.time_source import TimeSource
from v6.store.frames import rows_to_frame
from v6.store.lake import Lake

pytestmark = pytest.mark.integration

DAY = date(2026, 1, 30)
FIRST = datetime(2026, 1, 30, 9, 35, tzinfo=NEW_YORK)
SLOT = timedelta(minutes=5)
GAP = 1  # this slot was not collected


def linear(table, slot, **more):
    quote = {
        "trade_date": DAY, "slot": slot.astimezone(UTC), "task": "collect", "bid_size": 300.0, "ask_size": 200.0,
        "data_type": "live", "status": "complete", "reason": None, "received_at": slot.astimezone(UTC),
    }  # fmt: skip
    return rows_to_frame(table, [quote | more])


@pytest.fixture(scope="module")
def slots():
    return list(option_rows.by_slot(option_rows.generated(DAY, slots=4, contracts=24, live=True)).items())


@pytest.fixture
def lake(tmp_path, slots):
    store = Lake(str(tmp_path / "lake"), None, tmp_path / "locks")
    for place, (slot, frame) in enumerate(slots):
        if place == GAP:
            continue
        store.write_slot("option_snapshots", task=option_rows.TASK, slot=slot, frame=frame)
        stock = linear("underlying_snapshots", slot, con_id=756733, symbol="SPY", bid=690.01 + place,
                       ask=690.03 + place, last=690.02 + place, volume=1e6 + place, close=688.5)  # fmt: skip
        store.write_slot("underlying_snapshots", task="collect", slot=slot, frame=stock)
        future = linear(
            "futures_snapshots", slot, con_id=4711, symbol="ES", local_symbol="ESH6", expiry=date(2026, 3, 20),
            bid=6900.25, ask=6900.5, last=6900.25, volume=1000.0 + place, open_interest=2e6, close=6890.0,
        )  # fmt: skip
        store.write_slot("futures_snapshots", task="collect", slot=slot, frame=future)
    return tmp_path / "lake"


@pytest.fixture
def replay(lake):
    with simulated_tws(fast=True, replay=lake, start_at=FIRST) as running:
        yield running


def streams(ib, listed):
    tickers = {each.conId: ib.reqMktData(each, "101") for each in listed}
    ib.sleep(0.7)
    return tickers


def options(ib):
    found = []
    for symbol in option_rows.SPOTS:
        found += [each.contract for each in ib.reqContractDetails(Option(symbol, exchange="SMART"))]
    return found


def same(sent, stored):
    """A missing bid is -1 on the wire; anything else missing is not sent."""
    return (math.isnan(sent) or sent == -1) if stored is None else sent == stored


@pytest.mark.parametrize("place", [0, 2, 3])
def test_every_number_of_a_slot_comes_back(replay, connected, slots, place):
    replay.step_to(FIRST + place * SLOT)
    ib = connected(replay.port)
    tickers = streams(ib, options(ib))
    rows = slots[place][1].rows(named=True)
    assert tickers.keys() == {row["con_id"] for row in rows}
    for row in rows:
        ticker = tickers[row["con_id"]]
        contract = ticker.contract
        assert (contract.strike, contract.right) == (row["strike"], row["right"])
        assert contract.lastTradeDateOrContractMonth == f"{row['expiry']:%Y%m%d}"
        for field, sent in (
            ("bid", ticker.bid), ("ask", ticker.ask), ("last", ticker.last), ("volume", ticker.volume),
            ("ask_size", ticker.askSize),
            ("open_interest", ticker.callOpenInterest if row["right"] == "C" else ticker.putOpenInterest),
        ):  # fmt: skip
            assert same(sent, row[field]), field
        model = ticker.modelGreeks
        sent = (model.impliedVol, model.delta, model.gamma, model.vega, model.theta, model.undPrice)
        assert sent == tuple(row[name] for name in ("iv", "delta", "gamma", "vega", "theta", "underlying_price"))


def test_stocks_and_futures_of_the_lake_come_back_too(replay, connected):
    ib = connected(replay.port)
    stock = ib.reqMktData(Stock("SPY", "SMART", "USD"))
    contract = ib.reqContractDetails(Future("ES", exchange="CME"))[0].contract
    assert (contract.conId, contract.localSymbol, contract.multiplier) == (4711, "ESH6", "50")
    future = ib.reqMktData(contract, "588")
    ib.sleep(0.4)
    assert (stock.bid, stock.ask, stock.last, stock.bidSize, stock.close) == (690.01, 690.03, 690.02, 300, 688.5)
    assert (future.bid, future.last, future.volume, future.futuresOpenInterest) == (6900.25, 6900.25, 1000, 2e6)
    replay.step_to(FIRST + 2 * SLOT)
    ib.sleep(0.4)
    assert (stock.bid, future.volume) == (692.01, 1002)


def test_a_slot_that_was_not_collected_has_no_ticks(replay, connected):
    replay.step_to(FIRST + GAP * SLOT)
    ib = connected(replay.port)
    tickers = streams(ib, [*options(ib), Stock("SPY", "SMART", "USD", conId=756733)])
    assert all(math.isnan(each.bid) and math.isnan(each.ask) for each in tickers.values())
    replay.step_to(FIRST + (GAP + 1) * SLOT)
    ib.sleep(0.7)
    assert all(each.ask > 0 for each in tickers.values())


def test_what_the_lake_does_not_have_stays_synthetic(replay, connected):
    ib = connected(replay.port)
    ticker = ib.reqMktData(Index("VIX", "CBOE"))
    ib.sleep(0.3)
    assert ticker.last > 5


def test_a_fast_clock_goes_through_the_slots(lake):
    with (
        simulated_tws(fast=True, replay=lake, start_at=FIRST - timedelta(seconds=60), speed=600.0) as tws,
        RawClient(tws.port) as client,
    ):
        client.send(1, 11, 1, *SPY, 0, "", 0, 0, "")
        bids = []
        while len(bids) < 3:
            fields = client.until(1)
            if fields[3] == "1":
                bids.append(float(fields[4]))
        assert bids == [690.01, 692.01, 693.01]


def test_a_fast_clock_runs_from_where_it_was_set():
    clock = TimeSource(FIRST, 1000.0)
    before = clock.epoch()
    assert before - FIRST.timestamp() < 60
    while clock.epoch() < before + 5:
        pass
    clock.step_to(FIRST)
    assert clock.epoch() - FIRST.timestamp() < 5
    with pytest.raises(ValueError, match="speed 0: allowed: above 0"):
        TimeSource(FIRST, 0.0)
