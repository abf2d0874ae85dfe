"""How much time has verifiably passed: a clock that is a year ahead must not make everything old.

Nothing is removed on the clock's word alone. Days that left something behind (a closed day, a day of runs, of logs)
bear witness that they were lived through, and the newest `witnesses(keep)` of them always stay: four in seven of the
days to be kept, where a year has 4.8 sessions a week, and runs and logs every day. A week of clean data and a clock of
next year remove nothing; in a life without gaps of weeks the rule is never felt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from v6.restart.counted import counted

BEFORE_V6 = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Limit:
    """`first_kept`: days before it may go. `held_back`: the witnesses are fewer than the clock claims, in words."""

    first_kept: date
    held_back: str = ""


def witnesses(keep: int) -> int:
    """Days with a trace that always stay, of `keep` days by the clock."""
    return max(1, keep * 4 // 7)


def limit(today: date, keep: int, lived: Iterable[date]) -> Limit:
    """`keep`: days; `lived`: days that left a trace, in any order, also more than once."""
    by_clock = today - timedelta(days=keep)
    days = sorted(set(lived), reverse=True)
    needed = witnesses(keep)
    by_trace = days[needed - 1] if len(days) >= needed else BEFORE_V6
    if by_trace >= by_clock:
        return Limit(by_clock)
    newer = sum(day >= by_clock for day in days)
    left = f"{counted(newer, 'day')} since {by_clock} left a trace"
    return Limit(by_trace, f"the clock says {today}, but only {left}, not {needed}")
