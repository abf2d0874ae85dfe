"""The gate in bash against `due.decide`: every minute of the weeks in which time misbehaves, all tasks (L04-L07)."""

import subprocess
from collections.abc import Iterator
from datetime import datetime

import pytest

from toy_checkout import ToyCheckout
from v6.clock import NEW_YORK
from v6.scheduler import compiled
from v6.scheduler.due import decide
from v6.scheduler.nyse_calendar import NYSECalendar

pytestmark = pytest.mark.integration

WEEKS = {  # first day, days
    "clocks go forward": ("2026-03-07", 7),
    "Good Friday": ("2026-03-30", 5),
    "clocks go back": ("2026-10-31", 7),
    "Thanksgiving and an early close": ("2026-11-23", 5),
}
ASK = """
source "$1"
locate
slot_mode=1
mapfile -t schedule <"$home/var/compiled/schedule.txt"
for line in "${schedule[@]}"; do
  [[ $line == task* ]] || continue
  name=${line#task|} name=${name%%|*} v='' r='' s=''
  for ((at = $2; at < $3; at += 60)); do
    decide "$name" "$at"
    [[ $verdict == "$v" && $reason == "$r" && $slot == "$s" ]] || printf '%s\n' "$name $at $verdict $reason $slot"
    v=$verdict r=$reason s=$slot
  done
done
"""


def gates_answers(checkout: ToyCheckout, start: int, end: int) -> list[str]:
    """`task epoch verdict reason slot`, a line whenever the answer changes."""
    command = ["bash", "-c", ASK, "ask", str(checkout.wrapper), str(start), str(end)]
    done = subprocess.run(command, env=checkout.environ(), capture_output=True, text=True, timeout=800, check=False)
    assert done.returncode == 0, done.stderr
    return [line.rstrip() for line in done.stdout.splitlines()]


def python_answers(checkout: ToyCheckout, start: int, end: int) -> Iterator[str]:
    schedule = compiled.load(checkout.home / "var" / "compiled" / "schedule.txt")
    calendar = NYSECalendar(checkout.home / "var" / "compiled" / "calendar.txt")
    for task in schedule.tasks.values():
        last = ""
        for at in range(start, end, 60):
            decision = decide(task, datetime.fromtimestamp(at, NEW_YORK), calendar, schedule.windows)
            slot = int(decision.slot.timestamp()) if decision.slot else ""
            answer = f"{'run' if decision.run else 'skip'} {decision.reason} {slot}".rstrip()
            if answer != last:
                yield f"{task.name} {at} {answer}"
            last = answer


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("first_day", "days"), WEEKS.values(), ids=list(WEEKS))
def test_l06_l07_gate_and_due_agree_in_every_minute(full: ToyCheckout, first_day: str, days: int) -> None:
    start = int(datetime.fromisoformat(first_day).replace(tzinfo=NEW_YORK).timestamp())
    end = start + days * 86_400
    assert gates_answers(full, start, end) == list(python_answers(full, start, end))
