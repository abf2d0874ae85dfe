"""Instants as the journal stores them: UTC ISO text, so that text order is time order."""

from datetime import UTC, datetime

from v6.clock import NEW_YORK


def slot_text(slot: datetime) -> str:
    """A slot, to the second: `2026-11-27T15:35:00Z`."""
    return _utc(slot).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant_text(instant: datetime) -> str:
    """A measured instant, to the millisecond: `2026-11-27T15:35:00.123Z`."""
    return _utc(instant).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def instant(text: str) -> datetime:
    """Either text back as an aware New York datetime."""
    return datetime.fromisoformat(text).astimezone(NEW_YORK)


def optional(text: str | None) -> datetime | None:
    return None if text is None else instant(text)


def new_york_day(moment: datetime) -> str:
    """The New York date an instant belongs to: `2026-11-27`."""
    return moment.astimezone(NEW_YORK).strftime("%Y-%m-%d")


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"naive datetime {moment}: the journal stores instants")
    return moment.astimezone(UTC)
