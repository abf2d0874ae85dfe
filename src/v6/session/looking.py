"""The looks at an open connection: a round trip, the data farms, the age of the watched quotes (L24)."""

import asyncio
from collections.abc import Callable

from v6 import clock
from v6.config.settings import Session
from v6.gateway.client import Gateway
from v6.gateway.errors import GatewayError
from v6.gateway.server_link import RESTORED_KEPT
from v6.gateway.watching import PROOF_SECONDS, Watch
from v6.model import Contract, Quote
from v6.session.health import Health, Seen, judge, quotes_can_come


class Looks:
    """Of one connection, on its loop, until `end`."""

    def __init__(self, gateway: Gateway, settings: Session, market_open: Callable[[], bool]) -> None:
        self._gateway = gateway
        self._settings = settings
        self._market_open = market_open
        self._connection = gateway.connection
        self._watch = Watch(gateway.lines, [Contract("STK", symbol, "SMART") for symbol in settings.watch_symbols])
        self._counts_since = clock.monotonic()
        self._wake = asyncio.Event()
        self._connection.link.watchers.append(self._link_changed)
        self._connection.wire.lost.add_done_callback(self._woken)

    def end(self) -> None:
        self._connection.link.watchers.remove(self._link_changed)
        self._connection.wire.lost.remove_done_callback(self._woken)

    async def look(self) -> Health:
        """Ask TWS the time and judge what is known; what does not stream is requested again."""
        answered_in, no_answer = None, ""
        try:
            async with asyncio.timeout(self._settings.ping_seconds):
                answered_in = await self._asked()
        except TimeoutError:
            no_answer = f"no answer to a ping within {self._settings.ping_seconds:g} s"
        except GatewayError as error:
            no_answer = str(error)
        return self._judged(answered_in, no_answer)

    async def _asked(self) -> float:
        """Seconds of the round trip."""
        started = clock.monotonic()
        await self._gateway.current_time_async()
        seconds = clock.monotonic() - started
        await self._watch.ensure()
        return seconds

    def _judged(self, answered_in: float | None, no_answer: str) -> Health:
        link = self._connection.link
        now = clock.monotonic()
        seen = Seen(
            answered_in=answered_in,
            no_answer=no_answer,
            market_open=self._market_open(),
            away=link.away_words() if link.lost else "",
            farms=self._connection.receiver.farms,
            streams=self._watch.streams(),
            counts_for=now - max(self._counts_since, link.restored_at),
        )
        if not quotes_can_come(seen):
            self._counts_since = now
        return judge(seen, self._settings.quote_age_seconds)

    async def pause(self) -> None:
        """Until the next look is due: at once when the connection ended or TWS lost IBKR or has it back."""
        try:
            async with asyncio.timeout(self._settings.ping_every_seconds):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    @property
    def heard_at(self) -> float:
        return self._watch.heard_at

    def quotes(self) -> list[Quote]:
        return self._watch.quotes()

    def _link_changed(self, code: int) -> None:
        self._wake.set()
        if code == RESTORED_KEPT:  # and yet the streams may be dead: look again when they had time to speak
            asyncio.get_running_loop().call_later(PROOF_SECONDS, self._wake.set)

    def _woken(self, _lost: object) -> None:
        self._wake.set()
