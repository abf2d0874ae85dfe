"""Which tables may expire. What cannot be had again, and what statistics over years need, is kept for ever (L22)."""

from collections.abc import Iterator

from v6.config.settings import Retention

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


def problems(retention: Retention) -> Iterator[tuple[str, str]]:
    """(dotted path, problem) for everything wrong."""
    allowed = f"allowed: {', '.join(sorted(MAY_EXPIRE))}"
    for table in retention.tables:
        if table in FOR_EVER:
            yield f"retention.tables.{table}", f"{table} is kept for ever (docs/data.md, Upkeep), {allowed}"
        elif table not in MAY_EXPIRE:
            yield f"retention.tables.{table}", f"{table} is no table, {allowed}"
