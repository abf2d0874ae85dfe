"""pre_restart as a real process beside a simulated TWS that writes down every message."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # desk, gateway_support

from desk import Desk
from evening import QQQ, SPY, Evening, evening

from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


@pytest.fixture
def event_log(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def tws(
    desk_without_tws: Desk, free_port: int, event_log: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimulatedTWS]:
    monkeypatch.setenv("V6_CLOCK_FILE", str(desk_without_tws.clock_file))
    with simulated_tws(start_at=None, event_log=event_log, port=free_port) as running:
        yield running


@pytest.fixture
def noon(desk: Desk, tws: SimulatedTWS, event_log: Path) -> Evening:
    return evening(desk, tws, event_log)


def test_the_orders_of_the_owners_are_saved_and_then_cancelled(noon: Evening) -> None:
    noon.configure(owner_client_ids=[5, 6])
    five, six = noon.place(5, count=2), noon.place(6)
    others = noon.place(7)

    ran = noon.run()

    assert ran.code == 0, ran.words
    assert noon.working().keys() == {(7, others[0])}
    assert noon.sent("cancelOrder") == {(5, five[0]): 1, (5, five[1]): 1, (6, six[0]): 1}
    saved = {(order.client_id, order.order_id) for order in noon.state().orders}
    assert saved == {(5, five[0]), (5, five[1]), (6, six[0]), (7, others[0])}
    assert noon.row().orders_cancelled == 3
    assert noon.restart_state() == "restarting"
