"""The only reader of time and the only sleeper.

`V6_CLOCK_OFFSET` (seconds) shifts the clock; `V6_CLOCK_FILE` names a file holding that number, read again at every
look, so that a rehearsal can step long-lived processes through a day. Durations (`monotonic`, `sleep`) stay real.
Standard library only: the supervisor starts with it.
"""

import os
import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


class ClockError(Exception):
    """The configured offset cannot be read: guessing the time would run jobs on the wrong day."""


def offset() -> float:
    """Seconds added to the host's clock; 0.0 in production."""
    path = os.environ.get("V6_CLOCK_FILE")
    if path:
        try:
            with open(path, encoding="ascii") as file:
                text = file.read()
        except OSError as error:
            raise ClockError(f"V6_CLOCK_FILE: {path}: {error.strerror}") from error
        source = f"V6_CLOCK_FILE: {path}"
    else:
        text = os.environ.get("V6_CLOCK_OFFSET", "0") or "0"
        source = "V6_CLOCK_OFFSET"
    try:
        return float(text)
    except ValueError as error:
        raise ClockError(f"{source}: {text.strip()!r} is not a number of seconds") from error


def epoch() -> float:
    """Seconds since 1970 UTC on the (possibly shifted) clock."""
    return time.time() + offset()


def now() -> datetime:
    """The present, aware, in New York."""
    return datetime.fromtimestamp(epoch(), NEW_YORK)


def utc_now() -> datetime:
    return datetime.fromtimestamp(epoch(), UTC)


def shifted() -> str | None:
    """What to say in the first log line when the clock is not the host's, else None."""
    if not (os.environ.get("V6_CLOCK_FILE") or os.environ.get("V6_CLOCK_OFFSET")):
        return None
    return f"the clock is shifted by {offset():+.0f} s: it reads {now():%Y-%m-%d %H:%M:%S %Z}"


def stepped() -> bool:
    """Whether somebody else moves the clock from minute to minute, as a rehearsal does."""
    return bool(os.environ.get("V6_CLOCK_FILE"))


def monotonic() -> float:
    """Real seconds for measuring durations; never shifted."""
    return time.monotonic()


def lasting() -> float:
    """Real seconds for deadlines: they go on while the host sleeps, as `monotonic` does not; never shifted."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def since_boot() -> tuple[float, float]:
    """Real seconds since the host was started, and how many of them it was awake; never shifted."""
    return time.clock_gettime(time.CLOCK_BOOTTIME), time.clock_gettime(time.CLOCK_MONOTONIC)


def sleep(seconds: float) -> None:
    """Sleep real seconds."""
    time.sleep(seconds)
