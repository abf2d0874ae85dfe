"""Reach TWS again after its restart, without touching it before it listens and without retries for ever (L27, L29).

On this host the kernel's table says when the API port opens: nothing is connected until then. For a TWS elsewhere, or
when the table cannot be read, the attempts themselves must tell. The port open is not the API ready: an attempt counts
when TWS has answered a question (L24).
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from v6 import clock
from v6.gateway.errors import ConnectCause, ConnectFailed, Disconnected, GatewayError, NoClientId, RequestTimeout
from v6.gateway.sockets import CannotLook, Listener
from v6.restart.counted import counted

if TYPE_CHECKING:
    from v6.gateway.client import Gateway
    from v6.gateway.connection import Log

LOOK_SECONDS = 0.25
"""Between two looks into the kernel's table."""
MOST_ATTEMPTS = 20
"""Of one run; recover_restart comes every 15 minutes, so that TWS never sees more than 80 in an hour (L29)."""
ATTEMPT_SECONDS = (3.0, 3.0, 5.0, 8.0)
"""For the first attempts, then the connect timeout: what is opened while TWS starts may stay mute for ever."""
OCCUPIED_SECONDS = 90.0
"""TWS takes a while to notice that the last owner of an id has gone (326); after that somebody else really has it."""
TELL_SECONDS = 15.0
"""Between two words about a port that stays closed."""
PORT_CLOSED = (ConnectCause.REFUSED,)
HUNG = (ConnectCause.MUTE_BEFORE_HANDSHAKE, ConnectCause.MUTE_AFTER_HANDSHAKE)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: `port` for the API port to open, `total` for everything, `first` and `cap` of the pauses between
    attempts, `hung` of an open port behind which nobody answers."""

    port: float
    total: float
    first: float
    cap: float
    hung: float


@dataclass(slots=True)
class Sightings:
    """What was seen on the way, once each, and how often TWS was connected to."""

    causes: list[str] = field(default_factory=list)
    attempts: int = 0
    saw_closed: bool = False
    listener: Listener | None = None
    could_look: bool = True

    def note(self, words: str) -> None:
        if not self.causes or self.causes[-1] != words:
            self.causes.append(words)


class NotReached(Exception):  # noqa: N818 - it names what happened
    """TWS does not answer. `port_closed`: nobody listens; `fatal`: trying again would end the same way."""

    def __init__(self, cause: str, seen: Sightings, *, port_closed: bool = False, fatal: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.seen = seen
        self.port_closed = port_closed
        self.fatal = fatal


Look = Callable[[], Listener | None]  # v6.gateway.sockets.listener of the API port; raises CannotLook
Door = Callable[[], "Gateway"]  # a new gateway, not yet open
Mend = Callable[[str], Awaitable[str | None]]  # what a hung or absent TWS gets; words of what was done, None: nothing
Tell = Callable[[str], None]  # what is waited for just now, and until when at most


async def observe_only(_why: str) -> str | None:
    """Without commands in `tws:` V6 ends and starts nothing."""
    return None


def tell_nobody(_words: str) -> None:
    """Without a journal nobody asks."""


def pauses(first: float, cap: float, draw: Callable[[float, float], float] = random.uniform) -> Iterator[float]:
    """Seconds between attempts: doubling from `first` up to `cap`, each drawn from its upper half."""
    most = min(first, cap)
    while True:
        yield draw(most / 2, most)
        most = min(most * 2, cap)


class Reconnect:
    """One way back to TWS. `mend_hung` and `mend_absent` may end and start it, each is asked once. `place`: host:port
    as messages call it. `tell` hears after every attempt, and every 15 s of a closed port, what is waited for."""

    def __init__(
        self,
        look: Look,
        door: Door,
        patience: Patience,
        log: "Log",
        *,
        mend_hung: Mend = observe_only,
        mend_absent: Mend = observe_only,
        place: str = "",
        tell: Tell = tell_nobody,
    ) -> None:
        self._look = look
        self._door = door
        self._patience = patience
        self._log = log
        self._mend = {"hung": mend_hung, "absent": mend_absent}
        self._nobody = f"nobody listens on the API port {place}".rstrip()
        self._tell = tell
        self._told_at = float("-inf")
        self._until = clock.monotonic() + patience.total
        self._pauses = pauses(patience.first, patience.cap)
        self._mute_since: float | None = None
        self._occupied_since: float | None = None
        self._refused = False
        self._most = MOST_ATTEMPTS
        self.seen = Sightings()

    def only_once(self) -> None:
        """One attempt, for a TWS that is known to wait for a person and whose port cannot be seen from here."""
        self._most = 1

    async def wait_for_port(self) -> None:
        """Until somebody listens, or it cannot be told whether. Raises NotReached."""
        until = min(clock.monotonic() + self._patience.port, self._until)
        while not self._listens():
            self._say_closed(until)
            if clock.monotonic() >= until and not await self._mended("absent", self._nobody):
                waited = self._patience.port
                raise NotReached(f"{self._nobody}, waited {waited:.0f} s", self.seen, port_closed=True)
            if clock.monotonic() >= until:
                until = min(clock.monotonic() + self._patience.port, self._until)
            await asyncio.sleep(LOOK_SECONDS)

    async def connect(self) -> "Gateway":
        """An open gateway that has answered a question; the caller closes it. Raises NotReached."""
        for pause in self._pauses:
            await self.wait_for_port()
            try:
                return await self._attempt()
            except ConnectFailed as error:
                self._judge(error)
            except NoClientId as error:  # another run of V6 has it: TWS was not asked
                self.seen.attempts -= 1
                self.seen.note(str(error))
            except (RequestTimeout, Disconnected) as error:
                self.seen.note(str(error))
                if isinstance(error, RequestTimeout):
                    self._mute_since = self._mute_since or clock.monotonic() - error.seconds
            self._log.info(f"not reached yet: {self.seen.causes[-1]}")
            self._say_not_reached()
            await self._end_if_hung()
            if self.seen.attempts >= self._most or clock.monotonic() + pause >= self._until:
                break
            await asyncio.sleep(pause)
        cause = self.seen.causes[-1] if self.seen.causes else "no time was left"
        raise NotReached(f"{cause} ({counted(self.seen.attempts, 'attempt')})", self.seen, port_closed=self._refused)

    async def _attempt(self) -> "Gateway":
        gateway = self._door()
        limit = gateway.settings.connect_timeout_seconds
        shorter = min(limit, *ATTEMPT_SECONDS[self.seen.attempts : self.seen.attempts + 1], limit)
        gateway.settings = gateway.settings.model_copy(update={"connect_timeout_seconds": shorter})
        self.seen.attempts += 1
        await gateway.open_async()
        try:
            await gateway.current_time_async()
        except GatewayError:
            await gateway.close_async()
            raise
        return gateway

    def _listens(self) -> bool:
        """True also when it cannot be told: then the attempts must."""
        try:
            self.seen.listener = self._look()
        except CannotLook as why:
            if self.seen.could_look:
                self.seen.note(f"could not look who listens: {why}")
            self.seen.could_look = False
            return True
        if self.seen.listener is None:
            self.seen.saw_closed = True
            self.seen.note(self._nobody)
        return self.seen.listener is not None

    def _judge(self, error: ConnectFailed) -> None:
        self.seen.note(str(error))
        self._refused = error.cause in PORT_CLOSED
        if not error.recoverable:
            raise NotReached(str(error), self.seen, fatal=True)
        if error.cause in HUNG:
            self._mute_since = self._mute_since or clock.monotonic() - error.seconds
        else:
            self._mute_since = None
        if error.cause is ConnectCause.CLIENT_ID_IN_USE:
            self._occupied_since = self._occupied_since or clock.monotonic()
            if clock.monotonic() - self._occupied_since >= OCCUPIED_SECONDS:
                raise NotReached(str(error), self.seen)
        self.seen.saw_closed |= self._refused

    def _say_closed(self, until: float) -> None:
        if clock.monotonic() - self._told_at >= TELL_SECONDS:
            self._told_at = clock.monotonic()
            self._tell(f"{self._nobody}; {_gives_up(until)}")

    def _say_not_reached(self) -> None:
        """For whoever asks meanwhile: a TWS that is mute for minutes must not look as if all were well."""
        mute = f", mute for {self._muted():.0f} s" if self._mute_since is not None else ""
        attempts = counted(self.seen.attempts, "attempt")
        self._tell(f"{self.seen.causes[-1]} ({attempts}{mute}); {_gives_up(self._until)}")

    def _muted(self) -> float:
        """For how many seconds the port has been open and nobody answered."""
        return clock.monotonic() - self._mute_since if self._mute_since is not None else 0.0

    async def _end_if_hung(self) -> None:
        muted = self._muted()
        if muted >= self._patience.hung and await self._mended("hung", f"listens, but has been mute for {muted:.0f} s"):
            self._mute_since = None

    async def _mended(self, trouble: str, why: str) -> bool:
        """Whether something was done about it that is worth waiting for; each trouble is handed on once a run."""
        mend = self._mend.pop(trouble, None)
        done = None if mend is None else await mend(why)
        if done is not None:
            self.seen.note(f"{why}: {done}")
            self._log.warning(f"{why}: {done}")
        return done is not None


def _gives_up(until: float) -> str:
    """`until`: monotonic."""
    moment = clock.now() + timedelta(seconds=max(until - clock.monotonic(), 0.0))
    return f"gives up at {moment:%H:%M:%S %Z} at the latest"
