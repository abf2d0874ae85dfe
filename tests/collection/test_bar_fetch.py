"""From TWS's answers to the lake, with an account of everything that did not come. TWS is a list of answers here."""

import argparse
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from v6 import clock
from v6.analysis.bar_gaps import DAILY, Window
from v6.clock import NEW_YORK
from v6.collection import bar_backlog, bar_fetch
from v6.collection.bar_fetch import BarFetch
from v6.collection.bar_series import TRADES, Calendars, Series
from v6.collection.bars import BarBook
from v6.config.load import load
from v6.gateway.errors import Disconnected, RequestError, RequestTimeout
from v6.gateway.historical_many import Answer, BarRequest
from v6.model import Bar, Contract, RecoverableError
from v6.paths import Paths
from v6.runner.context import Context
from v6.runner.logs import open_log
from v6.scheduler.futures_calendar import FILE

CALENDAR = """# v6 calendar 1 by hand covers 2026-01-01 2027-12-31 overrides none
2026-11-27 open 0930 1300 Day after Thanksgiving
2026-11-26 closed Thanksgiving
"""
FUTURES = """# v6 calendar 1 by hand covers 2026-01-01 2027-12-31 futures
2026-11-27 open 1800 1315 Day after Thanksgiving
2026-11-26 open 1800 1300 Thanksgiving
"""
SATURDAY = datetime(2026, 11, 28, 10, 0, tzinfo=NEW_YORK)
SPY = Series(Contract("STK", "SPY", "SMART", 756733), "5 mins", TRADES)
SPY_DAILY = Series(SPY.contract, DAILY, TRADES)
QQQ_DAILY = Series(Contract("STK", "QQQ", "SMART", 320227571), DAILY, TRADES)
VIX_DAILY = Series(Contract("IND", "VIX", "CBOE", 13455763), DAILY, TRADES)
ES = Series(Contract("FUT", "ES", "CME", 1, local_symbol="ESZ6", expiry=date(2026, 12, 18)), "1 hour", TRADES)
WEEK = tuple(date(2026, 11, day) for day in (27, 25, 24, 23))
BEFORE = tuple(date(2026, 11, day) for day in (20, 19, 18, 17, 16))
NO_RIGHTS = "Historical Market Data Service error message:No market data permissions for ARCA STK"


def window(*days: date) -> Window:
    end = datetime.combine(days[0], datetime.min.time(), NEW_YORK) + timedelta(hours=17)
    return Window(end, (days[0] - days[-1]).days + 1, days)


def daily(*days: date, volume: float | None = 1000.0, price: float = 100.0) -> list[Bar]:
    return [
        Bar(datetime(day.year, day.month, day.day, tzinfo=NEW_YORK), price, price, price, price, volume, price, 5)
        for day in sorted(days)
    ]


class Desk:
    """A context on a home of its own, and a TWS that answers by (series, newest day)."""

    def __init__(self, home: Path) -> None:
        compiled = home / "var" / "compiled"
        compiled.mkdir(parents=True)
        (compiled / "calendar.txt").write_text(CALENDAR)
        (compiled / FILE).write_text(FUTURES)
        paths = Paths.locate()
        self.ctx = Context(
            task="load_historical_data",
            slot=None,
            args=argparse.Namespace(),
            config=load(paths, os.environ),
            paths=paths,
            log=open_log("load_historical_data", [home / "day.log"], to_terminal=False),
            deadline=clock.monotonic() + 600,
        )
        self.answers: dict[tuple[str, str, date], Answer] = {}
        self.asked: list[tuple[str, date]] = []
        self.book = BarBook(self.ctx, Calendars(self.ctx))
        gateway: Any = self
        self.fetch = BarFetch(self.ctx, gateway, self.book, clock.monotonic() + 600)

    def historical_bars_many(
        self, requests: Iterable[BarRequest], on_answer: Callable[[BarRequest, Answer], None], **_options: Any
    ) -> int:
        for request in requests:
            assert request.end is not None
            newest = request.end.astimezone(NEW_YORK).date()
            self.asked.append((request.contract.symbol, newest))
            answer = self.answers[request.contract.symbol, request.bar_size, newest]
            if isinstance(answer, Disconnected):
                raise answer
            on_answer(request, answer)
        return len(self.asked)

    def run(self, *wanted: tuple[Series, Window]) -> None:
        self.fetch.run(wanted, 1000)

    def stored(self) -> pl.DataFrame:
        return self.ctx.lake.read("bars")


