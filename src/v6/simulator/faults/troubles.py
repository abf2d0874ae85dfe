"""Faults that happen once, and those that run through phases: restart, half close, garbage, error flood."""

from collections.abc import Callable
from dataclasses import replace
from itertools import dropwhile
from typing import TYPE_CHECKING, Any

from v6.simulator import errors
from v6.simulator.faults.garbage import send_garbage
from v6.simulator.faults.model import EVENTS, Faults, Restart, ServerReset

if TYPE_CHECKING:
    from v6.simulator.server import Server

FLOOD_SECONDS = 0.02
MOST_LATE = 0.5
MOST_AT_ONCE = 2000
FIRST_FLOOD_ID = 900_000_000
FOR_EVER = float("inf")

Phase = tuple[float, dict[str, Any]]


class Troubles:
    """What is going on beside the faults that were asked for."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._phase: dict[str, Any] = {}
        self._left: tuple[Phase, ...] = ()
        self._before = Faults()
        self._restarts = 0
        self._awake: frozenset[str] = frozenset()
        self._flooding = False
        self._owed = self._flooded_at = 0.0
        self._flooded = 0
        self._begin: dict[str, Callable[[Any], None]] = {
            "restart": self.restart,
            "server_reset": self.reset,
            "half_close": lambda _: self.half_close(),
            "garbage": self.garbage,
        }

    # over time

    def overlaid(self, faults: Faults) -> Faults:
        """The faults of this moment with those of a restart's phase, without the farms that have woken up."""
        phase = dict(self._phase)
        if self._awake:
            self._awake &= faults.farms_idle
            phase["farms_idle"] = faults.farms_idle - self._awake
        return replace(faults, **phase) if phase else faults

    def follow(self, asked: Faults) -> None:
        """Begin what has been set since the last look."""
        before, self._before = self._before, replace(asked)
        for fault in EVENTS:
            value = getattr(asked, fault)
            if value and value != getattr(before, fault):
                self.begin(fault, value)
        if self._server.faults.error_flood and not self._flooding:
            self._flooding, self._flooded_at = True, self._server.loop_time()
            self._flood()

    def begin(self, fault: str, value: Any) -> None:
        self._server.events.note(f"fault {fault} begins", value=value)
        self._begin[fault](value)

    def wake(self, farm: str) -> None:
        """An idle farm is asked for something."""
        self._awake |= {farm}
        self._server.watch()

    def clear(self) -> None:
        """End every phase at once."""
        self._restarts += 1
        self._phase = {}

    # what happens

    def restart(self, how: Restart) -> None:
        """Every socket is reset; the port refuses, then is mute, then ready, then its farms come. Books are kept."""
        server = self._server
        server.stats.restarts += 1
        server.drop_all()
        server.free_ids()
        server.connectivity.offline = False
        server.trading.restart(lose_in_flight=how.lose_in_flight)
        self._enter(
            (how.refused_seconds, {"refuse": True}),
            (FOR_EVER if how.needs_login else 0.0, {"awaiting_login": True}),
            (how.mute_seconds, {"mute_before_handshake": True}),
            (how.farm_seconds, {"deaf_until_farms": True}),
        )

    def _enter(self, *phases: Phase) -> None:
        """Go through the phases one after the other, from now; a later call ends an earlier one."""
        left = list(dropwhile(lambda phase: phase[0] <= 0, phases))
        self._restarts += 1
        number = self._restarts
        seconds, self._phase = left[0] if left else (FOR_EVER, {})
        self._left = tuple(left[1:])
        self._server.events.note("phase of a restart", faults=sorted(self._phase))
        self._server.watch()

        def over() -> None:
            if number == self._restarts:
                self._enter(*left[1:])

        if seconds < FOR_EVER:
            self._server.wheel.after(seconds, over)

    def login(self) -> bool:
        """A person signs in; False when nothing waits for that."""
        waiting = self._server.faults.awaiting_login
        self._server.options.faults.awaiting_login = False
        if "awaiting_login" in self._phase:
            self._enter(*self._left)
        return waiting

    def reset(self, how: ServerReset) -> None:
        self._server.connectivity.reset(how)

    def half_close(self) -> None:
        for session in list(self._server.sessions):
            session.half_close()

    def garbage(self, kind: str) -> None:
        for session in list(self._server.sessions):
            send_garbage(session, kind)

    def _flood(self) -> None:
        """Errors about ticker ids nobody asked for, as after many cancels (300)."""
        rate = self._server.faults.error_flood
        if not rate:
            self._flooding = False
            return
        now = self._server.loop_time()
        self._owed += rate * min(now - self._flooded_at, MOST_LATE)
        self._flooded_at = now
        count, self._owed = min(int(self._owed), MOST_AT_ONCE), self._owed % 1.0
        code, text = errors.CANNOT_FIND
        for _ in range(count):
            self._flooded += 1
            request = FIRST_FLOOD_ID + self._flooded
            for session in list(self._server.sessions):
                session.error(request, code, text.format(request=request))
        self._server.wheel.after(FLOOD_SECONDS, self._flood)
