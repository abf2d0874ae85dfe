"""What a day's statistics take from other days: bars that come late, VIX, ranks over sessions; and the audit's look."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import surface_rows
from statistics_desk import CALENDAR, DAY, StatisticsDesk, weekdays
from v6.analysis import ranks
from v6.scheduler.nyse_calendar import NYSECalendar
from v6.statistics import daily, intraday, recompute, series

pytestmark = pytest.mark.long

YESTERDAY = DAY - timedelta(days=1)


def compute_and_store(desk: StatisticsDesk, *days: date) -> None:
    daily.store(desk.ctx, daily.compute(desk.ctx, days))


def of_day(desk: StatisticsDesk, day: date = DAY) -> pl.DataFrame:
    return desk.lake.read(daily.TABLE, trade_date=day)


def test_close_return_volatility_and_vix_are_those_of_the_final_bars(desk: StatisticsDesk) -> None:
    desk.store_days([DAY])
    days = weekdays(DAY, 25)
    desk.store_bars(days)

    compute_and_store(desk, DAY)

    bars = surface_rows.daily_bars(("SPY", "QQQ", "IWM", "VIX"), days)
    close = bars.filter(symbol="SPY").sort("trade_date")["close"].to_numpy()
    found = of_day(desk).filter(symbol="SPY").row(0, named=True)
    assert found["underlying_close"] == close[-1]
    assert found["underlying_return"] == pytest.approx(close[-1] / close[-2] - 1)
    assert found["volatility_20d"] == pytest.approx(np.std(np.diff(np.log(close[-21:])), ddof=1) * 252**0.5)
    assert found["vix_close"] == bars.filter(symbol="VIX").sort("trade_date")["close"][-1]
    assert found["regime"] is not None


def test_a_bar_that_is_not_final_is_no_close_l20(desk: StatisticsDesk) -> None:
    desk.store_days([DAY])
    desk.store_bars(weekdays(YESTERDAY, 25))
    unfinished = surface_rows.daily_bars(("SPY", "VIX"), [DAY], final=False)
    desk.lake.unite("bars", unfinished, final="final")

    compute_and_store(desk, DAY)

    found = of_day(desk)
    for name in ("underlying_close", "underlying_return", "volatility_20d", "trend_20d", "regime", "vix_close"):
        assert found[name].null_count() == len(found), name
        assert set(found[f"{name}_reason"]) == {"not_final"}, name
    assert found["underlying_high"].null_count() == len(found)


def test_a_day_that_waited_for_its_bars_is_found_and_completed(desk: StatisticsDesk) -> None:
    desk.store_days([YESTERDAY, DAY])
    desk.store_bars(weekdays(YESTERDAY - timedelta(days=1), 25))
    compute_and_store(desk, YESTERDAY)
    assert daily.unfinished(desk.ctx, DAY) == []

    desk.store_bars([YESTERDAY])
    assert daily.unfinished(desk.ctx, DAY) == [YESTERDAY]
    compute_and_store(desk, *daily.unfinished(desk.ctx, DAY), DAY)

    assert of_day(desk, YESTERDAY)["underlying_close"].null_count() == 0
    assert daily.unfinished(desk.ctx, DAY) == []


def test_a_hole_of_the_bars_that_is_filled_on_saturday_completes_every_day_whose_window_it_lies_in(
    desk: StatisticsDesk,
) -> None:
    monday = DAY + timedelta(days=3)
    desk.store_days([YESTERDAY, DAY])
    desk.store_bars([day for day in weekdays(DAY, 26) if day != YESTERDAY])
    compute_and_store(desk, YESTERDAY, DAY)
    assert set(of_day(desk)["volatility_20d_reason"]) == {"too_few_sessions"}
    assert daily.unfinished(desk.ctx, monday) == []

    desk.store_bars([YESTERDAY])
    assert daily.unfinished(desk.ctx, monday) == [YESTERDAY, DAY]
    compute_and_store(desk, YESTERDAY, DAY)

    assert of_day(desk)["volatility_20d"].null_count() == 0
    assert of_day(desk, YESTERDAY)["underlying_close"].null_count() == 0
    assert daily.unfinished(desk.ctx, monday) == []


def test_a_bar_that_is_missing_while_later_ones_are_there_will_not_come(desk: StatisticsDesk) -> None:
    desk.store_days([YESTERDAY])
    desk.store_bars([day for day in weekdays(DAY, 26) if day != YESTERDAY])

    compute_and_store(desk, YESTERDAY)

    assert set(of_day(desk, YESTERDAY)["underlying_close_reason"]) == {"no_bars"}
    assert daily.unfinished(desk.ctx, DAY) == []


def test_the_rank_takes_stored_days_and_counts_sessions(desk: StatisticsDesk) -> None:
    """16 sessions: 15 of lower and lower volatility are stored, today's is in the middle of them."""
    days = weekdays(DAY, 16)
    desk.store_days(days, [*(0.10 - 0.005 * place for place in range(15)), 0.065])
    compute_and_store(desk, *days[:-1])

    compute_and_store(desk, DAY)

    found = of_day(desk).filter(symbol="SPY").row(0, named=True)
    values = desk.lake.read(daily.TABLE, symbols=["SPY"])["atm_iv_30d"].to_numpy()
    assert len(values) == 16
    expected = 100 * (values[-1] - values.min()) / (values.max() - values.min())
    assert found["iv_rank_30d"] == pytest.approx(expected)
    assert 40 < expected < 60
    assert found["iv_rank_30d_count"] == 16
    assert (found["iv_rank_60d"], found["iv_rank_60d_reason"]) == (None, "too_few_sessions")


