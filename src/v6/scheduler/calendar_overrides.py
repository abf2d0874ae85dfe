"""config/calendar_overrides.yaml: closures and early closes announced too late for the installed calendar package.

- date: "2025-01-09"
  reason: National day of mourning
  close: null          # closed all day; "13:00" for an early close
"""

from datetime import date, time
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from v6.config.errors import ConfigError
from v6.config.settings import Section
from v6.config.yaml_file import parse_list

EARLY_CLOSE = time(13, 0)


class Entry(Section):
    """One list item. Only 13:00 is an early close: the crontab is rendered for 13:00 and 16:00."""

    date: str
    reason: Annotated[str, Field(pattern=r"^[\x20-\x7e]{3,80}$")]
    close: Literal["13:00"] | None

    @field_validator("date")
    @classmethod
    def _is_a_weekday(cls, value: str) -> str:
        try:
            day = date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f'{value!r} is not a date, allowed: "YYYY-MM-DD" in quotes') from error
        if day.weekday() >= 5 or str(day) != value:
            raise ValueError(f'{value!r} is a weekend day or not "YYYY-MM-DD", allowed: a weekday')
        return value


class Override:
    """What a day becomes. `close` None: closed all day."""

    def __init__(self, reason: str, close: time | None) -> None:
        self.reason = reason
        self.close = close


def read_overrides(text: str, label: str) -> dict[date, Override]:
    """The overrides by day. Raises ConfigError naming entry and key."""
    try:
        entries = TypeAdapter(tuple[Entry, ...]).validate_python(parse_list(text, label))
    except ValidationError as error:
        lines = (f"{label}: {_place(detail['loc'])}: {_problem(detail['msg'])}" for detail in error.errors())
        raise ConfigError(*lines) from error
    found: dict[date, Override] = {}
    for entry in entries:
        day = date.fromisoformat(entry.date)
        if day in found:
            raise ConfigError(f"{label}: {day}: is listed twice")
        found[day] = Override(entry.reason, EARLY_CLOSE if entry.close else None)
    return found


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join(f"[{part}]" if isinstance(part, int) else part for part in loc).replace(".[", "[")


def _problem(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should be", "allowed:")
