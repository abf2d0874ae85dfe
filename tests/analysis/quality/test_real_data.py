"""What the rules find in the files of ../shared/data: the known defects, their numbers, and how often a rule errs.

The numbers are what the files hold (docs/data.md, section Quality, argues them); a second method stands beside a rule
wherever there is one. The generated twin of these days is in test_judgement.py.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pytest
import recorded_frames as files
from hand_made import limits

from v6.analysis.quality import bars, rows, volumes
from v6.analysis.quality.given import Given
from v6.analysis.quality.judgement import Judgement, judge
from v6.analysis.quality.outcome import Outcome

pytestmark = [
    pytest.mark.long,
    pytest.mark.shared_data,
    pytest.mark.skipif(not files.SHARED.is_dir(), reason="../shared/data is absent"),
]

ALL = 10**6
CLEAN = 0


def given(day: date, tables: Mapping[str, pl.DataFrame], **known: Any) -> Given:
    return Given(day, limits(max_findings_per_rule=ALL), 0.04, files.session(day), tables, **known)


@cache
def recorded(day: date) -> tuple[pl.DataFrame, Judgement]:
    tables = files.recorded(day)
    return tables["option_snapshots"], judge(given(day, tables))


@cache
def chains() -> tuple[pl.DataFrame, pl.DataFrame, Judgement]:
    """Rows, the same with the instant of each contract's last trade, and what is wrong with them."""
    tables = files.chains()
    traded = tables.pop("traded_at")
    return tables["option_snapshots"], traded, judge(given(files.CHAINS, tables))


def failed(judgement: Judgement) -> dict[str, int]:
    """Rule -> failed, of the rules that could look and found anything."""
    return {str(name): said.failed for name, said in judgement.outcomes.items() if said.failed}


# Of null_share 4 are columns of the underlyings, which the recordings do not have (the test makes them up).
RECORDED = {
    date(2026, 1, 28): {
        "null_share": 8,
        "constant_column": 1,
        "outside_session": 1061,
        "greek_sign": 20,
        "butterfly": 144,
        "falling_volume": 2093,
        "price_jump": 28,
    },
    date(2026, 1, 29): {
        "null_share": 8,
        "constant_column": 1,
        "stale": 72,
        "frozen": 11,
        "butterfly": 226,
        "falling_volume": 1444,
        "price_jump": 125,
    },
    date(2026, 1, 30): {
        "null_share": 8,
        "constant_column": 1,
        "outside_session": 2244,
        "one_sided": 1,
        "frozen": 17,
        "butterfly": 74,
        "falling_volume": 2181,
        "price_jump": 29,
    },
    date(2026, 2, 2): {
        "null_share": 8,
        "constant_column": 1,
        "outside_session": 1125,
        "frozen": 7,
        "butterfly": 2,
        "falling_volume": 2138,
        "price_jump": 14,
    },
}


@pytest.mark.parametrize("day", files.RECORDED)
def test_the_recorded_days_have_these_defects(day: date) -> None:
    assert failed(recorded(day)[1]) == RECORDED[day]


@pytest.mark.parametrize("day", files.RECORDED)
def test_l13_iv_without_a_value_and_open_interest_0_are_found_in_every_recorded_day(day: date) -> None:
    outcomes = recorded(day)[1].outcomes
    columns = outcomes["null_share"].findings.filter(pl.col("table") == "option_snapshots")["column"].to_list()

    assert columns == ["iv", "underlying_price", "bid_size", "ask_size"]
    assert outcomes["constant_column"].findings["column"].to_list() == ["open_interest"]


