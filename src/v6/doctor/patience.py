"""A limit for each line: a pipe in the place of a file, or a file server that is gone, must not keep the rest away."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

LINE_SECONDS = 120.0
"""More than any line takes: the self-test of the libraries has a limit of its own below this."""


class NoAnswer(Exception):  # noqa: N818 - it names what happened
    """What was asked has not answered in time."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raises NoAnswer. Signals reach the main thread only: elsewhere there is no limit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: object) -> None:
        raise NoAnswer(f"no answer within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, before)
