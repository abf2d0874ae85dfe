"""Restarts on Windows: a definition for its Task Scheduler for each of the three phases around TWS's restart.

Structure: https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema. The times are the computer's own: a
StartBoundary without a zone follows its clock. Like a crontab's, they are a superset: for the two phases in WSL the
gate's `--slot` picks the real ones, and a slot runs once, whether cron or Windows asks first. The phase between them is
Windows's own and is not gated; its description says so.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from xml.etree import ElementTree as ET

from v6.config.scheduler_config import Scheduler
from v6.scheduler import compiled, schedule_text, virtual, wall
from v6.scheduler.compiled import Task, Window
from v6.scheduler.windows_batch import BATCH, batch
from v6.scheduler.windows_host import WindowsHost, WindowsHostError

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
VERSION = "1.3"  # Windows 7 and later
MOST_TRIGGERS = 48  # triggersType
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ENDING_MINUTES = 2  # a hung TWS gets 20 s to end, and every look is a PowerShell of its own
NORMAL_PRIORITY = "5"  # the default, 7, is below normal, and TWS would inherit it

DST = (
    "Times are this computer's own ({zone}) and follow its clock through summer time; in the two nights of the change "
    "Windows decides what becomes of a time in the skipped or repeated hour. A restart window of another zone has a "
    "trigger for every difference that summer time can make: {which}."
)

GATED = "V6 acts only at the right one, and once"
NOT_GATED = (
    "this phase asks no gate and acts at each of them, so it may come an hour before or after the window's end; it "
    "ends a TWS only when that no longer responds and starts one only when there is none"
)

Times = dict[int, frozenset[int]]
"""Minute of the day -> ISO weekdays, in the computer's zone."""


@dataclass(frozen=True)
class Phase:
    """`task`: of the schedule, whose times it has; with `moved`, so many minutes after the window's end instead.
    `limit`: minutes after which Windows ends it; a restart's grows with the time TWS is given to start. A phase with
    `moved` is Windows's own: no gate is asked, so that TWS is started also when WSL sleeps."""

    name: str
    words: str
    task: str
    limit: int
    moved: int | None = None


PHASES = (
    Phase("prepare", "saves the trading state before TWS restarts", "pre_restart", 5),
    Phase("restart", "ends a hung TWS at the end of the window and starts one that is absent", "post_restart", 5, 0),
    Phase("validate", "proves that TWS works again, restores, and reports", "post_restart", 30),
)


def render(scheduler: Scheduler, host: WindowsHost, today: date) -> dict[str, bytes]:
    """File name -> content: three definitions in UTF-16 and the batch file they start."""
    schedule = compiled.parse(schedule_text.render(scheduler, host_zone=host.zone))
    files = {BATCH: batch(host).encode("ascii")}
    for phase in PHASES:
        times = times_of(phase, schedule, host.zone)
        files[f"v6-{phase.name}.xml"] = _encoded(_definition(phase, times, host, today))
    return files


def times_of(phase: Phase, schedule: compiled.Schedule, zone: str) -> Times:
    """Every local time at which the phase can be due, over all combinations of the zones' DST rules."""
    task = schedule.tasks.get(phase.task)
    if task is None or not task.enabled:
        raise WindowsHostError(f"scheduler.tasks.{phase.task}: is not enabled: there is nothing to start from Windows")
    return _times(task if phase.moved is None else _moved(task, phase.moved), schedule.windows, zone)


def _times(task: Task, windows: Iterable[Window], zone: str) -> Times:
    found: dict[int, set[int]] = defaultdict(set)
    for minute in virtual.slot_minutes(task, tuple(windows), (zone,)):
        shown = wall.at(minute, zone)
        found[shown.hour * 60 + shown.minute].add(shown.isoweekday())
    return {minute: frozenset(found[minute]) for minute in sorted(found)}


def _moved(task: Task, offset: int) -> Task:
    return Task(**{**vars(task), "offset_min": offset})


def _definition(phase: Phase, times: Times, host: WindowsHost, today: date) -> ET.Element:
    root = ET.Element("Task", version=VERSION, xmlns=NAMESPACE)
    about = ET.SubElement(root, "RegistrationInfo")
    _add(about, "Author", "V6")
    _add(about, "Description", f"V6 {phase.words}. {_about_times(phase, host)}")
    _add(about, "URI", rf"\V6\{phase.name}")
    _triggers(ET.SubElement(root, "Triggers"), times, today)
    _principal(ET.SubElement(root, "Principals"))
    _settings(ET.SubElement(root, "Settings"), _limit(phase, host))
    run = ET.SubElement(ET.SubElement(root, "Actions", Context="Author"), "Exec")
    _add(run, "Command", r"%SystemRoot%\System32\cmd.exe")
    _add(run, "Arguments", rf'/d /s /c ""{host.folder}\{BATCH}" {phase.name}"')
    _add(run, "WorkingDirectory", host.folder)
    return root


def _about_times(phase: Phase, host: WindowsHost) -> str:
    return DST.format(zone=host.zone, which=GATED if phase.moved is None else NOT_GATED)


def _triggers(triggers: ET.Element, times: Times, today: date) -> None:
    if len(times) > MOST_TRIGGERS:
        raise WindowsHostError(f"{len(times)} different times, allowed: {MOST_TRIGGERS} triggers a task")
    for minute, weekdays in times.items():
        trigger = ET.SubElement(triggers, "CalendarTrigger")
        begins = datetime.combine(today, time(minute // 60, minute % 60))  # naive: Windows reads it as its own time
        _add(trigger, "Enabled", "true")
        _add(trigger, "StartBoundary", begins.isoformat())
        if len(weekdays) == len(WEEKDAYS):
            _add(ET.SubElement(trigger, "ScheduleByDay"), "DaysInterval", "1")
        else:
            weekly = ET.SubElement(trigger, "ScheduleByWeek")
            _add(weekly, "WeeksInterval", "1")
            days = ET.SubElement(weekly, "DaysOfWeek")
            for number in sorted(weekdays):
                ET.SubElement(days, WEEKDAYS[number - 1])


def _principal(principals: ET.Element) -> None:
    """Whoever registers it, in that user's session: TWS has windows."""
    principal = ET.SubElement(principals, "Principal", id="Author")
    _add(principal, "LogonType", "InteractiveToken")
    _add(principal, "RunLevel", "LeastPrivilege")


def _limit(phase: Phase, host: WindowsHost) -> int:
    if phase.moved is None:
        return phase.limit
    return max(phase.limit, ENDING_MINUTES + host.startup_seconds // 60)


def _settings(settings: ET.Element, limit: int) -> None:
    for name, value in (
        ("AllowStartOnDemand", "true"),
        ("MultipleInstancesPolicy", "IgnoreNew"),
        ("DisallowStartIfOnBatteries", "false"),
        ("StopIfGoingOnBatteries", "false"),
        ("AllowHardTerminate", "true"),
        ("StartWhenAvailable", "false"),  # hours later is another night
        ("RunOnlyIfNetworkAvailable", "true"),
        ("Enabled", "true"),
        ("Hidden", "false"),
        ("ExecutionTimeLimit", f"PT{limit}M"),
        ("Priority", NORMAL_PRIORITY),
    ):
        _add(settings, name, value)


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text


def _encoded(root: ET.Element) -> bytes:
    """UTF-16 with its byte order mark, lines as Windows ends them."""
    ET.indent(root)
    text = f'<?xml version="1.0" encoding="UTF-16"?>\n{ET.tostring(root, encoding="unicode")}\n'
    return b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le")