@pytest.mark.parametrize("day", files.RECORDED)
def test_l06_rows_outside_the_session_are_those_that_the_clock_says(day: date) -> None:
    """Second method: wall-clock minutes of the file itself, by numpy; the made-up underlyings left out."""
    options, said = recorded(day)
    wall = options["slot"].dt.convert_time_zone("America/New_York")
    minutes = wall.dt.hour().cast(pl.Int32).to_numpy() * 60 + wall.dt.minute().cast(pl.Int32).to_numpy()

    found = said.outcomes["outside_session"].findings.filter(pl.col("table") == "option_snapshots")

    assert found["rows"].sum() == int(((minutes < 570) | (minutes >= 960)).sum())


@pytest.mark.parametrize("day", files.RECORDED)
def test_l22_falling_volumes_are_those_that_a_plain_difference_shows(day: date) -> None:
    options, said = recorded(day)
    falls = sum(
        int((np.diff(part.sort("slot")["volume"].drop_nulls().to_numpy()) < 0).sum())
        for part in options.partition_by("con_id")
    )

    assert said.outcomes["falling_volume"].failed == falls


def test_twenty_thetas_of_over_one_dollar_a_day_are_the_only_wrong_greeks() -> None:
    """True ones: theta of the same five contracts is about -0.1 in every other slot of the day."""
    options, said = recorded(date(2026, 1, 28))
    found = said.outcomes["greek_sign"].findings
    others = options.join(found, on=["con_id", "slot"], how="anti").filter(
        pl.col("con_id").is_in(found["con_id"].implode())
    )

    assert (found["value"].min() or 0) > 1.0
    assert (others["theta"].max() or 0) < 0.0
    assert found["con_id"].n_unique() == 5


def test_the_feed_stood_still_four_times_and_these_slots_are_the_frozen_ones() -> None:
    """Second method: (bid, ask, last, volume) of one contract by hand, 29 January: the same from 10:22 to 10:45."""
    stood = {
        day: sorted({f"{slot.astimezone(files.NEW_YORK):%H:%M}" for slot in said.outcomes["frozen"].findings["slot"]})
        for day in files.RECORDED
        for _, said in [recorded(day)]
    }

    assert stood == {
        date(2026, 1, 28): [],
        date(2026, 1, 29): ["10:25", "10:30", "10:35", "10:40"],
        date(2026, 1, 30): ["13:20", "13:25", "13:30", "13:35", "14:30", "14:35", "14:40", "14:45"],
        date(2026, 2, 2): ["10:20", "10:25", "10:30", "10:35"],
    }
    one = recorded(date(2026, 1, 29))[0].filter((pl.col("strike") == 669) & (pl.col("symbol") == "SPY"))
    quotes = one.sort("slot").filter(pl.col("right") == "P").select("slot", "bid", "ask", "last", "volume").rows()
    at = [row[1:] for row in quotes if time(15, 20) <= row[0].time() <= time(15, 40)]
    assert len(set(at)) == 1
    assert len(at) == 5


def test_most_price_jumps_are_where_the_recording_is_known_to_be_broken() -> None:
    """After the close, at a freeze, or after a hole; 41 of 59,703 changes (0.07 %) have no such excuse and may be
    false: their slots' quotes are minutes apart."""
    causes: Counter[str] = Counter()
    checked = 0
    for day in files.RECORDED:
        options, said = recorded(day)
        checked += said.outcomes["price_jump"].checked
        frozen = said.outcomes["frozen"].findings["slot"].to_list()
        slots = options["slot"].unique().sort().to_list()
        after_hole = [late for early, late in pairwise(slots) if late - early > timedelta(minutes=5)]
        for slot in said.outcomes["price_jump"].findings["slot"]:
            causes[_cause(slot, files.session(day)[1], frozen, after_hole)] += 1

    assert (checked, dict(causes)) == (59_703, {"after the close": 27, "freeze": 44, "hole": 84, "none": 41})


def _cause(slot: datetime, close: datetime, frozen: list[datetime], after_hole: list[datetime]) -> str:
    near = timedelta(minutes=10)
    if slot >= close:
        return "after the close"
    if any(abs(slot - other) <= near for other in frozen):
        return "freeze"
    return "hole" if any(timedelta() <= slot - other <= near for other in after_hole) else "none"


