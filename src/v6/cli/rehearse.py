"""`v6 rehearse`: a whole New York day through the real wrapper, against a simulated TWS, in a home of its own."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from v6 import clock
from v6.cli import moments, output
from v6.cli.compiled import timetable
from v6.model import FatalError

if TYPE_CHECKING:
    from v6.rehearsal.books import Books
    from v6.rehearsal.rehearse import Plan
    from v6.rehearsal.window import Window
    from v6.scheduler.nyse_calendar import NYSECalendar

REHEARSALS = Path("rehearsals")
SHOWN = 10  # lines of a kind
WIDTH = 160  # characters of a reason
FOLDER = {"file_okay": False, "exists": True, "resolve_path": True}
FILE = {"dir_okay": False, "exists": True, "resolve_path": True}


def register(app: typer.Typer) -> None:
    app.command()(rehearse)


def rehearse(
    day: Annotated[
        str, typer.Argument(metavar="DATE", help="YYYY-MM-DD, yesterday, or latest: the last session that is over.")
    ] = "latest",
    start: Annotated[str, typer.Option("--from", help="First minute, HH:MM New York.")] = "07:55",
    end: Annotated[str, typer.Option("--to", help="Last minute; before --from: on the next day.")] = "18:35",
    demo: Annotated[bool, typer.Option("--demo", help="Until 30 min after the open, then each phase change.")] = False,
    scenario: Annotated[str, typer.Option(help="What goes wrong with TWS: a file, or a shipped one's name.")] = "",
    replay: Annotated[Path | None, typer.Option(help="Recorded chains, DATE.parquet each.", **FOLDER)] = None,
    realistic: Annotated[
        bool, typer.Option("--realistic/--fast", help="TWS's delays and limits, or as fast as it goes.")
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

    Exit code 0: everything expected was collected; 1: something is missing, even when explained.
    """
    from v6.rehearsal.rehearse import Plan
    from v6.rehearsal.rehearse import rehearse as run
    from v6.rehearsal.stage import Stage, free_home

    date_, windows = _windows(day, start, end, demo)
    stage = Stage(home or free_home(REHEARSALS, str(date_)))
    plan = Plan(windows, _site(config), _scenario(scenario), replay, realistic, alerts)
    began = clock.monotonic()
    try:
        with _Bar(hidden=as_json) as bar:
            books = run(stage, plan, bar)
    except KeyboardInterrupt as stopped:
        typer.echo(f"v6: stopped; everything it had started is ended; what there is lies in {stage.home}", err=True)
        raise typer.Exit(130) from stopped
    seconds = clock.monotonic() - began
    if as_json:
        output.as_json({"home": stage.home, "date": date_, "seconds": round(seconds, 1), **_plain(books)})
    else:
        _show(books, plan, stage.home, seconds)
    if not books.whole and not allow_missing:
        raise typer.Exit(output.NO)


class _Bar:
    """The progress bar; without a terminal, a line an hour of the rehearsed day."""

    def __init__(self, *, hidden: bool) -> None:
        self.console = output.console()
        self.hidden = hidden
        self.hour: datetime | None = None
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            disable=hidden or not self.console.is_terminal,
        )
        self.bar = self.progress.add_task("building the stage", total=None)

    def __enter__(self) -> "_Bar":
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def begin(self, minutes: int) -> None:
        self.progress.update(self.bar, total=minutes)

    def at(self, minute: datetime, started: Sequence[str]) -> None:
        words = f"{minute:%a %H:%M %Z}  {len(started)} started"
        self.progress.update(self.bar, description=words, advance=1)
        hour = minute.replace(minute=0)
        if not self.console.is_terminal and not self.hidden and hour != self.hour:
            self.hour = hour
            output.say(f"{minute:%Y-%m-%d %H:%M %Z} ...")


def _windows(day: str, start: str, end: str, demo: bool) -> "tuple[date, tuple[Window, ...]]":
    from v6.rehearsal.window import demo_of, window_of

    if day == "latest" or demo:
        calendar = timetable().calendar
        date_ = _latest(calendar) if day == "latest" else moments.day(day)
        if demo:
            session = calendar.session(date_)
            if session is None:
                raise FatalError(f"{date_}: NYSE is closed ({calendar.closure_reason(date_)}): no demo of that day")
            return date_, demo_of(session)
    else:
        date_ = moments.day(day)
    return date_, (window_of(date_, moments.wall(start), moments.wall(end)),)


