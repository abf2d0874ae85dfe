"""The jobs that load bars, against the simulated TWS."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from desk import KILLED, Desk

from v6.clock import NEW_YORK
from v6.journal import bars_unavailable, events
from v6.simulator.testing import SimulatedTWS

pytestmark = pytest.mark.integration

ENHANCED, HISTORICAL = "load_enhanced_market_data", "load_historical_data"
MONDAY, SATURDAY = date(2026, 11, 30), date(2026, 11, 28)
HISTORY = 20  # of TWS's messages: a request for bars


def bars(desk: Desk, **values: Any) -> pl.DataFrame:
    rows = desk.lake.read("bars")
    return rows.filter(*(pl.col(name) == value for name, value in values.items()))


def days(rows: pl.DataFrame) -> list[str]:
    return sorted({f"{day:%m-%d}" for day in rows["trade_date"]})


def at(wall: str) -> datetime:
    return datetime.strptime(f"2026-{wall}", "%Y-%m-%d %H:%M").replace(tzinfo=NEW_YORK)


def only(rows: pl.DataFrame) -> Mapping[str, Any]:
    assert len(rows) == 1
    return rows.row(0, named=True)


def test_a_morning_loads_bars_volatilities_and_the_night_of_the_futures(desk: Desk, tws: SimulatedTWS) -> None:
    desk.at("08:30", MONDAY)
    wanted = ("--symbols", "AAPL", "VIX", "ES", "NOSUCH")
    ran = desk.run(ENHANCED, *wanted, slot="08:30", day=MONDAY)
    assert ran.code == 0, ran.words

    assert "unknown to TWS: NOSUCH (200: No security definition" in ran.words
    db = desk.journal()
    assert [event.details["symbols"] for event in events.recent(db, "unknown_symbols")] == [["NOSUCH"]]
    db.close()

    early = only(bars(desk, symbol="AAPL", bar_size="1 day", what="TRADES", trade_date=date(2026, 11, 27)))
    assert (early["start"], early["end"]) == (at("11-27 09:30"), at("11-27 13:00"))
    assert (early["unit"], early["regular"], early["final"], early["source"]) == ("shares", True, True, "ibkr")
    assert early["month"] == date(2026, 11, 1)
    intraday = bars(desk, symbol="AAPL", bar_size="5 mins")
    assert days(intraday) == ["11-20", "11-23", "11-24", "11-25", "11-27"]  # Thanksgiving is no session
    assert len(intraday.filter(pl.col("trade_date") == date(2026, 11, 27))) == 42
    assert intraday.filter(pl.col("trade_date") == date(2026, 11, 27))["end"].max() == at("11-27 13:00")
    volatility = bars(desk, symbol="AAPL", what="OPTION_IMPLIED_VOLATILITY")
    assert len(volatility) == 30
    assert volatility["close"].is_between(0.05, 2).all()
    assert volatility["volume"].null_count() == volatility["unit"].null_count() == 30
    assert bars(desk, symbol="VIX", bar_size="1 day", what="TRADES")["volume"].null_count() == 30

    night = bars(desk, symbol="ES", bar_size="5 mins")
    assert days(night) == ["11-24", "11-25", "11-26", "11-27", "11-30"]
    assert set(night["unit"]) == {"contracts"}
    assert not night["regular"].any()
    monday = night.filter(pl.col("trade_date") == MONDAY)
    assert monday["start"].min() == at("11-29 18:00")  # Sunday evening
    assert not monday["final"].any()
    assert night.filter(pl.col("trade_date") < MONDAY)["final"].all()
    assert days(bars(desk, symbol="ES", bar_size="1 day"))[-1] == "11-27"  # Monday's session is not over


def test_a_repeat_asks_only_for_what_is_not_final_and_the_next_day_settles_it_l20(
    desk: Desk, tws: SimulatedTWS
) -> None:
    desk.at("12:00", MONDAY)
    first = desk.run(ENHANCED, "--symbols", "SPY")
    assert first.code == 0, first.words
    today = bars(desk, symbol="SPY", trade_date=MONDAY)
    assert set(today["bar_size"]) == {"5 mins"}  # no daily bar of a session that is going on
    assert not today["final"].any()
    before = tws.stats.requests[HISTORY]

    desk.at("08:30", date(2026, 12, 1))
    again = desk.run(ENHANCED, "--symbols", "SPY")
    assert again.code == 0, again.words
    assert tws.stats.requests[HISTORY] - before == 4  # a line of bars each
    settled = bars(desk, symbol="SPY", trade_date=MONDAY)
    assert settled["final"].all()
    assert len(settled) == 78 + 3
    assert settled.select("con_id", "bar_size", "what", "start").is_duplicated().sum() == 0

    asked = tws.stats.requests[HISTORY]
    third = desk.run(ENHANCED, "--symbols", "SPY")
    assert third.code == 0, third.words
    assert "nothing to ask for" in third.words
    assert tws.stats.requests[HISTORY] == asked


def test_no_symbol_that_tws_knows_is_a_failure_and_so_is_no_bar_at_all(desk: Desk, tws: SimulatedTWS) -> None:
    desk.at("08:30", MONDAY)
    unknown = desk.run(ENHANCED, "--symbols", "NOSUCH")
    assert unknown.code == 1
    assert "TWS knows none of NOSUCH" in unknown.words

    first = desk.run(ENHANCED, "--symbols", "NUAI")  # it has no options
    assert first.code == 0, first.words
    again = desk.run(ENHANCED, "--symbols", "NUAI")
    assert again.code == 0, again.words  # that TWS still has none of them is no failure
    assert "TWS has none of NUAI 1 day OPTION_IMPLIED_VOLATILITY" in again.words
    db = desk.journal()
    absent = {row.trade_date for row in bars_unavailable.stored(db)}
    db.close()
    assert len(absent) == 27
    assert max(absent) == date(2026, 11, 23)  # of 30 sessions; the last three may be an outage: 24, 25 and 27


GAPS = {"daily_sessions": 25, "intraday_sessions": 20, "intraday_size": "15 mins"}


def test_a_backfill_that_is_killed_loses_a_month_at_most_and_the_next_run_goes_on_l16(
    desk: Desk, tws: SimulatedTWS
) -> None:
    desk.configure({"bars": GAPS, "ibkr": {"request_timeout_seconds": 90.0}})
    desk.at("10:00", SATURDAY)
    listed = desk.run(HISTORICAL, "--symbols", "CEG", "NUAI", "ES", "--dry-run")
    assert listed.code == 0, listed.words
    assert "235 sessions lack bars" in listed.words  # 25 daily of 3 + 4 volatilities, 20 intraday of 3

    killed = desk.run(HISTORICAL, "--symbols", "CEG", "NUAI", "ES", V6_FAILPOINT="bars_committed")
    assert killed.code == KILLED
    some, asked = bars(desk), tws.stats.requests[HISTORY]
    assert not some.is_empty()
    assert some["final"].all()

    ran = desk.run(HISTORICAL, "--symbols", "CEG", "NUAI", "ES")
    assert ran.code == 0, ran.words
    assert "failed" not in ran.words
    rows = bars(desk)
    assert tws.stats.requests[HISTORY] - asked < asked + 6  # not everything again
    assert rows.select("con_id", "bar_size", "what", "start").is_duplicated().sum() == 0
    assert len(days(bars(desk, symbol="CEG", bar_size="15 mins"))) == 20
    assert len(bars(desk, symbol="CEG", bar_size="15 mins")) == 19 * 26 + 14
    assert len(bars(desk, symbol="CEG", bar_size="1 day")) == 75
    assert len(days(bars(desk, symbol="ES", bar_size="15 mins"))) == 20
    late = rows.filter(pl.col("start") > pl.lit(datetime(2026, 11, 28, tzinfo=UTC)))
    assert late.is_empty()  # nothing is stamped with the time of asking
    assert "no gaps left" in ran.words or "sessions left" in ran.words

    db = desk.journal()
    absent = bars_unavailable.stored(db)
    db.close()
    assert {(row.symbol, row.what, row.reason) for row in absent} == {
        ("NUAI", "OPTION_IMPLIED_VOLATILITY", "no_data")  # it has no options
    }
    assert max(row.trade_date for row in absent) == date(2026, 11, 20)  # younger ones may be an outage

    asked = tws.stats.requests[HISTORY]
    third = desk.run(HISTORICAL, "--symbols", "CEG", "NUAI", "ES")
    assert third.code == 0, third.words
    assert tws.stats.requests[HISTORY] - asked == 1  # NUAI's volatilities of the last week, once more


def test_a_farm_that_is_away_for_a_moment_costs_no_bar_and_a_connection_that_ends_only_what_had_not_come(
    desk: Desk, tws: SimulatedTWS
) -> None:
    desk.configure({"bars": GAPS})
    desk.at("10:00", SATURDAY)
    tws.set(farms_down=frozenset({"ushmds"}))
    running = desk.start(HISTORICAL, "--symbols", "IXHL", "QQQ")
    wait_for(lambda: tws.stats.requests[HISTORY] >= 4)
    tws.set(farms_down=frozenset())
    ran = running.wait()
    assert ran.code == 0, ran.words
    assert "requests repeated" in ran.words
    assert "no gaps left" in ran.words or "sessions left" in ran.words
    assert len(days(bars(desk, symbol="QQQ", bar_size="15 mins"))) == 20
    assert len(bars(desk, symbol="QQQ", bar_size="1 day")) == 75

    asked = tws.stats.requests[HISTORY]
    tws.set(farms_down=frozenset({"ushmds"}))
    cut = desk.start(HISTORICAL, "--symbols", "SPY")
    wait_for(lambda: tws.stats.requests[HISTORY] > asked)
    tws.drop_all()
    ended = cut.wait()
    assert ended.code == 1, ended.words
    assert "the next run asks for the rest" in ended.words
    assert bars(desk, symbol="SPY").is_empty()
    tws.set(farms_down=frozenset())
    resumed = desk.run(HISTORICAL, "--symbols", "SPY")
    assert resumed.code == 0, resumed.words
    assert len(bars(desk, symbol="SPY", bar_size="1 day")) == 75


def wait_for(there: Callable[[], bool], seconds: float = 60.0) -> None:
    ends = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_budget_that_is_used_up_leaves_the_oldest_and_says_how_many(desk: Desk, tws: SimulatedTWS) -> None:
    desk.configure({"bars": GAPS | {"max_requests": 2}})
    desk.at("10:00", SATURDAY)
    ran = desk.run(HISTORICAL, "--symbols", "IXHL")
    assert ran.code == 0, ran.words
    assert tws.stats.requests[HISTORY] == 2
    assert "sessions left for the next run" in ran.words


def test_a_tws_that_is_away_is_an_error_of_its_own(desk: Desk, tws: SimulatedTWS) -> None:
    desk.at("10:00", SATURDAY)
    tws.set(refuse=True)
    for job in (ENHANCED, HISTORICAL):
        ran = desk.run(job, "--symbols", "SPY")
        assert ran.code == 1, ran.words