def test_calls_and_puts_of_the_recordings_never_break_parity() -> None:
    """27,556 pairs whose quotes are seconds apart: the rule does not err where quotes are of one moment."""
    outcomes = [recorded(day)[1].outcomes["parity"] for day in files.RECORDED]

    assert (sum(said.checked for said in outcomes), sum(said.failed for said in outcomes)) == (27_556, 0)


def test_the_chains_of_yahoo_have_these_defects() -> None:
    """18 crossed (2 more of the 20 have an ask of 0), 2,478 bids of 0 beside an ask, 1,940 IVs of about 1e-5."""
    assert failed(chains()[2]) == {
        "null_share": 6,
        "crossed": 18,
        "locked": 19,
        "one_sided": 2478,
        "iv_range": 2078,
        "iv_not_invertible": 3691,
        "parity": 1789,
        "butterfly": 3579,
        "calendar": 914,
        "falling_volume": 410,
    }


def test_crossed_and_one_sided_quotes_of_yahoo_are_those_of_the_raw_files() -> None:
    raw = pl.concat(
        [
            pl.read_csv(path, columns=["bid", "ask"], schema_overrides={"bid": pl.Float64, "ask": pl.Float64})
            for path in sorted((files.SHARED / "yahoo_chains").glob("*.csv.gz"))
        ]
    )
    bid, ask = raw["bid"].fill_null(0).to_numpy(), raw["ask"].fill_null(0).to_numpy()
    outcomes = chains()[2].outcomes

    assert outcomes["crossed"].failed == int(((bid > ask) & (ask > 0)).sum())
    assert outcomes["one_sided"].failed == int(((bid > 0) != (ask > 0)).sum())


def test_the_prices_that_yahoo_could_not_invert_either_are_all_found() -> None:
    """Yahoo's own IV of 0 or about 1e-5 is a second inversion: of its 2,329 two-sided quotes without one none is
    missed. Of the 2,295 severe findings 4 have an IV at Yahoo: their ask is below the intrinsic value all the same."""
    options, _, said = chains()
    found = said.outcomes["iv_not_invertible"].findings.select("con_id", "slot", "severe")
    quotes = options.filter(pl.col("bid") <= pl.col("ask")).join(found, on=["con_id", "slot"], how="left")
    without = quotes.filter(pl.col("iv").is_null() | (pl.col("iv") < 1e-3))
    severe = quotes.filter(pl.col("severe"))
    confirmed = severe.join(without, on=["con_id", "slot"], how="semi")

    assert (len(without), without["severe"].null_count()) == (2329, 0)
    assert (len(severe), len(confirmed)) == (2295, 2291)
    gap = pl.col("underlying_price") - pl.col("strike")
    intrinsic = pl.when(pl.col("right") == "C").then(gap).otherwise(-gap)
    assert severe.join(without, on=["con_id", "slot"], how="anti").filter(pl.col("ask") >= intrinsic).is_empty()


def test_yahoos_falling_volumes_are_all_told_as_a_reset_and_most_proven_by_the_last_trade() -> None:
    """381 of 410 had not traded that day at 10:02 by Yahoo's own lastTradeDate: their volume was the day before's."""
    _, traded, said = chains()
    found = said.outcomes["falling_volume"].findings
    first = traded.filter(pl.col("slot") == traded["slot"].min()).select("con_id", "traded_at")
    opens = datetime(2026, 2, 12, 14, 30, tzinfo=UTC)

    assert not found["severe"].any()
    assert found.join(first, on="con_id").filter(pl.col("traded_at") < opens).height == 381


