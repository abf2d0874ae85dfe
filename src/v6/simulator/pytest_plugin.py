"""The pytest fixture `simulated_tws`, there wherever V6 is installed.

    def test_my_client(simulated_tws):
        my_client.connect("127.0.0.1", simulated_tws.port)

It is fast and in the middle of a trading day, as the context manager is; a marker changes what is needed:
`@pytest.mark.simulated_tws(fast=False, lines=20)`, arguments as of v6.simulator.testing.simulated_tws.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from v6.simulator.testing import SimulatedTWS


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "simulated_tws(**options): how the fixture simulated_tws is set up")


@pytest.fixture(name="simulated_tws")
def _simulated_tws(request: pytest.FixtureRequest) -> Iterator["SimulatedTWS"]:
    """A simulated TWS on a free loopback port: `.port`, `.set(fault=...)`, `.stats`."""
    from v6.simulator.testing import simulated_tws  # not at the start of every pytest run

    marker = request.node.get_closest_marker("simulated_tws")
    with simulated_tws(**(marker.kwargs if marker else {})) as running:
        yield running