def _latest(calendar: "NYSECalendar") -> date:
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
    from v6.simulator.scenario import Scenario, ScenarioError

    if not text:
        return ""
    path = Path(text)
    try:
        Scenario.load(path)
    except ScenarioError as error:
        raise FatalError(str(error)) from error
    return str(path.absolute()) if path.exists() else text


def _site(config: Path | None) -> dict[str, Any]:
    if config is None:
        return {}
    try:
        tree = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise FatalError(f"{config}: {error}") from error
    if not isinstance(tree, dict):
        raise FatalError(f"{config}: is not a mapping of settings")
    return tree


def _plain(books: "Books") -> dict[str, Any]:
    return {
        "whole": books.whole,
        "expected_runs": books.expected_runs,
        "runs": {task: dict(outcomes) for task, outcomes in books.runs.items()},
        "gate_skips": [{"task": task, "reason": why, "count": n} for (task, why), n in books.gate_skips.items()],
        "not_done": [asdict(one) for one in books.not_done],
        "slots": [asdict(state) for state in books.slots],
        "misses": dict(books.miss_reasons),
        "rows": books.rows,
        "alerts": books.alerts,
    }


def _show(books: "Books", plan: "Plan", home: Path, seconds: float) -> None:
    from v6.cli.history import totals

    spans = ", ".join(f"{w.start:%H:%M}-{w.end:%H:%M}" if w.end > w.start else f"{w.start:%H:%M}" for w in plan.windows)
    first = plan.windows[0].start
    output.say("")
    output.say(f"{first:%A} {first.date()}, {spans}: {books.expected_runs} runs expected, {seconds:.0f} s")
    output.table(
        None,
        ("task", "attempts by outcome", "turned away by the gate"),
        _task_rows(books),
    )
    output.say("")
    for line in totals(books.slots) or ["no slot of a collector was expected"]:
        output.say(line)
    if books.miss_reasons:
        output.say("missed: " + ", ".join(f"{reason} {n}" for reason, n in books.miss_reasons.most_common()))
    output.say("rows: " + (", ".join(f"{table} {rows}" for table, rows in books.rows.items()) or "none"))
    for one in books.not_done[:SHOWN]:
        output.say(f"not done: {one.slot:%H:%M %Z} {one.task}: {_short(one.reason)}")
    if len(books.not_done) > SHOWN:
        output.say(f"... and {len(books.not_done) - SHOWN} more runs not done (v6 runs)")
    for title, delivered in books.alerts[:SHOWN]:
        output.say(
            f"alert: {title}{'' if delivered else ' (not sent)' if plan.alert_urls else ' (nobody to send it to)'}"
        )
    output.say("everything expected is there" if books.whole else "NOT everything expected is there")
    _how_to_look(books, plan.windows[0], home)


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[:WIDTH]} ..."


def _task_rows(books: "Books") -> list[tuple[str, str, str]]:
    tasks = sorted({*books.runs, *(task for task, _ in books.gate_skips)})
    return [
        (
            task,
            ", ".join(f"{n} {outcome}" for outcome, n in books.runs.get(task, {}).items()),
            ", ".join(f"{n} {why}" for (name, why), n in books.gate_skips.items() if name == task),
        )
        for task in tasks
    ]


def _how_to_look(books: "Books", window: "Window", home: Path) -> None:
    start, end = window.start, window.end
    wrong = [(state.task, state.slot) for state in books.slots if state.verdict != "complete"]
    right = [(state.task, state.slot) for state in books.slots]
    task, slot = (wrong or right[-1:] or [("health_check", end)])[0]
    output.say(
        f"\nlook at it:\n"
        f"  export V6_HOME={shlex.quote(str(home))}\n"
        f"  v6 slots {start:%Y-%m-%d} --from {start:%H:%M} --to {end:%H:%M}\n"
        f"  v6 runs --limit 30\n"
        f'  v6 why {task} "{slot:%Y-%m-%d %H:%M}"\n'
        f"  v6 lake status"
    )
