"""Statistics of an underlying's options in one slot: the columns SURFACE of `store/result_tables.py`. Pure, vectorised.

A frame of quotes has one row for every contract of the frozen universe and every (trade_date, slot, symbol) that is
asked for, quoted or not: trade_date, slot, symbol, con_id, trading_class, expiry, strike, right, bid, ask, `iv` and
`delta` `gamma` `vega` `theta` (those in use: `in_use`), `computed`, volume and open_interest (the last ones known:
`last_known`). So a contract that was not collected counts as missing and is never left out of the count.
"""

import polars as pl

from v6.analysis import parity, surface
from v6.analysis.parity import GROUP
from v6.model import WhyNull

GREEKS = ("delta", "gamma", "vega", "theta")
SIDES = (("calls", "C"), ("puts", "P"))
DECIMALS = 10
"""Results are rounded to this many, so that the order in which a sum was taken never shows in what is stored."""


def of_slots(quotes: pl.DataFrame, rate: float) -> pl.DataFrame:
    """One row a (trade_date, slot, symbol), sorted: the columns SURFACE. `rate`: risk-free, continuous, a year."""
    priced = parity.with_middles(quotes.sort(*GROUP, "expiry", "strike", "right", "con_id"))
    chain = surface.one_class(priced)
    pairs = parity.pairs(chain)
    forwards = parity.forwards(pairs, rate)
    counted = totals(priced)
    moved = counted.select(*GROUP, "quoted").join(parity.straddles(pairs, forwards), on=GROUP, how="left")
    no_move = pl.when(pl.col("quoted") == 0).then(_lit(WhyNull.NO_QUOTES)).otherwise(_lit(WhyNull.NO_STRADDLE))
    moved = moved.with_columns(
        pl.when(pl.col("expected_move").is_null()).then(no_move).alias("expected_move_reason")
    ).drop("quoted")
    parts = (surface.of_curves(chain, forwards), moved, counted.drop("quoted"))
    joined = priced.select(GROUP).unique(maintain_order=True)
    for part in parts:
        joined = joined.join(part, on=GROUP, how="left")
    return joined.with_columns(pl.col(pl.Float64).round(DECIMALS)).sort(GROUP)


def totals(quotes: pl.DataFrame) -> pl.DataFrame:
    """Counts, volumes, open interest, and the distribution of IV and greeks over the universe's contracts, per group.

    contracts: of the universe. contracts_quoted: with bid and ask. contracts_with_iv: with an IV in use;
    computed_iv_share = the computed ones of these / these (null without any). iv_std: sample standard deviation
    (n - 1, null of one value). Quartiles: linear between order statistics (numpy's default). Greeks: plain means over
    the contracts that have them, calls and puts together. volume_*: sums over contracts of each one's last cumulative
    volume, never over slots (L22). put_call_volume_ratio = volume_puts / volume_calls; null: no_volume (neither, or no
    put, has one), no_call_volume (calls traded 0, or none has one). Open interest likewise.
    """
    iv, had = pl.col("iv"), pl.col("iv").count() > 0
    sides = [
        expression
        for name in ("volume", "open_interest")
        for expression in (
            _sum(name).alias(f"{name}_total"),
            *(_sum(name, right).alias(f"{name}_{side}") for side, right in SIDES),
        )
    ]
    two_sided = pl.col("bid").is_not_null() & pl.col("ask").is_not_null()
    grouped = quotes.group_by(GROUP, maintain_order=True).agg(
        *sides,
        iv.mean().alias("iv_mean"),
        iv.std().alias("iv_std"),
        iv.min().alias("iv_min"),
        *(
            iv.quantile(share, "linear").alias(name)
            for share, name in ((0.25, "iv_p25"), (0.5, "iv_median"), (0.75, "iv_p75"))
        ),
        iv.max().alias("iv_max"),
        *(pl.col(greek).mean().alias(f"{greek}_mean") for greek in GREEKS),
        pl.len().alias("contracts"),
        two_sided.sum().alias("contracts_quoted"),
        iv.count().alias("contracts_with_iv"),
        pl.when(had).then((pl.col("computed") & iv.is_not_null()).sum() / iv.count()).alias("computed_iv_share"),
        pl.col("middle").count().alias("quoted"),
    )
    no_iv = pl.when(pl.col("contracts_quoted") == 0).then(_lit(WhyNull.NO_QUOTES)).otherwise(_lit(WhyNull.NO_IV))
    return (
        grouped.with_columns(pl.when(pl.col("iv_mean").is_null()).then(no_iv).alias("iv_mean_reason"))
        .with_columns(*_ratio("volume", "put_call_volume_ratio", WhyNull.NO_VOLUME, WhyNull.NO_CALL_VOLUME))
        .with_columns(
            *_ratio("open_interest", "put_call_oi_ratio", WhyNull.NO_OPEN_INTEREST, WhyNull.NO_CALL_OPEN_INTEREST)
        )
        .drop("open_interest_calls", "open_interest_puts")
    )


