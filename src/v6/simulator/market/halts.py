"""What is halted: from when, until when, and which kind; quotes and trades stand still meanwhile."""

from collections.abc import Callable, Mapping
from math import inf
from typing import NamedTuple

GENERAL, VOLATILITY = 1, 2  # the values of tick 49: for news or by the regulator; limit up, limit down
EVERYTHING = "*"


class HaltError(ValueError):
    """The kind of halt is none."""


class Halt(NamedTuple):
    """Epoch seconds of the simulator's clock; `end` is infinity while it lasts."""

    start: float
    end: float
    kind: int


class MarketState:
    """Halts by symbol (`*`: everything); an underlying's options and its quotes are halted together."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._halts: dict[str, list[Halt]] = {}
        self._followed: set[str] = set()

    @property
    def any(self) -> bool:
        """Whether anything has ever been halted."""
        return bool(self._halts)

    def halt(self, symbol: str, kind: int = GENERAL) -> None:
        """Halt from now on; a second halt only changes the kind. Raises HaltError."""
        if kind not in (GENERAL, VOLATILITY):
            raise HaltError(f"halt kind {kind!r}; allowed: {GENERAL} general, {VOLATILITY} volatility")
        halts = self._halts.setdefault(symbol, [])
        if halts and halts[-1].end == inf:
            halts[-1] = halts[-1]._replace(kind=kind)
        else:
            halts.append(Halt(self._now(), inf, kind))

    def resume(self, symbol: str) -> bool:
        """Whether it was halted."""
        halts = self._halts.get(symbol, [])
        if not halts or halts[-1].end != inf:
            return False
        halts[-1] = halts[-1]._replace(end=self._now())
        return True

    def follow(self, wanted: Mapping[str, int]) -> None:
        """Halt what a scenario wants halted, and resume what it wanted before; other halts stay as they are."""
        if not wanted and not self._followed:
            return
        for symbol in self._followed - wanted.keys():
            self.resume(symbol)
        for symbol, kind in wanted.items():
            self.halt(symbol, kind)
        self._followed = set(wanted)

    def halted(self, symbol: str, instant: float | None = None) -> int:
        """0, 1 or 2 as tick 49 says it, now or at that epoch second."""
        halt = self._at(symbol, self._now() if instant is None else instant) if self._halts else None
        return halt.kind if halt else 0

    def effective(self, symbol: str, instant: float) -> float:
        """The instant whose quotes are shown then: itself, or the beginning of the halt that it falls into."""
        halt = self._at(symbol, instant) if self._halts else None
        return halt.start if halt else instant

    def _at(self, symbol: str, instant: float) -> Halt | None:
        for name in (symbol, EVERYTHING):
            for halt in self._halts.get(name, ()):
                if halt.start <= instant < halt.end:
                    return halt
        return None
