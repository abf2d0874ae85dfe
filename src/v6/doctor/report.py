"""The report, for people and for programs. Standard library only."""

import json
from collections.abc import Iterable, Sequence

from v6 import clock
from v6.analysis.findings import State
from v6.doctor.examine import Examined
from v6.doctor.lines import TABLE

MARKS = {State.OK: " ", State.FAILED: "!", State.COULD_NOT_CHECK: "?"}
WIDTH = max(len(name) for name in TABLE) + 2
FAILED = 1


def exit_code(found: Iterable[Examined]) -> int:
    """0: nothing has failed (what could not be checked is no failure), 1: something has."""
    return FAILED if any(one.state is State.FAILED for one in found) else 0


def line(one: Examined) -> str:
    """`! name  evidence`, and below it what to do."""
    words = f"{MARKS[one.state]} {one.line:<{WIDTH}}{one.evidence}"
    return f"{words}\n  {'':<{WIDTH}}to do: {one.cure}" if one.cure else words


def summary(found: Sequence[Examined]) -> str:
    counts = {state: sum(1 for one in found if one.state is state) for state in State}
    said = f"{counts[State.OK]} ok, {counts[State.FAILED]} failed, {counts[State.COULD_NOT_CHECK]} could not be checked"
    return f"{said} (! failed, ? could not be checked; docs/operations.md explains every line)"


def as_json(found: Sequence[Examined]) -> str:
    lines = [
        {"name": one.line, "state": str(one.state), "evidence": one.evidence, "cure": one.cure,
         "holds": TABLE[one.line].holds}
        for one in found
    ]  # fmt: skip
    return json.dumps({"at": clock.now().isoformat(), "well": exit_code(found) == 0, "lines": lines}, indent=2)
