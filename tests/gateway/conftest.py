"""A gateway on a port of the test's choice, its leases in the test's own home."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # gateway_support, whatever the import mode

from gateway_support import ibkr

from v6.gateway.client import Gateway, connect


@pytest.fixture
def leases(home: Path) -> Path:
    return home / "var" / "leases"


@pytest.fixture
def gateway(leases: Path) -> Callable[..., Gateway]:
    """A gateway to open on `port`, its settings changed by keywords."""

    def make(port: int, purpose: Any = "options", log: Any = None, **changes: Any) -> Gateway:
        return connect(ibkr(port, **changes), purpose=purpose, leases=leases, log=log, task="a test")

    return make
