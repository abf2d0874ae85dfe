"""The day's quality: its score with every part, and what the rules found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from v6 import clock

if TYPE_CHECKING:
    from v6.store.lake import Lake

TOTAL = "total"
SEVERITIES = ("critical", "warning", "info")
SHOWN = 60
ROUNDING = 0.01


@dataclass(frozen=True, slots=True)
class Part:
    """One rule. `cost`: points of the total that it takes away; None where it was not checked, or the stored total is
    not the weighted mean of the parts."""

    rule: str
    checked: int
    failed: int
    weight: float
    score: float | None
    cost: float | None


@dataclass(frozen=True, slots=True)
class Found:
    """One finding, as stored; its numbers are in the unit of its rule."""

    severity: str
    rule: str
    table: str
    slot: datetime | None
    symbol: str | None
    con_id: int | None
    column: str | None
    value: float | None
    limit: float | None
    rows: int
    message: str


@dataclass(frozen=True, slots=True)
class Quality:
    """`score` 0 to 100, None: there is none, or nothing was checked. `findings`: the first SHOWN, gravest first;
    `counts`: all of them by severity."""

    judged: bool
    score: float | None
    parts: tuple[Part, ...]
    findings: tuple[Found, ...]
    counts: tuple[tuple[str, int], ...]

    @property
    def not_shown(self) -> int:
        return sum(count for _, count in self.counts) - len(self.findings)


def read(lake: Lake, day: date) -> Quality:
    columns = ["rule", "checked", "failed", "weight", "score"]
    scores = lake.read("quality_scores", trade_date=day, columns=columns).rows()
    total = next((row[4] for row in scores if row[0] == TOTAL), None)
    names = [field for field in Found.__dataclass_fields__ if field != "severity"]
    stored = lake.read("quality_findings", trade_date=day, columns=["severity", *names]).rows()
    found = sorted((_found(*row) for row in stored), key=lambda one: SEVERITIES.index(one.severity))
    counts = tuple((name, sum(one.severity == name for one in found)) for name in SEVERITIES)
    parts = _parts([row for row in scores if row[0] != TOTAL], total)
    return Quality(bool(scores), total, parts, tuple(found[:SHOWN]), counts)


def _parts(rows: list[tuple[str, int, int, float, float | None]], total: float | None) -> tuple[Part, ...]:
    """By cost, then rule."""
    weights = sum(weight for *_, weight, score in rows if score is not None)
    costs = {row[0]: row[3] * (100 - row[4]) / weights for row in rows if row[4] is not None and weights}
    adds_up = total is not None and abs(100 - sum(costs.values()) - total) < ROUNDING
    parts = [Part(*row, costs.get(row[0]) if adds_up else None) for row in rows]
    return tuple(sorted(parts, key=lambda part: (-(part.cost or 0.0), part.rule)))


def _found(severity: str, rule: str, table: str, slot: datetime | None, *rest: object) -> Found:
    at = slot.astimezone(clock.NEW_YORK) if slot else None
    return Found(severity, rule, table, at, *rest)  # type: ignore[arg-type]
