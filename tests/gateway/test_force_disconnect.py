"""`ibkr.force_disconnect`: a connection ends with a reset, and does not wait for TWS to close its end as well."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gateway_support import never_closing, raw_tws, sockets, wait_until

from v6.config.load import load
from v6.gateway import client_ids
from v6.gateway.client import CLOSING_GRACE, Gateway
from v6.paths import Paths

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


@pytest.mark.parametrize(("forced", "end"), [(False, "FIN"), (True, "RST")])
def test_under_a_tws_that_never_closes_nothing_is_left_either_way(
    gateway: Callable[..., Gateway], leases: Path, forced: bool, end: str
) -> None:
    ends: list[str] = []

    def talk(connection: socket.socket) -> None:
        try:
            never_closing(connection)
            ends.append("FIN")
        except ConnectionResetError:
            ends.append("RST")

    with raw_tws(talk) as tws:
        with gateway(tws.port, force_disconnect=forced) as gw:
            gw.current_time()
            leaving = time.monotonic()
        took = time.monotonic() - leaving
        assert sockets(tws.port) == []
        assert client_ids.holders(leases) == []
        assert wait_until(lambda: bool(ends))
    assert ends == [end]
    assert forced or took > 0.9 * CLOSING_GRACE, "it waits for TWS before it resets"


def test_it_can_be_said_in_the_environment(home: Path) -> None:
    assert not load(Paths.locate(), {}).settings.ibkr.force_disconnect
    assert load(Paths.locate(), {"IBKR_FORCE_DISCONNECT": "1"}).settings.ibkr.force_disconnect
