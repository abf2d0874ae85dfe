"""`v6 restart`: where TWS's restart stands, when the next one is, what became of the last ones."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from v6 import clock
from v6.cli import output
from v6.cli.compiled import timetable
from v6.model import FatalError
from v6.paths import Paths

if TYPE_CHECKING:
    import sqlite3

    from v6.config.settings import Restart as Settings
    from v6.journal.events import Event
    from v6.journal.restarts import Restart
    from v6.restart.manager import Where
    from v6.restart.records.report import RestartReport
    from v6.restart.records.report_files import ReportFiles
    from v6.restart.windows import Occurrence
    from v6.scheduler.compiled import Window

group = typer.Typer(no_args_is_help=True, help="TWS's daily restart: state, windows, past restarts and their reports.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
DAY_NAMES = ("", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@group.command()
def status(as_json: AsJson = False) -> None:
    """Where the restart stands, since when and why, and what comes next. Exit code 1: degraded or overdue."""
    from v6.restart import weekly_login
    from v6.restart.manager import TWSRestartManager, Where
    from v6.restart.states import State
    from v6.restart.windows import current, in_words, next_acting, seconds_between

    now, windows, settings = clock.now(), timetable().schedule.windows, _settings()
    where, late = Where(State.NORMAL, None, "no restart yet"), None
    if _journal_exists():
        with closing(_journal()) as db:
            manager = TWSRestartManager(db, windows, timedelta(minutes=settings.overdue_minutes))
            where, late = manager.current(), manager.overdue(now)
    inside, following = current(windows, now), next_acting(windows, now)
    login = weekly_login.next_death(settings.weekly_login, now)
    if as_json:
        output.as_json(
            {
                **_where(where),
                "overdue": late,
                "window_now": _facts(inside),
                "next_restart": _facts(following),
                "weekly_login": login,
            }
        )
    else:
        output.say(where.words())
        if late:
            output.say(f"overdue: {late}")
        if inside:
            output.say(f"now in the window {inside}")
        if following:
            output.say(f"next restart: {following}, in {in_words(seconds_between(now, following.start))}")
        output.say(f"weekly login: {login:%A %Y-%m-%d %H:%M %Z}, in {in_words(seconds_between(now, login))}")
    if late or where.state is State.DEGRADED:
        raise typer.Exit(output.NO)


@group.command()
def windows(as_json: AsJson = False) -> None:
    """The configured windows, each with its next time, and the table of IBKR's own server resets."""
    from v6.restart.server_resets import RESETS, VERSION

    now, configured, region = clock.now(), timetable().schedule.windows, _settings().server_region
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
    output.say("Windows (scheduler.restart_windows): jobs that need TWS are held back; V6 acts on those that say so")
    output.table(None, ("window", "when", "zone", "acts", "next, New York"), [_row(one, now) for one in configured])
    output.say(
        f"\nIBKR's own server resets, table {VERSION} (restart.server_region: {region}): TWS stays up, data pause"
    )
    output.table(
        None,
        ("region", "when", "zone", "as of", "source", "remark"),
        [(one.region, _when(one.window), one.window.zone, one.as_of, one.source, one.words) for one in RESETS],
    )


