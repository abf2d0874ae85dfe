"""The tables of what TWS said: the universe, quotes and bars."""

from __future__ import annotations

from v6.store.columns import ARRIVAL, CON_ID, DAY, MONTH, OPTION, QUOTE, RIGHTS, SLOT, TASK, TRADE_DATE, Column, Table

UNIVERSE_REASONS = frozenset({"position", "coverage", "wing", "nearest", "beyond_quota", "recentred"})
BAR_SOURCES = frozenset({"ibkr"})
BAR_KINDS = frozenset({"TRADES", "OPTION_IMPLIED_VOLATILITY", "HISTORICAL_VOLATILITY"})
BAR_UNITS = frozenset({"shares", "lots", "contracts"})
MARK_SOURCES = frozenset({"mid", "last", "one_sided"})

OPTION_CONTRACTS = Table(
    "option_contracts",
    "the universe: every contract queued for a trade date and which of them are collected; a version is frozen",
    (
        TRADE_DATE,
        Column("version", "integer", "1 before the open, 2 re-centred on the opening price, ...", required=True),
        TASK,
        Column("created_at", "timestamp", "when the version was built", required=True),
        Column("con_id", "long", "IBKR's id of the contract", required=True),
        Column("symbol", "string", "symbol of the underlying", required=True),
        Column("local_symbol", "string", "OCC symbol as TWS writes it"),
        Column("trading_class", "string", "e.g. SPY, SPXW", required=True),
        Column("exchange", "string", "where it is routed, e.g. SMART", required=True),
        Column("currency", "string", "ISO code", required=True),
        Column("multiplier", "double", "shares per contract"),
        Column("expiry", "date", "last trading day", required=True),
        Column("strike", "double", "strike", "price", required=True),
        Column("right", "string", "C call, P put", required=True, allowed=RIGHTS),
        Column("dte", "integer", "calendar days from trade_date to expiry", required=True),
        Column("underlying_price", "double", "price the version was centred on", "price"),
        Column("collected", "boolean", "chosen for the snapshots", required=True),
        Column("held", "boolean", "an open position when the version was built", required=True),
        Column("rank", "integer", "place in the order of choice, from 1"),
        Column("reason", "string", "why it is collected or not", allowed=UNIVERSE_REASONS),
    ),
    key=("trade_date", "version", "con_id"),
    order=("version", "symbol", "expiry", "strike", "right"),
    statistics=("version", "symbol", "con_id"),
)

OPTION_SNAPSHOTS = Table(
    "option_snapshots",
    "one quote of one option in one slot",
    (
        *SLOT,
        *OPTION,
        *QUOTE,
        Column("open_interest", "double", "open contracts at the last close (generic tick 101)", "size"),
        Column("iv", "double", "implied volatility of TWS's model", "volatility"),
        Column("delta", "double", "delta", "greek"),
        Column("gamma", "double", "gamma", "greek"),
        Column("vega", "double", "vega", "greek"),
        Column("theta", "double", "theta", "greek"),
        Column("underlying_price", "double", "price of the underlying that the model used", "price"),
        *ARRIVAL,
    ),
    key=("task", "slot", "con_id"),
    order=("symbol", "expiry", "strike", "right", "slot"),
    statistics=("slot", "task", "symbol", "con_id"),
)

UNDERLYING_SNAPSHOTS = Table(
    "underlying_snapshots",
    "one quote of one underlying in one slot",
    (*SLOT, *QUOTE, Column("close", "double", "close of the previous session", "price"), *ARRIVAL),
    key=("task", "slot", "con_id"),
    order=("symbol", "slot"),
    statistics=("slot", "task", "symbol", "con_id"),
)

FUTURES_SNAPSHOTS = Table(
    "futures_snapshots",
    "one quote of one future in one slot, with its changes from historical bars (formulas: the job's docstring)",
    (
        *SLOT,
        Column("local_symbol", "string", "e.g. ESH6"),
        Column("expiry", "date", "last trading day", required=True),
        *QUOTE,
        Column("open_interest", "double", "open contracts", "size"),
        Column("close", "double", "previous settlement or close as TWS sends it", "price"),
        Column("change_1h", "double", "over the last hour", "fraction"),
        Column("change_4h", "double", "over the last four hours", "fraction"),
        Column("change_overnight", "double", "since the close of the last NYSE session", "fraction"),
        Column("change_daily", "double", "since the previous daily close", "fraction"),
        *ARRIVAL,
    ),
    key=("task", "slot", "con_id"),
    order=("symbol", "expiry", "slot"),
    statistics=("slot", "task", "symbol", "con_id"),
)

CLOSING_MARKS = Table(
    "closing_marks",
    "the closing quote of every contract of the day's universe, with a settlement-like mark",
    (
        *SLOT,
        *OPTION,
        *QUOTE,
        Column("open_interest", "double", "open contracts at the last close (generic tick 101)", "size"),
        Column("iv", "double", "implied volatility of TWS's model", "volatility"),
        Column("delta", "double", "delta", "greek"),
        Column("underlying_price", "double", "price of the underlying that the model used", "price"),
        Column("mark", "double", "what the contract is worth at the close (formula: the job's docstring)", "price"),
        Column("mark_source", "string", "what the mark is made of", allowed=MARK_SOURCES),
        *ARRIVAL,
    ),
    key=("task", "slot", "con_id"),
    order=("symbol", "expiry", "strike", "right"),
    statistics=("slot", "task", "symbol", "con_id"),
)

BARS = Table(
    "bars",
    "historical bars; a final one never changes",
    (
        MONTH,
        DAY,
        CON_ID,
        Column("symbol", "string", "symbol of the stock, index or future, e.g. SPY, VIX, ES", required=True),
        Column("sec_type", "string", "STK, IND or FUT", required=True, allowed=frozenset({"STK", "IND", "FUT"})),
        Column("local_symbol", "string", "of a future, e.g. ESH6"),
        Column("expiry", "date", "of a future"),
        Column("bar_size", "string", "as TWS words it: 1 day, 5 mins", required=True),
        Column("what", "string", "as TWS words it", required=True, allowed=BAR_KINDS),
        Column("regular", "boolean", "true: regular trading hours only", required=True),
        Column("start", "timestamp", "first instant; of a daily bar the open of its session", required=True),
        Column("end", "timestamp", "first instant after it; of the session's last bar the close", required=True),
        Column("open", "double", "first price, or volatility", "price", required=True),
        Column("high", "double", "highest", "price", required=True),
        Column("low", "double", "lowest", "price", required=True),
        Column("close", "double", "last", "price", required=True),
        Column("volume", "double", "traded in the bar, in `unit`; null for volatilities and indices", "size"),
        Column("wap", "double", "volume-weighted average price", "price"),
        Column("count", "long", "trades in the bar"),
        Column("unit", "string", "what `volume` counts; null: there is none", allowed=BAR_UNITS),
        Column("final", "boolean", "its session was over for five minutes when it was asked for", required=True),
        Column("source", "string", "who made the bar", required=True, allowed=BAR_SOURCES),
        TASK,
        Column("received_at", "timestamp", "when it was asked for", required=True),
    ),
    key=("con_id", "bar_size", "what", "regular", "start"),
    order=("bar_size", "what", "symbol", "con_id", "start"),
    statistics=("trade_date", "bar_size", "what", "symbol", "con_id"),
    partition="month",
)
