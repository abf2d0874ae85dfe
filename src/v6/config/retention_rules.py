"""Which tables may expire. What cannot be had again, and what statistics over years need, is kept for ever (L22)."""

MAY_EXPIRE = frozenset(
    {"option_snapshots", "underlying_snapshots", "futures_snapshots", "option_greeks", "closing_marks"}
)
FOR_EVER = frozenset(
    {
        "option_contracts",
        "bars",
        "intraday_statistics",
        "daily_statistics",
        "quality_findings",
        "quality_scores",
        "slot_ledger",
        "task_runs",
        "positions",
        "open_orders",
        "executions",
        "reconciliation",
    }
)
MOST_DAYS = 36500
"""A hundred years. What is to stay for longer is left out: then it is kept for ever."""


def may_expire(table: str) -> str:
    """The name of a table with a retention. Raises ValueError for one that is kept for ever, or is none."""
    allowed = f"allowed: {', '.join(sorted(MAY_EXPIRE))}"
    if table in FOR_EVER:
        raise ValueError(f"{table} is kept for ever (docs/data.md, Upkeep), {allowed}")
    if table not in MAY_EXPIRE:
        raise ValueError(f"{table} is no table, {allowed}")
    return table


def days(given: object) -> object:
    """The days of a table. Raises ValueError for null, the likely slip for "keep it for ever"."""
    if given is None:
        raise ValueError("null is wrong, allowed: days, 7 or more; a table that is left out is kept for ever")
    return given
