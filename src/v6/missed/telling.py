"""What a person is told of missed slots: one message for what one look found, whatever its size."""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zlib import crc32

from v6.clock import NEW_YORK
from v6.journal import events, missed
from v6.missed.catch_up import WORDS
from v6.missed.causes import Cause, Missed, incidents

KEY = "missed:"
"""How the keys of these alerts begin."""
ONCE = (Cause.HOST_DOWN, Cause.SUSPENDED, Cause.CLOCK_JUMPED)
"""These end by themselves: each is an incident of its own. The others go on until somebody mends them."""
NAMED = 12
IN_A_DAY = timedelta(days=1)


def tell(
    db: sqlite3.Connection, found: Sequence[Missed], verdicts: Mapping[Missed, str], now: datetime, quiet: timedelta
) -> int | None:
    """Raise the alert; None when the same tasks were told for the same cause within `quiet`."""
    return events.raise_alert(
        db, severity="failure", title=title(found), body=body(db, found, verdicts, now), key=_key(found), quiet=quiet
    )


def title(found: Sequence[Missed]) -> str:
    """`72 slots missed of 9 tasks: the host was down: last sign of life ..., started again ...`"""
    grouped = incidents(found)
    tasks = sorted({one.task for one in found})
    of = tasks[0] if len(tasks) == 1 else f"{len(tasks)} tasks"
    counted = f"{_count(len(found))} missed of {of}"
    if len(grouped) == 1:
        return f"{counted}: {next(iter(grouped))[1].partition(': is its')[0].partition(', though')[0]}"
    causes = Counter(one.cause for one in found)
    return f"{counted}: {', '.join(f'{cause} {number}' for cause, number in causes.most_common())}"


def body(db: sqlite3.Connection, found: Sequence[Missed], verdicts: Mapping[Missed, str], now: datetime) -> str:
    lines = []
    for (cause, evidence), slots in incidents(found).items():
        lines.append(f"{cause}: {evidence}")
        lines += [f"  {line}" for line in by_task(slots)]
    if caught := [one for one in found if verdicts.get(one)]:
        lines.append("made up (catch_up: same_day):")
        lines += [f"  {one.task} {wall(one.slot)}: {WORDS[verdicts[one]]}" for one in caught]
    in_a_day = missed.found_since(db, now - IN_A_DAY)
    lines += [f"{_count(in_a_day)} found in the last 24 hours"] if in_a_day > len(found) else []
    return "\n".join([*lines, "see: v6 missed"])


def by_task(slots: Sequence[Missed]) -> list[str]:
    """`collect_option_snapshots: 26 from 11-24 10:05 to 11-24 12:10`, the most slots first."""
    lines = []
    counted = Counter(one.task for one in slots)
    for task, number in counted.most_common(NAMED):
        mine = [one.slot for one in slots if one.task == task]
        when = wall(min(mine)) if number == 1 else f"{number} from {wall(min(mine))} to {wall(max(mine))}"
        lines.append(f"{task}: {when}")
    rest = len(counted) - NAMED
    return [*lines, f"and {rest} more tasks"] if rest > 0 else lines


def wall(slot: datetime) -> str:
    """`11-24 10:05`, New York."""
    return f"{slot.astimezone(NEW_YORK):%m-%d %H:%M}"


def _key(found: Sequence[Missed]) -> str:
    parts = {f"{one.cause}:{one.evidence if one.cause in ONCE else one.task}" for one in found}
    return f"{KEY}{crc32('|'.join(sorted(parts)).encode()):08x}"


def _count(number: int) -> str:
    return f"{number} slot" if number == 1 else f"{number} slots"
