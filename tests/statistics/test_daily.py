"""Statistics of days: read from a real lake, computed, stored, and computed again."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import option_rows
import surface_rows
from statistics_desk import DAY, StatisticsDesk, weekdays
from v6.analysis import option_statistics
from v6.statistics import daily, intraday

pytestmark = pytest.mark.long

BEFORE = DAY - timedelta(days=1)


def row(desk: StatisticsDesk, symbol: str = "SPY", day: date = DAY) -> dict[str, Any]:
    return desk.lake.read(daily.TABLE, trade_date=day, symbols=[symbol]).row(0, named=True)


def compute_and_store(desk: StatisticsDesk, *days: date) -> int:
    return daily.store(desk.ctx, daily.compute(desk.ctx, days or [DAY]))


def commits(desk: StatisticsDesk, table: str = daily.TABLE) -> int:
    stored = desk.lake.opened(table)
    assert stored is not None
    return stored.version()


def without_volatility(day: date = DAY) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two slots of one expiry pair of SPY without IV and greeks, as the recordings are."""
    listed = surface_rows.contracts("SPY", 690.0, day, (24, 38), 5)
    rows = surface_rows.quotes(listed, surface_rows.slots_of(day, 2, "15:50"), [690.0, 690.0])
    blank = [pl.lit(None, pl.Float64).alias(name) for name in ("iv", "delta", "gamma", "vega", "theta")]
    return surface_rows.universe(listed, day), rows.with_columns(blank)


def test_a_day_has_a_row_for_each_underlying_with_every_surface_statistic(desk: StatisticsDesk) -> None:
    desk.store(*surface_rows.market(DAY, slots=2))

    assert compute_and_store(desk) == 3

    found = desk.lake.read(daily.TABLE)
    assert found["symbol"].to_list() == ["IWM", "QQQ", "SPY"]
    for name in ("atm_iv_30d", "atm_iv_60d", "skew_25d", "expected_move", "put_call_volume_ratio", "iv_p25"):
        assert found[name].null_count() == 0, name
    assert found.select("slots", "slots_expected", "contracts").row(0) == (2, 78, 88)


def test_the_surface_is_that_of_the_last_good_slot_and_the_volume_the_last_of_the_day_l22(desk: StatisticsDesk) -> None:
    """At the last of three slots TWS is dying: nine in ten quotes have no bid. L22: nothing is summed over slots."""
    contracts, quotes = surface_rows.market(DAY, slots=3)
    slots = sorted(quotes["slot"].unique())
    dying = (pl.col("slot") == slots[2]) & (pl.col("con_id") % 10 != 0)
    desk.store(contracts, quotes.with_columns(pl.when(~dying).then(pl.col("bid")).alias("bid")))

    compute_and_store(desk)

    found = row(desk)
    good, last = (quotes.filter(symbol="SPY", slot=slot) for slot in slots[1:])
    assert (found["as_of"], found["slots"]) == (slots[1], 3)
    assert found["volume_total"] == last["volume"].sum() > good["volume"].sum()
    assert found["iv_median"] == pytest.approx(float(np.median(good["iv"].to_numpy())))


def test_a_repeat_makes_no_second_commit(desk: StatisticsDesk) -> None:
    desk.store_days([BEFORE, DAY])
    desk.store_bars(weekdays(DAY, 30))
    assert compute_and_store(desk, BEFORE, DAY) == 6
    before = commits(desk)

    assert compute_and_store(desk, BEFORE, DAY) == 0
    assert compute_and_store(desk, DAY) == 0

    assert commits(desk) == before


