"""`v6 rehearse`: whole New York days through the real wrapper, against a simulated TWS, in a home of its own."""

from datetime import date, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from v6 import clock
from v6.cli import moments, output
from v6.cli.compiled import timetable
from v6.model import FatalError

if TYPE_CHECKING:
    from v6.rehearsal.window import Window
    from v6.scheduler.nyse_calendar import NYSECalendar

REHEARSALS = Path("rehearsals")
FROM, TO = "07:55", "18:35"
DEMO: dict[str, Any] = {"bars": {"watchlist": []}}
"""The site of a demo: bars of the universe's symbols and the futures only, which take a fifth of the time."""
LONGEST = timedelta(days=31)  # every minute of it is stepped through: a wrong year would go on for weeks
FOLDER = {"file_okay": False, "exists": True, "resolve_path": True}
FILE = {"dir_okay": False, "exists": True, "resolve_path": True}


def register(app: typer.Typer) -> None:
    app.command()(rehearse)


def rehearse(
    day: Annotated[
        str, typer.Argument(metavar="DATE", help="YYYY-MM-DD, yesterday, or latest: the last session that is over.")
    ] = "latest",
    start: Annotated[
        str | None, typer.Option("--from", help="First minute, HH:MM New York.", show_default=FROM)
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Last minute; before --from: on the next day.", show_default=TO)
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="The last day, on which --to is: for a rehearsed week.")
    ] = None,
    down: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="The host goes down, 'YYYY-MM-DD HH:MM' New York; needs --up.")
    ] = None,
    up: Annotated[
        str | None, typer.Option(metavar="MOMENT", help="It is started again: what was missed is told and made up.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Until 30 min after the open, then each phase change.")] = False,
    prologue: Annotated[
        bool,
        typer.Option(
            "--prologue/--no-prologue",
            help="First play the day's earlier once-a-day tasks; before a restart of TWS those of the session before.",
        ),
    ] = True,
    scenario: Annotated[str, typer.Option(help="What goes wrong with TWS: a file, or a shipped one's name.")] = "",
    replay: Annotated[
        Path | None, typer.Option(help="Recorded chains, DATE.parquet each, or a lake of V6.", **FOLDER)
    ] = None,
    realistic: Annotated[
        bool,
        typer.Option(
            "--realistic/--fast",
            help="TWS's delays and limits, 2 % of the contracts without greeks (so use --allow-missing), or as fast as "
            "it goes.",
        ),
    ] = False,
    session: Annotated[
        bool, typer.Option("--session", help="On one connection for the day: the market session (docs/connection.md).")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Exit 0 although something is missing.")
    ] = False,
    home: Annotated[Path | None, typer.Option(help="An empty folder to work in; default: rehearsals/DATE-n.")] = None,
    config: Annotated[Path | None, typer.Option(help="A production.yaml to rehearse with.", **FILE)] = None,
    alerts: Annotated[str, typer.Option(help="Apprise URLs for the rehearsal's alerts; default: nowhere.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Rehearse a New York day: every line cron would start, the clock stepped there, the real wrapper, a simulated TWS.

    Exit code 0: everything expected was collected; 1: something is missing, even when explained, or nothing was due;
    also on a day without a session, when neither a collector nor a restart of TWS is due. With --replay, only what is
    due while the recording has quotes counts.
    """
    from v6.cli.rehearsal_view import Bar, plain, show
    from v6.rehearsal.rehearse import Plan
    from v6.rehearsal.rehearse import rehearse as run
    from v6.rehearsal.stage import Stage, free_home

    date_, windows = _windows(day, start, end, demo, until)
    if down or up:
        windows = _around(windows, down, up)
    stage = Stage(home or free_home(REHEARSALS, str(date_)))
    site = _site(config)
    plan = Plan(windows, site, _scenario(scenario), replay, realistic, alerts, prologue, session, host_down=bool(down))
    began = clock.monotonic()
    try:
        with Bar(hidden=as_json) as bar:
            books = run(stage, plan, bar, lambda text: typer.echo(f"v6: {text}", err=True))
    except KeyboardInterrupt as stopped:
        typer.echo(f"v6: stopped; everything it had started is ended; what there is lies in {stage.home}", err=True)
        raise typer.Exit(130) from stopped
    seconds = clock.monotonic() - began
    if as_json:
        output.as_json({"home": stage.home, "date": date_, "seconds": round(seconds, 1), **plain(books)})
    else:
        show(books, plan, stage.home, seconds)
    if not books.due or not (allow_missing or (books.whole and not books.collected_nothing)):
        raise typer.Exit(output.NO)


def _windows(
    day: str, start: str | None, end: str | None, demo: bool, until: str | None
) -> "tuple[date, tuple[Window, ...]]":
    from v6.rehearsal.window import demo_of, window_of

    if demo and (start or end or until):
        raise FatalError("--demo has windows of its own, allowed: --demo, or --from, --to and --until")
    if day == "latest" or demo:
        calendar = timetable().calendar
        date_ = latest_session(calendar) if day == "latest" else moments.day(day)
        if demo:
            session = calendar.session(date_)
            if session is None:
                raise FatalError(f"{date_}: NYSE is closed ({calendar.closure_reason(date_)}): no demo of that day")
            return date_, demo_of(session)
    else:
        date_ = moments.day(day)
    first, last = moments.wall(start or FROM), moments.wall(end or TO)
    if until is None:
        return date_, (window_of(date_, first, last),)
    return date_, (_days(date_, first, moments.day(until), last),)


def _around(windows: "tuple[Window, ...]", down: str | None, up: str | None) -> "tuple[Window, ...]":
    """The window without the time in which the host is down. Raises FatalError."""
    from v6.rehearsal.window import around

    if not (down and up) or len(windows) != 1:
        raise FatalError("--down and --up: allowed together, without --demo")
    try:
        return around(windows[0], moments.moment(down), moments.moment(up))
    except ValueError as error:
        raise FatalError(f"--down, --up: {error}") from error


def _days(day: date, first: time, last_day: date, last: time) -> "Window":
    """From `first` of one day to `last` of another. Raises FatalError where that is before."""
    from v6.rehearsal.window import Window, window_of

    start, end = window_of(day, first, first).start, window_of(last_day, last, last).end
    if end < start:
        raise FatalError(f"--until {last_day} {last:%H:%M} is before {day} {first:%H:%M}, where the rehearsal begins")
    if end - start > LONGEST:
        raise FatalError(f"--until {last_day}: {(end - start).days} days after {day}, allowed: up to {LONGEST.days}")
    return Window(start, end)


def latest_session(calendar: "NYSECalendar") -> date:
    """The date of the last session that is over."""
    from v6.rehearsal.window import ONE_DAY

    day = clock.now().date()
    while True:
        session = calendar.session(day)
        if session and session.close <= clock.now():
            return day
        day -= ONE_DAY


def _scenario(text: str) -> str:
    """An absolute path or a name, checked before anything is started."""
    from v6.simulator.faults.scenario import Scenario, ScenarioError

    if not text:
        return ""
    path = Path(text)
    try:
        Scenario.load(path)
    except ScenarioError as error:
        raise FatalError(str(error)) from error
    return str(path.absolute()) if path.exists() else text


def _site(config: Path | None) -> dict[str, Any]:
    from v6.config.yaml_file import parse

    if config is None:
        return {}
    try:
        return parse(config.read_text(encoding="utf-8"), str(config))
    except UnicodeDecodeError as error:
        raise FatalError(f"{config}: {error}") from error
