"""`v6 schedule day` in words: the timeline of a New York day, and what of it will not run."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from v6.cli import output

if TYPE_CHECKING:
    from v6.cli.compiled import Timetable
    from v6.scheduler.compiled import Task
    from v6.scheduler.nyse_calendar import NYSECalendar
    from v6.scheduler.timeline import Day, Mark, Outlook

Row = tuple[datetime, tuple[object, ...]]
RANGES_SHOWN = 4


def as_rows(day: "Day", tasks: Mapping[str, "Task"], here: ZoneInfo) -> list[dict[str, Any]]:
    """One entry a slot, for a program. `reason` is `due`, or why it will not run."""
    return [
        {
            "task": one.task,
            "run": one.runs,
            "reason": one.reason or one.planned.decision.reason,
            "slot": one.slot,
            "host": one.slot.astimezone(here),
            "deadline": one.deadline,
            "worst_end": one.worst_end,
            "depends_on": tasks[one.task].depends_on,
            "without": one.without,
        }
        for one in day.outlooks
    ]


def say_slots(day: "Day", date_: date) -> None:
    """What one task does, slot by slot."""
    for one in day.outlooks:
        words = f"skip: {one.reason}"
        if one.runs and one.deadline and one.worst_end:
            words = f"run   ends by {_clock(one.worst_end, date_)} at worst, deadline {_clock(one.deadline, date_)}"
        output.say(f"{one.slot:%H:%M %Z}  {words}")
    output.say(f"{sum(one.runs for one in day.outlooks)} runs on {date_:%A} {date_}")


def say_timeline(day: "Day", now: "Timetable", date_: date, here: ZoneInfo) -> None:
    """Everything that runs, by time, between the marks of the day; then what does not run, with the reason."""
    tasks = now.schedule.tasks
    stretches = day.stretches(tasks)
    found: list[Row] = [(mark.at, _mark(mark, date_, here)) for mark in day.marks]
    found += [(one[0].slot, _run(one, tasks[one[0].task], date_, here)) for one in stretches if one[0].runs]
    rows = [row for _, row in sorted(found, key=lambda pair: pair[0].timestamp())]
    columns = ["New York", here.key, "runs", "task", "gates", "waits for", "ends by at worst", "deadline"]
    if all(row[0] == row[1] for row in rows):  # the host's clocks are New York's
        del columns[1]
        rows = [(row[0], *row[2:]) for row in rows]
    output.table(f"{date_:%A} {date_}: {_session(now.calendar, date_)}", columns, rows, right="runs")
    runs = sum(one.runs for one in day.outlooks)
    output.say(f"{runs} runs. Of several: ends and deadlines of the last. Gate TWS: not while it restarts.")
    skipped = [one for one in stretches if not one[0].runs]
    if skipped:
        output.say("")
        rows = _skipped_rows(skipped, tasks, now.calendar, date_)
        output.table("Will not run", ("task", "slots", "New York", "reason"), rows, right="slots")


def _session(calendar: "NYSECalendar", date_: date) -> str:
    session = calendar.session(date_)
    if session is None:
        return f"NYSE is closed ({calendar.closure_reason(date_)})"
    name = calendar.deviation(date_)
    return f"NYSE {session.open:%H:%M}-{session.close:%H:%M}" + (f" ({name})" if name else "")


def _mark(mark: "Mark", date_: date, here: ZoneInfo) -> tuple[object, ...]:
    end = mark.end or mark.at
    return (_span(mark.at, end, date_), _span(mark.at, end, date_, here), "", f"-- {mark.words}", "", "", "", "")


def _run(stretch: Sequence["Outlook"], task: "Task", date_: date, here: ZoneInfo) -> tuple[object, ...]:
    first, last = stretch[0], stretch[-1]
    assert last.worst_end is not None
    assert last.deadline is not None
    return (
        _span(first.slot, last.slot, date_),
        _span(first.slot, last.slot, date_, here),
        len(stretch),
        f"{task.name}, every {task.period_min} min" if task.period_min else task.name,
        _gates(task),
        ", ".join(task.depends_on),
        _clock(last.worst_end, date_),
        _clock(last.deadline, date_),
    )


def _gates(task: "Task") -> str:
    """What has to be so at the slot; TWS: it is not restarting."""
    gates = ["trading day"] if task.days == "trading" else []
    gates += [task.phase] if task.phase != "any" else []
    gates += ["TWS"] if task.needs_gateway else []
    return ", ".join(gates)


def _skipped_rows(
    stretches: Sequence[Sequence["Outlook"]], tasks: Mapping[str, "Task"], calendar: "NYSECalendar", date_: date
) -> list[tuple[object, ...]]:
    alike: dict[tuple[str, str], list[Sequence[Outlook]]] = {}
    for stretch in stretches:
        alike.setdefault((stretch[0].task, _why(stretch[0], tasks, calendar, date_)), []).append(stretch)
    return [
        (task, sum(map(len, found)), _ranges([_span(one[0].slot, one[-1].slot, date_) for one in found]), why)
        for (task, why), found in alike.items()
    ]


def _why(one: "Outlook", tasks: Mapping[str, "Task"], calendar: "NYSECalendar", date_: date) -> str:
    words = {
        "disabled": "the task is disabled",
        "weekend": "NYSE is closed",
        "holiday": f"NYSE is closed ({calendar.closure_reason(date_)})",
        "phase": f"it wants {tasks[one.task].phase}",
        "restart_window": "it needs TWS, which restarts then",
        "dependency": f"{', '.join(one.without)} will not have run by its deadline",
        "deadline": "it would begin at its deadline or after it",
    }
    return f"{one.reason}: {words[one.reason]}" if one.reason in words else one.reason


def _ranges(spans: Sequence[str]) -> str:
    more = f" and {len(spans) - RANGES_SHOWN} more" if len(spans) > RANGES_SHOWN else ""
    return f"{', '.join(spans[:RANGES_SHOWN])}{more}"


def _span(first: datetime, last: datetime, date_: date, zone: ZoneInfo | None = None) -> str:
    """`09:30-15:55`, on the clocks of New York or of another zone."""
    shown = [_clock(at.astimezone(zone) if zone else at, date_) for at in (first, last)]
    return "-".join(dict.fromkeys(shown))


def _clock(at: datetime, date_: date) -> str:
    """`16:00`, `15:59:45`; on another date with its weekday, on a day whose clocks change with the zone."""
    text = f"{at:%H:%M:%S}".removesuffix(":00")
    day = at.replace(hour=12, fold=0)
    if day.utcoffset() != day.replace(hour=0, minute=0, second=0).utcoffset():
        text = f"{text} {at:%Z}"
    return text if at.date() == date_ else f"{at:%a} {text}"
