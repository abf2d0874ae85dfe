"""What is rendered for Windows, against the documented structure. Not tested here: Windows itself, its Task Scheduler,
cmd.exe, PowerShell and wsl.exe; docs/restart.md says how to try it.

Structure: https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema (its XSD).
"""

import re
from datetime import date, datetime, time
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from v6.config.load import load
from v6.config.scheduler_config import Scheduler
from v6.paths import ROOT, Paths
from v6.scheduler import compiled, crontab, schedule_text
from v6.scheduler.windows_host import WindowsHost, WindowsHostError
from v6.scheduler.windows_task import NAMESPACE, PHASES, render

TODAY = date(2026, 11, 21)
BOOLEAN = r"true|false"
DURATION = r"P(\d+D)?(T(\d+H)?(\d+M)?(\d+S)?)?"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Kind(NamedTuple):
    """`text`: of an element without children. `children`: allowed, at most once each unless in `many`; `ordered`: the
    schema's xs:sequence. `required`: must be there. `attributes`: name -> pattern."""

    text: str = ""
    children: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    ordered: bool = False
    many: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


SCHEMA = {
    "Task": Kind(
        children=("RegistrationInfo", "Triggers", "Settings", "Data", "Principals", "Actions"),
        required=("Actions",),
        attributes=(("version", r"1\.3"),),
    ),
    "RegistrationInfo": Kind(children=("URI", "Source", "Date", "Author", "Version", "Description", "Documentation")),
    "Author": Kind(".+"),
    "Description": Kind(".+"),
    "URI": Kind(r"\\V6\\[a-z]+"),
    "Triggers": Kind(children=("CalendarTrigger",), many=("CalendarTrigger",)),
    "CalendarTrigger": Kind(
        children=(
            "Enabled",
            "StartBoundary",
            "EndBoundary",
            "Repetition",
            "ExecutionTimeLimit",
            "RandomDelay",
            "ScheduleByDay",
            "ScheduleByWeek",
        ),
        required=("StartBoundary",),
        ordered=True,
    ),
    "StartBoundary": Kind(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"),  # xs:dateTime without a zone: the computer's own time
    "ScheduleByDay": Kind(children=("DaysInterval",)),
    "DaysInterval": Kind("1"),
    "ScheduleByWeek": Kind(children=("WeeksInterval", "DaysOfWeek")),
    "WeeksInterval": Kind("1"),
    "DaysOfWeek": Kind(children=WEEKDAYS),
    **{day: Kind() for day in WEEKDAYS},
    "Principals": Kind(children=("Principal",), required=("Principal",)),
    "Principal": Kind(
        children=("UserId", "LogonType", "GroupId", "DisplayName", "RunLevel"), attributes=(("id", "[A-Za-z]+"),)
    ),
    "LogonType": Kind("S4U|Password|InteractiveToken|InteractiveTokenOrPassword"),
    "RunLevel": Kind("LeastPrivilege|HighestAvailable"),
    "Settings": Kind(
        children=(
            "AllowStartOnDemand",
            "RestartOnFailure",
            "MultipleInstancesPolicy",
            "DisallowStartIfOnBatteries",
            "StopIfGoingOnBatteries",
            "AllowHardTerminate",
            "StartWhenAvailable",
            "NetworkProfileName",
            "RunOnlyIfNetworkAvailable",
            "WakeToRun",
            "Enabled",
            "Hidden",
            "DeleteExpiredTaskAfter",
            "IdleSettings",
            "NetworkSettings",
            "ExecutionTimeLimit",
            "Priority",
            "RunOnlyIfIdle",
        )
    ),
    "MultipleInstancesPolicy": Kind("Parallel|Queue|IgnoreNew|StopExisting"),
    "ExecutionTimeLimit": Kind(DURATION),
    "Priority": Kind("[0-9]|10"),
    **{
        name: Kind(BOOLEAN)
        for name in (
            "AllowStartOnDemand",
            "DisallowStartIfOnBatteries",
            "StopIfGoingOnBatteries",
            "AllowHardTerminate",
            "StartWhenAvailable",
            "RunOnlyIfNetworkAvailable",
            "Enabled",
            "Hidden",
        )
    },
    "Actions": Kind(children=("Exec",), required=("Exec",), many=("Exec",), attributes=(("Context", "[A-Za-z]+"),)),
    "Exec": Kind(children=("Command", "Arguments", "WorkingDirectory"), required=("Command",)),
    "Command": Kind(".{1,260}"),
    "Arguments": Kind(".*"),
    "WorkingDirectory": Kind(".{1,260}"),
}


def host(zone: str = "America/New_York", **changes: object) -> WindowsHost:
    known = {"zone": zone, "distro": "Debian", "root": "/opt/v6", "home": "/opt/v6", **changes}
    return WindowsHost(**known)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Scheduler:
    return load(Paths(ROOT, tmp_path_factory.mktemp("home")), {}).scheduler


@pytest.fixture(scope="module")
def files(scheduler: Scheduler) -> dict[str, bytes]:
    return render(scheduler, host(), TODAY)


def definition(files: dict[str, bytes], phase: str) -> ET.Element:
    return ET.fromstring(files[f"v6-{phase}.xml"])  # the parser reads UTF-16 by its byte order mark


def named(element: ET.Element, path: str) -> list[ET.Element]:
    return element.findall("/".join(f"{{{NAMESPACE}}}{part}" for part in path.split("/")))


def text(element: ET.Element, path: str) -> str:
    (found,) = named(element, path)
    return found.text or ""


def triggers(root: ET.Element) -> dict[time, frozenset[str]]:
    """Local time -> days, as Windows reads them."""
    found = {}
    for trigger in named(root, "Triggers/CalendarTrigger"):
        begins = datetime.fromisoformat(text(trigger, "StartBoundary"))
        assert begins.tzinfo is None
        assert begins.date() == TODAY
        days = [
            day.tag.removeprefix(f"{{{NAMESPACE}}}")
            for each in named(trigger, "ScheduleByWeek/DaysOfWeek")
            for day in each
        ]
        assert begins.time() not in found
        found[begins.time()] = frozenset(days or WEEKDAYS)
    return found


def problems(element: ET.Element) -> list[str]:
    """Where it differs from the documented structure."""
    name = element.tag.removeprefix(f"{{{NAMESPACE}}}")
    kind = SCHEMA.get(name)
    if kind is None:
        return [f"{name} is unknown"]
    children = [child.tag.removeprefix(f"{{{NAMESPACE}}}") for child in element]
    found = [f"{name} has {child}" for child in children if child not in kind.children]
    found += [f"{name} lacks {child}" for child in kind.required if child not in children]
    found += [f"{name} repeats {child}" for child in set(children) - set(kind.many) if children.count(child) > 1]
    if kind.ordered and children != sorted(children, key=kind.children.index):
        found.append(f"{name}: {children} are out of order")
    if not kind.children and not re.fullmatch(kind.text, element.text or ""):
        found.append(f"{name}: {element.text!r}")
    known = dict(kind.attributes)
    found += [
        f"{name}: {key}={value!r}"
        for key, value in element.attrib.items()
        if not re.fullmatch(known.get(key, ""), value)
    ]
    return found + [problem for child in element for problem in problems(child)]


@pytest.mark.parametrize("phase", [phase.name for phase in PHASES])
def test_every_element_is_as_documented(files: dict[str, bytes], phase: str) -> None:
    root = definition(files, phase)
    assert root.tag == f"{{{NAMESPACE}}}Task"
    assert problems(root) == []
    assert 1 <= len(named(root, "Triggers/CalendarTrigger")) <= 48
    (actions,) = named(root, "Actions")
    assert actions.get("Context") == named(root, "Principals/Principal")[0].get("id")


def test_the_comparison_with_the_structure_would_notice(files: dict[str, bytes]) -> None:
    root = definition(files, "prepare")
    trigger = named(root, "Triggers/CalendarTrigger")[0]
    trigger[:] = [*trigger[1:], trigger[0]]
    ET.SubElement(named(root, "Settings")[0], f"{{{NAMESPACE}}}RunFast").text = "true"
    named(root, "Settings/Priority")[0].text = "11"
    found = problems(root)
    assert len(found) == 4
    assert "out of order" in found[0]


@pytest.mark.parametrize("phase", [phase.name for phase in PHASES])
def test_the_encoding_is_what_it_says(files: dict[str, bytes], phase: str) -> None:
    content = files[f"v6-{phase}.xml"]
    assert content[:2] == b"\xff\xfe"
    shown = content.decode("utf-16")
    assert shown.startswith('<?xml version="1.0" encoding="UTF-16"?>\r\n<Task ')
    assert "\n" not in shown.replace("\r\n", "")


def test_times_are_those_of_the_windows_in_the_computers_own_zone(files: dict[str, bytes]) -> None:
    weekdays, sunday, every = frozenset(WEEKDAYS[:5]), frozenset(["Sunday"]), frozenset(WEEKDAYS)
    assert triggers(definition(files, "prepare")) == {time(5, 40): weekdays, time(9, 55): sunday, time(23, 40): every}
    assert triggers(definition(files, "restart")) == {time(0, 5): every, time(6, 0): weekdays, time(14, 0): sunday}
    assert triggers(definition(files, "validate")) == {time(0, 10): every, time(6, 5): weekdays, time(14, 5): sunday}


def test_a_computer_elsewhere_gets_every_time_that_summer_time_can_make(scheduler: Scheduler) -> None:
    found = triggers(definition(render(scheduler, host("Europe/London"), TODAY), "prepare"))
    # 05:40 in New York is 10:40 in London, and 09:40 in the weeks in which only one of them has summer time
    assert {time(10, 40), time(9, 40), time(23, 40)} <= set(found)
    assert found[time(23, 40)] == frozenset(WEEKDAYS)  # TWS restarts itself at the computer's own time


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/London", "Asia/Tokyo"])
@pytest.mark.parametrize(("phase", "task"), [("prepare", "pre_restart"), ("validate", "post_restart")])
def test_the_times_are_the_crontabs(scheduler: Scheduler, zone: str, phase: str, task: str) -> None:
    schedule = compiled.parse(schedule_text.render(scheduler, host_zone=zone))
    lines = crontab.lines_of(schedule.tasks[task], schedule.windows, zone)
    cron = {time for line in lines for time in line.times()}
    ours = {
        ((WEEKDAYS.index(day) + 1) % 7, at.hour * 60 + at.minute)
        for at, days in triggers(definition(render(scheduler, host(zone), TODAY), phase)).items()
        for day in days
    }
    assert ours == cron


def test_what_a_task_may_and_may_not_do(files: dict[str, bytes]) -> None:
    root = definition(files, "validate")
    settings = {element.tag.removeprefix(f"{{{NAMESPACE}}}"): element.text for element in named(root, "Settings")[0]}
    assert settings["RunOnlyIfNetworkAvailable"] == "true"
    assert settings["StartWhenAvailable"] == "false"
    assert settings["MultipleInstancesPolicy"] == "IgnoreNew"
    assert settings["ExecutionTimeLimit"] == "PT30M"
    assert settings["DisallowStartIfOnBatteries"] == settings["StopIfGoingOnBatteries"] == "false"
    assert text(root, "Principals/Principal/LogonType") == "InteractiveToken"
    assert "America/New_York" in text(root, "RegistrationInfo/Description")
    assert "summer time" in text(root, "RegistrationInfo/Description")


@pytest.mark.parametrize("phase", ["prepare", "validate"])
def test_what_the_gate_decides_says_that_it_acts_at_the_right_time(files: dict[str, bytes], phase: str) -> None:
    assert "acts only at the right one" in text(definition(files, phase), "RegistrationInfo/Description")


def test_the_phase_without_a_gate_says_that_it_acts_at_each_time(scheduler: Scheduler) -> None:
    """From London, New York's Sunday window ends at 18:00 or 19:00: both are triggers, and both act."""
    root = definition(render(scheduler, host("Europe/London"), TODAY), "restart")
    assert {time(18, 0), time(19, 0)} <= triggers(root).keys()
    said = text(root, "RegistrationInfo/Description")
    assert "asks no gate and acts at each of them" in said
    assert "acts only" not in said


def test_the_limit_of_a_restart_leaves_tws_its_time_to_start(scheduler: Scheduler) -> None:
    slow = render(scheduler, host(startup_seconds=600), TODAY)
    assert text(definition(slow, "restart"), "Settings/ExecutionTimeLimit") == "PT12M"


def test_windows_starts_the_batch_file_where_it_will_lie(scheduler: Scheduler) -> None:
    files = render(scheduler, host(folder=r"D:\Program Files (x86)\V6"), TODAY)
    root = definition(files, "restart")
    assert text(root, "Actions/Exec/Arguments") == r'/d /s /c ""D:\Program Files (x86)\V6\v6-tws.bat" restart"'
    assert text(root, "Actions/Exec/WorkingDirectory") == r"D:\Program Files (x86)\V6"


# the batch file


def batch(files: dict[str, bytes]) -> str:
    return files["v6-tws.bat"].decode("ascii")


def test_the_batch_file_is_as_cmd_wants_it(files: dict[str, bytes]) -> None:
    lines = batch(files).split("\r\n")
    assert lines[0] == "@echo off"
    assert lines[-1] == ""
    assert not [line for line in lines if "\n" in line or "\r" in line or len(line) > 8191]
    labels = [line[1:] for line in lines if line.startswith(":")]
    assert len(labels) == len(set(labels))
    targets = re.findall(r"(?:goto |call :)([a-z_]+)", batch(files))
    assert set(targets) == set(labels)
    for line in lines:
        assert line.count('"') % 2 == 0
        outside = re.sub(r'"[^"]*"', "", re.sub("`[^`]*`", "", line))
        assert outside.count("(") == outside.count(")")


def test_no_section_of_the_batch_file_runs_on_into_the_next(files: dict[str, bytes]) -> None:
    lines = [line for line in batch(files).split("\r\n") if line and not line.startswith("rem ")]
    before = [lines[number - 1] for number, line in enumerate(lines) if line.startswith(":")]
    assert [line for line in before if not line.startswith(("exit /b ", "goto "))] == []


def test_the_two_jobs_are_called_in_wsl_and_pass_the_gates_slot_check(
    scheduler: Scheduler, files: dict[str, bytes]
) -> None:
    call = "wsl.exe -d Debian -- /opt/v6/scripts/cron_wrapper.sh --slot scripts/%1.py"
    assert call in batch(files)
    for job in ("pre_restart", "post_restart"):
        assert f"call :job {job}\r\n" in batch(files)
        assert (ROOT / "scripts" / f"{job}.py").exists()
    elsewhere = batch(render(scheduler, host(home="/srv/v6", user="trader", distro="Ubuntu-24.04"), TODAY))
    assert "wsl.exe -d Ubuntu-24.04 -u trader -- env V6_HOME=/srv/v6 /opt/v6/scripts/cron_wrapper.sh" in elsewhere


def test_tws_is_ended_by_its_pid_and_never_by_name(files: dict[str, bytes]) -> None:
    kills = [line for line in batch(files).split("\r\n") if "taskkill" in line]
    assert len(kills) == 2
    assert all("/PID %1" in line and "/IM" not in line for line in kills)


def test_tws_starts_with_the_configured_heap(scheduler: Scheduler) -> None:
    words = batch(render(scheduler, host(heap="6g", tws=r"D:\Jts\tws.exe", port=4001), TODAY))
    assert 'set "_JAVA_OPTIONS=-Xmx6g"' in words
    assert 'set "TWS=D:\\Jts\\tws.exe"' in words
    assert 'set "PORT=4001"' in words


def test_a_batch_file_that_starts_tws_is_run_by_cmd(scheduler: Scheduler) -> None:
    words = batch(render(scheduler, host(tws=r"C:\IBC\StartTWS.bat"), TODAY))
    assert 'start "TWS" cmd.exe /d /c ""%TWS%""' in words
    assert ":program" not in words


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("folder", r"C:\V6 & del *"),
        ("folder", "V6"),
        ("tws", r"C:\Jts\%USERNAME%.exe"),
        ("tws", r"C:\Jts\tws.sh"),
        ("distro", "Debian -u root"),
        ("user", "root; id"),
        ("root", "/opt/my v6"),
        ("home", "relative"),
    ],
)
def test_what_cmd_or_wsl_would_read_otherwise_is_refused(option: str, value: str) -> None:
    with pytest.raises(WindowsHostError, match="allowed: "):
        host(**{option: value})


def test_without_the_tasks_there_is_nothing_to_render(scheduler: Scheduler) -> None:
    tasks = {name: task for name, task in scheduler.tasks.items() if name != "pre_restart"}
    with pytest.raises(WindowsHostError, match=r"scheduler\.tasks\.pre_restart: is not enabled"):
        render(scheduler.model_copy(update={"tasks": tasks}), host(), TODAY)