@pytest.fixture
def desk(home: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("V6_CLOCK_OFFSET", f"{SATURDAY.timestamp() - clock.epoch():.0f}")
    return Desk(home)


def test_a_failed_window_costs_its_own_sessions_and_not_the_rest_of_the_series(desk: Desk) -> None:
    desk.answers["SPY", DAILY, WEEK[0]] = RequestTimeout("bars", 30.0)
    desk.answers["SPY", DAILY, BEFORE[0]] = daily(*BEFORE)
    desk.run((SPY_DAILY, window(*WEEK)), (SPY_DAILY, window(*BEFORE)))

    account = desk.fetch.account
    assert sorted(desk.stored()["trade_date"].to_list()) == sorted(BEFORE)
    assert account.lost == {SPY_DAILY: set(WEEK)}
    assert account.failed == {SPY_DAILY: "no answer to bars within 30 s"}
    assert account.last_words() == "4 sessions of 1 series failed in spite of repeats"
    assert account.absent == {SPY_DAILY: {}}  # nobody says that TWS has none


def test_a_refusal_for_rights_is_about_the_whole_series_and_it_is_asked_once(desk: Desk) -> None:
    desk.answers["SPY", DAILY, WEEK[0]] = RequestError(162, NO_RIGHTS, "bars")
    desk.answers["QQQ", DAILY, WEEK[0]] = daily(*WEEK)
    desk.run((SPY_DAILY, window(*WEEK)), (QQQ_DAILY, window(*WEEK)), (SPY_DAILY, window(*BEFORE)))

    assert desk.asked == [("SPY", WEEK[0]), ("QQQ", WEEK[0])]
    recorded = bar_backlog.believed(desk.ctx, desk.fetch.account)
    assert {(row.trade_date, row.reason) for row in recorded} == {(day, "no_subscription") for day in BEFORE}
    assert desk.fetch.account.lost == {}
    assert "No market data permissions" in desk.fetch.account.failures()


def test_an_unknown_contract_is_recorded_for_what_was_asked_only(desk: Desk) -> None:
    desk.answers["SPY", DAILY, BEFORE[0]] = RequestError(200, "No security definition", "bars")
    desk.run((SPY_DAILY, window(*BEFORE)), (SPY_DAILY, window(date(2026, 11, 13))))
    assert desk.asked == [("SPY", BEFORE[0])]
    assert set(desk.fetch.account.absent[SPY_DAILY]) == set(BEFORE)


def test_what_came_before_the_connection_ended_is_stored_and_only_that_counts(desk: Desk) -> None:
    desk.answers["QQQ", DAILY, WEEK[0]] = daily(*WEEK)
    desk.answers["SPY", DAILY, BEFORE[0]] = Disconnected("TWS closed the connection")
    with pytest.raises(Disconnected):
        desk.run((QQQ_DAILY, window(*WEEK)), (SPY_DAILY, window(*BEFORE)))
    assert sorted(desk.stored()["trade_date"].to_list()) == sorted(WEEK)
    assert desk.fetch.account.requests == 1


def test_a_tws_that_answers_nothing_any_more_ends_the_run_with_what_there_was(desk: Desk) -> None:
    desk.answers["QQQ", DAILY, WEEK[0]] = daily(*WEEK)
    days = [date(2026, 10, 30) - timedelta(days=each) for each in range(30)]
    desk.answers |= {("SPY", DAILY, day): RequestTimeout("bars", 30.0) for day in days}
    wanted: Sequence[tuple[Series, Window]] = [(SPY_DAILY, window(day)) for day in days]
    with pytest.raises(RecoverableError, match="12 tries for bars in a row failed"):
        desk.run((QQQ_DAILY, window(*WEEK)), *wanted)
    assert len(desk.asked) == 13
    assert len(desk.stored()) == 4


def test_repeats_that_fail_count_towards_the_end_and_an_answer_forgives_them(desk: Desk) -> None:
    desk.answers["SPY", DAILY, WEEK[0]] = RequestTimeout("bars", 30.0)
    for _ in range(bar_fetch.FAILURES_IN_A_ROW - 1):
        desk.fetch.failed_once()
    with pytest.raises(RecoverableError):
        desk.run((SPY_DAILY, window(*WEEK)))

    fresh = desk.fetch
    fresh.account.lost.clear()
    desk.answers["SPY", DAILY, WEEK[0]] = daily(*WEEK)
    desk.run((SPY_DAILY, window(*WEEK)))
    desk.answers["QQQ", DAILY, WEEK[0]] = RequestTimeout("bars", 30.0)
    desk.run((QQQ_DAILY, window(*WEEK)))
    assert fresh.account.repeated == bar_fetch.FAILURES_IN_A_ROW - 1


def test_a_row_of_a_stock_of_an_index_and_of_a_future_l19(desk: Desk) -> None:
    desk.answers["SPY", DAILY, WEEK[0]] = daily(WEEK[0])
    desk.answers["VIX", DAILY, WEEK[0]] = daily(WEEK[0], volume=0.0, price=17.0)
    sunday = datetime(2026, 11, 22, 18, 30, tzinfo=NEW_YORK)
    desk.answers["ES", "1 hour", WEEK[0]] = [Bar(sunday.astimezone(UTC), 1.0, 4.0, 0.5, 2.0, 9.0, None, None)]
    desk.run((SPY_DAILY, window(WEEK[0])), (VIX_DAILY, window(WEEK[0])), (ES, window(*WEEK)))

    rows = {row["symbol"]: row for row in desk.stored().to_dicts()}
    spy, vix, es = rows["SPY"], rows["VIX"], rows["ES"]
    assert (spy["start"], spy["end"]) == (
        datetime(2026, 11, 27, 14, 30, tzinfo=UTC),
        datetime(2026, 11, 27, 18, 0, tzinfo=UTC),  # the early close
    )
    assert (spy["volume"], spy["unit"], spy["wap"], spy["count"]) == (1000.0, "shares", 100.0, 5)
    assert (spy["local_symbol"], spy["expiry"], spy["regular"]) == (None, None, True)
    assert (vix["volume"], vix["unit"], vix["wap"], vix["count"]) == (None, None, None, None)
    assert (vix["sec_type"], vix["close"], vix["final"], vix["month"]) == ("IND", 17.0, True, date(2026, 11, 1))
    assert (es["trade_date"], es["volume"], es["unit"]) == (date(2026, 11, 23), 9.0, "contracts")
    assert (es["end"] - es["start"], es["regular"], es["local_symbol"]) == (timedelta(hours=1), False, "ESZ6")
    assert (es["expiry"], es["wap"], es["count"]) == (date(2026, 12, 18), None, None)
    assert {row["source"] for row in rows.values()} == {"ibkr"}
    assert {row["task"] for row in rows.values()} == {"load_historical_data"}


@pytest.mark.parametrize("price", [float("nan"), float("inf"), 0.0, -1.0])
def test_a_bar_without_a_usable_price_is_counted_and_not_stored_l13(desk: Desk, price: float) -> None:
    desk.answers["SPY", DAILY, WEEK[0]] = [*daily(WEEK[1], price=price), *daily(WEEK[0])]
    desk.run((SPY_DAILY, window(*WEEK[:2])))
    assert desk.stored()["trade_date"].to_list() == [WEEK[0]]
    assert desk.book.words() == "1 bars without a usable price"


@pytest.mark.parametrize(("told", "stored"), [(0.0, 0.0), (float("nan"), None), (1.797e308, None)])
def test_a_volume_that_tws_does_not_know_is_null_and_none_traded_is_zero_l13(
    desk: Desk, told: float, stored: float | None
) -> None:
    desk.answers["SPY", DAILY, WEEK[0]] = daily(WEEK[0], volume=told)
    desk.run((SPY_DAILY, window(WEEK[0])))
    assert desk.stored()["volume"].to_list() == [stored]


def test_a_stored_final_bar_stays_when_tws_tells_another_one_later(desk: Desk) -> None:
    """After a split TWS tells adjusted prices; docs/data.md says what becomes of them."""
    desk.answers["SPY", DAILY, WEEK[0]] = daily(*WEEK)
    desk.run((SPY_DAILY, window(*WEEK)))
    desk.answers["SPY", DAILY, WEEK[0]] = daily(*WEEK, price=25.0)
    desk.run((SPY_DAILY, window(*WEEK)))
    assert set(desk.stored()["close"]) == {100.0}


def test_bars_wait_for_the_next_commit_while_one_is_under_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """TWS's answers come in on the thread that would wait."""
    series, days = SPY_DAILY, set(WEEK)
    desk.book.add(series, daily(WEEK[0]), days, SATURDAY)
    running: Any = type("Running", (), {"done": lambda _: False, "result": lambda _: 0})()
    monkeypatch.setattr(desk.book, "_running", running)
    desk.book.commit_beside()
    assert desk.stored().is_empty()
    desk.book.add(series, daily(WEEK[1]), days, SATURDAY)
    desk.book.commit()
    assert len(desk.stored()) == 2
    assert desk.book.stored == 2
