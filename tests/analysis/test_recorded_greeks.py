"""Computed volatilities and greeks against those that IBKR and Yahoo gave for real quotes (generated twin:
test_computed_greeks.py)."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from option_rows import TASK, recorded, recorded_days
from v6.analysis import computed_greeks
from v6.clock import NEW_YORK

pytestmark = pytest.mark.long

CHAINS = Path(__file__).resolve().parents[3] / "shared" / "data" / "yahoo_chains"
YAHOO_CHAINS = sorted(CHAINS.glob("*_1002ET.csv.gz"))
needs_recordings = pytest.mark.skipif(not recorded_days(), reason="../shared/data is absent: no recorded greeks of TWS")
needs_chains = pytest.mark.skipif(not YAHOO_CHAINS, reason="../shared/data is absent: no option chains of Yahoo")


def at_two_slots(path: Path) -> pl.DataFrame:
    """Two-sided quotes of two slots of a recorded day with a spot: the recording has none, so it is the forward that
    European parity gives at the three strikes nearest it, discounted with 1 % of dividends."""
    rows = recorded(path).drop_nulls(["bid", "ask", "delta"])
    slots = rows["slot"].unique().sort()
    rows = rows.filter(pl.col("slot").is_in(slots.gather([len(slots) // 3, 2 * len(slots) // 3]).implode()))
    rows = rows.with_columns(middle=(pl.col("bid") + pl.col("ask")) / 2)
    key = ["slot", "symbol", "expiry", "strike"]
    sides = [rows.filter(right=right).select(*key, pl.col("middle").alias(right)) for right in ("C", "P")]
    years = (pl.col("expiry") - pl.col("slot").dt.date()).dt.total_days() / 365
    forwards = (
        sides[0]
        .join(sides[1], on=key)
        .with_columns(gap=pl.col("C") - pl.col("P"), years=years)
        .sort(pl.col("gap").abs())
        .group_by("slot", "symbol")
        .agg(
            ((pl.col("strike") + pl.col("gap")) * (-(0.0365 - 0.01) * pl.col("years")).exp())
            .head(3)
            .median()
            .alias("spot")
        )
    )
    return rows.join(forwards, on=["slot", "symbol"])


@pytest.mark.shared_data
@needs_recordings
@pytest.mark.parametrize("path", recorded_days(), ids=lambda path: path.stem)
def test_recorded_greeks_of_tws_agree_with_computed_ones_in_value_and_unit(path: Path) -> None:
    """SPY, QQQ and IWM as IBKR sent them. The units: a vega a hundredth, or a theta a 252nd, would be far off."""
    rows = at_two_slots(path)
    both = computed_greeks.compute(rows.drop("iv").with_columns(iv=pl.lit(None, pl.Float64)), rate=0.0365).hstack(
        rows.select("delta", "gamma", "vega", "theta")
    )

    assert both.height > 200
    assert both["why_null"].null_count() == both.height
    apart = (both["computed_delta"] - both["delta"]).abs()
    assert apart.median() < 0.01
    assert apart.quantile(0.95) < 0.025
    for name, tolerance in (("gamma", 0.05), ("vega", 0.02), ("theta", 0.05)):
        assert (both[f"computed_{name}"] / both[name]).median() == pytest.approx(1, abs=tolerance), name


def yahoo(path: Path) -> pl.DataFrame:
    """Options of 20 to 120 days within 10 % of the money, at 10:00 New York."""
    symbol = path.name.split("_")[0]
    slot = datetime(2026, 2, 12, 10, 0, tzinfo=NEW_YORK).astimezone(UTC)
    rows = pl.read_csv(path, schema_overrides={"expirationDate": pl.String}).filter(
        pl.col("days_to_expire").is_between(20, 120), pl.col("moneyness").is_between(0.9, 1.1)
    )
    named = rows.select(
        pl.lit(symbol).alias("symbol"),
        pl.lit(symbol).alias("trading_class"),
        pl.lit(slot.date()).alias("trade_date"),
        pl.lit(TASK).alias("task"),
        pl.int_range(pl.len()).alias("con_id"),
        pl.col("expirationDate").str.slice(0, 10).str.to_date().alias("expiry"),
        pl.col("optionType").str.slice(0, 1).str.to_uppercase().alias("right"),
        pl.col("underlyingPrice").alias("underlying_price"),
        pl.col("impliedVolatility").alias("yahoo"),
        pl.col("strike", "bid", "ask").cast(pl.Float64),
        iv=pl.lit(None, pl.Float64),
    )
    return named.with_columns(pl.lit(slot).cast(pl.Datetime("us", "UTC")).alias("slot"))


@pytest.mark.shared_data
@needs_chains
@pytest.mark.parametrize("path", YAHOO_CHAINS, ids=lambda path: path.name.split("_")[0])
def test_calls_and_puts_of_real_chains_agree_with_each_other_and_in_the_mean_with_yahoo(path: Path) -> None:
    """Yahoo's volatilities know neither rates nor dividends: its puts and calls of one strike are points apart, ours
    are not, and the means of the two agree."""
    rows = yahoo(path)
    both = computed_greeks.compute(rows, rate=0.0365).hstack(rows.select("yahoo"))
    near = both.filter((pl.col("strike") / pl.col("spot") - 1).abs() < 0.03, pl.col("why_null").is_null())
    pair = near.filter(right="C").join(near.filter(right="P"), on=["expiry", "strike"], suffix="_put")

    apart = (pair["computed_iv"] - pair["computed_iv_put"]).abs().median()
    assert apart < 0.005
    assert apart < (pair["yahoo"] - pair["yahoo_put"]).abs().median() / 4
    difference = (pair["computed_iv"] + pair["computed_iv_put"] - pair["yahoo"] - pair["yahoo_put"]) / 2
    assert abs(difference.median()) < 0.01
