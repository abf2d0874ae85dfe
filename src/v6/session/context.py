"""What a collector is given for a cycle of the market session: as for a run of its own, but on the session's
connection, under the claim that the session holds, and ended early when the session ends."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, cast

from v6.gateway.errors import Disconnected
from v6.model import Quote
from v6.runner.context import CLOSING_SECONDS, Context, Purpose

if TYPE_CHECKING:
    from v6.gateway.client import Gateway
    from v6.session.keeper import Keeper
    from v6.session.live import Live

ENDING = "the market session is ending"


@dataclass
class SessionContext(Context):
    """For one cycle, in the cycle's own thread: the journal belongs to the thread that asks for it first."""

    claimed: ClassVar[bool] = True
    keeper: "Keeper" = field(kw_only=True)
    live: "Live" = field(kw_only=True)
    ending: threading.Event = field(kw_only=True)
    """Set when the session ends: what waits or asks in a cycle then raises Disconnected, so that cron's run goes on."""

    def gateway(self, purpose: Purpose, client_id: int | None = None) -> "Gateway":
        """A share of the session's connection, which has the same methods. Nothing has an id of its own here."""
        assert client_id is None, "the session's connection has one client id"
        self._go_on()
        share = self.keeper.borrow(purpose, log=self.log, until=self.deadline - CLOSING_SECONDS)
        return cast("Gateway", share)

    def sleep(self, seconds: float) -> None:
        self.ending.wait(min(seconds, self.remaining()))
        self._go_on()

    def show(self, quotes: Sequence[Quote]) -> None:
        try:
            self.live.cycle(self.task, quotes)
        except (ValueError, TypeError) as error:  # of json; the slot is worth more than its view
            self.log.warning("the live view does not show this cycle: {}", error)

    def close(self) -> None:
        """Of what the cycle has opened. In its thread."""
        if "journal" in self.__dict__:
            self.journal.close()

    def _go_on(self) -> None:
        if self.ending.is_set():
            raise Disconnected(ENDING)
