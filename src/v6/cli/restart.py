"""`v6 restart`: where TWS's restart stands, when the next one is, what became of the last ones."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from v6 import clock
from v6.cli import output, restart_sources
from v6.cli.compiled import timetable
from v6.cli.journals import journal
from v6.cli.restart_history import history
from v6.cli.restart_windows import facts, windows
from v6.model import FatalError
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.journal.restarts import Restart
    from v6.restart.manager import Where
    from v6.restart.records.report import RestartReport
    from v6.restart.records.report_files import ReportFiles
    from v6.scheduler.compiled import Window

group = typer.Typer(no_args_is_help=True, help="TWS's daily restart: state, windows, past restarts and their reports.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


@dataclass(frozen=True, slots=True)
class Standing:
    """`late`: why it should have been over. `at_work`: the job that holds the restart lock. `to_do`: of a person."""

    where: "Where"
    late: str | None
    at_work: str | None
    takes_over: datetime | None
    to_do: tuple[str, ...]


@group.command()
def status(as_json: AsJson = False) -> None:
    """Where the restart stands, since when and why, and what comes next. Exit code 1: degraded or overdue."""
    from v6.restart import weekly_login
    from v6.restart.states import State
    from v6.restart.windows import current, in_words, next_acting, seconds_between

    now, configured = clock.now(), timetable().schedule.windows
    stands = standing(now, configured)
    inside, following = current(configured, now), next_acting(configured, now)
    login = weekly_login.next_death(restart_sources.settings(say=False).restart.weekly_login, now)
    if as_json:
        output.as_json(
            {
                **_where(stands.where),
                "overdue": stands.late,
                "at_work": stands.at_work,
                "to_do": stands.to_do,
                "window_now": facts(inside),
                "next_restart": facts(following),
                "weekly_login": login,
            }
        )
    else:
        for line in _lines(stands, now):
            output.say(line)
        if inside:
            output.say(f"now in the window {inside}")
        if following:
            output.say(f"next restart: {following}, in {in_words(seconds_between(now, following.start))}")
        output.say(f"weekly login: {login:%A %Y-%m-%d %H:%M %Z}, in {in_words(seconds_between(now, login))}")
    if stands.late or stands.where.state is State.DEGRADED:
        raise typer.Exit(output.NO)


group.command()(windows)
group.command()(history)


@group.command()
def report(
    which: Annotated[str, typer.Argument(metavar="[ID|latest]", help="An id of `v6 restart history`.")] = "latest",
    as_json: AsJson = False,
) -> None:
    """The report of one restart: before, after, difference, steps, verdict. Exit code 1: not all went well."""
    from v6.restart.records.report import Verdict
    from v6.restart.records.report_text import text
    from v6.restart.records.typed_json import plain

    found = _report(which)
    if as_json:
        output.as_json(plain(found))
    else:
        output.say(text(found).rstrip("\n"))
    if found.exit_code or found.verdict not in (Verdict.RESTORED, Verdict.PREPARED):
        raise typer.Exit(output.NO)


def standing(now: datetime, configured: "Sequence[Window]") -> Standing:
    from v6.restart.alone import holder
    from v6.restart.manager import TWSRestartManager, Where
    from v6.restart.states import State
    from v6.restart.windows import JUST_OVER

    settings, at_work = restart_sources.settings(say=False).restart, holder(Paths.locate().locks)
    where, late = Where(State.NORMAL, None, "no restart yet"), None
    if restart_sources.journal_exists():
        with closing(journal()) as db:
            overdue = timedelta(minutes=settings.overdue_minutes)
            manager = TWSRestartManager(db, configured, overdue)
            where, late = manager.current(), manager.overdue(now)
    takes_over = where.end + JUST_OVER if where.end and where.state is not State.NORMAL else None
    to_do = _to_do(where, settings.keep_reports) if where.state is State.DEGRADED else ()
    said = late.removeprefix(f"{where.words()}; ") if late else None
    return Standing(where, said, at_work, takes_over, to_do)


def _lines(stands: Standing, now: datetime) -> list[str]:
    """What it is, what is done about it, and by whom."""
    from v6.restart.states import State
    from v6.restart.windows import seconds_between

    lines = [stands.where.words()]
    if stands.late:
        lines.append(f"overdue: {stands.late}")
    lines += [f"To do: {one}" for one in stands.to_do]
    if stands.at_work:
        lines.append(f"at work: {stands.at_work}")
    elif stands.where.state is State.DEGRADED:
        lines.append("nobody is at work now: recover_restart looks every 15 minutes and goes on by itself")
    elif stands.takes_over and stands.where.end and seconds_between(stands.where.end, now) >= 0:
        lines.append(
            f"nobody is at work now: if no post_restart comes, recover_restart takes over after "
            f"{stands.takes_over:%H:%M %Z}, every 15 minutes"
        )
    return lines


def _to_do(where: "Where", keep_reports: int) -> tuple[str, ...]:
    """Of the report of this window, if it is about the same trouble."""
    from v6.restart.records.document import Flawed
    from v6.restart.records.report import Verdict
    from v6.restart.records.report_text import to_do
    from v6.restart.records.what_helps import what_helps

    try:
        found = restart_sources.report_files(keep_reports).find(where.window, where.start) if where.start else None
    except Flawed as flawed:
        return (f"look at TWS; the report cannot be read: {flawed}",)
    if found is not None and found.verdict in (Verdict.DEGRADED, Verdict.WAITING):
        return tuple(to_do(found))
    return (what_helps(where.cause),)


def _report(which: str) -> "RestartReport":
    from v6.restart.records.document import Flawed

    files = restart_sources.report_files(restart_sources.settings().restart.keep_reports)
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
    known = restart_sources.restarts_known()
    row = next((one for one in known if str(one.id) == which), None)
    if row is None:
        numbers = [one.id for one in known]
        ids = f"{min(numbers)} to {max(numbers)}" if numbers else "none yet"
        raise FatalError(f"{which!r} is no restart, allowed: latest, or an id ({ids}) of `v6 restart history`")
    return row


def _where(where: "Where") -> dict[str, Any]:
    return {
        "state": where.state,
        "since": where.since,
        "cause": where.cause,
        "window": where.window or None,
        "window_start": where.start,
        "window_end": where.end,
    }
