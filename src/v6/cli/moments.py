"""Dates and instants as a person types them. All are New York's unless they say otherwise."""

from datetime import date, datetime, time, timedelta

import typer

from v6 import clock

NAMED_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}


def day(text: str) -> date:
    """`2026-11-27`, `today`, `yesterday` or `tomorrow` (on the clock of V6)."""
    if text in NAMED_DAYS:
        return clock.now().date() + timedelta(days=NAMED_DAYS[text])
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not a date: write YYYY-MM-DD, today, yesterday or tomorrow") from error


def moment(text: str) -> datetime:
    """`2026-11-27 13:05`, `13:05` (today), `now`, or ISO with a zone (`2026-11-27T18:05:00Z`). Aware, New York."""
    if text == "now":
        return clock.now()
    try:
        if len(text) <= 5 and ":" in text:
            hours, minutes = text.split(":")
            return clock.now().replace(hour=int(hours), minute=int(minutes), second=0, microsecond=0, fold=0)
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is not a time: write 'YYYY-MM-DD HH:MM', HH:MM (today), now, or ISO 8601 with a zone"
        ) from error
    if instant.tzinfo is None:
        return instant.replace(tzinfo=clock.NEW_YORK)
    return instant.astimezone(clock.NEW_YORK)


def wall(text: str) -> time:
    """`07:55`, a New York time of day."""
    hours, colon, minutes = text.partition(":")
    if colon and hours.isdecimal() and minutes.isdecimal() and int(hours) < 24 and int(minutes) < 60:
        return time(int(hours), int(minutes))
    raise typer.BadParameter(f"{text!r} is not a time of day: write HH:MM, 00:00 to 23:59")
