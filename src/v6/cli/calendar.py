"""`v6 calendar`: what NYSE does on a date."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from v6.cli import moments, output
from v6.cli.compiled import timetable

if TYPE_CHECKING:
    from v6.scheduler.nyse_calendar import NYSECalendar

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def register(app: typer.Typer) -> None:
    app.command()(calendar)


def calendar(
    day: Annotated[str, typer.Argument(metavar="DATE", help="YYYY-MM-DD, today, yesterday or tomorrow.")] = "today",
    as_json: AsJson = False,
) -> None:
    """Session, holiday or early close of a date, its phases and the next session. Exit code 1: no session."""
    known = timetable().calendar
    date_ = moments.day(day)
    facts = _facts(known, date_)
    if as_json:
        output.as_json(facts)
    else:
        for line in _sentences(known, date_, facts):
            output.say(line)
    if not facts["trading_day"]:
        raise typer.Exit(output.NO)


def _facts(known: "NYSECalendar", day: date) -> dict[str, Any]:
    session = known.session(day)
    following = known.next_session(day)
    return {
        "date": day,
        "trading_day": session is not None,
        "reason": known.closure_reason(day) if session is None else known.deviation(day),
        "open": session.open if session else None,
        "close": session.close if session else None,
        "early_close": session.early if session else False,
        "next_session": following.date,
    }


def _sentences(known: "NYSECalendar", day: date, facts: dict[str, Any]) -> list[str]:
    name = f"{day:%A} {day}"
    session = known.session(day)
    following = known.next_session(day)
    after = f"next session {following.date:%A} {following.date} {following.open:%H:%M}-{following.close:%H:%M}"
    if session is None:
        return [f"{name}: NYSE is closed: {facts['reason']}", after]
    kind = "an early close" if session.early else "a regular session" if facts["reason"] is None else "a session"
    why = f" ({facts['reason']})" if facts["reason"] else ""
    until = "17:00" if session.early else "20:00"
    return [
        f"{name}: {kind}{why}, {session.open:%H:%M}-{session.close:%H:%M} {session.open:%Z}",
        f"pre_market 04:00-{session.open:%H:%M}, market_open {session.open:%H:%M}-{session.close:%H:%M}, "
        f"post_market {session.close:%H:%M}-{until}",
        after,
    ]
