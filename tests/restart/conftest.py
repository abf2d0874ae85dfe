"""What tests of the gateway and of restarts share can be imported, whatever the import mode."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # gateway_support

from cancel_bench import Bench
from gateway_support import TUESDAY
from one_night import DAILY, SetClock, ny

from v6 import clock
from v6.journal.database import connect
from v6.restart.manager import TWSRestartManager
from v6.simulator.testing import SimulatedTWS, simulated_tws


@pytest.fixture
def set_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Set V6's clock, as a rehearsal does: whole, at once, also under a program that reads it."""
    file = tmp_path / "clock"
    file.write_text("0")
    monkeypatch.setenv("V6_CLOCK_FILE", str(file))

    def set_to(text: str) -> None:
        new = file.with_suffix(".new")
        new.write_text(str(ny(text).timestamp() - (clock.epoch() - clock.offset())))
        new.replace(file)

    return set_to


@pytest.fixture
def db(home: Path, at: SetClock) -> Iterator[sqlite3.Connection]:
    """The journal, opened at the module's `at`."""
    with closing(connect(home / "v6.db")) as db:
        yield db


@pytest.fixture
def manager(db: sqlite3.Connection) -> TWSRestartManager:
    return TWSRestartManager(db, [DAILY])


@pytest.fixture
def tws() -> Iterator[SimulatedTWS]:
    with simulated_tws(fast=True, start_at=TUESDAY) as running:
        yield running


@pytest.fixture
def bench(home: Path, tws: SimulatedTWS) -> Iterator[Bench]:
    made = Bench(home, tws.port)
    with closing(made.db):
        yield made
