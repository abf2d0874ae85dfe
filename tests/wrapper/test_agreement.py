"""The gate in bash against `due.decide`: every minute of weeks in which time misbehaves, every kind of task (L04-L07).

Tasks of one kind differ only in the hour or minute they are due at, ordinary weekdays not at all; all of them are in
`make soak`.
"""

import subprocess
from collections.abc import Iterator, Sequence
from datetime import datetime

import pytest

from toy_checkout import ToyCheckout
from v6.clock import NEW_YORK
from v6.scheduler import compiled
from v6.scheduler.due import decide
from v6.scheduler.nyse_calendar import NYSECalendar

pytestmark = pytest.mark.integration

Days = tuple[str, int]
"""The first day, and how many."""
WEEKS: dict[str, Days] = {
    "clocks go forward": ("2026-03-07", 4),
    "Good Friday": ("2026-03-30", 5),
    "clocks go back": ("2026-10-31", 4),
    "Thanksgiving and an early close": ("2026-11-23", 5),
}
SPANS: dict[str, Days] = {  # a Saturday, a Sunday, and an ordinary weekday; an ordinary one, a holiday, an early close
    "clocks go forward": ("2026-03-07", 3),
    "clocks go back": ("2026-10-31", 3),
    "Thanksgiving and an early close": ("2026-11-25", 3),
}
ASK = """
source "$1"
locate
slot_mode=1
mapfile -t schedule <"$home/var/compiled/schedule.txt"
for line in "${schedule[@]}"; do
  [[ $line == task* ]] || continue
  name=${line#task|} name=${name%%|*} v='' r='' s=''
  [[ " ${*:4} " == *" $name "* ]] || continue
  for ((at = $2; at < $3; at += 60)); do
    decide "$name" "$at"
    [[ $verdict == "$v" && $reason == "$r" && $slot == "$s" ]] || printf '%s\n' "$name $at $verdict $reason $slot"
    v=$verdict r=$reason s=$slot
  done
done
"""


def schedule_of(checkout: ToyCheckout) -> compiled.Schedule:
    return compiled.load(checkout.home / "var" / "compiled" / "schedule.txt")


def one_of_each_kind(schedule: compiled.Schedule) -> list[compiled.Task]:
    kinds: dict[tuple[object, ...], compiled.Task] = {}
    for task in schedule.tasks.values():
        kind = (task.days, task.phase, task.kind, task.period_min, task.anchor, task.weekday, task.needs_gateway)
        kinds.setdefault((*kind, task.enabled, task.zone), task)
    return list(kinds.values())


def gates_answers(checkout: ToyCheckout, start: int, end: int, tasks: Sequence[compiled.Task]) -> list[str]:
    """`task epoch verdict reason slot`, a line whenever the answer changes."""
    names = [task.name for task in tasks]
    command = ["bash", "-c", ASK, "ask", str(checkout.wrapper), str(start), str(end), *names]
    done = subprocess.run(command, env=checkout.environ(), capture_output=True, text=True, timeout=3000, check=False)
    assert done.returncode == 0, done.stderr
    return [line.rstrip() for line in done.stdout.splitlines()]


def python_answers(checkout: ToyCheckout, start: int, end: int, tasks: Sequence[compiled.Task]) -> Iterator[str]:
    schedule = schedule_of(checkout)
    calendar = NYSECalendar(checkout.home / "var" / "compiled" / "calendar.txt")
    for task in tasks:
        last = ""
        for at in range(start, end, 60):
            decision = decide(task, datetime.fromtimestamp(at, NEW_YORK), calendar, schedule.windows)
            slot = int(decision.slot.timestamp()) if decision.slot else ""
            answer = f"{'run' if decision.run else 'skip'} {decision.reason} {slot}".rstrip()
            if answer != last:
                yield f"{task.name} {at} {answer}"
            last = answer


def agree(full: ToyCheckout, span: Days, tasks: Sequence[compiled.Task]) -> None:
    first_day, days = span
    start = int(datetime.fromisoformat(first_day).replace(tzinfo=NEW_YORK).timestamp())
    end = start + days * 86_400
    answers = list(python_answers(full, start, end, tasks))
    assert len(answers) > len(tasks)
    assert gates_answers(full, start, end, tasks) == answers


@pytest.mark.timeout(900)
@pytest.mark.parametrize("span", SPANS)
def test_l06_l07_gate_and_due_agree_in_every_minute(full: ToyCheckout, span: str) -> None:
    agree(full, SPANS[span], one_of_each_kind(schedule_of(full)))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("week", WEEKS)
def test_gate_and_due_agree_for_every_task_of_the_schedule(full: ToyCheckout, week: str) -> None:
    agree(full, WEEKS[week], list(schedule_of(full).tasks.values()))
