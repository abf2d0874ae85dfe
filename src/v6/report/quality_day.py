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
    """One rule. `cost`: points it takes away from the mean of the rules, by weight; None: it was not checked."""

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
    """`score` 0 to 100, None: there is none, or nothing was checked; `mean`: of the rules, by weight: the score, unless
    less was collected. `findings`: the first SHOWN, gravest first; `counts`: all that were found by severity, those too
    that are only counted (settings.quality.max_findings_per_rule); `stored`: those that are not."""

    judged: bool
    score: float | None
    mean: float | None
    parts: tuple[Part, ...]
    findings: tuple[Found, ...]
    counts: tuple[tuple[str, int], ...]
    stored: int

    @property
    def limited(self) -> bool:
        """Whether the score is less than the mean of the rules."""
        return self.score is not None and self.mean is not None and self.mean - self.score > ROUNDING

    @property
    def not_shown(self) -> int:
        return sum(count for _, count in self.counts) - len(self.findings)

    @property
    def not_shown_stored(self) -> int:
        """Of these those that have a row of their own."""
        return self.stored - len(self.findings)


NOTHING = Quality(judged=False, score=None, mean=None, parts=(), findings=(), counts=(), stored=0)


def read(lake: Lake, day: date) -> Quality:
    from v6.analysis.quality.judgement import counted

    columns = ["rule", "checked", "failed", "weight", "score"]
    scores = lake.read("quality_scores", trade_date=day, columns=columns).rows()
    total = next((row[4] for row in scores if row[0] == TOTAL), None)
    names = [field for field in Found.__dataclass_fields__ if field != "severity"]
    stored = lake.read("quality_findings", trade_date=day, columns=["severity", *names]).rows()
    found = sorted((_found(*row) for row in stored), key=lambda one: SEVERITIES.index(one.severity))
    counts = tuple(
        (name, sum(counted(one.message) or 1 for one in found if one.severity == name)) for name in SEVERITIES
    )
    own = [one for one in found if counted(one.message) is None]
    rules = [row for row in scores if row[0] != TOTAL]
    known = [(weight, score) for *_, weight, score in rules if score is not None]
    weights = sum(weight for weight, _ in known)
    mean = sum(weight * score for weight, score in known) / weights if weights else None
    return Quality(bool(scores), total, mean, _parts(rules, weights), tuple(own[:SHOWN]), counts, len(own))


def _parts(rows: list[tuple[str, int, int, float, float | None]], weights: float) -> tuple[Part, ...]:
    """By cost, then rule."""
    costs = {row[0]: row[3] * (100 - row[4]) / weights for row in rows if row[4] is not None and weights}
    parts = [Part(*row, costs.get(row[0])) for row in rows]
    return tuple(sorted(parts, key=lambda part: (-(part.cost or 0.0), part.rule)))


def _found(severity: str, rule: str, table: str, slot: datetime | None, *rest: object) -> Found:
    at = slot.astimezone(clock.NEW_YORK) if slot else None
    return Found(severity, rule, table, at, *rest)  # type: ignore[arg-type]
