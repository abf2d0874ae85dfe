"""Every rule, in one table: its name in settings and findings, how bad a breach is, what it looks at, its function.

`settings.quality.critical` makes a rule's breach critical, whatever stands here; a finding within what the settings
tolerate is `info`. The formulas are in the functions' docstrings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from v6.analysis.quality import arbitrage, bars, nulls, parity, prices, quotes, rows, slots, volatility, volumes
from v6.analysis.quality.given import Given
from v6.analysis.quality.outcome import Outcome

if TYPE_CHECKING:
    from v6.config.settings import QualityRule

Severity = Literal["critical", "warning", "info"]


class Rule(NamedTuple):
    """`value`, `limit`: what the columns of these names hold in a finding of the rule; NULL: they are always null.
    docs/data.md says both, and what to do."""

    severity: Severity
    tables: str
    checks: str
    function: Callable[[Given], Outcome]
    value: str
    limit: str


NULL = "null"


ALL_QUOTES = "snapshots, closing_marks"
OPTIONS = "option_snapshots"

RULES: dict[QualityRule, Rule] = {
    "missing_slots": Rule(
        "warning",
        "slot_ledger",
        "slots of which nothing was collected",
        slots.missing_slots,
        "contracts they expected; null: not known",
        "0",
    ),
    "missing_contracts": Rule(
        "warning",
        "slot_ledger",
        "contracts of a slot without a quote, by reason",
        slots.missing_contracts,
        "share of the slot's contracts that are missing",
        "`max_missing_share`",
    ),
    "null_share": Rule(
        "warning",
        ALL_QUOTES,
        "columns that are null more often than on the days before, or always",
        nulls.null_share,
        "share of rows without a value",
        "usual share + `null_share_rise`, at most 1",
    ),
    "constant_column": Rule(
        "warning",
        OPTIONS,
        "columns with one and the same value in every row",
        nulls.constant_column,
        "that value",
        NULL,
    ),
    "duplicates": Rule(
        "warning",
        f"{ALL_QUOTES}, bars",
        "two rows of one contract and slot",
        rows.duplicates,
        "rows of that contract and slot",
        "1",
    ),
    "schema_drift": Rule(
        "warning", "stored tables", "columns that are not the declared ones", rows.schema_drift, NULL, NULL
    ),
    "outside_session": Rule(
        "warning", "snapshots, bars", "rows outside the session", rows.outside_session, "rows outside", "0"
    ),
    "crossed": Rule("warning", ALL_QUOTES, "bid above ask", quotes.crossed, "bid - ask", "0"),
    "locked": Rule("info", ALL_QUOTES, "bid equals ask", quotes.locked, "bid - ask, which is 0", "0"),
    "one_sided": Rule(
        "warning",
        ALL_QUOTES,
        "share of quotes with one side",
        quotes.one_sided,
        "share of the symbol's rows with one side",
        "`max_one_sided_share`",
    ),
    "stale": Rule(
        "warning",
        OPTIONS,
        "quotes unchanged for slots while the underlying moved",
        quotes.stale,
        "how far the underlying moved, 0.01 is 1 %",
        "`stale_underlying_move`",
    ),
    "frozen": Rule(
        "warning",
        OPTIONS,
        "slots in which a symbol's quotes are those of the slot before",
        quotes.frozen,
        "share of its quotes that are",
        "0.95",
    ),
    "iv_range": Rule(
        "warning",
        OPTIONS,
        "implied volatility outside its range",
        volatility.iv_range,
        "iv",
        "`min_iv` or `max_iv`, the one it passes",
    ),
    "iv_not_invertible": Rule(
        "warning",
        OPTIONS,
        "middles that no volatility leads to",
        volatility.iv_not_invertible,
        "middle of bid and ask",
        "least or most that the option can be worth",
    ),
    "greek_sign": Rule("warning", OPTIONS, "greeks of the wrong sign", volatility.greek_sign, "the greek", "0"),
    "parity": Rule(
        "warning",
        OPTIONS,
        "put-call parity beyond the spreads",
        parity.parity,
        "distance from the bounds in sums of the half spreads; null: both are 0",
        "`parity_spreads`",
    ),
    "butterfly": Rule(
        "warning",
        OPTIONS,
        "prices not convex in the strike, beyond the spreads",
        arbitrage.butterfly,
        "excess in weighted sums of the half spreads; null: all are 0",
        "`arbitrage_spreads`",
    ),
    "calendar": Rule(
        "warning",
        OPTIONS,
        "a longer option worth less than a shorter one, beyond the spreads",
        arbitrage.calendar,
        "excess in sums of the half spreads; null: both are 0",
        "`arbitrage_spreads`",
    ),
    "falling_volume": Rule(
        "warning",
        "snapshots",
        "a cumulative volume that falls",
        volumes.falling_volume,
        "volume",
        "volume of the slot before",
    ),
    "price_jump": Rule(
        "warning",
        OPTIONS,
        "moves that delta and the underlying do not explain",
        prices.price_jump,
        "deviations from the median",
        "`price_jump_deviations`",
    ),
    "unit_jump": Rule(
        "warning",
        "bars",
        "a day's volume in another unit than before",
        volumes.unit_jump,
        "volume / median of the days before",
        "`unit_high` from 1 on, `unit_low` below",
    ),
    "bar_shape": Rule("warning", "bars", "bars whose prices cannot be", bars.bar_shape, NULL, NULL),
    "bar_jump": Rule(
        "warning", "bars", "closes that jump", bars.bar_jump, "deviations from the median", "`price_jump_deviations`"
    ),
    "missing_bars": Rule(
        "warning",
        "bars",
        "bars that a series should have and has not",
        bars.missing_bars,
        "bars that are not there",
        "0",
    ),
}
