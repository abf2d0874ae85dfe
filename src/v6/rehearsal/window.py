"""Which minutes of a New York day a rehearsal walks through."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from v6.clock import NEW_YORK
from v6.scheduler.nyse_calendar import POST_MARKET_UNTIL, POST_MARKET_UNTIL_EARLY, Session

DEMO_FROM = time(7, 55)
ONE_DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` to `end`, both aware and both included, to the minute."""

    start: datetime
    end: datetime

    def minutes(self) -> Iterator[datetime]:
        """Every real minute: a fall-back hour comes twice, a skipped hour not at all."""
        epoch, last = int(self.start.timestamp()), int(self.end.timestamp())
        for second in range(epoch, last + 1, 60):
            yield datetime.fromtimestamp(second, NEW_YORK)

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant <= self.end


def window_of(day: date, start: time, end: time) -> Window:
    """The window of a New York date; an end before its start is on the next day."""
    last = day + ONE_DAY if end < start else day
    return Window(
        datetime.combine(day, start, NEW_YORK),
        datetime.combine(last, end, NEW_YORK).replace(fold=1),  # of a repeated hour, all of it
    )


def around(window: Window, down: datetime, up: datetime) -> tuple[Window, Window]:
    """What is left of it before and after a time in which the host is down: it is, from the minute `down` on, until the
    minute `up` has come. Raises ValueError when one of the two would be empty."""
    if not window.start < down < up <= window.end:
        span = f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M}"
        raise ValueError(
            f"down {down:%Y-%m-%d %H:%M}, up {up:%Y-%m-%d %H:%M}, allowed: one after the other, within {span}"
        )
    return Window(window.start, down - MINUTE), Window(up, window.end)


def demo_of(session: Session) -> tuple[Window, ...]:
    """The morning until half an hour after the open, then the last slot and a moment in each later phase.

    A quarter of an hour after the close the health check looks back on the last slot alone, not on the hours left out.
    """
    day = session.date
    last_slot, after_close = session.close - timedelta(minutes=5), session.close + timedelta(minutes=15)
    evening = datetime.combine(day, POST_MARKET_UNTIL_EARLY if session.early else POST_MARKET_UNTIL, NEW_YORK)
    return (
        Window(datetime.combine(day, DEMO_FROM, NEW_YORK), session.open + timedelta(minutes=30)),
        *(Window(moment, moment) for moment in (last_slot, after_close, evening)),
    )
