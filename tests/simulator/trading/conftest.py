"""Orders as ib_insync and as raw bytes, on a simulated TWS in the middle of a trading day."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # wire_orders, whatever the import mode

from raw_tws_client import RawClient


@pytest.fixture
def client(raw: Callable[..., RawClient]) -> RawClient:
    """Connected, and past its farm messages."""
    connected = raw()
    for _ in range(5):
        connected.until(4)
    return connected
