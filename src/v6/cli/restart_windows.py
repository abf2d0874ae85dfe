"""`v6 restart windows`: the configured windows and IBKR's own resets, narrow enough for any terminal."""

import textwrap
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from v6 import clock
from v6.cli import output, restart_sources
from v6.cli.compiled import timetable

if TYPE_CHECKING:
    from v6.restart.windows import Occurrence
    from v6.scheduler.compiled import Window

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
DAY_NAMES = ("", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WIDTH, NAME, SOURCE = 79, 20, 4


def windows(as_json: AsJson = False) -> None:
    """The configured windows, each with its next time, and the table of IBKR's own server resets."""
    from v6.restart.server_resets import RESETS, VERSION

    configured = timetable().schedule.windows
    now, region = clock.now(), restart_sources.settings(say=False).restart.server_region
    if as_json:
        resets = [
            {"region": one.region, **_window(one.window, now), "source": one.source, "as_of": one.as_of}
            | {"words": one.words, "yours": one.region in (region, "everywhere")}
            for one in RESETS
        ]
        output.as_json(
            {"windows": [_window(one, now) for one in configured], "server_resets_version": VERSION}
            | {"server_region": region, "server_resets": resets}
        )
        return
    output.say("Windows (scheduler.restart_windows): jobs that need TWS are held back inside")
    for one in configured:
        _show(one.name, *_of_window(one, now))
    output.say(f"\nIBKR's own server resets, table {VERSION}: TWS stays up, data pause")
    output.say(f"(yours: {region}, restart.server_region, and everywhere)")
    for reset in RESETS:
        _show(reset.region, f"{_when(reset.window)} {reset.window.zone} (as of {reset.as_of})", reset.words)
        output.say(f"{' ' * SOURCE}{reset.source}")


def facts(one: "Occurrence | None") -> dict[str, Any] | None:
    return None if one is None else {"window": one.name, "start": one.start, "end": one.end, "acts": one.acts}


def _of_window(window: "Window", now: datetime) -> Iterator[str]:
    acts = "V6 acts" if window.acts else "V6 does not act"
    yield f"{_when(window)} {window.zone}, {acts}"
    if following := _next(window, now):
        yield f"next in New York: {str(following).removeprefix(f'{window.name} ')}"


def _show(name: str, *lines: str) -> None:
    """The name before the first line, the others below it."""
    lead = f"{name:<{NAME}}"
    for line in lines:
        wrapped = textwrap.wrap(line, WIDTH - NAME, break_long_words=False, break_on_hyphens=False)
        for part in wrapped:
            output.say(f"{lead}{part}")
            lead = " " * NAME


def _window(window: "Window", now: datetime) -> dict[str, Any]:
    return {
        "name": window.name,
        "zone": window.zone,
        "days": [DAY_NAMES[int(digit)] for digit in window.days],
        "start": _clock(window.start),
        "end": _clock(window.end),
        "acts": window.acts,
        "next": facts(_next(window, now)),
    }


def _next(window: "Window", now: datetime) -> "Occurrence | None":
    from v6.restart.windows import occurrences, seconds_between

    coming = occurrences([window], now, now + timedelta(days=8))
    return next((one for one in coming if seconds_between(now, one.start) >= 0), None)


def _when(window: "Window") -> str:
    return f"{' '.join(_days(window.days))} {_clock(window.start)}-{_clock(window.end)}"


def _days(digits: str) -> Iterator[str]:
    """`every day`, `Mon-Fri`, `Fri`: runs of weekdays shortened; a run may go over the week's end (`Sun-Fri`)."""
    if len(digits) == 7:
        yield "every day"
        return
    known = [int(digit) for digit in digits]
    for first in (day for day in known if (day - 2) % 7 + 1 not in known):
        last = first
        while last % 7 + 1 in known:
            last = last % 7 + 1
        yield DAY_NAMES[first] if first == last else f"{DAY_NAMES[first]}-{DAY_NAMES[last]}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
