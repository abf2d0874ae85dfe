"""What a rule says: how many it looked at, how many of them are wrong, and the findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

FINDING: dict[str, pl.DataType] = {
    "table": pl.String(),
    "slot": pl.Datetime("us", "UTC"),
    "symbol": pl.String(),
    "con_id": pl.Int64(),
    "column": pl.String(),
    "value": pl.Float64(),
    "limit": pl.Float64(),
    "rows": pl.Int32(),
    "message": pl.String(),
    "severe": pl.Boolean(),
}


@dataclass(frozen=True)
class Outcome:
    """`checked` rows, slots or columns were looked at, `failed` of them are wrong. `findings` has the columns of
    FINDING; one that is not `severe` is within what is tolerated. `unable`: why nothing could be looked at."""

    checked: int
    failed: int
    findings: pl.DataFrame
    unable: str = ""

    @property
    def breached(self) -> bool:
        """Whether the rule fails, beyond what is tolerated."""
        return bool(self.findings["severe"].any())


def unable(why: str) -> Outcome:
    """A rule that could not look is neither fine nor failed."""
    return Outcome(0, 0, none(), why)


def none() -> pl.DataFrame:
    return pl.DataFrame(schema=FINDING)


def listed(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Findings from dicts; `rows` is 1, `severe` true where they are not said, the rest null."""
    full = [{"rows": 1, "severe": True} | dict(row) for row in rows]
    return pl.DataFrame([{name: row.get(name) for name in FINDING} for row in full], schema=FINDING)


def described(wrong: pl.DataFrame, table: str, message: pl.Expr, **cells: pl.Expr | float | str | bool) -> pl.DataFrame:
    """A finding for each row of `wrong`; slot, symbol and con_id are the row's own, `cells` the other columns."""
    given: dict[str, pl.Expr] = {"rows": pl.lit(1), "severe": pl.lit(value=True)}
    given |= {name: value if isinstance(value, pl.Expr) else pl.lit(value) for name, value in cells.items()}
    given |= {"table": pl.lit(table), "message": message}
    for name in FINDING:
        if name not in given:
            given[name] = pl.col(name) if name in wrong.columns else pl.lit(None)
    return wrong.select(given[name].cast(kind).alias(name) for name, kind in FINDING.items())


def contract(frame: pl.DataFrame) -> pl.Expr:
    """`SPY 2026-12-18 690P`; without a strike the symbol."""
    if "strike" not in frame.columns:
        return pl.col("symbol")
    strike = pl.col("strike").cast(pl.String).str.strip_suffix(".0")
    return pl.format("{} {} {}{}", pl.col("symbol"), pl.col("expiry"), strike, pl.col("right"))


def united(parts: Iterable[Outcome], nothing: str) -> Outcome:
    """One outcome of what a rule found in several tables; `nothing`: why, when none of them could be looked at."""
    looked = [part for part in parts if part.checked]
    if not looked:
        return unable(nothing)
    return Outcome(
        sum(part.checked for part in looked),
        sum(part.failed for part in looked),
        pl.concat([part.findings for part in looked]),
    )
