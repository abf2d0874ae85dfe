"""A desk per test, its calendar and schedule compiled once."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # desk, whatever the import mode
sys.path.insert(0, str(Path(__file__).parents[1] / "gateway"))  # gateway_support

from desk import Desk
from market_session import Trading, trading_on

from v6.simulator.testing import SimulatedTWS, simulated_tws


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """var/compiled of a home with nothing but defaults."""
    home = tmp_path_factory.mktemp("compiled")
    command = [sys.executable, "-m", "v6.scheduler.compile"]
    subprocess.run(command, env=os.environ | {"V6_HOME": str(home)}, check=True, capture_output=True)
    return home / "var" / "compiled"


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def desk_without_tws(home: Path, compiled: Path, free_port: int) -> Desk:
    shutil.copytree(compiled, home / "var" / "compiled")
    return Desk(home, free_port)


SMALL = {"max_contracts": 24, "max_dte": 95, "strike_band": 0.03}
"""A universe that is quick to freeze and to collect, with the same rules."""


@pytest.fixture
def tws(desk_without_tws: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedTWS]:
    """A simulated TWS without latency or limits, on the desk's clock, calendar and port."""
    monkeypatch.setenv("V6_CLOCK_FILE", str(desk_without_tws.clock_file))
    calendar = desk_without_tws.home / "var" / "compiled" / "calendar.txt"
    with simulated_tws(start_at=None, calendar=calendar) as running:
        ibkr = {"port": running.port, "quote_timeout_seconds": 1.0, "greeks_wait_seconds": 0.5}
        desk_without_tws.configure({"ibkr": ibkr, "universe": SMALL})
        yield running


@pytest.fixture
def desk(desk_without_tws: Desk, tws: SimulatedTWS) -> Desk:
    """A desk beside a running TWS, before the day's first job."""
    return desk_without_tws


@pytest.fixture(scope="session")
def frozen_morning() -> dict[str, Path]:
    """Where the first test that needed it left the lake of 08:01."""
    return {}


@pytest.fixture
def morning(desk: Desk, frozen_morning: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk whose 08:00 job has frozen version 1."""
    if "lake" not in frozen_morning:
        desk.at("08:00")
        ran = desk.run("queue_option_contracts", slot="08:00")
        assert ran.code == 0, ran.words
        frozen_morning["lake"] = tmp_path_factory.mktemp("morning") / "lake"
        shutil.copytree(desk.home / "var" / "lake", frozen_morning["lake"])
    else:
        shutil.copytree(frozen_morning["lake"], desk.home / "var" / "lake")
    desk.at("10:00")
    return desk


@pytest.fixture
def trading(morning: Desk, tws: SimulatedTWS) -> Iterator[Trading]:
    """A morning on which a market session may run; none is left afterwards."""
    with trading_on(morning, tws) as running:
        yield running
