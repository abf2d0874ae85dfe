"""Requests for bars that failed and may succeed: each is asked again, TRIES times in all. Pure; monotonic seconds.

A time limit, a farm that is reconnecting, another session on the account: one lost answer is a hole in a series that
nobody sees (L10), and asked again a few seconds later TWS mostly has it.
"""

from typing import Generic, TypeVar

from v6.gateway.errors import GatewayError

TRIES = 3
PAUSES = (5.0, 15.0)
"""Seconds before the second and the third try. The rules for small bars (15 s between identical ones) come on top."""

R = TypeVar("R")


class Repeats(Generic[R]):
    """Keeps what failed until its next turn."""

    def __init__(self) -> None:
        self._failures: dict[R, int] = {}
        self._waiting: dict[R, float] = {}

    def take(self, request: R, error: GatewayError, now: float) -> bool:
        """Whether it will be asked again: TWS may answer next time, and it has tries left."""
        failures = self._failures.get(request, 0)
        if not error.recoverable or failures >= TRIES - 1:
            return False
        self._failures[request] = failures + 1
        self._waiting[request] = now + PAUSES[failures]
        return True

    def due(self, now: float) -> R | None:
        """The next one whose pause is over, which waits no more."""
        request = min(self._waiting, key=lambda each: self._waiting[each], default=None)
        if request is None or self._waiting[request] > now:
            return None
        del self._waiting[request]
        return request

    def seconds(self, now: float) -> float | None:
        """Until the next one is due; None when none waits."""
        if not self._waiting:
            return None
        return max(min(self._waiting.values()) - now, 0.0)
