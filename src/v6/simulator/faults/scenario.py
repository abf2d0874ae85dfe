"""Faults by the clock: a YAML file of events with New York times, on the simulator's own clock."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml

from v6.clock import NEW_YORK
from v6.simulator.faults.event import DAY, LONGEST_SECONDS, WEEKDAYS, Event, aged
from v6.simulator.faults.model import EVENTS, Faults
from v6.simulator.faults.values import FAULTS, FaultError, read

FOLDER = Path(__file__).parents[1] / "scenarios"
KEYS = ("fault", "value", "at", "for_seconds", "date", "weekday")
TOP_KEYS = ("imitates", "source", "events")
YEARS = range(2000, 2100)
# a clock that steps further: what began earlier than that has been forgotten
LONGEST_STEP = 7 * DAY
# what drops the connections at its beginning, and so also when the clock has stepped over all of it
DROPPING = ("drop", "awaiting_login")

Begun = tuple[str, Any]


class ScenarioError(Exception):
    """`file: path.to.key: what is wrong, what is allowed`."""


class Scenario:
    """`began`: lasting faults that have begun since the look before; `passed`: those of them that are over already."""

    def __init__(self, events: tuple[Event, ...] = (), imitates: str = "", source: str = "") -> None:
        self.events = events
        self.imitates, self.source = imitates, source
        self.began: tuple[str, ...] = ()
        self.passed: tuple[str, ...] = ()
        self._before: float | None = None

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
        if not content["events"]:
            raise ScenarioError(f"{path}: events: empty; allowed: at least one fault")
        events = tuple(_event(raw, f"{path}: events[{place}]") for place, raw in enumerate(content["events"]))
        return cls(events, str(content.get("imitates", "")), str(content.get("source", "")))

    def at(self, now: datetime, base: Faults) -> tuple[Faults, list[Begun]]:
        """The faults of this moment, and what has begun since the last look: drops and all that happens once.

        What happens once comes in the order of its instants, with what is left of its durations.
        """
        if not self.events:
            return base, []
        instant = now.timestamp()
        before, self._before = self._before, instant
        lasting = {each.fault: each.value for each in self.events if _lasts(each) and each.since(instant) is not None}
        once = [(at, each) for each in self.events for at in _begins(each, before, instant)]
        once.sort(key=lambda begun: begun[0])
        self.began = tuple(each.fault for _, each in once if _lasts(each))
        self.passed = tuple(each.fault for at, each in once if _lasts(each) and each.end(at) <= instant)
        told = [_told(each, instant - at) for at, each in once if _counts(each, at, instant)]
        return replace(base, **lasting), told

    def from_now(self, now: datetime, faster: float = 1.0) -> "Scenario":
        """The same events, the first one a moment from now, everything so many times as fast."""
        first = min((event.at or time(0) for event in self.events), default=time(0))
        moved = tuple(event.moved(first, now, faster) for event in self.events)
        copy = Scenario(moved, self.imitates, self.source)
        copy._before = now.timestamp() - 0.001
        return copy

    def happens(self, first: datetime, last: datetime) -> bool:
        """Whether anything of it is in force at the first of these moments, or begins until the last one."""
        start, end = first.timestamp(), last.timestamp()
        return any(
            each.value
            and (_begins(each, None, start) or _begins(each, start, end) or (_lasts(each) and each.since(start)))
            for each in self.events
        )

    def plan(self, now: datetime) -> list[str]:
        """What is in force, and what comes next, in words; also that nothing of it is left for today."""
        instant = now.timestamp()
        told = [f"now: {each.fault}" for each in self.events if _lasts(each) and each.since(instant) is not None]
        once = [
            f"at the start: {each.fault}"
            for each in self.events
            if each.fault in EVENTS and _begins(each, None, instant)
        ]
        coming = sorted(
            (at, each.fault) for each in self.events if not each.always and (at := each.next(instant)) is not None
        )
        lines = told + once + [f"next: {fault} at {_shown(at)}" for at, fault in coming]
        if not lines:
            return [f"every event of the scenario is past at {now:%Y-%m-%d %H:%M:%S}: nothing will happen"]
        today = any(datetime.fromtimestamp(at, NEW_YORK).date() == now.date() for at, _ in coming)
        if not (told or once or today):
            lines.insert(0, f"nothing of the scenario is left for today: it is {now:%H:%M:%S}")
        return lines


def _lasts(event: Event) -> bool:
    return event.fault not in EVENTS


def _begins(event: Event, before: float | None, now: float) -> list[float]:
    """The instants since the last look; at the first look what has no time, and what has begun and still goes on."""
    if not event.value:
        return []
    if before is not None:
        return [] if event.always else event.instants(max(before, now - LONGEST_STEP), now)
    if _lasts(event):
        return []
    if event.at is None and event.start is None:
        return [now] if event.since(now) is not None else []
    reaching = event.reaches(now)
    return [] if reaching is None else [reaching]


def _counts(event: Event, at: float, now: float) -> bool:
    """Whether the simulator has to do something at its beginning."""
    if event.fault == "awaiting_login":
        return event.end(at) <= now  # while it lasts, the fault itself drops them
    return event.fault in EVENTS or event.fault in DROPPING


def _told(event: Event, ago: float) -> Begun:
    return ("drop", True) if event.fault in DROPPING else (event.fault, aged(event.value, ago))


def _shown(instant: float) -> str:
    when = datetime.fromtimestamp(instant, NEW_YORK)
    return f"{when:%Y-%m-%d %H:%M:%S}" if when.second else f"{when:%Y-%m-%d %H:%M}"


def names() -> list[str]:
    """The scenarios that are shipped."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


def listing() -> list[dict[str, str]]:
    """Every shipped scenario: name, imitates, source."""
    loaded = [(name, Scenario.load(FOLDER / f"{name}.yaml")) for name in names()]
    return [{"name": name, "imitates": each.imitates, "source": each.source} for name, each in loaded]


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
    if day is not None and not (type(day) is date and day.year in YEARS):
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
        _weekday(raw, f"{place}.weekday") if "weekday" in raw else None,
    )


def _weekday(raw: dict[Any, Any], place: str) -> int:
    named = raw["weekday"]
    if named not in WEEKDAYS:
        raise ScenarioError(f"{place}: {named!r}; allowed: {', '.join(WEEKDAYS)}")
    if raw.get("date") is not None:
        raise ScenarioError(f"{place}: {named!r}; allowed only without date")
    return WEEKDAYS.index(named)


def _time(text: Any, place: str) -> time:
    try:
        return time.fromisoformat(text)
    except (TypeError, ValueError):
        raise ScenarioError(f'{place}: {text!r}; allowed: a quoted New York time such as "10:05"') from None
