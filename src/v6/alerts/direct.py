"""The way of an alert while the journal cannot be used: sent directly, each at most once an hour, and no more in an
hour than usual. What was sent is remembered in a small file of var/state or, where nothing can be written, of /dev/shm
or the host's folder for temporary files."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from v6 import clock
from v6.alerts import advice
from v6.alerts.limits import Limits
from v6.alerts.outbox import Send
from v6.paths import Paths

FILE = "alerts.sent_directly"
HOUR = 3600.0


def send(paths: Paths, limits: Limits, deliver: Send, title: str, body: str, key: str, cause: str) -> list[str]:
    """The troubles of addresses that did not take it. Raises DeliveryError when none took it. Nothing is sent when it
    was told within the hour, or too much was."""
    key = " ".join(key.split())[:200]
    with _one_at_a_time(paths):
        sent = _sent(paths)
        if key in sent.values() or len(sent) >= limits.messages_per_hour:
            return []
        todo = advice.what_to_do(key)
        words = (body, f"What to do: {todo}" if todo else "", f"(the journal is unusable: {cause})")
        troubles = deliver("failure", f"V6: {title}", "\n".join(line for line in words if line))
        _remember(paths, {**sent, clock.epoch(): key})
    return troubles


@contextmanager
def _one_at_a_time(paths: Paths) -> Generator[None]:
    """Many runs meet the same trouble in the same minute. Where no lock can be had they may tell it twice."""
    for place in _places(paths)[1:]:
        try:
            descriptor = os.open(f"{place}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
        return
    yield


def _places(paths: Paths) -> list[Path]:
    private = f"v6-{os.getuid()}-{hashlib.sha256(str(paths.home).encode()).hexdigest()[:12]}-{FILE}"
    return [paths.state / FILE, Path("/dev/shm") / private, Path(tempfile.gettempdir()) / private]  # noqa: S108


def _sent(paths: Paths) -> dict[float, str]:
    """Instant -> key, of the last hour; what a clock that has gone back left ahead of us does not count."""
    now, found = clock.epoch(), {}
    for place in _places(paths):
        try:
            if place.stat().st_uid != os.getuid():
                continue
            lines = place.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            at, _, key = line.partition(" ")
            if at.replace(".", "", 1).isdigit() and now - HOUR < float(at) <= now:
                found[float(at)] = key
    return found


def _remember(paths: Paths, sent: dict[float, str]) -> None:
    text = "".join(f"{at:.3f} {key}\n" for at, key in sent.items())
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    for place in _places(paths):
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(place, flags, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            continue
        return
