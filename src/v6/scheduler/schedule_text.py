"""The text of schedule.txt from the configured schedule; `v6.scheduler.compiled` reads it back."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from v6.config.scheduler_config import WEEKDAYS, Scheduler, Task, Window, parse_time
from v6.scheduler.compiled import ARGUMENT_SEPARATOR, HEADER

SYSTEM_ZONES = Path("/usr/share/zoneinfo")


def render(
    scheduler: Scheduler,
    *,
    host_zone: str,
    enabled: Mapping[str, bool] | None = None,
    switches: Mapping[str, bool] | None = None,
    places: Mapping[str, str] | None = None,
) -> str:
    """The whole file. `enabled`: as the YAML has it (default: the task's own); `switches`: what `.env` sets;
    `places`: settings that are absolute paths."""
    settings = {
        "timezone": scheduler.timezone,
        "enable_holiday_check": _bit(scheduler.enable_holiday_check),
        "enable_logging": _bit(scheduler.enable_logging),
        **(places or {}),
    }
    lines = [
        HEADER,
        *(f"setting|{key}|{value}" for key, value in settings.items()),
        *(f"env|{name}|{_bit(value)}" for name, value in (switches or {}).items()),
        *(_window(name, window, host_zone) for name, window in scheduler.restart_windows.items()),
        *(_task(task, (enabled or {}).get(task.name, task.enabled)) for task in scheduler.tasks.values()),
    ]
    return "\n".join(lines) + "\n"


def zones_of(scheduler: Scheduler, host_zone: str) -> Iterator[str]:
    """Every zone the gate converts times with."""
    yield "America/New_York"
    yield scheduler.timezone
    for window in scheduler.restart_windows.values():
        yield _zone(window, host_zone)


def _window(name: str, window: Window, host_zone: str) -> str:
    days = "".join(str(day) for day in window.weekdays)
    return "|".join(("window", name, _zone(window, host_zone), days, window.start, window.end, _bit(window.acts)))


def _zone(window: Window, host_zone: str) -> str:
    return host_zone if window.zone == "host" else window.zone


def _task(task: Task, enabled: bool) -> str:
    repeats = task.period_minutes
    anchor, offset = ("clock", 0) if task.time is None else parse_time(task.time)
    fields = (
        task.name,
        task.script,
        ARGUMENT_SEPARATOR.join(task.args),
        _bit(enabled),
        task.days,
        task.market_phase,
        "every" if repeats else "at",
        str(repeats or ""),
        str(task.minute or 0) if repeats else "",
        anchor,
        "" if repeats else str(offset),
        "*" if task.day is None else str(WEEKDAYS.index(task.day) + 1),
        _bit(task.needs_gateway),
        str(task.timeout_seconds),
        str(task.max_retries),
        f"{task.backoff_seconds:g}",
        f"{task.backoff_factor:g}",
        f"{task.backoff_cap_seconds:g}",
        str(task.deadline_seconds or ""),
        ",".join(task.depends_on),
        task.catch_up,
        ",".join(task.alert_on),
        f"{task.backoff_jitter:g}",
        _limit(task.must_finish_by),
        _bit(task.idempotent),
    )
    return "|".join(("task", *fields))


def _limit(must_finish_by: str | None) -> str:
    """`anchor:minutes`, or nothing."""
    return "" if must_finish_by is None else "{}:{}".format(*parse_time(must_finish_by))


def _bit(value: bool) -> str:
    return "1" if value else "0"
