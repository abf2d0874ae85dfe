"""Recordings served over the wire: exactly what was recorded, at the slot it belongs to."""

import math
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from ib_insync import Future, Index, Option, Stock
from ib_insync.wrapper import RequestError

from v6.clock import NEW_YORK
from v6.simulator.replay.feed import ReplayError, opened
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "ibkr_option_snapshots"
DAY = datetime(2026, 1, 30, tzinfo=NEW_YORK)
MORNING = DAY.replace(hour=10, minute=35)
SLOT = timedelta(minutes=5)


def row(minute, second, strike, right, bid, ask, **more):
    at = DAY.replace(hour=10, minute=minute, second=second).replace(tzinfo=None)
    values = {
        "timestamp": at, "symbol": "SPY", "expiry": "20260320", "strike": strike, "right": right, "bid": bid,
        "ask": ask, "last": 12.25, "volume": 321, "open_interest": 0, "iv": 0.0, "delta": 0.5123456789012345,
        "gamma": 0.0101, "theta": -0.11, "vega": 0.91,
    }  # fmt: skip
    return values | more


ROWS = [
    row(31, 7, 690.0, "C", 12.34, 12.36),
    row(31, 8, 690.0, "P", 11.29, 11.33, delta=-0.4876543210987654),
    row(29, 0, 700.0, "C", 7.1, 7.15),  # older than a slot at 10:35
    row(34, 59, 640.0, "P", -1.0, -1.0, last=0.0, volume=0),
    row(36, 30, 695.0, "C", 9.5, 9.55),  # not yet known at 10:35
    row(36, 40, 690.0, "C", 12.5, 12.55, volume=300),  # volume falls, as recorded
]


@pytest.fixture
def recording(tmp_path):
    folder = tmp_path / "recording"
    folder.mkdir()
    pl.DataFrame(ROWS).with_columns(pl.col("timestamp").cast(pl.Datetime("us"))).write_parquet(
        folder / "2026-01-30.parquet"
    )
    return folder


@pytest.fixture
def replay(recording):
    with simulated_tws(fast=True, replay=recording, start_at=MORNING) as running:
        yield running


def quotes(ib):
    options = [each.contract for each in ib.reqContractDetails(Option("SPY", "20260320", exchange="SMART"))]
    tickers = {(each.strike, each.right): ib.reqMktData(each, "101") for each in options}
    ib.sleep(0.5)
    return tickers


def test_the_chain_is_the_recordings(replay, connected):
    ib = connected(replay.port)
    smart = next(each for each in ib.reqSecDefOptParams("SPY", "", "STK", 756733) if each.exchange == "SMART")
    assert (smart.expirations, smart.strikes) == (["20260320"], [640.0, 690.0, 695.0, 700.0])
    with pytest.raises(RequestError):
        ib.reqContractDetails(Option("SPY", "20260320", 691.0, "C", "SMART"))
    with pytest.raises(RequestError):
        ib.reqContractDetails(Option("QQQ", "20260320", exchange="SMART"))


def test_a_slot_sees_the_last_quote_at_or_before_it_exactly_as_recorded(replay, connected):
    ticker = quotes(connected(replay.port))[690.0, "C"]
    assert (ticker.bid, ticker.ask, ticker.last, ticker.volume) == (12.34, 12.36, 12.25, 321)
    assert (ticker.bidSize, ticker.callOpenInterest, ticker.marketDataType) == (0, 0, 1)
    model = ticker.modelGreeks
    assert (model.impliedVol, model.delta, model.gamma) == (0.0, 0.5123456789012345, 0.0101)
    assert (model.theta, model.vega) == (-0.11, 0.91)
    assert model.undPrice == model.optPrice == 1.7976931348623157e308


def test_missing_values_travel_as_recorded(replay, connected):
    ticker = quotes(connected(replay.port))[640.0, "P"]
    assert (ticker.bid, ticker.ask, ticker.last, ticker.volume) == (-1.0, -1.0, 0.0, 0)


def test_a_quote_older_than_a_slot_is_frozen(replay, connected):
    ticker = quotes(connected(replay.port))[700.0, "C"]
    assert (ticker.marketDataType, ticker.bid) == (2, 7.1)


