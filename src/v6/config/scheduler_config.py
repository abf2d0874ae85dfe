"""The schedule: tasks and restart windows. The schema is these models; `config/default.yaml` explains them."""

import re
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from v6.config.settings import Seconds, Section

Frequency = Literal["5min", "15min", "30min", "hourly", "daily", "weekly"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Phase = Literal["any", "pre_market", "market_open", "post_market", "closed"]
Alert = Literal["failure", "recovery", "missed"]
Anchor = Literal["clock", "open", "close", "restart", "restart_end"]

WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PERIOD_MINUTES = {"5min": 5, "15min": 15, "30min": 30, "hourly": 60}
NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
RELATIVE = re.compile(r"(open|close|restart|restart_end)(?:([+-])(?=[0-9])(?:([0-9]{1,2})h)?(?:([0-9]{1,3})min)?)?")
MAX_OFFSET_MINUTES = 12 * 60
TIME_HINT = (
    'allowed: "HH:MM" in quotes, or open, close, restart, restart_end with + or - like close+2h30min, restart-5min'
)
KEYS_OF = {"hourly": {"minute"}, "daily": {"time"}, "weekly": {"time", "day"}}

TaskName = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
Argument = Annotated[str, Field(pattern=r"^[^\x00-\x1f|\x7f]+$")]


def minute_of(clock: str) -> int:
    """Minutes after midnight of "HH:MM". Raises ValueError."""
    match = CLOCK.fullmatch(clock)
    if match is None:
        raise ValueError(f'{clock!r} is not a time of day, allowed: "00:00" to "23:59"')
    return int(match[1]) * 60 + int(match[2])


def parse_time(text: str) -> tuple[Anchor, int]:
    """The anchor and the signed offset in minutes (for a clock time: minutes after midnight). Raises ValueError."""
    if CLOCK.fullmatch(text):
        return "clock", minute_of(text)
    match = RELATIVE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time, {TIME_HINT}")
    offset = int(match[3] or 0) * 60 + int(match[4] or 0)
    if offset > MAX_OFFSET_MINUTES:
        raise ValueError(f"{text!r} is too far from its anchor, allowed: at most {MAX_OFFSET_MINUTES // 60}h")
    anchor: Anchor = match[1]  # type: ignore[assignment]  # the pattern admits nothing else
    return anchor, -offset if match[2] == "-" else offset


class Task(Section):
    """A named entry of the schedule: what runs, when it is due, how a run of it behaves. `name` is its key."""

    name: TaskName
    script: Annotated[str, Field(pattern=r"^scripts/[a-z][a-z0-9_]*\.py$")]
    args: tuple[Argument, ...] = ()
    description: Annotated[str, Field(min_length=1)]
    enabled: bool = True
    frequency: Frequency
    time: str | None = None
    minute: Annotated[int, Field(ge=0, le=59)] | None = None
    day: Weekday | None = None
    days: Literal["trading", "every"] = "trading"
    market_phase: Phase = "any"
    needs_gateway: bool = False
    needs_persistent_connection: bool = False
    long_lived: bool = False
    timeout_seconds: Annotated[int, Field(ge=1, le=86400)]
    max_retries: Annotated[int, Field(ge=0, le=20)] = 0
    backoff_seconds: Seconds = 5.0
    backoff_factor: Annotated[float, Field(ge=1, le=10)] = 2.0
    backoff_cap_seconds: Seconds = 60.0
    backoff_jitter: Annotated[float, Field(ge=0, le=1)] = 0.5
    deadline_seconds: Annotated[int, Field(ge=1, le=86400)] | None = None
    must_finish_by: str | None = None
    depends_on: tuple[str, ...] = ()
    idempotent: bool = True
    catch_up: Literal["none", "same_day"] = "none"
    alert_on: tuple[Alert, ...] = ("failure", "recovery", "missed")

    @field_validator("time", "must_finish_by")
    @classmethod
    def _time_is_known(cls, value: str | None) -> str | None:
        if value is not None:
            parse_time(value)
        return value

    @model_validator(mode="after")
    def _keys_fit_the_frequency(self) -> Self:
        given = {key for key in ("time", "minute", "day") if getattr(self, key) is not None}
        allowed = KEYS_OF.get(self.frequency, set())
        required = allowed - {"minute"}
        if unfit := given - allowed:
            raise ValueError(
                f"{', '.join(sorted(unfit))} cannot be given with frequency {self.frequency}, "
                f"allowed: {', '.join(sorted(allowed)) or 'none of time, minute, day'}"
            )
        if missing := required - given:
            raise ValueError(f"frequency {self.frequency} needs {', '.join(sorted(missing))}")
        return self

    @model_validator(mode="after")
    def _once_means_once(self) -> Self:
        if not self.idempotent and self.max_retries:
            raise ValueError(f"max_retries {self.max_retries} with idempotent: false, allowed: max_retries: 0")
        if not self.idempotent and self.catch_up != "none":
            raise ValueError(f"catch_up {self.catch_up} with idempotent: false, allowed: catch_up: none")
        return self

    @property
    def period_minutes(self) -> int | None:
        """Minutes between slots of a task that repeats within the day, else None."""
        return PERIOD_MINUTES.get(self.frequency)


class Window(Section):
    """When TWS or IBKR restarts. Tasks that need the gateway are skipped inside; `restart` tasks run around it."""

    zone: str
    days: Literal["every", "weekdays"] | tuple[Weekday, ...] = "every"
    start: str
    end: str
    acts: bool = True

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        if value != "host":
            require_zone(value)
        return value

    @field_validator("start", "end")
    @classmethod
    def _is_a_clock_time(cls, value: str) -> str:
        minute_of(value)
        return value

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.start == self.end:
            raise ValueError("start and end are the same, allowed: an end after the start, past midnight if need be")
        if not self.weekdays:
            raise ValueError("days names no day, allowed: every, weekdays or at least one weekday")
        return self

    @property
    def weekdays(self) -> tuple[int, ...]:
        """ISO weekdays (Monday 1) on which it starts."""
        if self.days == "every":
            return (1, 2, 3, 4, 5, 6, 7)
        if self.days == "weekdays":
            return (1, 2, 3, 4, 5)
        return tuple(sorted(WEEKDAYS.index(day) + 1 for day in self.days))


def require_zone(name: str) -> None:
    """Raises ValueError unless `name` is a time zone: bash would silently take an unknown one as UTC."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone, allowed: names like America/New_York, Europe/London") from error


class Scheduler(Section):
    """The whole schedule. `timezone` is the zone of the tasks' times; sessions and phases are always NYSE's."""

    timezone: str
    log_directory: Annotated[str, Field(min_length=1, pattern=r"^[^\x00-\x1f|\x7f]+$")]
    enable_holiday_check: bool
    enable_logging: bool
    tasks: dict[TaskName, Task]
    restart_windows: dict[TaskName, Window]

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        require_zone(value)
        return value

    @model_validator(mode="before")
    @classmethod
    def _tasks_know_their_names(cls, values: Any) -> Any:
        tasks = values.get("tasks") if isinstance(values, dict) else None
        if not isinstance(tasks, dict):
            return values
        for name, body in tasks.items():
            if isinstance(body, dict) and body.get("name", name) != name:
                raise ValueError(f"tasks.{name}.name: a task is named by its key")
        named = {name: {**body, "name": name} if isinstance(body, dict) else body for name, body in tasks.items()}
        return {**values, "tasks": named}
