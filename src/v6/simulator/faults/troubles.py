"""Faults that happen once, and those that run through phases: restart, half close, garbage, error flood."""

from collections import deque
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from v6.simulator import errors
from v6.simulator.control.arguments import ControlError
from v6.simulator.faults.console import Console
from v6.simulator.faults.forward import Forward
from v6.simulator.faults.garbage import send_garbage
from v6.simulator.faults.model import EVENTS, Deeds, Faults, Restart, ServerReset
from v6.simulator.trading import commands

if TYPE_CHECKING:
    from v6.simulator.server import Server

FLOOD_SECONDS = 0.02
MOST_LATE = 0.5
MOST_AT_ONCE = 2000
FIRST_FLOOD_ID = 900_000_000
FOR_EVER = float("inf")

Phase = tuple[float, dict[str, Any]]
DEEDS = {
    "orders_placed": commands.place, "orders_filled": commands.fill, "orders_rejected": commands.reject,
    "positions_changed": commands.trade,
}  # fmt: skip


class Troubles:
    """What is going on beside the faults that were asked for. Its durations are seconds of the simulator's clock.

    `console` tells of every fault that begins and ends.
    """

    def __init__(self, server: "Server") -> None:
        self._server = server
        self.console = Console(server.now)
        self._at_start = deepcopy(server.options.faults)
        self._time = Forward(server.epoch)
        self._phase: dict[str, Any] = {}
        self._left: deque[Phase] = deque()
        self._phase_ends = FOR_EVER
        self._flood_ends = FOR_EVER
        self._before = Faults()
        self._waited = self._signed_in = False
        self._awake: frozenset[str] = frozenset()
        self._flooding = False
        self._owed = self._flooded_at = 0.0
        self._flooded = 0
        self._begin: dict[str, Callable[[Any], None]] = {
            "restart": self.restart,
            "server_reset": self.reset,
            "half_close": lambda _: self.half_close(),
            "garbage": self.garbage,
            **{fault: partial(self.do, fault) for fault in DEEDS},
        }

    def at_start(self) -> Faults:
        """The faults of the start, which `clear` goes back to; nothing that happens once is among them."""
        never = Faults()
        return replace(deepcopy(self._at_start), **{fault: getattr(never, fault) for fault in EVENTS})

    # over time

    def overlaid(self, faults: Faults) -> Faults:
        """The faults of this moment with those of a restart's phase, without the farms that have woken up."""
        self._advance()
        phase = dict(self._phase)
        if "client_ids_in_use" in phase:
            phase["client_ids_in_use"] |= faults.client_ids_in_use
        if self._awake:
            self._awake &= faults.farms_idle
            phase["farms_idle"] = faults.farms_idle - self._awake
        if "awaiting_login" in self._server.scenario.began:
            self._waited = self._signed_in = False
        self._signed_in &= faults.awaiting_login
        if self._signed_in:
            phase["awaiting_login"] = False
        self.console.follow(replace(faults, awaiting_login=False) if self._signed_in else faults)
        self.console.passed(self._server.scenario.passed)
        return replace(faults, **phase) if phase else faults

    def _advance(self) -> None:
        """End what is over at this moment."""
        now = self._time.now()
        if now >= self._flood_ends:
            self._flood_ends = FOR_EVER
            self._server.options.faults.error_flood = 0.0
        while now >= self._phase_ends:
            self._next_phase()

    def _next_phase(self) -> None:
        """A phase begins when the one before has ended, not when somebody looks."""
        if not self._left:
            self._end_phases()
            return
        seconds, self._phase = self._left.popleft()
        self._phase_ends += seconds
        if seconds > 0:
            self._server.events.note("phase of a restart", faults=sorted(self._phase))
            self.console.tell(f"restart: {', '.join(self._phase)}")

    def _end_phases(self) -> None:
        self._phase, self._phase_ends = {}, FOR_EVER
        self._left.clear()
        self._server.events.note("phase of a restart", faults=[])
        self.console.tell("restart ends")

    def follow(self, asked: Faults) -> None:
        """Begin what has been set since the last look."""
        before, self._before = self._before, replace(asked)
        for fault in EVENTS:
            value = getattr(asked, fault)
            if value and value != getattr(before, fault):
                self.begin(fault, value)
        waited, self._waited = self._waited, self._server.faults.awaiting_login
        if self._waited and not waited and self._server.sessions:
            self._server.drop_all()  # the TWS of before has ended: this is the dialog of a new one
        if self._server.faults.error_flood and not self._flooding:
            self._flooding, self._flooded_at = True, self._server.loop_time()
            self._flood()

    def begin(self, fault: str, value: Any) -> None:
        self._server.events.note(f"fault {fault} begins", value=value)
        self.console.begins(fault, value)
        self._begin[fault](value)

    def wake(self, farm: str) -> None:
        """An idle farm is asked for something."""
        self._awake |= {farm}
        self._server.watch()

    def clear(self) -> None:
        """End every phase at once."""
        if self._phase_ends < FOR_EVER or self._phase:
            self._end_phases()

    # what happens

    def restart(self, how: Restart) -> None:
        """Every socket is reset; the port refuses, then is mute, then ready, then its farms come. Books are kept."""
        server = self._server
        server.stats.restarts += 1
        server.reopen()
        server.drop_all()
        server.free_ids()
        server.connectivity.offline = False
        server.trading.restart(lose_in_flight=how.lose_in_flight)
        self._left = deque((
            (how.refused_seconds, {"refuse": True}),
            (FOR_EVER if how.needs_login else 0.0, {"awaiting_login": True}),
            (how.mute_seconds, {"mute_before_handshake": True}),
            *_beginnings(how, server.known_ids()),
        ))  # fmt: skip
        self._phase_ends = self._time.now()
        server.watch()

    def login(self) -> bool:
        """A person signs in; False when nothing waits for that."""
        waiting = self._server.faults.awaiting_login
        self._server.options.faults.awaiting_login = False
        if "awaiting_login" in self._phase:
            self._phase_ends = self._time.now()
        else:
            self._signed_in = waiting
        return waiting

    def flood(self, rate: float, seconds: float) -> None:
        """So many errors a (real) second, for that long; a later one takes its place."""
        self._server.options.faults.error_flood = rate
        self._flood_ends = self._time.now() + seconds
        self._server.watch()

    def reset(self, how: ServerReset) -> None:
        self._server.connectivity.reset(how)

    def do(self, fault: str, deeds: Deeds) -> None:
        """To the books, one after the other. What TWS would refuse is said, and the others happen."""
        for deed in deeds:
            try:
                told = DEEDS[fault](self._server, dict(deed))
            except ControlError as error:
                told = {"error": str(error)}
                self.console.tell(f"{fault}: {error}")
            self._server.events.note(fault, deed=deed, **told)

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


def _beginnings(how: Restart, known: frozenset[int]) -> list[Phase]:
    """After it answers again: its farms connect, and the client ids of before are in use, each for its own time."""
    farms, ids = {"deaf_until_farms": True}, {"client_ids_in_use": known}
    both = min(how.farm_seconds, how.ids_occupied_seconds)
    longer = farms if how.farm_seconds > how.ids_occupied_seconds else ids
    return [(both, farms | ids), (max(how.farm_seconds, how.ids_occupied_seconds) - both, longer)]
