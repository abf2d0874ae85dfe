"""A New York day as it will go: every run with its deadline and its end at worst, and what keeps others back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from v6.scheduler import slots, upcoming, wall
from v6.scheduler.compiled import Task, Window
from v6.scheduler.deadline import latest_end, longest_run
from v6.scheduler.nyse_calendar import NYSECalendar
from v6.scheduler.upcoming import Planned

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Outlook:
    """One slot. Of a run: `deadline`; `worst_end`, when every attempt takes its whole time limit and what it depends
    on takes as long; `without`: what it depends on and what will not have run by then. Of others there is neither."""

    planned: Planned
    deadline: datetime | None = None
    worst_end: datetime | None = None
    without: tuple[str, ...] = ()

    @property
    def task(self) -> str:
        return self.planned.task

    @property
    def slot(self) -> datetime:
        return self.planned.slot

    @property
    def runs(self) -> bool:
        return not self.reason

    @property
    def reason(self) -> str:
        """Why it will not run: the gate's word, or the supervisor's; "" when it will."""
        if not self.planned.decision.run:
            return self.planned.decision.reason
        if self.deadline is not None and self.deadline.timestamp() <= self.slot.timestamp():
            return "deadline"
        return "dependency" if self.without else ""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the day brings besides: a session that opens or closes, a restart window, clocks that change. `end`: of
    what lasts."""

    at: datetime
    words: str
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """`outlooks` and `marks` by time; slots of the same minute in the schedule's order."""

    outlooks: tuple[Outlook, ...]
    marks: tuple[Mark, ...]

    def stretches(self, tasks: Mapping[str, Task]) -> list[tuple[Outlook, ...]]:
        """Slots of one task that repeats, follow one another and are decided alike; each slot of others. By time."""
        found = []
        for name in dict.fromkeys(one.task for one in self.outlooks):
            mine = [one for one in self.outlooks if one.task == name]
            if tasks[name].period_min:
                found += [tuple(alike) for _, alike in groupby(mine, key=lambda one: (one.reason, one.without))]
            else:
                found += [(one,) for one in mine]
        return sorted(found, key=lambda stretch: stretch[0].slot.timestamp())


def of_day(
    tasks: Mapping[str, Task],
    day: date,
    calendar: NYSECalendar,
    windows: Sequence[Window],
    chosen: Sequence[str] | None = None,
) -> Day:
    """Of the `chosen` tasks (default: all), whose dependencies may be others. Raises CalendarError."""
    planned = upcoming.of_day(tasks.values(), day, calendar, windows)
    first: dict[str, datetime] = {}
    for one in planned:
        if one.decision.run:
            first.setdefault(one.task, one.slot)
    outlooks = _Outlooks(tasks, first, calendar, windows)
    wanted = tasks if chosen is None else chosen
    return Day(
        tuple(outlooks.of(one) for one in planned if one.task in wanted),
        tuple(sorted(_marks(day, calendar, windows), key=lambda mark: mark.at.timestamp())),
    )


class _Outlooks:
    """`first`: the first run of every task that has one on the day. What depends on it can go on once that succeeds."""

    def __init__(
        self,
        tasks: Mapping[str, Task],
        first: Mapping[str, datetime],
        calendar: NYSECalendar,
        windows: Sequence[Window],
    ) -> None:
        self._tasks = tasks
        self._first = first
        self._calendar = calendar
        self._windows = windows
        self._ends: dict[str, float] = {}

    def of(self, planned: Planned) -> Outlook:
        if not planned.decision.run:
            return Outlook(planned)
        task = self._tasks[planned.task]
        deadline = latest_end(task, planned.slot, self._calendar, self._windows)
        without = tuple(name for name in task.depends_on if self._first_begin(name) >= deadline)
        end = self._worst_end(task, planned.slot)
        return Outlook(planned, wall.at_epoch(deadline), wall.at_epoch(end), without)

    def _first_begin(self, name: str) -> float:
        """Epoch seconds; infinite when it has no run that day, or something that it depends on has none in time."""
        task, slot = self._tasks[name], self._first.get(name)
        if slot is None:
            return float("inf")
        deadline = latest_end(task, slot, self._calendar, self._windows)
        hopeless = any(self._first_begin(needed) >= deadline for needed in task.depends_on)
        return float("inf") if hopeless else slot.timestamp()

    def _worst_end(self, task: Task, slot: datetime) -> float:
        """Epoch seconds: never past the deadline, at which the last attempt is ended."""
        deadline = latest_end(task, slot, self._calendar, self._windows)
        begin = max([slot.timestamp(), *(self._first_end(name) for name in task.depends_on)])
        return max(slot.timestamp(), min(float(deadline), begin + longest_run(task)))

    def _first_end(self, name: str) -> float:
        if name not in self._ends:
            slot = self._first.get(name)
            self._ends[name] = float("inf") if slot is None else self._worst_end(self._tasks[name], slot)
        return self._ends[name]


def _marks(day: date, calendar: NYSECalendar, windows: Sequence[Window]) -> list[Mark]:
    first = wall.first_minute(slots.NEW_YORK, day, 0)
    last = wall.first_minute(slots.NEW_YORK, day + ONE_DAY, 0) - 1
    found = []
    if session := calendar.session(day):
        name = calendar.deviation(day)
        found += [Mark(session.open, "NYSE opens"), Mark(session.close, f"NYSE closes{f': {name}' if name else ''}")]
    for window in windows:
        ours = "" if window.acts else ", not acted on"
        found += [
            Mark(wall.new_york(start), f"restart window {window.name}{ours}", wall.new_york(end))
            for start, end in slots.spans(window, first, last)
            if start <= last and end > first
        ]
    if (change := wall.new_york(last).utcoffset()) != (before := wall.new_york(first).utcoffset()):
        assert change is not None
        assert before is not None
        minute = next(at for at in range(first, last) if wall.new_york(at).utcoffset() == change)
        found.append(Mark(wall.new_york(minute), f"clocks go {'forward' if change > before else 'back'} one hour"))
    return found
