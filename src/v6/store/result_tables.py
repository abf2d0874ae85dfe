"""The tables of what V6 makes of what TWS said: statistics, computed greeks, findings, and exports of the journal.

A statistic that could not be computed is null, and the column `<statistic>_reason` beside it says why. Formulas stand
with the functions that compute them (`v6.analysis`).
"""

from __future__ import annotations

from v6.store.columns import DAY, MONTH, OPTION, SLOT, TASK, TRADE_DATE, WHY_NULL, Column, Table, Unit

SEVERITIES = frozenset({"critical", "warning", "info"})
REGIMES = frozenset({"low_vol", "high_vol", "trending", "range_bound"})


def _explained(name: str, meaning: str, unit: Unit) -> tuple[Column, Column]:
    """A statistic and the column that says why it is null."""
    return Column(name, "double", meaning, unit), _why(name)


def _why(name: str) -> Column:
    return Column(f"{name}_reason", "string", f"why {name} is null", allowed=WHY_NULL)


UNDERLYING = Column("symbol", "string", "symbol of the underlying, e.g. SPY", required=True)
SURFACE = (
    *_explained("atm_iv_30d", "constant-maturity 30-day implied volatility at the forward", "volatility"),
    *_explained("atm_iv_60d", "the same at 60 days", "volatility"),
    *_explained("term_structure_slope", "atm_iv_60d - atm_iv_30d", "difference"),
    *_explained("skew_25d", "IV of the 25-delta put - IV of the 25-delta call, at 30 days", "difference"),
    *_explained("expected_move", "at-the-money straddle of the nearest expiry", "price"),
    Column("expected_move_expiry", "date", "that expiry"),
    *_explained("volume_total", "contracts traded so far, of the universe's options", "size"),
    Column("volume_calls", "double", "of them calls", "size"),
    Column("volume_puts", "double", "of them puts", "size"),
    *_explained("put_call_volume_ratio", "volume_puts / volume_calls", "ratio"),
    *_explained("open_interest_total", "open contracts of the universe's options", "size"),
    *_explained("put_call_oi_ratio", "open interest of puts / of calls", "ratio"),
    *_explained("iv_mean", "mean implied volatility over the universe's options", "volatility"),
    Column("iv_std", "double", "their standard deviation", "measure"),
    Column("iv_min", "double", "lowest", "volatility"),
    Column("iv_p25", "double", "first quartile", "volatility"),
    Column("iv_median", "double", "median", "volatility"),
    Column("iv_p75", "double", "third quartile", "volatility"),
    Column("iv_max", "double", "highest", "volatility"),
    Column("delta_mean", "double", "mean delta", "greek"),
    Column("gamma_mean", "double", "mean gamma", "greek"),
    Column("vega_mean", "double", "mean vega", "greek"),
    Column("theta_mean", "double", "mean theta", "greek"),
    Column("contracts", "integer", "contracts of the universe that should have been there", required=True),
    Column("contracts_quoted", "integer", "of them with bid and ask", required=True),
    Column("contracts_with_iv", "integer", "of them with an implied volatility, TWS's or computed", required=True),
    Column("computed_iv_share", "double", "share of those whose volatility is computed, 0 to 1", "ratio"),
)

INTRADAY_STATISTICS = Table(
    "intraday_statistics",
    "statistics of one underlying in one slot",
    (
        TRADE_DATE,
        Column("slot", "timestamp", "slot of the quotes", required=True),
        UNDERLYING,
        TASK,
        Column("underlying_price", "double", "last trade, else the middle of bid and ask", "price"),
        *SURFACE,
    ),
    key=("slot", "symbol"),
    order=("symbol", "slot"),
    statistics=("slot", "symbol"),
)

DAILY_STATISTICS = Table(
    "daily_statistics",
    "statistics of one underlying on one trade date; kept for ever",
    (
        MONTH,
        DAY,
        UNDERLYING,
        TASK,
        Column("as_of", "timestamp", "slot of the quotes that the surface's statistics are of; null: there is none"),
        *SURFACE,
        Column("slots", "integer", "slots of the day that have quotes of it", required=True),
        Column("slots_expected", "integer", "slots that the calendar asks for", required=True),
        *_explained("iv_rank_30d", "100 (x - min) / (max - min) of atm_iv_30d over the last 30 sessions", "rank"),
        Column("iv_rank_30d_count", "integer", "sessions of these that have a value", required=True),
        *_explained("iv_rank_60d", "over 60", "rank"),
        Column("iv_rank_60d_count", "integer", "sessions of these that have a value", required=True),
        *_explained("iv_rank_90d", "over 90", "rank"),
        Column("iv_rank_90d_count", "integer", "sessions of these that have a value", required=True),
        *_explained("iv_rank_252d", "over 252", "rank"),
        Column("iv_rank_252d_count", "integer", "sessions of these that have a value", required=True),
        *_explained("iv_percentile_1y", "share of the last 252 sessions with a lower atm_iv_30d, times 100", "rank"),
        Column("iv_percentile_1y_count", "integer", "sessions of these that have a value", required=True),
        *_explained("underlying_close", "close of the regular session", "price"),
        Column("underlying_open", "double", "open of the regular session", "price"),
        Column("underlying_high", "double", "highest of the regular session", "price"),
        Column("underlying_low", "double", "lowest of the regular session", "price"),
        *_explained("underlying_return", "close / close of the session before - 1", "fraction"),
        *_explained("volatility_20d", "standard deviation of 20 log returns x sqrt(252)", "volatility"),
        *_explained("volatility_yz_20d", "Yang-Zhang over 20 sessions x sqrt(252)", "volatility"),
        *_explained("trend_20d", "least-squares slope of the log close over 20 sessions", "slope"),
        Column("regime", "string", "low_vol, high_vol, trending, range_bound (docs/data.md)", allowed=REGIMES),
        _why("regime"),
        Column("regime_low_vol", "double", "threshold in force", "volatility", required=True),
        Column("regime_high_vol", "double", "threshold in force", "volatility", required=True),
        Column("regime_trend", "double", "threshold in force", "slope", required=True),
        *_explained("vix_close", "close of VIX", "price"),
    ),
    key=("trade_date", "symbol"),
    order=("symbol", "trade_date"),
    statistics=("trade_date", "symbol"),
    partition="month",
)

