"""Totals, distributions and counts of an underlying's options, against literal numbers and numpy."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import surface_rows
from v6.analysis import option_statistics

DAY = date(2026, 11, 20)
SLOT = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)


def quotes(*rows: dict[str, Any]) -> pl.DataFrame:
    """Contracts of SPY in one slot; each row gives what is not the usual."""
    usual = {
        "trade_date": DAY, "slot": SLOT, "symbol": "SPY", "trading_class": "SPY", "expiry": DAY + timedelta(days=30),
        "strike": 690.0, "right": "C", "bid": 1.0, "ask": 1.1, "iv": 0.2, "computed": False, "delta": 0.5, "gamma": 0.1,
        "vega": 0.3, "theta": -0.1, "volume": 10.0, "open_interest": 100.0,
    }  # fmt: skip
    numbered = [usual | {"con_id": number} | row for number, row in enumerate(rows)]
    return pl.DataFrame(numbered, infer_schema_length=None).with_columns(
        pl.col("bid", "ask", "iv", "volume", "open_interest", "delta").cast(pl.Float64)
    )


def of(*rows: dict[str, Any]) -> dict[str, Any]:
    return option_statistics.of_slots(quotes(*rows), 0.04).row(0, named=True)


def test_volumes_and_open_interest_are_split_by_side() -> None:
    found = of({"volume": 30}, {"volume": 50}, {"right": "P", "volume": 20, "open_interest": 350})

    assert (found["volume_total"], found["volume_calls"], found["volume_puts"]) == (100, 80, 20)
    assert found["put_call_volume_ratio"] == pytest.approx(0.25)
    assert (found["open_interest_total"], found["put_call_oi_ratio"]) == (550, pytest.approx(1.75))


@pytest.mark.parametrize(
    ("calls", "puts", "total", "why", "ratio", "why_ratio"),
    [
        (None, None, None, "no_volume", None, "no_volume"),
        (5, None, 5, None, None, "no_volume"),
        (None, 5, 5, None, None, "no_call_volume"),
        (0, 5, 5, None, None, "no_call_volume"),
        (0, 0, 0, None, None, "no_call_volume"),
        (4, 0, 4, None, 0.0, None),
    ],
)
def test_nobody_traded_is_zero_and_nobody_told_is_null_l21(
    calls: float | None, puts: float | None, total: float | None, why: str | None, ratio: float | None,
    why_ratio: str | None,
) -> None:  # fmt: skip
    found = of({"volume": calls, "open_interest": calls}, {"right": "P", "volume": puts, "open_interest": puts})

    assert (found["volume_total"], found["volume_total_reason"]) == (total, why)
    assert (found["put_call_volume_ratio"], found["put_call_volume_ratio_reason"]) == (ratio, why_ratio)
    renamed = why_ratio.replace("volume", "open_interest") if why_ratio else None
    assert (found["put_call_oi_ratio"], found["put_call_oi_ratio_reason"]) == (ratio, renamed)


def test_the_distribution_of_volatility_is_numpys() -> None:
    values = [0.31, 0.18, 0.22, 0.27, 0.19, 0.55, 0.2]
    found = of(*({"iv": value, "strike": 600.0 + place} for place, value in enumerate(values)))

    assert found["iv_mean"] == pytest.approx(np.mean(values))
    assert found["iv_std"] == pytest.approx(np.std(values, ddof=1))
    names = ("iv_min", "iv_p25", "iv_median", "iv_p75", "iv_max")
    assert [found[name] for name in names] == pytest.approx(np.percentile(values, [0, 25, 50, 75, 100]).tolist())


def test_the_deviation_of_one_volatility_is_unknown_and_not_zero_l21() -> None:
    found = of({"iv": 0.2}, {"iv": None})

    assert (found["iv_mean"], found["iv_std"]) == (0.2, None)


def test_counts_are_of_the_universe_and_not_of_what_arrived() -> None:
    """A contract without a quote is a row of nulls, and counts."""
    nothing = dict.fromkeys(("bid", "ask", "iv", "delta", "gamma", "vega", "theta", "volume", "open_interest"))
    found = of({}, {"computed": True}, {"bid": None}, nothing)

    assert (found["contracts"], found["contracts_quoted"], found["contracts_with_iv"]) == (4, 2, 3)
    assert found["computed_iv_share"] == pytest.approx(1 / 3)
    assert found["theta_mean"] == pytest.approx(-0.1)


def test_cumulative_volume_is_not_summed_over_slots_l22() -> None:
    """One contract that traded 5, then 7 more, then nothing: 12, however many slots saw it."""
    slots = surface_rows.slots_of(DAY, 4, "10:00")
    stored = pl.DataFrame({"trade_date": DAY, "slot": slots, "con_id": 1, "volume": [5.0, 12.0, 12.0, None]})
    asked = stored.filter(pl.col("slot") == slots[3])

    found = option_statistics.last_known(asked, stored, "volume")

    assert found["volume"].to_list() == [12.0]
    assert len(found) == 1


def test_a_volume_is_never_taken_from_a_later_slot_another_contract_or_another_day() -> None:
    slots = surface_rows.slots_of(DAY, 3, "10:00")
    yesterday = DAY - timedelta(days=1)
    stored = pl.DataFrame(
        {
            "trade_date": [yesterday, DAY, DAY],
            "slot": [slots[0] - timedelta(days=1), slots[0], slots[2]],
            "con_id": [1, 2, 1],
            "volume": [99.0, 88.0, 77.0],
        }
    )
    evening = slots[1] - timedelta(days=1)
    asked = pl.DataFrame(
        {"trade_date": [yesterday, DAY, DAY], "slot": [evening, slots[1], slots[1]], "con_id": [1, 1, 2]}
    ).with_columns(volume=pl.lit(None, pl.Float64))

    found = option_statistics.last_known(asked, stored, "volume")

    days_and_contracts = {(row[0], row[2]): row[3] for row in found.iter_rows()}
    assert days_and_contracts == {(yesterday, 1): 99.0, (DAY, 1): None, (DAY, 2): 88.0}


def test_the_days_surface_is_that_of_the_last_slot_with_half_of_the_best_slots_quotes() -> None:
    slots = surface_rows.slots_of(DAY, 4, "15:30")
    counts = dict(zip(slots, (10, 8, 5, 4), strict=True))
    rows = pl.DataFrame(
        [
            {"trade_date": DAY, "slot": slot, "symbol": "SPY", "bid": 1.0 if place < count else None, "ask": 1.1}
            for slot, count in counts.items()
            for place in range(10)
        ]
    )

    found = option_statistics.as_of(option_statistics.quoted(rows))

    assert found.row(0, named=True) == {"trade_date": DAY, "symbol": "SPY", "as_of": slots[2], "slots": 4}


@pytest.mark.parametrize(
    ("told", "computed", "used", "says_computed"),
    [
        (0.2, 0.3, 0.2, False),
        (None, 0.3, 0.3, True),
        (0.01, 0.3, 0.3, True),
        (5.0, 0.3, 5.0, False),
        (5.1, 0.3, 0.3, True),
        (7.0, None, None, False),
    ],
)
def test_twss_volatility_is_used_where_it_is_usable_else_the_computed_one(
    told: float | None, computed: float | None, used: float | None, says_computed: bool
) -> None:
    names = [f"computed_{greek}" for greek in option_statistics.GREEKS]
    rows = (
        quotes({"iv": told, "delta": None})
        .drop("computed")
        .with_columns(pl.lit(computed, pl.Float64).alias("computed_iv"), *(pl.lit(0.4).alias(name) for name in names))
    )

    found = option_statistics.in_use(rows, 0.01, 5.0).row(0, named=True)

    assert (found["iv"], found["computed"]) == (used, says_computed)
    assert (found["delta"], found["theta"]) == (0.4, -0.1 if told in {None, 0.2, 5.0} else 0.4)