def test_the_rank_of_the_highest_is_exactly_100_and_can_be_stored() -> None:
    """Not 100.00000000000001, which the lake refuses: 500 series that end at their highest."""
    days = weekdays(DAY, 16)
    values = np.sort(np.random.default_rng(5).uniform(0.05, 0.9, (500, 16)), axis=1)
    names = [f"S{number}" for number in range(500)]
    frame = pl.DataFrame(
        {"symbol": np.repeat(names, 16), "trade_date": days * 500, "atm_iv_30d": values.ravel()},
        schema_overrides={"symbol": pl.String},
    )

    found = ranks.of_series(frame, days).filter(trade_date=DAY)

    assert found["iv_rank_30d"].unique().to_list() == [100.0]


def test_sessions_are_counted_back_over_holidays() -> None:
    calendar = NYSECalendar.from_text(CALENDAR)

    found = series.sessions_until(calendar, date(2026, 11, 27), 3)

    assert found == [date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 27)]
    assert series.sessions_between(calendar, date(2026, 11, 25), date(2026, 11, 30)) == [
        date(2026, 11, 25),
        date(2026, 11, 27),
        date(2026, 11, 30),
    ]


def test_the_audit_finds_no_difference_in_what_was_just_computed(desk: StatisticsDesk) -> None:
    desk.store_days([YESTERDAY, DAY])
    desk.store_bars(weekdays(YESTERDAY, 25))
    compute_and_store(desk, YESTERDAY, DAY)
    slots = intraday.compute(desk.ctx, DAY)
    assert slots is not None
    intraday.store(desk.ctx, DAY, slots)
    desk.store_bars([DAY])  # what was not_final when it was stored is no difference

    assert recompute.recomputable(desk.ctx, [YESTERDAY, DAY, DAY + timedelta(days=3)]) == [YESTERDAY, DAY]
    assert recompute.difference(desk.ctx, DAY) == []


def test_the_audit_names_a_stored_value_that_does_not_recompute(desk: StatisticsDesk) -> None:
    desk.store_days([DAY])
    compute_and_store(desk, DAY)
    spoilt = of_day(desk).with_columns(
        skew_25d=pl.when(pl.col("symbol") == "QQQ").then(0.5).otherwise(pl.col("skew_25d"))
    )
    desk.lake.replace(daily.TABLE, spoilt.filter(pl.col("symbol") != "IWM"), trade_date=DAY)
    slots = intraday.compute(desk.ctx, DAY)
    assert slots is not None
    wrong = slots.rows.with_columns(volume_total=pl.when(pl.col("symbol") == "SPY").then(1.0))
    desk.lake.replace(intraday.TABLE, wrong, trade_date=DAY)

    found = recompute.difference(desk.ctx, DAY)

    assert any("QQQ skew_25d: stored 0.5" in words for words in found)
    assert any("IWM: recomputed, and not stored" in words for words in found)
    assert any("intraday_statistics" in words and "SPY volume_total: stored 1.0" in words for words in found)
    assert not any("SPY" in words for words in found if "daily_statistics" in words)
