"""A simulated TWS in the middle of a trading day, ib_insync on it, and a client that only knows bytes."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # raw_tws_client, whatever the import mode

from raw_tws_client import CALENDAR, TUESDAY, RawClient

from v6.simulator.testing import SimulatedTWS, simulated_tws


@pytest.fixture
def calendar(tmp_path: Path) -> Path:
    path = tmp_path / "calendar.txt"
    path.write_text(CALENDAR, encoding="utf-8")
    return path


@pytest.fixture
def tws(calendar: Path) -> Iterator[SimulatedTWS]:
    with simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar) as running:
        yield running


@pytest.fixture
def connected() -> Iterator[Callable[..., Any]]:
    """Connects a new ib_insync.IB to a port."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    from ib_insync import IB

    opened = []

    def connect(port: int, client_id: int = 10, **options: Any) -> IB:
        ib = IB()
        ib.RequestTimeout = 20
        ib.RaiseRequestErrors = True
        ib.connect("127.0.0.1", port, clientId=client_id, timeout=options.pop("timeout", 5), **options)
        opened.append(ib)
        return ib

    yield connect
    for ib in opened:
        ib.disconnect()
    loop.run_until_complete(asyncio.sleep(0.01))
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def ib(tws: SimulatedTWS, connected: Callable[..., Any]) -> Any:
    return connected(tws.port)


@pytest.fixture
def raw(tws: SimulatedTWS) -> Iterator[Callable[..., RawClient]]:
    clients = []

    def connect(offer: str = "v157..178", client_id: int = 5, *, start: bool = True) -> RawClient:
        client = RawClient(tws.port, offer, client_id, start=start)
        clients.append(client)
        return client

    yield connect
    for client in clients:
        client.close()