@group.command()
def history(
    limit: Annotated[int, typer.Option(min=1, help="How many, the latest first.")] = 14,
    steps: Annotated[
        bool, typer.Option("--steps", help="The steps of the state instead, each with its cause.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """The latest restarts, one line each: prepared, away, back, validated, orders, outcome."""
    from v6.journal import events, restarts
    from v6.restart.manager import EVENT

    past: list[Restart] = []
    moved: list[Event] = []
    if _journal_exists():
        with closing(_journal()) as db:
            past = restarts.latest(db, limit)
            moved = events.recent(db, EVENT, limit)
    if as_json:
        output.as_json([one._asdict() for one in (moved if steps else past)])
    elif steps:
        output.table(None, ("at", "what"), [(f"{one.at:%Y-%m-%d %H:%M:%S %Z}", one.text) for one in moved])
    elif past:
        columns = ("id", "window", "prepared", "TWS", "back", "validated", "cancelled", "first tick s", "outcome")
        output.table(None, columns, [_past(one) for one in past], right="id cancelled")
    else:
        output.say("no restart in the journal")


@group.command()
def report(
    which: Annotated[str, typer.Argument(metavar="[ID|latest]", help="An id of `v6 restart history`.")] = "latest",
    as_json: AsJson = False,
) -> None:
    """The report of one restart: before, after, difference, steps, verdict. Exit code 1: not restored."""
    from v6.restart.records.report import Verdict
    from v6.restart.records.report_text import text
    from v6.restart.records.typed_json import plain

    found = _report(which)
    if as_json:
        output.as_json(plain(found))
    else:
        output.say(text(found).rstrip("\n"))
    if found.verdict is not Verdict.RESTORED:
        raise typer.Exit(output.NO)


def _report(which: str) -> "RestartReport":
    from v6.restart.records.document import Flawed
    from v6.restart.records.report_files import ReportFiles

    files = ReportFiles(Paths.locate().state / "restarts", _settings().keep_reports)
    try:
        return _latest(files) if which == "latest" else _of(files, _restart(which))
    except Flawed as flawed:
        raise FatalError(f"the report cannot be used: {flawed}") from flawed


def _latest(files: "ReportFiles") -> "RestartReport":
    kept = files.paths()
    if not kept:
        raise FatalError(f"there is no report in {files.folder} yet: pre_restart writes the first")
    return files.load(kept[0])


def _of(files: "ReportFiles", row: "Restart") -> "RestartReport":
    found = files.find(row.window, row.window_start)
    if found is None:
        raise FatalError(f"restart {row.id} ({row.window}, {row.window_start:%Y-%m-%d %H:%M}) has no report any more")
    return found


def _restart(which: str) -> "Restart":
    from v6.journal import restarts

    known: list[Restart] = []
    if _journal_exists():
        with closing(_journal()) as db:
            known = restarts.latest(db, 1000)
    row = next((one for one in known if str(one.id) == which), None)
    if row is None:
        ids = f"{known[-1].id} to {known[0].id}" if known else "none yet"
        raise FatalError(f"{which!r} is no restart, allowed: latest, or an id ({ids}) of `v6 restart history`")
    return row


def _settings() -> "Settings":
    from v6.config.load import load

    return load(Paths.locate()).settings.restart


def _journal_exists() -> bool:
    """Not before the first run: a question never creates it."""
    return Paths.locate().journal.exists()


def _journal() -> "sqlite3.Connection":
    import sqlite3

    from v6.journal.database import JournalError, connect

    path = Paths.locate().journal
    try:
        return connect(path)
    except (JournalError, sqlite3.Error) as error:
        raise FatalError(f"{path}: {error}") from error


def _where(where: "Where") -> dict[str, Any]:
    return {
        "state": where.state,
        "since": where.since,
        "cause": where.cause,
        "window": where.window or None,
        "window_start": where.start,
        "window_end": where.end,
    }


def _facts(one: "Occurrence | None") -> dict[str, Any] | None:
    return None if one is None else {"window": one.name, "start": one.start, "end": one.end, "acts": one.acts}


def _window(window: "Window", now: datetime) -> dict[str, Any]:
    return {
        "name": window.name,
        "zone": window.zone,
        "days": [DAY_NAMES[int(digit)] for digit in window.days],
        "start": _clock(window.start),
        "end": _clock(window.end),
        "acts": window.acts,
        "next": _facts(_next(window, now)),
    }


def _row(window: "Window", now: datetime) -> tuple[object, ...]:
    following = _next(window, now)
    when = str(following).removeprefix(f"{window.name} ") if following else ""
    return window.name, _when(window), window.zone, "yes" if window.acts else "no", when


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


def _past(one: "Restart") -> tuple[object, ...]:
    return (
        one.id,
        f"{one.window} {one.window_start:%Y-%m-%d %H:%M}",
        _time(one.prepared_at),
        one.observed.replace("_", " "),
        _time(one.connected_at),
        _time(one.validated_at),
        one.orders_cancelled,
        "" if one.first_tick_seconds is None else f"{one.first_tick_seconds:.1f}",
        one.outcome or "not over",
    )


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%H:%M:%S}"
