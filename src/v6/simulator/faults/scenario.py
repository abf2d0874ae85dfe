"""Faults by the clock: a YAML file of events with New York times, on the simulator's own clock."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml

from v6.clock import NEW_YORK
from v6.simulator.faults.model import EVENTS, Faults, Restart, ServerReset
from v6.simulator.faults.values import FAULTS, FaultError, read

FOLDER = Path(__file__).parents[1] / "scenarios"
KEYS = ("fault", "value", "at", "for_seconds", "date")
TOP_KEYS = ("imitates", "source", "events")
LONGEST_SECONDS = 366 * 86400


class ScenarioError(Exception):
    """`file: path.to.key: what is wrong, what is allowed`."""


@dataclass(frozen=True)
class Event:
    """One fault. No `at`: always. `lasts` None: until midnight. No `day`: every day. `start`: an instant instead."""

    fault: str
    value: Any = True
    at: time | None = None
    lasts: timedelta | None = None
    day: date | None = None
    start: datetime | None = None

    def window(self, today: date) -> tuple[datetime, datetime] | None:
        if self.start is not None:
            return self.start, self.start + (self.lasts or timedelta(days=1))
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
    def __init__(self, events: tuple[Event, ...] = (), imitates: str = "", source: str = "") -> None:
        self.events = events
        self.imitates, self.source = imitates, source
        self._before: datetime | None = None

    @classmethod
    def load(cls, path: Path) -> "Scenario":
        """From a file, or by the name of one that is shipped. Raises ScenarioError."""
        shipped = FOLDER / f"{path.name.removesuffix('.yaml')}.yaml"
        try:
            path = shipped if not path.exists() and shipped.exists() else path
            exists = path.is_file()
        except OSError:  # such as a name that is too long
            exists = False
        if not exists:
            raise ScenarioError(f"{path}: no such scenario, allowed: a file, or a shipped one: {', '.join(names())}")
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise ScenarioError(f"{path}: {error}") from error
        if not isinstance(content, dict) or not isinstance(content.get("events"), list):
            raise ScenarioError(f"{path}: events: missing; a list of faults is needed")
        for key in content:
            if key not in TOP_KEYS:
                raise ScenarioError(f"{path}: {key}: unknown; allowed: {', '.join(TOP_KEYS)}")
        events = tuple(_event(raw, f"{path}: events[{place}]") for place, raw in enumerate(content["events"]))
        return cls(events, str(content.get("imitates", "")), str(content.get("source", "")))

    def at(self, now: datetime, base: Faults) -> tuple[Faults, list[tuple[str, Any]]]:
        """The faults of this moment, and what has begun since the last look: drops and all that happens once."""
        if not self.events:
            return base, []
        lasting = {each.fault: each.value for each in self.events if each.fault not in EVENTS and each.active(now)}
        begun = [(each.fault, each.value) for each in self.events if self._begins(each, now)]
        self._before = now
        return replace(base, **lasting), begun

    def _begins(self, event: Event, now: datetime) -> bool:
        if event.fault not in EVENTS and event.fault != "drop":
            return False
        if event.at is None and event.start is None:
            return event.fault in EVENTS and self._before is None and event.active(now)
        window = event.window(now.date())
        return bool(window and self._before and self._before < window[0] <= now)

    def from_now(self, now: datetime, faster: float = 1.0) -> "Scenario":
        """The same events, the first one a moment from now, everything so many times as fast."""
        first = min((event.at or time(0) for event in self.events), default=time(0))
        moved = tuple(_moved(event, first, now, faster) for event in self.events)
        copy = Scenario(moved, self.imitates, self.source)
        copy._before = now - timedelta(microseconds=1)
        return copy


def names() -> list[str]:
    """The scenarios that are shipped."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def listing() -> list[dict[str, str]]:
    """Every shipped scenario: name, imitates, source."""
    loaded = [(name, Scenario.load(FOLDER / f"{name}.yaml")) for name in names()]
    return [{"name": name, "imitates": each.imitates, "source": each.source} for name, each in loaded]


def _moved(event: Event, first: time, now: datetime, faster: float) -> Event:
    today = now.date()
    after = datetime.combine(today, event.at or first) - datetime.combine(today, first)
    lasts = event.lasts / faster if event.lasts is not None else None
    return replace(event, start=now + after / faster, lasts=lasts, day=None, value=_hurried(event.value, faster))


def _hurried(value: Any, faster: float) -> Any:
    if not isinstance(value, Restart | ServerReset):
        return value
    seconds = [name for name in value._fields if name.endswith("_seconds")]
    return value._replace(**{name: getattr(value, name) / faster for name in seconds})


def _event(raw: Any, place: str) -> Event:
    if not isinstance(raw, dict):
        raise ScenarioError(f"{place}: not a mapping")
    unknown = set(map(str, raw)) - set(KEYS)
    if unknown:
        raise ScenarioError(f"{place}.{min(unknown)}: unknown; allowed: {', '.join(KEYS)}")
    fault = raw.get("fault")
    if fault not in FAULTS:
        raise ScenarioError(f"{place}.fault: {fault!r}; allowed: {', '.join(FAULTS)}")
    seconds = raw.get("for_seconds")
    numeric = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if seconds is not None and not (numeric and 0 < seconds <= LONGEST_SECONDS):
        raise ScenarioError(f"{place}.for_seconds: {seconds!r}; allowed: seconds above 0, at most {LONGEST_SECONDS}")
    day = raw.get("date")
    if day is not None and type(day) is not date:
        raise ScenarioError(f"{place}.date: {day!r}; allowed: a date such as 2026-11-27")
    try:
        value = read(fault, raw.get("value", True))
    except FaultError as error:
        raise ScenarioError(f"{place}.value{error}") from error
    return Event(
        fault,
        value,
        _time(raw["at"], f"{place}.at") if "at" in raw else None,
        timedelta(seconds=seconds) if seconds is not None else None,
        day,
    )


def _time(text: Any, place: str) -> time:
    try:
        return time.fromisoformat(text)
    except (TypeError, ValueError):
        raise ScenarioError(f'{place}: {text!r}; allowed: a quoted New York time such as "10:05"') from None
