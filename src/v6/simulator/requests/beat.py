"""Something sent every five seconds of the simulator's clock, also when that clock is stepped or runs fast."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from v6.simulator.session import Session

BEAT, LOOK = 5, 0.1  # seconds of the simulator's clock, and of real time
MOST_AT_ONCE = 12


def every_five_seconds(session: "Session", going: Callable[[], bool], send: Callable[[float], None]) -> None:
    """Call `send` with every multiple of five epoch seconds that passes while `going`; after a leap only the last."""
    server = session.server
    last = int(server.epoch()) // BEAT

    def look() -> None:
        nonlocal last
        if session.closed or not going():
            return
        now = int(server.epoch()) // BEAT
        passed = range(last + 1, now + 1) if now - last <= MOST_AT_ONCE else range(now, now + 1)
        last = now
        for beat in passed:
            if not session.muted:
                send(float(beat * BEAT))
        server.wheel.after(LOOK, look)

    server.wheel.after(LOOK, look)