def test_butterflies_and_calendars_are_those_that_bids_and_asks_would_pay_for() -> None:
    """Second method: plain loops over bids and asks. Whether anybody could have traded them is another matter: Yahoo's
    quotes are minutes apart from each other."""
    options, _, said = chains()
    quotes = options.filter(pl.col("bid") <= pl.col("ask"))
    paid: dict[str, set[tuple[datetime, int]]] = {"butterfly": set(), "calendar": set()}
    key = ["slot", "symbol", "trading_class", "expiry", "right"]
    for _, part in quotes.sort("strike").group_by(key, maintain_order=True):
        rows_ = part.select("strike", "bid", "ask", "con_id", "slot").rows()
        for low, body, high in zip(rows_, rows_[1:], rows_[2:], strict=False):
            weight = (high[0] - body[0]) / (high[0] - low[0])
            if body[1] > weight * low[2] + (1 - weight) * high[2] + 1e-9:
                paid["butterfly"].add((body[4], body[3]))
    key = ["slot", "symbol", "trading_class", "strike", "right"]
    for _, part in quotes.sort("expiry").group_by(key, maintain_order=True):
        rows_ = part.select("bid", "ask", "con_id", "slot").rows()
        for near, far in pairwise(rows_):
            if near[0] > far[1] + 1e-9:
                paid["calendar"].add((near[3], near[2]))

    for rule, wanted in paid.items():
        assert set(said.outcomes[rule].findings.select("slot", "con_id").rows()) == wanted


def test_parity_finds_the_quotes_that_nvda_kept_from_before_its_split() -> None:
    """534 of 1,789: a call whose strike was never divided by ten, last traded before 2024-06-10. No other rule and no
    note of the files names them."""
    _, traded, said = chains()
    found = said.outcomes["parity"].findings.join(
        traded.select("con_id", "slot", "traded_at", "strike", "expiry"), on=["con_id", "slot"]
    )
    puts = traded.filter(pl.col("right") == "P").select("slot", "symbol", "expiry", "strike", put_at="traded_at")
    both = found.join(puts, on=["slot", "symbol", "expiry", "strike"])
    split = datetime(2024, 6, 10, tzinfo=UTC)

    old = both.filter((pl.col("symbol") == "NVDA") & (pl.min_horizontal("traded_at", "put_at") < split))

    assert (len(both), len(old)) == (1789, 534)
    assert (old["strike"].min() or 0) >= 370


@pytest.mark.parametrize(
    ("name", "day", "expected"),
    [
        (
            "GOOG_20151223",
            date(2015, 12, 23),
            {"null_share": 5, "outside_session": 118, "one_sided": 4774, "iv_not_invertible": 1126},
        ),
        ("SPXW_20210104", date(2021, 1, 4), {"null_share": 6, "outside_session": 12, "locked": 58}),
        ("SPXW_20210105", date(2021, 1, 5), {"null_share": 7, "outside_session": 8}),
        (
            "SPXW_20210106",
            date(2021, 1, 6),
            {"null_share": 7, "outside_session": 16, "crossed": 2, "locked": 21, "one_sided": 1},
        ),
    ],
)
def test_the_minute_chains_have_these_defects(name: str, day: date, expected: dict[str, int]) -> None:
    """Outside are the snapshots of 16:00: the close is no slot. GOOG's far strikes have one side."""
    assert failed(judge(given(day, files.minute_chains(name)))) == expected


BAR_RULES = {
    "outside": rows.outside_session,
    "doubled": rows.duplicates,
    "shape": bars.bar_shape,
    "jump": bars.bar_jump,
    "missing": bars.missing_bars,
    "unit": volumes.unit_jump,
}