def test_a_contract_without_a_quote_yet_does_not_tick(replay, connected):
    ticker = quotes(connected(replay.port))[695.0, "C"]
    assert math.isnan(ticker.bid)
    assert ticker.marketDataType == 1


def test_within_a_slot_nothing_changes_and_the_next_slot_brings_the_next_quote(replay, connected):
    ib = connected(replay.port)
    ticker = quotes(ib)[690.0, "C"]
    replay.step_to(MORNING + SLOT - timedelta(seconds=30))
    ib.sleep(0.5)
    assert ticker.bid == 12.34
    replay.step_to(MORNING + SLOT)
    ib.sleep(0.5)
    assert (ticker.bid, ticker.volume) == (12.5, 300)


def test_the_underlying_price_is_derived_from_parity(replay, connected):
    ib = connected(replay.port)
    ticker = ib.reqMktData(Stock("SPY", "SMART", "USD"))
    ib.sleep(0.3)
    assert ticker.last == pytest.approx(690 + 12.35 - 11.31, abs=4)
    assert 0 <= ticker.ask - ticker.bid <= 0.011


def test_futures_and_indices_stay_synthetic(replay, connected):
    ib = connected(replay.port)
    assert ib.reqContractDetails(Future("ES", exchange="CME"))
    ticker = ib.reqMktData(Index("VIX", "CBOE"))
    ib.sleep(0.3)
    assert ticker.last > 5


def test_positions_are_recorded_options(replay, connected):
    held = [each.contract for each in connected(replay.port).positions() if each.contract.secType == "OPT"]
    assert [each.symbol for each in held] == ["SPY"]


def test_another_day_has_no_options(replay, connected):
    ib = connected(replay.port)
    replay.step_to(MORNING + timedelta(days=3))
    with pytest.raises(RequestError):
        ib.reqContractDetails(Option("SPY", "20260320", exchange="SMART"))


def frame(**more):
    return pl.DataFrame([row(31, 7, 690.0, "C", 12.34, 12.36) | more])


def empty(folder):
    pass


def a_home(folder):
    (folder / "var" / "lake" / "option_snapshots" / "_delta_log").mkdir(parents=True)


def named(name, rows=None):
    return lambda folder: (rows if rows is not None else frame()).write_parquet(folder / name)


def no_parquet(folder):
    (folder / "2026-01-30.parquet").write_text("timestamp,symbol\n")


def an_old_lake(folder):
    pl.DataFrame({"trade_date": [DAY.date()]}).write_delta(str(folder / "option_snapshots"))


def a_broken_lake(folder):
    (folder / "option_snapshots" / "_delta_log").mkdir(parents=True)