OPTION_GREEKS = Table(
    "option_greeks",
    "implied volatility and greeks computed by V6 where TWS sent none (library and model: docs/data.md)",
    (
        *SLOT,
        *OPTION,
        Column("computed_iv", "double", "volatility that gives the middle of bid and ask", "volatility"),
        Column("computed_delta", "double", "delta", "greek"),
        Column("computed_gamma", "double", "gamma", "greek"),
        Column("computed_vega", "double", "vega", "greek"),
        Column("computed_theta", "double", "theta", "greek"),
        Column("why_null", "string", "why there is no volatility", allowed=WHY_NULL),
        Column("price", "double", "middle of bid and ask that was inverted", "price"),
        Column("spot", "double", "price of the underlying", "price"),
        Column("rate", "double", "risk-free rate, continuous, 0.04 is 4 % a year", "fraction"),
        Column("dividend_yield", "double", "continuous, implied by put-call parity", "fraction"),
    ),
    key=("slot", "con_id"),
    order=("symbol", "expiry", "strike", "right", "slot"),
    statistics=("slot", "symbol", "con_id"),
)

QUALITY_FINDINGS = Table(
    "quality_findings",
    "what the rules found in the data of one trade date",
    (
        MONTH,
        DAY,
        TASK,
        Column("number", "integer", "from 1, in the order of severity, rule, slot, contract", required=True),
        Column("rule", "string", "name of the rule (docs/data.md)", required=True),
        Column("severity", "string", "critical makes the run fail", required=True, allowed=SEVERITIES),
        Column("table", "string", "table that was looked at", required=True),
        Column("slot", "timestamp", "slot; null: the whole day"),
        Column("symbol", "string", "underlying; null: all"),
        Column("con_id", "long", "contract; null: several"),
        Column("column", "string", "column; null: the row"),
        Column("value", "double", "what was measured", "measure"),
        Column("limit", "double", "what is allowed", "measure"),
        Column("rows", "integer", "rows that this finding stands for", required=True),
        Column("message", "string", "in words", required=True),
    ),
    key=("trade_date", "number"),
    order=("trade_date", "number"),
    statistics=("trade_date", "rule", "severity"),
    partition="month",
)

QUALITY_SCORES = Table(
    "quality_scores",
    "the quality of one trade date: one row a rule, and one named `total`",
    (
        MONTH,
        DAY,
        TASK,
        Column("rule", "string", "name of the rule, or total", required=True),
        Column("checked", "long", "rows or slots that the rule looked at; 0: it could not look", required=True),
        Column("failed", "long", "of them found wrong", required=True),
        Column("weight", "double", "in the total", "measure", required=True),
        Column("score", "double", "100 x (1 - failed / checked); null: nothing was checked", "rank"),
    ),
    key=("trade_date", "rule"),
    order=("trade_date", "rule"),
    statistics=("trade_date", "rule"),
    partition="month",
)

SLOT_LEDGER = Table(
    "slot_ledger",
    "export of the journal: of every slot of every collector how many contracts a status and reason, no row of none",
    (
        MONTH,
        DAY,
        Column("slot", "timestamp", "scheduled instant", required=True),
        Column("task", "string", "the collector", required=True),
        Column("status", "string", "complete, partial, missing", required=True),
        Column("reason", "string", "why partial or missing; the empty text where complete, never null", required=True),
        Column("contracts", "integer", "how many of the slot have this status and reason, 1 or more", required=True),
        Column("expected", "integer", "contracts that the slot expected in all", required=True),
        Column("universe_version", "integer", "version of the universe"),
    ),
    key=("task", "slot", "status", "reason"),
    order=("task", "slot", "status", "reason"),
    statistics=("trade_date", "task", "slot"),
    partition="month",
)

TASK_RUNS = Table(
    "task_runs",
    "export of the journal: every attempt of every run",
    (
        MONTH,
        DAY,
        Column("run", "long", "its number in the journal", required=True),
        Column("task", "string", "task", required=True),
        Column("slot", "timestamp", "slot; null: started by hand"),
        Column("attempt", "integer", "1 for the first; 0: skipped before it started", required=True),
        Column("started_at", "timestamp", "start", required=True),
        Column("ended_at", "timestamp", "end; null: killed"),
        Column("exit_code", "integer", "exit code"),
        Column("outcome", "string", "success, skip, recoverable, fatal, time_limit, killed, signal"),
        Column("reason", "string", "why it was skipped or ended so", required=True),
        Column("wall_seconds", "double", "duration in seconds", "measure"),
        Column("cpu_seconds", "double", "user and system, in seconds", "measure"),
        Column("peak_memory_mb", "double", "largest resident set, in MB", "measure"),
        Column("summary", "string", "its one line", required=True),
    ),
    key=("trade_date", "run"),
    order=("trade_date", "run"),
    statistics=("trade_date", "task"),
    partition="month",
)