def over_days(frame: pl.DataFrame, *, futures: bool = False) -> dict[str, dict[date, int]]:
    """Rule -> day -> failed, each day judged as V6 would, with the 45 days before it."""
    found: dict[str, dict[date, int]] = {name: {} for name in BAR_RULES}
    for day in frame["trade_date"].unique().sort().to_list():
        opens, closes = files.session(day, time(13) if day == date(2025, 7, 3) else time(16))
        span = {"FUT": (opens - timedelta(hours=15, minutes=30), closes + timedelta(hours=1))} if futures else {}
        before = frame.filter(pl.col("trade_date").is_between(day - timedelta(days=45), day, closed="left"))
        known = given(
            day,
            {"bars": frame.filter(pl.col("trade_date") == day)},
            bar_day=day,
            bar_session=(opens, closes),
            bars_before=before,
            bar_spans=span,
        )
        for name, rule in BAR_RULES.items():
            said: Outcome = rule(known)
            if said.failed:
                found[name][day] = said.failed
    return found


@pytest.mark.parametrize(("symbol", "stray", "jumps"), [("SPY", 163, 4), ("AAPL", 44, 7), ("SOFI", 0, 1)])
def test_stray_extended_hours_bars_are_found_and_nothing_else_is_wrong(symbol: str, stray: int, jumps: int) -> None:
    """All jumps are false as defects (12 of 28,413 bars), at known news: 22 August 10:00 (Jackson Hole), 10 October
    10:55 (tariffs), 29 October 14:35 (the Fed, also in SOFI), AAPL's conference of June and its earnings. The early
    close of 3 July is no hole."""
    found = over_days(files.intraday_bars(symbol))

    assert {name: sum(days.values()) for name, days in found.items()} == {
        "outside": stray,
        "doubled": 0,
        "shape": 0,
        "jump": jumps,
        "missing": 0,
        "unit": 0,
    }


@pytest.mark.parametrize(("symbol", "jumps"), [("ES", 6), ("NQ", 5)])
def test_the_holes_of_the_futures_are_found_by_day(symbol: str, jumps: int) -> None:
    """73: the file begins at 00:05 (00:00 of NQ); Good Friday; the 3.5 hours of 20 April and three more; the file's end
    at midnight. The rest are one or two bars a day at the break of 17:00 and weekends."""
    found = over_days(files.intraday_bars(symbol, folder="futures", kind="FUT"), futures=True)

    assert {day: count for day, count in found["missing"].items() if count > 5} == {
        date(2026, 2, 17): 73 if symbol == "ES" else 72,
        date(2026, 4, 3): 204,
        date(2026, 4, 20): 45,
        date(2026, 4, 29): 208,
    }
    assert sum(found["jump"].values()) == jumps
    assert (found["doubled"], found["shape"], found["unit"]) == ({}, {}, {})


def test_literal_nulls_of_rty_are_bars_that_cannot_be() -> None:
    """25 of 25, and two crashes of March 2020 that are true; six volumes are of Sunday evenings or 0."""
    frame = files.daily_bars("RTY")
    ratios = volumes.volume_ratios(frame)
    returns = bars.returns(frame)

    assert frame.filter(bars.misshapen()).height == frame["close"].null_count() == 25
    assert ratios.filter((pl.col("ratio") <= 0.02) | (pl.col("ratio") >= 100)).height == 6
    assert returns.filter(pl.col("deviations") > 12)["trade_date"].to_list() == [date(2020, 3, 12), date(2020, 3, 22)]


@pytest.mark.parametrize("symbol", ["AAPL", "IWM", "MSFT", "NVDA", "QQQ", "SPY", "TSLA"])
def test_of_five_years_of_daily_bars_only_the_stray_row_of_spy_is_found(symbol: str) -> None:
    """8,261 bars and no false finding: the row of 2018 is 24 deviations from the next one, 20 months later."""
    frame = files.daily_bars(symbol)
    ratios = volumes.volume_ratios(frame)
    jumps = bars.returns(frame).filter(pl.col("deviations") > 12)

    assert frame.filter(bars.misshapen()).is_empty()
    assert ratios.filter((pl.col("ratio") <= 0.02) | (pl.col("ratio") >= 100)).is_empty()
    assert jumps["trade_date"].to_list() == ([date(2020, 7, 27)] if symbol == "SPY" else [])
