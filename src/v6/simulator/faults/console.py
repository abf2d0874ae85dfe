"""One line for every fault that begins or ends, with the simulator's time; for whoever watches the process."""

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from v6.simulator.faults.model import EVENTS, Faults
from v6.simulator.faults.values import shown

Say = Callable[[str], None]
# these have no end of their own
MOMENTS = ("half_close", "garbage", "orders_placed", "orders_filled", "orders_rejected", "positions_changed")


class Console:
    """Says nothing unless `say` is set, as `python -m v6.simulator` does."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.say: Say | None = None
        self._now = now
        self._faults = Faults()
        self._passed: tuple[str, ...] = ()

    def tell(self, text: str) -> None:
        if self.say is not None:
            self.say(f"{self._now():%H:%M:%S} {text}")

    def start(self, say: Say, faults: Faults) -> None:
        """From now on every change from `faults` is said."""
        self.say, self._faults = say, replace(faults)

    def begins(self, fault: str, value: Any) -> None:
        """Something that happens once."""
        self.tell(f"{fault}{_words(value)}" if fault in MOMENTS else f"{fault} begins{_words(value)}")

    def passed(self, faults: tuple[str, ...]) -> None:
        """Faults that the clock has stepped over: the same tuple is one step."""
        if faults is self._passed:
            return
        self._passed = faults
        for fault in faults:
            self.tell(f"{fault} has come and gone")

    def follow(self, faults: Faults) -> None:
        """What lasts."""
        if self.say is None or faults == self._faults:
            return
        before, self._faults = self._faults, replace(faults)
        for line in changes(before, faults):
            self.tell(line)


def changes(before: Faults, now: Faults) -> Iterable[str]:
    never = Faults()
    for each in fields(Faults):
        old, new, none = (getattr(which, each.name) for which in (before, now, never))
        if old == new or each.name in EVENTS:
            continue
        if new == none:
            yield f"{each.name} ends"
        else:
            yield f"{each.name} {'begins' if old == none else 'is now'}{_words(new)}"


def _words(value: Any) -> str:
    """`: ` and the value, unless it is a plain yes; durations to a tenth of a second."""
    told = shown(value)
    if told is True:
        return ""
    if isinstance(told, dict):
        return ": " + ", ".join(f"{name} {_rounded(each)}" for name, each in told.items())
    return ": " + (", ".join(map(str, told)) if isinstance(told, list) else str(told))


def _rounded(value: Any) -> str:
    return f"{round(value, 1):.10g}" if isinstance(value, float) else str(value)
