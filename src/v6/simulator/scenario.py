"""Faults by the clock: a YAML file of events with New York times, on the simulator's own clock."""

from dataclasses import dataclass, fields, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml

from v6.clock import NEW_YORK
from v6.simulator.faults import Faults

FOLDER = Path(__file__).parent / "scenarios"
FAULTS = {field.name: field.default for field in fields(Faults)}
SETS = {"client_ids_in_use", "silent", "spoiled"}


class ScenarioError(Exception):
    """`file: path.to.key: what is wrong, what is allowed`."""


@dataclass(frozen=True)
class Event:
    """One fault. No `at`: always. `lasts` None: until midnight. No `day`: every day."""

    fault: str
    value: Any = True
    at: time | None = None
    lasts: timedelta | None = None
    day: date | None = None

    def window(self, today: date) -> tuple[datetime, datetime] | None:
        if self.day not in (None, today):
            return None
        midnight = datetime.combine(today + timedelta(days=1), time(0), NEW_YORK)
        if self.at is None:
            return datetime.combine(today, time(0), NEW_YORK), midnight
        start = datetime.combine(today, self.at, NEW_YORK)
        return start, start + self.lasts if self.lasts is not None else midnight

    def active(self, now: datetime) -> bool:
        window = self.window(now.date())
        return window is not None and window[0] <= now < window[1]


class Scenario:
    def __init__(self, events: tuple[Event, ...] = ()) -> None:
        self._events = events
        self._before: datetime | None = None

    @classmethod
    def load(cls, path: Path) -> "Scenario":
        """From a file, or by the name of one that is shipped. Raises ScenarioError."""
        shipped = FOLDER / f"{path.name.removesuffix('.yaml')}.yaml"
        path = shipped if not path.exists() and shipped.exists() else path
        if not path.exists():
            names = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml")))
            raise ScenarioError(f"{path}: no such scenario, allowed: a file, or a shipped one: {names}")
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise ScenarioError(f"{path}: {error}") from error
        if not isinstance(content, dict) or not isinstance(content.get("events"), list):
            raise ScenarioError(f"{path}: events: missing; a list of faults is needed")
        return cls(tuple(_event(raw, f"{path}: events[{place}]") for place, raw in enumerate(content["events"])))

    def at(self, now: datetime, base: Faults) -> tuple[Faults, bool]:
        """The faults of this moment, and whether a drop has begun since the last look (also one stepped over)."""
        if not self._events:
            return base, False
        overlay = {event.fault: event.value for event in self._events if event.active(now)}
        dropping = any(event.fault == "drop" and event.at and self._crossed(event, now) for event in self._events)
        self._before = now
        return replace(base, **overlay), dropping

    def _crossed(self, event: Event, now: datetime) -> bool:
        window = event.window(now.date())
        return bool(window and self._before and self._before < window[0] <= now)


def _event(raw: Any, place: str) -> Event:
    if not isinstance(raw, dict):
        raise ScenarioError(f"{place}: not a mapping")
    unknown = set(raw) - {"fault", "value", "at", "for_seconds", "date"}
    if unknown:
        raise ScenarioError(f"{place}.{min(unknown)}: unknown; allowed: fault, value, at, for_seconds, date")
    fault = raw.get("fault")
    if fault not in FAULTS:
        raise ScenarioError(f"{place}.fault: {fault!r}; allowed: {', '.join(FAULTS)}")
    seconds = raw.get("for_seconds")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0):
        raise ScenarioError(f"{place}.for_seconds: {seconds!r}; allowed: seconds above 0")
    day = raw.get("date")
    if day is not None and type(day) is not date:
        raise ScenarioError(f"{place}.date: {day!r}; allowed: a date such as 2026-11-27")
    return Event(
        fault,
        _value(fault, raw.get("value", True), f"{place}.value"),
        _time(raw["at"], f"{place}.at") if "at" in raw else None,
        timedelta(seconds=seconds) if seconds is not None else None,
        day,
    )


def _value(fault: str, value: Any, place: str) -> Any:
    if fault in SETS:
        if not isinstance(value, list):
            raise ScenarioError(f"{place}: {value!r}; allowed: a list")
        return frozenset(value) if fault == "client_ids_in_use" else frozenset(map(str, value))
    expected: type | tuple[type, ...] = type(FAULTS[fault])
    if fault == "no_subscription":
        expected = dict
    elif expected is float:
        expected = (float, int)
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        raise ScenarioError(f"{place}: {value!r}; allowed: {expected}")
    return value


def _time(text: Any, place: str) -> time:
    try:
        return time.fromisoformat(text)
    except (TypeError, ValueError):
        raise ScenarioError(f'{place}: {text!r}; allowed: a quoted New York time such as "10:05"') from None
