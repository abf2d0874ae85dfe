"""Stored statistics are what the stored quotes give: recomputed on a sample of the days whose quotes are still there.

The sample: the newest and the oldest day that has both daily statistics and quotes, and three between them, drawn anew
each week (the ISO week is the seed: a repeat in the week looks at the same days). A day that is kept for 90 days is
looked at as the newest of its week or with a probability of nearly a half.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date

from v6.analysis.findings import Finding, could_not_check, of_problems
from v6.runner.context import Context
from v6.statistics import recompute

BETWEEN = 3
Difference = Callable[[Context, date], list[str]]


def sample(days: Sequence[date], today: date) -> list[date]:
    """Of `days` (sorted): the first, the last, and BETWEEN of the others."""
    between = list(days[1:-1])
    year, week, _ = today.isocalendar()
    drawn = random.Random(100 * year + week).sample(between, min(BETWEEN, len(between)))  # noqa: S311 - not a secret
    return sorted({*days[:1], *drawn, *days[-1:]})


def statistics_agree(ctx: Context, difference: Difference = recompute.difference) -> Finding:
    """`difference`: of a day, what differs in words with the day."""
    today = ctx.now().date()
    quoted = set(ctx.lake.partitions("option_snapshots"))
    computed = set(ctx.lake.read("daily_statistics", columns=["trade_date"])["trade_date"].unique().to_list())
    days = sorted(day for day in quoted & computed if day < today)
    if not days:
        return could_not_check("statistics", "no day that is over has both quotes and daily statistics")
    chosen = sample(days, today)
    problems = [what for day in chosen for what in difference(ctx, day)]
    return of_problems("statistics", problems, f"recomputed {', '.join(map(str, chosen))}: as stored")