def test_many_days_in_one_pass_are_the_same_as_one_by_one(
    desk: StatisticsDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = weekdays(DAY, 5)
    desk.store_days(days)
    desk.store_bars(weekdays(DAY, 30))
    monkeypatch.setattr(daily, "BLOCK_ROWS", 600)  # two days of 264 quotes

    steps: list[int] = []
    together = daily.compute(desk.ctx, days, steps.append).rows
    assert steps == [2, 2, 1]
    for day in days:
        compute_and_store(desk, day)

    assert_frame_equal(together, desk.lake.read(daily.TABLE), check_exact=True)


def test_a_contract_that_was_never_quoted_still_counts(desk: StatisticsDesk) -> None:
    """13 of SPY's 88 contracts have no row at all in the lake (L10: not what happens to be there)."""
    contracts, quotes = surface_rows.market(DAY, slots=2)
    gone = contracts.filter(symbol="SPY")["con_id"].to_list()[:13]
    desk.store(contracts, quotes.filter(~pl.col("con_id").is_in(gone)))

    compute_and_store(desk)

    assert (row(desk)["contracts"], row(desk)["contracts_quoted"]) == (88, 75)


def test_contracts_that_are_queued_but_not_collected_do_not_count(desk: StatisticsDesk) -> None:
    contracts, quotes = surface_rows.market(DAY, slots=1)
    queued = contracts.with_columns(collected=pl.col("strike") != 690.0)
    desk.store(queued, quotes)

    compute_and_store(desk)

    assert row(desk)["contracts"] == queued.filter("collected", symbol="SPY").height < 88


def test_a_slot_before_the_recentring_counts_version_one_and_later_ones_version_two(desk: StatisticsDesk) -> None:
    first = surface_rows.contracts("SPY", 690.0, DAY, (24, 38), 5)
    second = first.filter(pl.col("strike") > 640)
    slots = surface_rows.slots_of(DAY, 2, "09:30")
    desk.store(surface_rows.universe(first, DAY), surface_rows.quotes(first, slots[:1], [690.0]))
    desk.lake.write_universe(DAY, 2, surface_rows.universe(second, DAY, 2, "09:36"))
    later = surface_rows.quotes(second, slots[1:], [690.0])
    desk.lake.write_slot("option_snapshots", task=surface_rows.TASK, slot=slots[1], frame=later)

    found = intraday.compute(desk.ctx, DAY)

    assert found is not None
    assert found.rows.sort("slot")["contracts"].to_list() == [20, 16]


def test_a_day_without_any_quote_is_nulls_with_reasons_l21(desk: StatisticsDesk) -> None:
    contracts, _ = surface_rows.market(DAY, slots=1)
    desk.lake.write_universe(DAY, 1, contracts)

    computed = daily.compute(desk.ctx, [DAY])
    daily.store(desk.ctx, computed)

    found = row(desk)
    assert computed.unquoted == [DAY]
    assert (found["as_of"], found["slots"], found["contracts"], found["contracts_quoted"]) == (None, 0, 88, 0)
    for name in ("atm_iv_30d", "skew_25d", "expected_move", "iv_mean"):
        assert (found[name], found[f"{name}_reason"]) == (None, "no_quotes")
    assert found["volume_total_reason"] == "no_volume"
    assert found["iv_rank_30d_reason"] == "no_iv"


def test_every_statistic_of_a_stored_day_has_either_a_value_or_a_reason_l21(desk: StatisticsDesk) -> None:
    desk.store(*surface_rows.market(DAY, slots=1))

    compute_and_store(desk)

    found = desk.lake.read(daily.TABLE)
    explained = [name.removesuffix("_reason") for name in found.columns if name.endswith("_reason")]
    assert len(explained) > 20
    for name in explained:
        assert (found[name].is_null() == found[f"{name}_reason"].is_not_null()).all(), name


def test_days_without_a_universe_are_left_out_and_named(desk: StatisticsDesk) -> None:
    desk.store(*surface_rows.market(DAY, slots=1))

    computed = daily.compute(desk.ctx, [BEFORE, DAY])

    assert (computed.days, computed.without_universe) == ([DAY], (BEFORE,))


def test_statistics_of_a_day_whose_quotes_were_cleaned_up_stay_as_they_are_l22(desk: StatisticsDesk) -> None:
    desk.store(*surface_rows.market(DAY, slots=1))
    compute_and_store(desk)
    before = desk.lake.read(daily.TABLE)
    empty = desk.lake.read("option_snapshots").clear()
    desk.lake.replace("option_snapshots", empty, trade_date=DAY)

    computed = daily.compute(desk.ctx, [DAY])

    assert (computed.kept, len(computed.rows)) == ((DAY,), 0)
    assert daily.store(desk.ctx, computed) == 0
    assert_frame_equal(desk.lake.read(daily.TABLE), before)


def test_quotes_outside_of_the_session_make_no_statistics(desk: StatisticsDesk) -> None:
    """L06: a slot at 16:00 or later of a full day, at 13:00 of an early close."""
    early = date(2026, 11, 27)
    desk.at("18:00", early)
    listed = surface_rows.contracts("SPY", 690.0, early, (24, 38), 5)
    slots = surface_rows.slots_of(early, 2, "12:55")
    desk.store(surface_rows.universe(listed, early), surface_rows.quotes(listed, slots, [690.0, 700.0]))

    compute_and_store(desk, early)

    found = row(desk, day=early)
    assert (found["as_of"], found["slots"], found["slots_expected"]) == (slots[0], 1, 42)


def test_volatility_that_tws_did_not_send_is_computed_once_and_says_so(desk: StatisticsDesk) -> None:
    """The prices are Black-Scholes at a known smile: inverted, they give it back."""
    desk.store(*without_volatility())

    computed = daily.compute(desk.ctx, [DAY])
    daily.store(desk.ctx, computed)

    found = row(desk)
    assert len(computed.greeks) == 20
    assert found["computed_iv_share"] == 1.0
    strikes = np.round(690 * np.linspace(0.9, 1.1, 5))
    volatilities = [surface_rows.smile(np.log(strikes / 690) - 0.04 * d / 365, np.full(5, d / 365)) for d in (24, 38)]
    middle = float(np.mean([smile[2] for smile in volatilities]))
    assert found["atm_iv_30d"] == pytest.approx(middle, abs=0.01)
    again = daily.compute(desk.ctx, [DAY])
    assert len(again.greeks) == 0
    assert_frame_equal(again.rows, computed.rows)


def test_a_quote_that_was_completed_after_its_volatility_had_been_tried_is_computed_again(desk: StatisticsDesk) -> None:
    """At first no put has a bid: one_sided, and the calls have no forward. The retry of the slot brings them."""
    contracts, rows = without_volatility()
    partial = (pl.col("right") == "P") | pl.col("bid").is_null()
    first = rows.with_columns(
        bid=pl.when(pl.col("right") == "C").then(pl.col("bid")),
        status=pl.when(partial).then(pl.lit("partial")).otherwise(pl.lit("complete")),
        reason=pl.when(partial).then(pl.lit("no_tick")),
    )
    desk.store(contracts, first)
    slots = intraday.compute(desk.ctx, DAY)
    assert slots is not None
    intraday.store(desk.ctx, DAY, slots)
    assert set(slots.greeks["why_null"]) == {"one_sided", "no_forward"}

    desk.store(contracts, rows)
    compute_and_store(desk)

    found = desk.lake.read("option_greeks").filter(slot=row(desk)["as_of"])
    assert set(found["why_null"].drop_nulls()) <= {"below_intrinsic"}
    assert row(desk)["contracts_with_iv"] == found["computed_iv"].count() > 15
    assert len(daily.compute(desk.ctx, [DAY]).greeks) == 0


def test_the_intraday_row_of_the_as_of_slot_is_the_days_surface(desk: StatisticsDesk) -> None:
    desk.store(*surface_rows.market(DAY, slots=3))
    compute_and_store(desk)
    computed = intraday.compute(desk.ctx, DAY)
    assert computed is not None

    day = desk.lake.read(daily.TABLE)
    slot = computed.rows.filter(pl.col("slot") == day["as_of"][0])

    shared = [name for name in day.columns if name in slot.columns and name != "task"]
    assert "skew_25d" in shared
    assert_frame_equal(day.select(shared).sort("symbol"), slot.select(shared).sort("symbol"), check_exact=True)


def test_slots_that_are_not_over_are_left_to_the_next_hour(desk: StatisticsDesk) -> None:
    desk.store(*surface_rows.market(DAY, slots=8))  # 09:30 to 10:05
    desk.at("10:08")

    computed = intraday.compute(desk.ctx, DAY)

    assert computed is not None
    assert (computed.slots, len(computed.rows)) == (7, 21)
    assert computed.rows["underlying_price"].null_count() == 0


@pytest.mark.parametrize("kind", ["generated", pytest.param("recorded", marks=pytest.mark.shared_data)])
def test_a_day_without_volatility_from_tws_has_a_surface_of_computed_ones(desk: StatisticsDesk, kind: str) -> None:
    """A key typo left IV 0 in every row of the recordings (L13): two slots of one, and a generated twin."""
    if kind == "recorded" and not option_rows.recorded_days():
        pytest.skip("../shared/data is not here")
    contracts, rows = _recorded() if kind == "recorded" else without_volatility()
    desk.at("18:00", rows["trade_date"][0])
    desk.store(contracts, rows)

    compute_and_store(desk, rows["trade_date"][0])

    found = desk.lake.read(daily.TABLE)
    assert len(found) == rows["symbol"].n_unique()
    assert (found["computed_iv_share"] == 1.0).all()
    assert (found["contracts_with_iv"] > 0.5 * found["contracts"]).all()
    assert found["iv_median"].is_between(0.05, 0.8).all()


def _recorded() -> tuple[pl.DataFrame, pl.DataFrame]:
    """The two fullest slots of the first recorded day, with the spot that parity of the day's strikes implies."""
    rows = option_rows.recorded(option_rows.recorded_days()[0])
    fullest = rows.group_by("slot").len().sort("len", "slot", descending=True)["slot"].to_list()[:2]
    rows = rows.filter(pl.col("slot").is_in(fullest)).unique(["slot", "con_id"], maintain_order=True)
    nearest = rows.filter(pl.col("right") == "C").with_columns(away=(pl.col("delta") - 0.5).abs()).sort("away")
    spots = nearest.group_by("slot", "symbol", maintain_order=True).agg(pl.col("strike").first().alias("spot"))
    rows = rows.join(spots, on=["slot", "symbol"], how="left").with_columns(underlying_price="spot").drop("spot")
    listed = rows.unique("con_id", maintain_order=True)
    names = ("con_id", "symbol", "trading_class", "expiry", "strike", "right")
    return surface_rows.universe(listed.select(names), rows["trade_date"][0]), rows


def test_the_lowest_and_highest_usable_volatility_are_those_of_the_computed_greeks() -> None:
    rows = pl.DataFrame({"iv": [None, 0.01, 0.0101, 5.0, 5.01]})

    assert rows.select(option_statistics.needs_volatility(0.01, 5.0))["iv"].to_list() == [
        True,
        True,
        False,
        False,
        True,
    ]
