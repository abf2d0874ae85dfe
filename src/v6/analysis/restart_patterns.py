"""What is unusual about a restart, against the ones before it at the same window. Pure.

For one window, the latest restart x against the up to 30 before it, x itself not among them:

    median m = median(x_1 ... x_n)
    MAD      = median(|x_i - m|)
    score    = (x - m) / max(1.4826 MAD, 20 s)

1.4826 MAD estimates the standard deviation of normal data; |score| > 3.5 is the usual bound [B. Iglewicz, D. Hoaglin,
"How to Detect and Handle Outliers", ASQC 1993, p. 11-12]. The floor of 20 s keeps a clockwork (MAD 0) from calling a
delay of two seconds an anomaly.

- missing: TWS did not restart (`observed` is no_restart) although it restarted in more than half of those in which it
  was seen. What could not be seen (`unknown`) counts on neither side.
- early: it went `away` (seconds after the window's start, negative before it), score < -3.5.
- slow: it was validated `lag` seconds after the window's end, score > 3.5.

Fewer than 8 earlier values give no verdict.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

LAST = 30
ENOUGH = 8
BOUND = 3.5
DEVIATION_OF_MAD = 1.4826
FLOOR_SECONDS = 20.0

Kind = Literal["missing", "early", "slow"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One restart. `away`: seconds from the window's start to the first sign that TWS had gone; `lag`: from its end to
    the validation. None: not seen, not validated."""

    observed: Literal["unknown", "restarted", "no_restart"]
    away: float | None = None
    lag: float | None = None


@dataclass(frozen=True, slots=True)
class Anomaly:
    kind: Kind
    words: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """`undecided`: for which kinds there are too few earlier restarts, in words."""

    anomalies: tuple[Anomaly, ...]
    undecided: tuple[str, ...]


def judge(latest: Sample, earlier: Sequence[Sample]) -> Judgement:
    """`earlier`: of the same window, in any order, at most the last 30 count when the latest come first."""
    before = earlier[:LAST]
    anomalies: list[Anomaly] = []
    undecided: list[str] = []
    for kind, look in _LOOKS.items():
        found = look(latest, before)
        if isinstance(found, str):
            undecided.append(f"{kind}: {found}")
        elif found is not None:
            anomalies.append(found)
    return Judgement(tuple(anomalies), tuple(undecided))


def score(value: float, values: Sequence[float]) -> float:
    """How many robust standard deviations above the median; `values` not empty."""
    middle = median(values)
    spread = DEVIATION_OF_MAD * median(abs(one - middle) for one in values)
    return (value - middle) / max(spread, FLOOR_SECONDS)


def _missing(latest: Sample, before: Sequence[Sample]) -> Anomaly | str | None:
    seen = [one for one in before if one.observed != "unknown"]
    if latest.observed != "no_restart":
        return None
    if len(seen) < ENOUGH:
        return f"seen in {len(seen)} of the earlier ones, {ENOUGH} needed"
    restarted = sum(one.observed == "restarted" for one in seen)
    if 2 * restarted <= len(seen):
        return None
    return Anomaly("missing", f"TWS did not restart, as it did in {restarted} of the last {len(seen)}")


def _early(latest: Sample, before: Sequence[Sample]) -> Anomaly | str | None:
    values = [one.away for one in before if one.away is not None]
    if latest.away is None:
        return None
    if len(values) < ENOUGH:
        return f"measured in {len(values)} of the earlier ones, {ENOUGH} needed"
    if score(latest.away, values) >= -BOUND:
        return None
    usual, away = median(values), latest.away
    return Anomaly(
        "early", f"TWS went {away:+.0f} s from the window's start, the median of {len(values)} is {usual:+.0f}"
    )


def _slow(latest: Sample, before: Sequence[Sample]) -> Anomaly | str | None:
    values = [one.lag for one in before if one.lag is not None]
    if latest.lag is None:
        return None
    if len(values) < ENOUGH:
        return f"measured in {len(values)} of the earlier ones, {ENOUGH} needed"
    if score(latest.lag, values) <= BOUND:
        return None
    return Anomaly(
        "slow",
        f"validated {latest.lag:.0f} s after the window's end, the median of {len(values)} is {median(values):.0f}",
    )


_LOOKS: dict[Kind, Callable[[Sample, Sequence[Sample]], Anomaly | str | None]] = {
    "missing": _missing,
    "early": _early,
    "slow": _slow,
}
