"""One long-lived simulated TWS for a module of fuzz tests, watched by a healthy client."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # fuzz_support, whatever the import mode

from fuzz_support import Watch
from raw_tws_client import TUESDAY

from v6.simulator.testing import simulated_tws


@pytest.fixture(scope="module")
def watch():
    with simulated_tws(fast=True, start_at=TUESDAY, accounts=("DU9000001", "DU9000002"), control_port=0) as tws:
        watching = Watch(tws)
        yield watching
        watching.healthy.close()
