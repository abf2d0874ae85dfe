"""Rows that should not be there at all: outside the session (L06), twice; and tables of another shape (L19)."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from v6.analysis.quality.given import Given, Span
from v6.analysis.quality.outcome import Outcome, contract, described, listed, unable, united

SNAPSHOTS = ("option_snapshots", "underlying_snapshots", "futures_snapshots")
KEYS: dict[str, tuple[str, ...]] = dict.fromkeys((*SNAPSHOTS, "closing_marks"), ("slot", "con_id")) | {
    "bars": ("con_id", "bar_size", "what", "regular", "start")
}


def outside_session(given: Given) -> Outcome:
    """Quotes of a slot before the open, or at the close or later; bars of regular hours beyond either.

    `closing_marks` are exempt: they are asked for after the close. checked: rows. On a day without a session every row
    is wrong, so a session's run looks at the closed days before it too. A finding a slot and symbol; of bars one a
    contract.
    """
    opens, closes = _utc(given.session)
    bars_from, bars_until = _utc(given.bar_session)
    never = pl.lit(value=False)
    parts = []
    for table, rows in given.rows(*SNAPSHOTS):
        inside = pl.col("slot").is_between(opens, closes, closed="left") if opens else never
        wrong = rows.filter(~inside).group_by("slot", "symbol", maintain_order=True).len("found")
        parts.append(Outcome(len(rows), int(wrong["found"].sum()), _outside(wrong, table, "quotes")))
    for table, rows in given.closed_rows.items():
        wrong = rows.group_by("slot", "symbol", maintain_order=True).len("found")
        parts.append(Outcome(len(rows), len(rows), _outside(wrong, table, "quotes")))
    for table, rows in given.rows("bars"):
        bars = rows.filter(pl.col("regular") & (pl.col("bar_size") != "1 day"))
        inside = (
            pl.col("start").is_between(bars_from, bars_until) & (pl.col("end") <= bars_until) if bars_from else never
        )
        wrong = bars.filter(~inside).group_by("con_id", "symbol", maintain_order=True).len("found")
        parts.append(Outcome(len(bars), int(wrong["found"].sum()), _outside(wrong, table, "bars")))
    return united(parts, "no quotes or bars that day")


def duplicates(given: Given) -> Outcome:
    """Two rows of one contract and slot (of bars: of one start). The lake refuses them within a task, not between two.

    checked: rows; failed: those beyond the first of each.
    """
    parts = []
    for table, rows in given.rows(*KEYS):
        key = list(KEYS[table])
        doubled = (
            rows.group_by(key, maintain_order=True)
            .agg(pl.len().alias("found"), *(pl.col(name).first() for name in _shown(rows, key)))
            .filter(pl.col("found") > 1)
            .with_columns(more=pl.col("found") - 1)
        )
        words = pl.format("{}: {} rows of one {}", contract(doubled), "found", pl.lit(" and ".join(key)))
        found = described(doubled, table, words, value=pl.col("found"), limit=1.0, rows=pl.col("more"))
        parts.append(Outcome(len(rows), int(doubled["more"].sum()), found))
    return united(parts, "no rows that day")


def schema_drift(given: Given) -> Outcome:
    """A stored table whose columns, types or partition are not the declared ones. checked: tables that are stored."""
    if not given.drift:
        return unable("no table is stored")
    rows = [{"table": name, "message": words} for name, words in given.drift.items() if words]
    return Outcome(len(given.drift), len(rows), listed(rows))


def _utc(span: Span | None) -> tuple[datetime | None, datetime | None]:
    return (span[0].astimezone(UTC), span[1].astimezone(UTC)) if span else (None, None)


def _shown(rows: pl.DataFrame, key: list[str]) -> list[str]:
    return [name for name in ("symbol", "expiry", "strike", "right") if name in rows.columns and name not in key]


def _outside(wrong: pl.DataFrame, table: str, what: str) -> pl.DataFrame:
    words = pl.format("{} {} of {} outside the session", "found", pl.lit(what), "symbol")
    return described(wrong, table, words, value=pl.col("found"), limit=0.0, rows=pl.col("found"))
