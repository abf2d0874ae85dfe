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
    severity: Severity
    tables: str
    checks: str
    function: Callable[[Given], Outcome]


ALL_QUOTES = "snapshots, closing_marks"
OPTIONS = "option_snapshots"

RULES: dict[QualityRule, Rule] = {
    "missing_slots": Rule("warning", "slot_ledger", "slots of which nothing was collected", slots.missing_slots),
    "missing_contracts": Rule(
        "warning", "slot_ledger", "contracts of a slot without a quote, by reason", slots.missing_contracts
    ),
    "null_share": Rule(
        "warning", ALL_QUOTES, "columns that are null more often than on the days before, or always", nulls.null_share
    ),
    "constant_column": Rule(
        "warning", OPTIONS, "columns with one and the same value in every row", nulls.constant_column
    ),
    "duplicates": Rule("warning", f"{ALL_QUOTES}, bars", "two rows of one contract and slot", rows.duplicates),
    "schema_drift": Rule("warning", "stored tables", "columns that are not the declared ones", rows.schema_drift),
    "outside_session": Rule("warning", "snapshots, bars", "rows outside the session", rows.outside_session),
    "crossed": Rule("warning", ALL_QUOTES, "bid above ask", quotes.crossed),
    "locked": Rule("info", ALL_QUOTES, "bid equals ask", quotes.locked),
    "one_sided": Rule("warning", ALL_QUOTES, "share of quotes with one side", quotes.one_sided),
    "stale": Rule("warning", OPTIONS, "quotes unchanged for slots while the underlying moved", quotes.stale),
    "frozen": Rule("warning", OPTIONS, "slots in which a symbol's quotes are those of the slot before", quotes.frozen),
    "iv_range": Rule("warning", OPTIONS, "implied volatility outside its range", volatility.iv_range),
    "iv_not_invertible": Rule("warning", OPTIONS, "middles that no volatility leads to", volatility.iv_not_invertible),
    "greek_sign": Rule("warning", OPTIONS, "greeks of the wrong sign", volatility.greek_sign),
    "parity": Rule("warning", OPTIONS, "put-call parity beyond the spreads", parity.parity),
    "butterfly": Rule("warning", OPTIONS, "prices not convex in the strike, beyond the spreads", arbitrage.butterfly),
    "calendar": Rule(
        "warning", OPTIONS, "a longer option worth less than a shorter one, beyond the spreads", arbitrage.calendar
    ),
    "falling_volume": Rule("warning", "snapshots", "a cumulative volume that falls", volumes.falling_volume),
    "price_jump": Rule("warning", OPTIONS, "moves that delta and the underlying do not explain", prices.price_jump),
    "unit_jump": Rule("warning", "bars", "a day's volume in another unit than before", volumes.unit_jump),
    "bar_shape": Rule("warning", "bars", "bars whose prices cannot be", bars.bar_shape),
    "bar_jump": Rule("warning", "bars", "closes that jump", bars.bar_jump),
    "missing_bars": Rule("warning", "bars", "bars that a series should have and has not", bars.missing_bars),
}
