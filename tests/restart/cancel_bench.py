"""A restart in the journal beside a simulated TWS whose orders belong to programs of the user."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway_support import TUESDAY, ibkr
from orders_support import place

from v6.gateway.client import Gateway, connect
from v6.journal import database, restarts
from v6.model import OpenOrder
from v6.restart.preparation.cancelling import Cancels
from v6.restart.preparation.owners import Owners
from v6.simulator.testing import SimulatedTWS, simulated_tws

GLOBAL_CANCEL = 58
OURS = 9


@contextmanager
def slow_exchange(seconds: float) -> Iterator[SimulatedTWS]:
    """A TWS whose orders and cancels take so long to the exchange."""
    quick = {"occupied_seconds": 0.0, "freed_seconds": 0.0, "realistic_statuses": False}
    with simulated_tws(fast=False, start_at=TUESDAY, submit_seconds=(seconds, seconds), **quick) as running:
        yield running


class Bench:
    """A restart in the journal, and gateways of any client id."""

    def __init__(self, home: Path, port: int) -> None:
        self.leases = home / "var" / "leases"
        self.port = port
        self.db = database.connect(home / "var" / "v6.db")
        self.restart = restarts.begin(self.db, "daily", TUESDAY, TUESDAY + timedelta(minutes=20)).id
        self.reached: list[str] = []

    def gateway(self, client_id: int | None, folder: str = "") -> Gateway:
        quick = {"connect_timeout_seconds": 2.0, "request_timeout_seconds": 3.0}
        leases = self.leases / folder if folder else self.leases
        return connect(ibkr(self.port, **quick), purpose="checks", leases=leases, client_id=client_id)

    @contextmanager
    def program(self, client_id: int) -> Iterator[Gateway]:
        """A program of the user: not among V6's leases."""
        with self.gateway(client_id, "programs") as gateway:
            yield gateway

    def place(self, client_id: int, count: int = 1, **terms: Any) -> list[int]:
        with self.program(client_id) as gateway:
            return [place(gateway, **terms) for _ in range(count)]

    def cancels(self) -> Cancels:
        return Cancels(self.db, self.restart, self.reached.append)

    def open_orders(self, *clients: int) -> list[OpenOrder]:
        with self.gateway(OURS) as gateway:
            return [order for order in gateway.open_orders() if not clients or order.client_id in clients]

    def own(self, clients: Sequence[int], seconds: float = 5.0, orders: Sequence[OpenOrder] = ()) -> Cancels:
        """Cancel every open order of these clients, and ask at the end."""
        cancels = self.cancels()

        async def work() -> None:
            async with self.gateway(OURS) as ours:
                listed = orders or [o for o in await ours.open_orders_async() if o.client_id in clients]
                owners = Owners(self.gateway, ours, clients)
                try:
                    await cancels.own(owners, listed, seconds)
                    await cancels.resolve(ours)
                finally:
                    await owners.close()

        asyncio.run(work())
        return cancels

    def everything(self, read: Sequence[OpenOrder] = ()) -> Cancels:
        """Cancel what was `read`, or what is open now."""
        cancels = self.cancels()

        async def work() -> None:
            async with self.gateway(OURS) as ours:
                await cancels.everything(ours, read or await ours.open_orders_async(), 5.0)

        asyncio.run(work())
        return cancels

    def intend(self, order: OpenOrder) -> None:
        """What a run that was killed has left."""
        restarts.intend(self.db, self.restart, order.perm_id, order.client_id, order.order_id, str(order))


def outcomes(cancels: Cancels) -> dict[tuple[int, int], str]:
    return {(step.client_id, step.order_id): step.outcome for step in cancels.steps()}
