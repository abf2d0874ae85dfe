"""The way to TWS before its restart. When TWS has gone before its window, its restart came early or it is down: it is
awaited by the kernel's table alone (L27), as long as there is time, for what can be saved then is better than nothing.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from v6 import clock
from v6.gateway.errors import ConnectCause, ConnectFailed, GatewayError
from v6.gateway.sockets import CannotLook, Listener
from v6.model import RecoverableError

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

NOBODY = "nobody listens on the API port"
LOOK_EVERY_SECONDS = 0.5
AGAIN_SECONDS = 3.0  # a TWS that has just started is mute for a while
KEPT_SECONDS = 20.0
"""At most, and never more than half of the time: for saving once it is back."""


class TwsAway(GatewayError, RecoverableError):  # noqa: N818 - it names what happened
    """Nobody listens on the API port, and the window has not begun."""


class Reaching:
    """`look`: who listens on the API port (raises CannotLook). `opener`: a gateway that is not yet open. `left`: real
    seconds until the work must be over, or the window begins. `gone` is told the first sign that TWS is away. `place`:
    host:port as messages call it."""

    def __init__(
        self,
        look: Callable[[], Listener | None],
        opener: "Callable[[], Gateway]",
        left: Callable[[], float],
        gone: Callable[[str], None],
        place: str = "",
    ) -> None:
        self._look = look
        self._opener = opener
        self._left = left
        self._gone = gone
        self._nobody = f"{NOBODY} {place}".rstrip()
        self._since: float | None = None
        self.evidence = ""
        """How TWS was seen to be away; "" when it was not."""

    def listening(self) -> Listener | str | None:
        """Who listens; in words why that cannot be seen; None: nobody."""
        try:
            return self._look()
        except CannotLook as error:
            return str(error)

    @property
    def away_seconds(self) -> float:
        """Since it was first seen to be away."""
        return 0.0 if self._since is None else clock.monotonic() - self._since

    async def gateway(self) -> "Gateway":
        """Open. Raises TwsAway when it has not come back in time, ConnectFailed, NoClientId."""
        kept = min(KEPT_SECONDS, self._left() / 2)
        while True:
            await self._port(kept)
            try:
                gateway = self._opener()
                await gateway.open_async()
                return gateway
            except ConnectFailed as error:
                refused = error.cause is ConnectCause.REFUSED
                if refused:
                    self._is_away(str(error))
                if refused and self._left() <= kept:
                    raise self._given_up() from error
                if not self.evidence or self._left() <= kept:
                    raise
            await asyncio.sleep(AGAIN_SECONDS)

    async def _port(self, kept: float) -> None:
        """Until somebody listens, or until that cannot be told without connecting."""
        while self.listening() is None:
            self._is_away(self._nobody)
            if self._left() <= kept:
                raise self._given_up()
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    def _is_away(self, evidence: str) -> None:
        if not self.evidence:
            self.evidence, self._since = evidence, clock.monotonic()
            self._gone(evidence)

    def _given_up(self) -> TwsAway:
        waited = f", also after {self.away_seconds:.0f} s" if self.away_seconds >= 1.0 else ""
        return TwsAway(f"TWS is away before its window: it came early or is down ({self.evidence}{waited})")
