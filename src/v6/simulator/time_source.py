"""The simulator's clock: v6.clock, looked at ten times a second at most, or a time of its own."""

from datetime import datetime

from v6 import clock

LOOK_EVERY = 0.1


class TimeSource:
    """Epoch seconds that run in real time, or `speed` times as fast. `start`: begin there, not at v6.clock's now."""

    def __init__(self, start: datetime | None = None, speed: float = 1.0) -> None:
        if speed <= 0:
            raise ValueError(f"speed {speed:g}: allowed: above 0")
        if start is None and speed != 1.0:
            start = clock.now()
        self._speed = speed
        self._own = start.timestamp() - clock.monotonic() * speed if start else None
        self._base = 0.0
        self._looked = float("-inf")

    def epoch(self) -> float:
        monotonic = clock.monotonic()
        if self._own is not None:
            return self._own + monotonic * self._speed
        if monotonic - self._looked >= LOOK_EVERY:
            try:
                self._base = clock.epoch() - monotonic
            except clock.ClockError:
                # a clock file being replaced: keep the last time known, but never start without one
                if self._looked < 0:
                    raise
            self._looked = monotonic
        return self._base + monotonic

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.epoch(), clock.NEW_YORK)

    def step_to(self, instant: datetime) -> None:
        """From now on the time is that one, running on."""
        self._own = instant.timestamp() - clock.monotonic() * self._speed