def in_use(quotes: pl.DataFrame, lowest: float, highest: float) -> pl.DataFrame:
    """Puts the volatility and greeks in use into iv, delta, gamma, vega, theta, and adds `computed`.

    TWS's iv where lowest < iv <= highest, else computed_iv, else null; `computed` says which. Each greek: TWS's, else
    the computed one; beside a volatility of TWS outside of the limits its greeks, which follow from it, are not used
    either. The columns computed_* are dropped.
    """
    usable = (pl.col("iv") > lowest) & (pl.col("iv") <= highest)
    own = pl.when(usable).then(pl.col("iv"))
    believed = pl.col("iv").is_null() | usable
    return quotes.with_columns(
        pl.coalesce(own, "computed_iv").alias("iv"),
        (own.is_null() & pl.col("computed_iv").is_not_null()).alias("computed"),
        *(pl.coalesce(pl.when(believed).then(pl.col(greek)), f"computed_{greek}").alias(greek) for greek in GREEKS),
    ).drop("computed_iv", *(f"computed_{greek}" for greek in GREEKS))


def needs_volatility(lowest: float, highest: float) -> pl.Expr:
    """Rows whose iv by TWS is absent or outside (lowest, highest]."""
    return ((pl.col("iv") > lowest) & (pl.col("iv") <= highest)).fill_null(value=False).not_()


def last_known(asked: pl.DataFrame, stored: pl.DataFrame, column: str) -> pl.DataFrame:
    """`asked` with `column` (a cumulative volume, an open interest) filled, where its slot has none, with the
    contract's last value at an earlier slot of the same trade date. Both frames: trade_date, slot, con_id, column; a
    slot that is null has none."""
    missing = asked.filter(pl.col(column).is_null()).sort("slot")
    latest = missing["slot"].max()
    if latest is None:
        return asked
    contract = ["trade_date", "con_id"]
    earlier = (
        stored.lazy()
        .select(*contract, "slot", column)
        .filter(pl.col(column).is_not_null(), pl.col("slot") < latest)
        .join(missing.lazy().select(contract).unique(), on=contract, how="semi")
        .collect()
        .sort("slot")
    )
    found = missing.drop(column).join_asof(earlier, on="slot", by=contract, check_sortedness=False)
    return pl.concat([asked.filter(pl.col(column).is_not_null()), found.select(asked.columns)])


def quoted(rows: pl.DataFrame) -> pl.DataFrame:
    """trade_date, slot, symbol, quoted: how many contracts have bid and ask, of every slot with a row."""
    two_sided = pl.col("bid").is_not_null() & pl.col("ask").is_not_null()
    counted = rows.lazy().group_by("slot", "symbol").agg(pl.col("trade_date").first(), two_sided.sum().alias("quoted"))
    return counted.select(*GROUP, "quoted").collect()


def as_of(quoted: pl.DataFrame) -> pl.DataFrame:
    """Per (trade_date, symbol): `as_of`, the last slot at which at least half as many contracts have bid and ask as at
    the day's best slot, and `slots`, how many slots have at least one. `quoted`: see there, of the session's slots."""
    enough = 2 * pl.col("quoted") >= pl.col("quoted").max()
    return (
        quoted.filter(pl.col("quoted") > 0)
        .group_by("trade_date", "symbol")
        .agg(pl.col("slot").filter(enough).max().alias("as_of"), pl.len().alias("slots"))
    )


def _sum(name: str, right: str | None = None) -> pl.Expr:
    """The sum over contracts; null where no contract has a value."""
    values = pl.col(name) if right is None else pl.col(name).filter(pl.col("right") == right)
    return pl.when(values.count() > 0).then(values.sum())


def _ratio(name: str, ratio: str, none: WhyNull, no_calls: WhyNull) -> tuple[pl.Expr, ...]:
    """The reasons of NAME_total, and the ratio of puts to calls with its reason."""
    total, calls, puts = (pl.col(f"{name}_{part}") for part in ("total", "calls", "puts"))
    value = pl.when(calls > 0).then(puts / calls)
    why = pl.when(puts.is_null()).then(_lit(none)).when(calls.is_null() | (calls <= 0)).then(_lit(no_calls))
    return (
        pl.when(total.is_null()).then(_lit(none)).alias(f"{name}_total_reason"),
        value.alias(ratio),
        why.alias(f"{ratio}_reason"),
    )


def _lit(reason: WhyNull) -> pl.Expr:
    return pl.lit(reason.value)
