"""Durations on the simulator's clock, whatever moves it: its speed, a clock file, a step."""

from collections.abc import Callable


class Forward:
    """Seconds of the simulator's clock since this was made. A clock set back does not count: what is left stays so.

    It has to be asked at every look of the simulator, because it adds up what has passed between two looks.
    """

    def __init__(self, epoch: Callable[[], float]) -> None:
        self._epoch = epoch
        self._looked = epoch()
        self._passed = 0.0

    def now(self) -> float:
        before, self._looked = self._looked, self._epoch()
        self._passed += max(0.0, self._looked - before)
        return self._passed
