"""The compiled schedule as light processes read it: standard library only, nothing slow imported.

schedule.txt holds one line an entry, fields separated by `|` (`v6.scheduler.schedule_text` writes it):

    # v6 schedule 2
    setting|key|value
    env|NAME|0/1                       a switch that `.env` sets; the process environment beats it
    window|name|zone|days|start|end|acts
    task|name|script|args|enabled|...  the fields of Task, in order
"""

TYPE_CHECKING = False  # importing typing costs the supervisor milliseconds
if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = "# v6 schedule 2"
ARGUMENT_SEPARATOR = "\x1f"
TRUE = ("true", "1", "yes", "on")
FALSE = ("false", "0", "no", "off")


class ScheduleError(Exception):
    """The compiled schedule is missing, of another version, or cannot be read."""


class Row:
    """Named fields, compared by value."""

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.__dict__ == self.__dict__

    def __hash__(self) -> int:
        return hash(tuple(self.__dict__.items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__dict__})"


class Window(Row):
    """A restart window. `days`: ISO weekdays of its start, as digits; `start`, `end`: minutes after midnight."""

    name: str
    zone: str
    days: str
    start: int
    end: int
    acts: bool


class Task(Row):
    """One task. `kind` every: at wall minutes m with (m - minute) % period_min == 0; at: once a day, `offset_min`
    after `anchor` (clock: after midnight). `weekday`: ISO digit or `*`. `zone`: of clock times. Backoff in seconds, its
    jitter a fraction. `must_finish_by`: (anchor, minutes) of the slot's day."""

    name: str
    script: str
    args: tuple[str, ...]
    enabled: bool
    days: str
    phase: str
    kind: str
    period_min: int
    minute: int
    anchor: str
    offset_min: int
    weekday: str
    needs_gateway: bool
    timeout: int
    max_retries: int
    backoff_base: float
    backoff_factor: float
    backoff_cap: float
    deadline: int | None
    depends_on: tuple[str, ...]
    catch_up: str
    alert_on: tuple[str, ...]
    backoff_jitter: float
    must_finish_by: tuple[str, int] | None
    idempotent: bool
    zone: str


class Schedule:
    """Everything in one compiled schedule; `tasks` by name, effective after the switches."""

    def __init__(self, settings: dict[str, str], windows: tuple[Window, ...], tasks: dict[str, Task]) -> None:
        self.settings = settings
        self.windows = windows
        self.tasks = tasks

    @property
    def timezone(self) -> str:
        return self.settings["timezone"]

    @property
    def observe_holidays(self) -> bool:
        return self.settings["enable_holiday_check"] == "1"


def load(path: object, environ: "Mapping[str, str] | None" = None) -> Schedule:
    """Read schedule.txt, with the switches of `.env` and of `environ` applied. Raises ScheduleError."""
    try:
        with open(str(path), encoding="utf-8") as file:
            text = file.read()
    except OSError as error:
        raise ScheduleError(
            f"{path}: {error.strerror}; `.venv/bin/python -m v6.scheduler.compile` writes it"
        ) from error
    return parse(text, str(path), environ)


def parse(text: str, label: str = "schedule", environ: "Mapping[str, str] | None" = None) -> Schedule:
    """The schedule in the compiled text. Raises ScheduleError naming the line."""
    lines = text.split("\n")
    if lines[0] != HEADER:
        raise ScheduleError(f"{label}: line 1 is not {HEADER!r}; recompile it")
    settings: dict[str, str] = {}
    switches: dict[str, str] = {}
    windows: list[Window] = []
    tasks: dict[str, Task] = {}
    for number, line in enumerate(lines[1:], start=2):
        kind, *fields = line.split("|")
        try:
            if kind == "setting":
                settings[fields[0]] = fields[1]
            elif kind == "env":
                switches[fields[0]] = fields[1]
            elif kind == "window":
                windows.append(_window(fields))
            elif kind == "task":
                tasks[fields[0]] = _task(fields, settings["timezone"])
            elif line:
                raise ValueError(kind)
        except (ValueError, IndexError, KeyError) as error:
            raise ScheduleError(f"{label}: line {number} cannot be read: {line!r}") from error
    switches.update({name: value for name, value in (environ or {}).items() if value})
    for task in tasks.values():
        task.enabled = _enabled(task, switches)
    return Schedule(settings, tuple(windows), tasks)


def _enabled(task: Task, switches: dict[str, str]) -> bool:
    """By name beats SCHEDULER_ENABLE_ALL=false beats the YAML."""
    named = switches.get(f"SCHEDULER_{task.name.upper()}_ENABLED")
    if named is not None:
        return boolean(named, f"SCHEDULER_{task.name.upper()}_ENABLED")
    return task.enabled and boolean(switches.get("SCHEDULER_ENABLE_ALL", "1"), "SCHEDULER_ENABLE_ALL")


def forced(environ: "Mapping[str, str]") -> bool:
    """Whether FORCE_RUN or SCHEDULER_FORCE_RUN asks to pass holiday, days and phase."""
    return any(boolean(environ.get(name) or "0", name) for name in ("FORCE_RUN", "SCHEDULER_FORCE_RUN"))


def boolean(text: str, name: str) -> bool:
    """Raises ScheduleError naming the variable and what is allowed."""
    word = text.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ScheduleError(f"{name}: {text!r} is neither true nor false, allowed: {', '.join(TRUE + FALSE)}")


def _window(fields: list[str]) -> Window:
    name, zone, days, start, end, acts = fields
    return Window(name=name, zone=zone, days=days, start=_minutes(start), end=_minutes(end), acts=acts == "1")


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _task(fields: list[str], zone: str) -> Task:
    if len(fields) != 25:
        raise ValueError(f"{len(fields)} fields")
    return Task(
        name=fields[0],
        script=fields[1],
        args=tuple(fields[2].split(ARGUMENT_SEPARATOR)) if fields[2] else (),
        enabled=fields[3] == "1",
        days=fields[4],
        phase=fields[5],
        kind=fields[6],
        period_min=int(fields[7] or 0),
        minute=int(fields[8] or 0),
        anchor=fields[9],
        offset_min=int(fields[10] or 0),
        weekday=fields[11],
        needs_gateway=fields[12] == "1",
        timeout=int(fields[13]),
        max_retries=int(fields[14]),
        backoff_base=float(fields[15]),
        backoff_factor=float(fields[16]),
        backoff_cap=float(fields[17]),
        deadline=int(fields[18]) if fields[18] else None,
        depends_on=tuple(fields[19].split(",")) if fields[19] else (),
        catch_up=fields[20],
        alert_on=tuple(fields[21].split(",")) if fields[21] else (),
        backoff_jitter=float(fields[22]),
        must_finish_by=_limit(fields[23]),
        idempotent=fields[24] == "1",
        zone=zone,
    )


def _limit(text: str) -> "tuple[str, int] | None":
    anchor, _, minutes = text.partition(":")
    return (anchor, int(minutes)) if text else None
