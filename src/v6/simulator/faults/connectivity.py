"""What lies behind TWS: IBKR's servers and data farms, and what clients hear and lose when they fail.

Codes and texts as TWS words them: IBKR's message codes; IBC#143 (1100 repeated, 1102 naming farms), ib_async#6.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from v6.simulator import errors
from v6.simulator.faults.forward import Forward
from v6.simulator.faults.model import Faults, ServerReset
from v6.simulator.instruments.listings import Listing

if TYPE_CHECKING:
    from v6.simulator.server import Server
    from v6.simulator.session import Session


class Farm(NamedTuple):
    name: str
    kind: str
    up: int
    down: int
    idle: int

    @property
    def is_up(self) -> tuple[int, str]:
        return self.up, f"{self.kind} farm connection is OK:{self.name}"

    @property
    def is_down(self) -> tuple[int, str]:
        return self.down, f"{self.kind} farm connection is broken:{self.name}"

    @property
    def is_idle(self) -> tuple[int, str]:
        words = "farm connection is inactive but should be available upon demand"
        return self.idle, f"{self.kind} {words}.{self.name}"

    @property
    def connects(self) -> tuple[int, str]:
        return 2119, f"{self.kind} farm is connecting:{self.name}"


FARMS = (
    Farm("usfarm", "Market data", 2104, 2103, 2108),
    Farm("usopt", "Market data", 2104, 2103, 2108),
    Farm("usfuture", "Market data", 2104, 2103, 2108),
    Farm("ushmds", "HMDS data", 2106, 2105, 2107),
    Farm("secdefil", "Sec-def data", 2158, 2157, 2108),
)
FEEDS = {"OPT": "usopt", "FUT": "usfuture", "FOP": "usfuture"}
OTHERS_FEED = "usfarm"

# requests by the farm that answers them; market data are decided by their contract
HISTORY = frozenset({20, 22, 50, 87, 88, 96})
DEFINITIONS = frozenset({9, 78, 81})
ORDERS = frozenset({3, 4, 21, 58})
NEEDS_FARMS = HISTORY | DEFINITIONS | {1, 10, 97}
LIVE_BARS = ("history", "real_time_bars")


class Connectivity:
    """`life` counts how often the data were lost: a line of an earlier life never ticks again."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self.offline = False
        self.life = 0
        self._before = Faults()
        self._time = Forward(server.epoch)
        self._reset: ServerReset | None = None
        self._reset_ends = self._repeats_at = 0.0
        self._troubled = False

    # what goes on

    def supplies(self, listing: Listing, since: int) -> bool:
        """Whether data of this contract come, for a request made in the life `since`."""
        if not self._troubled and since == self.life:
            return True
        faults = self._server.faults
        lost = self.offline or faults.competing_session or faults.deaf_until_farms or since != self.life
        return not lost and self.farm(listing) not in faults.farms_down

    @staticmethod
    def farm(listing: Listing) -> str:
        return FEEDS.get(listing.sec_type, OTHERS_FEED)

    def greet(self, session: "Session") -> None:
        """What a new client is told of the farms."""
        faults = self._server.faults
        if self.offline:
            session.error(-1, *errors.LINK_BROKEN)
            return
        for farm in FARMS:
            if faults.deaf_until_farms:
                told = farm.connects
            elif farm.name in faults.farms_down:
                told = farm.is_down
            else:
                told = farm.is_idle if farm.name in faults.farms_idle else farm.is_up
            session.error(-1, *told)

    def refuses(self, session: "Session", kind: int, request: int) -> bool:
        """Whether a request cannot be served now; the client is told, or not, as TWS does."""
        if not self._troubled:
            return False
        faults = self._server.faults
        if faults.deaf_until_farms and kind in NEEDS_FARMS:
            self._server.events.note("no answer: the farms still connect", session, request=request)
            return True
        told = self._refusal(kind, faults)
        if told is not None:
            session.error(request, *told)
        return told is not None

    def _refusal(self, kind: int, faults: Faults) -> tuple[int, str] | None:
        if kind in ORDERS:
            return errors.LINK_LOST if self.offline else None
        if kind in DEFINITIONS:
            return errors.NO_DEFINITION if self.offline or "secdefil" in faults.farms_down else None
        if kind not in HISTORY:
            return None
        if faults.competing_session:
            return errors.COMPETING_HISTORY
        if self.offline or "ushmds" in faults.farms_down:
            return errors.NO_LIVE_BARS if kind == 50 else errors.NO_HMDS
        return None

    def opened(self, session: "Session", request: int, listing: Listing, *, snapshot: bool) -> None:
        """A line has been opened: an idle farm wakes up, a competing session is said."""
        faults = self._server.faults
        farm = self.farm(listing)
        if farm in faults.farms_idle:
            self._server.options.faults.farms_idle -= {farm}
            self._server.troubles.wake(farm)
        if faults.competing_session:
            session.error(request, *errors.COMPETING)
            if snapshot:
                session.end_line(request)

    # what changes

    def follow(self, faults: Faults) -> None:
        """Tell the clients what has changed since the last look."""
        self._go_on()
        before, self._before = self._before, replace(faults)
        self._troubled = bool(
            self.offline or faults.competing_session or faults.deaf_until_farms or faults.farms_down
        )  # fmt: skip
        for farm in FARMS:
            self._farm(farm, before, faults)
        if before.deaf_until_farms and not faults.deaf_until_farms:
            for farm in FARMS:
                self._server.tell(*farm.is_up)
        if faults.link_broken and not before.link_broken:
            self.lose(errors.LINK_BROKEN)
        elif before.link_broken and not faults.link_broken:
            self.restore(ServerReset())
        if faults.competing_session and not before.competing_session:
            self._compete()

    def _farm(self, farm: Farm, before: Faults, now: Faults) -> None:
        if farm.name in now.farms_down and farm.name not in before.farms_down:
            self._server.tell(*farm.is_down)
            if farm.name == "ushmds":
                self._end_live_bars()
        elif farm.name in now.farms_idle and farm.name not in before.farms_idle:
            self._server.tell(*farm.is_idle)
        elif farm.name in before.farms_down | before.farms_idle and farm.name not in now.farms_down | now.farms_idle:
            self._server.tell(*farm.is_up)

    def _compete(self) -> None:
        for session in list(self._server.sessions):
            for request in list(session.lines):
                session.error(request, *errors.COMPETING)

    def _end_live_bars(self) -> None:
        """Bars that were to be kept up to date stop for good (10182)."""
        for session in list(self._server.sessions):
            for kind in LIVE_BARS:
                for request in session.streams(kind):
                    session.error(request, *errors.NO_LIVE_BARS)
                    session.end_stream(kind, request)

    # IBKR's servers

    def reset(self, how: ServerReset) -> None:
        """1100, repeated, and at the end 1101 or 1102."""
        self._server.stats.resets += 1
        self._go_on()  # two of them in one step of the clock: the first has been, with all that it loses
        now = self._time.now()
        self._reset, self._reset_ends = how, now + how.lost_seconds
        self._repeats_at = now + how.repeat_seconds
        self.lose(errors.LINK_LOST)

    def _go_on(self) -> None:
        """1100 again, or the end of the reset, by the simulator's clock."""
        now, how = self._time.now(), self._reset
        if how is None:
            return
        if now >= self._reset_ends:
            self.restore(how)
        elif self.offline and now >= self._repeats_at:
            self._repeats_at = now + how.repeat_seconds
            self._server.tell(*errors.LINK_LOST)

    def lose(self, told: tuple[int, str]) -> None:
        self.offline = self._troubled = True
        self._server.tell(*told)
        self._end_live_bars()

    def restore(self, how: ServerReset) -> None:
        """Back again, unless nothing was lost; a reset that still runs ends with it."""
        if self._reset is not None:
            self._server.troubles.console.tell("server_reset ends")
        self._reset = None
        if not self.offline:
            return
        self.offline = False
        if how.data_lost or how.dead_after_1102:
            self.life += 1
        self._server.tell(*(errors.RESTORED_LOST if how.data_lost else self._kept()))
        self.follow(self._server.faults)

    def _kept(self) -> tuple[int, str]:
        """1102 names the farms, those that are not back too."""
        down = self._server.faults.farms_down
        names = "; ".join(farm.name for farm in FARMS if farm.name not in down)
        code, text = errors.RESTORED_KEPT
        if not down:
            return code, f"{text} All data farms are connected: {names}."
        return code, (f"{text} The following farms are connected: {names}. "
                      f"The following farms are not connected: {'; '.join(sorted(down))}.")  # fmt: skip
