"""Connections as the client ids whose orders are to be cancelled: only the id that placed an order can cancel it.

They are opened together while the trading state is read; one that cannot be had is known by its error."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from v6.gateway.errors import GatewayError

if TYPE_CHECKING:
    from v6.gateway.client import Gateway


class Owners:
    """Gateways by client id. `ours` is the gateway of the job itself, used for its own id."""

    def __init__(self, opener: "Callable[[int], Gateway]", ours: "Gateway", ids: Iterable[int]) -> None:
        self._gateways = {client_id: opener(client_id) for client_id in ids if client_id != ours.client_id}
        self._ours = ours
        self._opening = {
            client_id: asyncio.ensure_future(gateway.open_async()) for client_id, gateway in self._gateways.items()
        }

    async def gateway(self, client_id: int) -> "Gateway":
        """Open, or raises what kept it from opening (ConnectFailed, NoClientId)."""
        if client_id == self._ours.client_id:
            return self._ours
        await asyncio.shield(self._opening[client_id])
        return self._gateways[client_id]

    def next_ids(self) -> dict[int, int]:
        """client id -> the next order id TWS named, of those connected by now."""
        return {client_id: gateway.next_valid_id for client_id, gateway in self._gateways.items() if gateway.connected}

    def trouble(self) -> dict[int, str]:
        """client id -> why it could not be had, of those known by now."""
        ended = {client_id: opening for client_id, opening in self._opening.items() if _failed(opening)}
        return {client_id: str(opening.exception()) for client_id, opening in ended.items()}

    async def close(self) -> None:
        """Every connection is given back, also one that is still being opened."""
        await self._end_opening()
        await asyncio.gather(*(gateway.close_async() for gateway in self._gateways.values()))

    async def abort(self) -> None:
        """The same by force."""
        await self._end_opening()
        await asyncio.gather(*(gateway.abort_async() for gateway in self._gateways.values()))

    async def _end_opening(self) -> None:
        for opening in self._opening.values():
            opening.cancel()
        for opening in self._opening.values():
            with suppress(GatewayError, asyncio.CancelledError):
                await opening


def _failed(opening: "asyncio.Future[None]") -> bool:
    return opening.done() and not opening.cancelled() and opening.exception() is not None
