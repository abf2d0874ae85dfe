"""What the tests of v6.restart share: a gateway on the restart client id, and patience in fractions of seconds."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # gateway_support, whatever the import mode

from gateway_support import ibkr

from v6.gateway.client import Gateway, connect
from v6.gateway.connection import Silent
from v6.gateway.sockets import Listener, listener
from v6.restart.recovery.reconnect import Patience, Reconnect

RESTART_CLIENT = 9
SOON = Patience(port=5.0, total=20.0, first=0.05, cap=0.2, hung=60.0)


def door(port: int, leases: Path, **changes: Any) -> Gateway:
    """A gateway of the restart client id, not yet open."""
    quick = {"connect_timeout_seconds": 2.0, "request_timeout_seconds": 2.0} | changes
    return connect(
        ibkr(port, **quick), purpose="options", leases=leases, log=Silent(), task="a test", client_id=RESTART_CLIENT
    )


def way_back(port: int, leases: Path, patience: Patience = SOON, **mending: Any) -> Reconnect:
    """A Reconnect to the TWS of this host on `port`."""

    def look() -> Listener | None:
        return listener("127.0.0.1", port)

    return Reconnect(look, lambda: door(port, leases), patience, Silent(), **mending)