REFUSED = {
    "nothing": (empty, r"no DATE\.parquet in it, and no lake of V6"),
    "a home": (a_home, r"a home of V6; its lake is .*var/lake$"),
    "no date": (named("january.parquet"), r"january\.parquet: the name is no date, allowed: YYYY-MM-DD\.parquet"),
    "a short date": (named("20260130.parquet"), r"20260130\.parquet: the name is no date"),
    "no Parquet": (no_parquet, r"2026-01-30\.parquet: not readable as Parquet: "),
    "no column": (named("2026-01-30.parquet", frame().drop("iv", "vega")), "no column iv, vega; it must have time"),
    "a zone": (
        named("2026-01-30.parquet", frame().with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))),
        r"column timestamp is Datetime\(.*UTC.*\), allowed: a time without a zone \(New York\)",
    ),
    "a text": (named("2026-01-30.parquet", frame(bid="12.34")), "column bid is String, allowed: a number"),
    "an expiry": (named("2026-01-30.parquet", frame(expiry="2026-03-20")), "expiry '2026-03-20', allowed: yyyymmdd"),
    "a right": (named("2026-01-30.parquet", frame(right="CALL")), "right 'CALL', allowed: C P"),
    "a strike": (named("2026-01-30.parquet", frame(strike=float("nan"))), "without a symbol or a strike: 'SPY' nan"),
    "an old lake": (an_old_lake, "option_snapshots: no column slot, con_id, .*; written by an older V6, or not by V6"),
    "a broken lake": (a_broken_lake, "option_snapshots: not readable as a Delta table"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_recording_is_refused_with_what_is_wrong(tmp_path, case):
    prepare, complaint = REFUSED[case]
    prepare(tmp_path)
    with pytest.raises(ReplayError, match=complaint):
        opened(tmp_path)


def replayed(folder, *arguments):
    command = [sys.executable, "-m", "v6.simulator", "--port", "0", "--replay", str(folder), *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("name", "wrong"), [("nowhere", "does not exist"), ("a_file", "is a file")])
def test_the_command_refuses_a_recording_that_is_no_folder(tmp_path, name, wrong):
    (tmp_path / "a_file").touch()
    process = replayed(tmp_path / name)
    complaint = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert f"{name}: {wrong}, allowed: a folder of DATE.parquet, or a lake of V6" in complaint


@pytest.mark.parametrize(("day", "warned"), [("2026-01-29", True), ("2026-01-30", False)])
def test_the_command_warns_of_a_day_that_is_not_recorded(recording, day, warned):
    process = replayed(recording, "--at", f"{day} 10:35")
    said = []
    for line in process.stderr:
        said.append(line)
        if "listening" in line:
            process.terminate()
    process.wait(30)
    process.stderr.close()
    warning = "simulator: --replay: 2026-01-29 is not recorded; recorded days: 2026-01-30; say one of them with --at\n"
    assert (warning in said) == warned


def test_a_symbol_the_synthetic_world_does_not_have_can_be_replayed(tmp_path, connected):
    rows = [
        row(31, 7, 15.25, "C", 1.0, 1.1) | {"symbol": "SOFI"},
        row(31, 7, 15.25, "P", 0.9, 1.0) | {"symbol": "SOFI"},
    ]
    pl.DataFrame(rows).write_parquet(tmp_path / "2026-01-30.parquet")
    with simulated_tws(fast=True, replay=tmp_path, start_at=MORNING) as tws:
        ib = connected(tws.port)
        stock = ib.reqContractDetails(Stock("SOFI", "SMART", "USD"))[0].contract
        assert ib.reqSecDefOptParams("SOFI", "", "STK", stock.conId)[0].strikes == [15.25]
        options = ib.reqContractDetails(Option("SOFI", "20260320", exchange="SMART"))
        assert len({each.contract.conId for each in options}) == 2
        ticker = ib.reqMktData(stock)
        ib.sleep(0.3)
        assert ticker.last == pytest.approx(15.25, abs=0.5)


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is absent")
def test_a_real_recorded_chain_comes_out_as_it_went_in(connected):
    at = DAY.replace(hour=14, minute=5)
    frame = pl.read_parquet(SHARED / "2026-01-30.parquet").filter(
        (pl.col("timestamp") <= at.replace(tzinfo=None)) & (pl.col("symbol") == "IWM")
    )
    expected = frame.sort("timestamp").group_by("strike", "right").last()
    with simulated_tws(fast=True, replay=SHARED, start_at=at) as tws:
        ib = connected(tws.port)
        options = [each.contract for each in ib.reqContractDetails(Option("IWM", "20260320", exchange="SMART"))]
        ib.client.MaxRequests = 0
        tickers = {(each.strike, each.right): ib.reqMktData(each) for each in options}
        ib.sleep(1.5)
        assert {key for key, ticker in tickers.items() if not math.isnan(ticker.bid)} == {
            (each["strike"], each["right"]) for each in expected.iter_rows(named=True)
        }
        for each in expected.iter_rows(named=True):
            ticker = tickers[each["strike"], each["right"]]
            assert (ticker.bid, ticker.ask, ticker.last) == (each["bid"], each["ask"], each["last"])
            model = ticker.modelGreeks
            assert (model.impliedVol, model.delta, model.vega) == (each["iv"], each["delta"], each["vega"])
            stale = at.replace(tzinfo=None) - each["timestamp"] > SLOT
            assert ticker.marketDataType == (2 if stale else 1)
