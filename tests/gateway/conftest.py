"""A gateway on a port of the test's choice, its leases in the test's own home."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # gateway_support, whatever the import mode

from gateway_support import TUESDAY, ibkr, options_of

from v6.gateway.client import Gateway, connect
from v6.model import Contract
from v6.simulator.testing import SimulatedTWS, simulated_tws


@pytest.fixture
def leases(home: Path) -> Path:
    return home / "var" / "leases"


@pytest.fixture
def gateway(leases: Path) -> Callable[..., Gateway]:
    """A gateway to open on `port`, its settings changed by keywords."""

    def make(
        port: int, purpose: Any = "options", log: Any = None, client_id: int | None = None, **changes: Any
    ) -> Gateway:
        return connect(
            ibkr(port, **changes), purpose=purpose, leases=leases, log=log, task="a test", client_id=client_id
        )

    return make


@pytest.fixture
def tws() -> Iterator[SimulatedTWS]:
    """A simulated TWS without latency and limits, on a Tuesday morning."""
    with simulated_tws(fast=True, start_at=TUESDAY) as running:
        yield running


@pytest.fixture(scope="session")
def options(tmp_path_factory: pytest.TempPathFactory) -> list[Contract]:
    """Thirty listed options near the money; the same in every simulated TWS of that morning."""
    with simulated_tws(fast=True, start_at=TUESDAY) as running:
        return options_of(running.port, tmp_path_factory.mktemp("leases"))
