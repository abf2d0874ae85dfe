"""The pace of a rehearsal is for simulators: a TWS with accounts that could be real is refused it."""

from collections.abc import Callable
from typing import Any

import pytest
from gateway_support import ibkr
from pydantic import ValidationError

from v6.gateway.client import Gateway
from v6.gateway.errors import NotASimulator
from v6.simulator.testing import SimulatedTWS

FAST: dict[str, Any] = {"simulator": True, "messages_per_second": 2000.0}


@pytest.mark.integration
def test_a_simulator_may_be_asked_as_fast_as_it_answers(gateway: Callable[..., Gateway], tws: SimulatedTWS) -> None:
    with gateway(tws.port, **FAST) as connected:
        assert connected.accounts == ["DU9000001"]


@pytest.mark.integration
@pytest.mark.parametrize("account", ["U1234567", "DU1234567", "DU90000012"])
def test_a_real_account_is_refused_and_no_socket_left(
    gateway: Callable[..., Gateway], tws: SimulatedTWS, account: str
) -> None:
    tws.server.options.accounts = (account,)

    with pytest.raises(NotASimulator, match="real accounts"), gateway(tws.port, **FAST):
        pass

    assert not tws.server.sessions


def test_without_the_simulator_the_pace_stays_below_what_tws_allows() -> None:
    with pytest.raises(ValidationError, match="TWS disconnects above 50"):
        ibkr(7497, messages_per_second=51.0)
