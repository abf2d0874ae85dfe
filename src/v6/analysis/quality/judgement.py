"""All rules over one trade date: what they found, a score for each, and their total."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from v6.analysis.quality.given import Given
from v6.analysis.quality.outcome import FINDING, Outcome
from v6.analysis.quality.rules import RULES, Severity

if TYPE_CHECKING:
    from v6.config.settings import QualityRule

TOTAL = "total"
DEFAULT_WEIGHT = 1.0
COMPLETENESS: tuple[QualityRule, ...] = ("missing_slots", "missing_contracts")
COUNTS_THE_REST = re.compile(r"and (\d+) more findings ")
ORDER: dict[Severity, int] = {"critical": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Judgement:
    """`findings`: columns of quality_findings but the day's and the task's; `scores`: those of quality_scores.

    `outcomes`: rule -> what it said, in the order of RULES.
    """

    outcomes: dict[QualityRule, Outcome]
    findings: pl.DataFrame
    scores: pl.DataFrame
    critical: tuple[str, ...]

    @property
    def unable(self) -> dict[str, str]:
        """Rule -> why it could not look."""
        return {name: said.unable for name, said in self.outcomes.items() if not said.checked}

    @property
    def failed(self) -> list[QualityRule]:
        """Critical rules that are breached."""
        return [name for name, said in self.outcomes.items() if name in self.critical and said.breached]

    @property
    def total(self) -> float | None:
        """0 to 100; None: no rule could look."""
        score: float | None = self.scores.filter(pl.col("rule") == TOTAL)["score"][0]
        return score


def judge(given: Given) -> Judgement:
    """Run every rule."""
    outcomes = {name: rule.function(given) for name, rule in RULES.items()}
    critical = tuple(given.limits.critical)
    return Judgement(outcomes, _findings(given, outcomes), _scores(given, outcomes), critical)


def _findings(given: Given, outcomes: dict[QualityRule, Outcome]) -> pl.DataFrame:
    """Worst first, numbered from 1; of a rule at most `max_findings_per_rule`, and one more that counts the rest,
    another if some of the rest are tolerated."""
    parts = [pl.DataFrame(schema=FINDING).with_columns(rule=pl.lit(""), severity=pl.lit(""))]
    for name, said in outcomes.items():
        severe = "critical" if name in given.limits.critical else RULES[name].severity
        found = said.findings.sort("severe", "slot", "symbol", "con_id", descending=[True, False, False, False])
        kept, rest = found.head(given.limits.max_findings_per_rule), found.slice(given.limits.max_findings_per_rule)
        graded = pl.when("severe").then(pl.lit(severe)).otherwise(pl.lit("info")).alias("severity")
        kinds = (kept, _counted(rest.filter("severe")), _counted(rest.filter(~pl.col("severe"))))
        parts += [frame.with_columns(pl.lit(name).alias("rule"), graded) for frame in kinds]
    ranks = pl.col("severity").replace_strict(ORDER, return_dtype=pl.Int8)
    places = pl.col("rule").replace_strict({name: place for place, name in enumerate(RULES)}, return_dtype=pl.Int8)
    return (
        pl.concat(parts)
        .sort(ranks, places, maintain_order=True)
        .drop("severe")
        .with_row_index("number", offset=1)
        .with_columns(pl.col("number").cast(pl.Int32))
    )


def _counted(rest: pl.DataFrame) -> pl.DataFrame:
    """The one row that stands for findings beyond the most a rule may store; none when there are none."""
    if rest.is_empty():
        return rest
    severe = bool(rest["severe"][0])
    words = f"and {len(rest)} more findings {'beyond what is' if severe else 'within what is'} tolerated"
    return rest.head(1).select(
        "table",
        *(pl.lit(None, dtype=FINDING[name]).alias(name) for name in ("slot", "symbol", "con_id", "column")),
        pl.lit(float(len(rest))).alias("value"),
        pl.lit(None, dtype=pl.Float64).alias("limit"),
        pl.lit(int(rest["rows"].sum()), dtype=pl.Int32).alias("rows"),
        pl.lit(words).alias("message"),
        pl.lit(severe).alias("severe"),
    )


def counted(message: str) -> int | None:
    """How many findings a stored row stands for that have none of their own (`_counted`); None: it is one itself."""
    found = COUNTS_THE_REST.match(message)
    return int(found[1]) if found else None


def _scores(given: Given, outcomes: dict[QualityRule, Outcome]) -> pl.DataFrame:
    """A row a rule: checked, failed, weight, score = 100 (1 - failed / checked), null when nothing was checked.

    The row `total`: score is the mean of the scores by weight over the rules that could look, and never above the share
    of the expected quotes that were collected (_collected): what is not there cannot be good. Its checked counts these
    rules, its failed those of them that are breached, its weight is the sum of theirs.
    """
    rows: list[dict[str, str | float | None]] = []
    scored: list[tuple[float, float]] = []
    for name, said in outcomes.items():
        weight = float(given.limits.weights.get(name, DEFAULT_WEIGHT))
        score = 100.0 * (1 - min(said.failed, said.checked) / said.checked) if said.checked else None
        rows.append({"rule": name, "checked": said.checked, "failed": said.failed, "weight": weight, "score": score})
        scored += [] if score is None else [(weight, score)]
    weights = sum(weight for weight, _ in scored)
    mean = sum(weight * score for weight, score in scored) / weights if weights else None
    total = None if mean is None else min(mean, 100.0 * _collected(outcomes))
    breached = sum(outcome.breached for outcome in outcomes.values())
    rows.append({"rule": TOTAL, "checked": len(scored), "failed": breached, "weight": weights, "score": total})
    kinds = {
        "rule": pl.String(),
        "checked": pl.Int64(),
        "failed": pl.Int64(),
        "weight": pl.Float64(),
        "score": pl.Float64(),
    }
    return pl.DataFrame(rows, schema=kinds)


def _collected(outcomes: dict[QualityRule, Outcome]) -> float:
    """0 to 1: the share of slots that were collected, times that of the contracts in them; 1 where nobody can tell."""
    share = 1.0
    for name in COMPLETENESS:
        said = outcomes[name]
        share *= 1 - said.failed / said.checked if said.checked else 1.0
    return share
