"""kill -9 of pre_restart at every named step, then the next run: the saved state is always readable, no order was
cancelled twice, no position closed twice, and every order is in the report (L35). What is done to the world, and what
was intended just before, is in `make test`; `make soak` kills at the other steps and at random moments.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # desk, gateway_support

from desk import KILLED, Desk
from evening import QQQ, Evening, evening

from thinned import thinned
from v6.restart.preparation.flow import STEPS
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = pytest.mark.integration

OWNERS = (5, 6)
IN_THE_FILES = ("write:trading_state.json", "save:kept", "save:replaced")
FAILPOINTS = (*(f"pre_restart:{step}" for step in STEPS), *IN_THE_FILES)
CHANGING = {"connected", "state_saved", "cancel_intended", "cancel_sent", "close_sent", "disconnected", "reported"}
IN_TEST = {*(f"pre_restart:{step}" for step in CHANGING), "save:replaced"}
BEFORE_SAVING = STEPS[: STEPS.index("state_saved")]


@pytest.fixture
def event_log(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def tws(
    desk_without_tws: Desk, free_port: int, event_log: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimulatedTWS]:
    """The id of a client that was killed stays in use for a moment, and a cancel takes its time to the exchange."""
    monkeypatch.setenv("V6_CLOCK_FILE", str(desk_without_tws.clock_file))
    options = {"occupied_seconds": 1.0, "latency": True, "submit_seconds": (0.1, 0.3), "port": free_port}
    with simulated_tws(start_at=None, event_log=event_log, **options) as running:
        yield running


@pytest.fixture
def noon(desk: Desk, tws: SimulatedTWS, event_log: Path) -> Evening:
    at_noon = evening(desk, tws, event_log)
    at_noon.configure(owner_client_ids=list(OWNERS), close_positions=["QQQ"])
    return at_noon


def orders(noon: Evening) -> set[tuple[int, int]]:
    """Single orders of one program, a bracket of another: (client, order)."""
    singles, bracket = noon.place(5, count=3), noon.bracket(6)
    return {*((5, number) for number in singles), *((6, number) for number in bracket)}


def require_whole(noon: Evening, placed: set[tuple[int, int]]) -> None:
    """What must be true after the run that was not killed."""
    assert not noon.working().keys() & placed, "an order of the owners is still open"
    cancels = noon.sent("cancelOrder")
    assert not [order for order, times in cancels.items() if times > 1], "an order was cancelled twice"
    reported = {(order.client_id, order.order_id): order.outcome for order in noon.report().orders}
    assert placed <= reported.keys(), "an order is not in the report"
    assert {reported[order] for order in placed} == {"cancelled"}
    assert {(order.client_id, order.order_id) for order in noon.state().orders} >= placed, (
        "the state from before is lost"
    )
    with noon.program(77) as gateway:
        assert not [p for p in gateway.positions() if p.contract.symbol == "QQQ" and p.quantity], "not closed, or twice"


def require_readable(noon: Evening, *, saved: bool) -> None:
    """A killed run leaves a whole state, or none at all where it had not come to saving one."""
    path = noon.states().path
    assert path.exists() or not saved
    if path.exists():
        noon.states().read()


@pytest.mark.parametrize("failpoint", thinned(FAILPOINTS, IN_TEST))
def test_l35_a_run_killed_at_any_step_is_made_good_by_the_next(noon: Evening, failpoint: str) -> None:
    placed = orders(noon)
    noon.hold(QQQ, 10)

    killed = noon.run(V6_FAILPOINT=failpoint)
    assert killed.code == KILLED, killed.words
    step = failpoint.removeprefix("pre_restart:")
    require_readable(noon, saved=step not in (*BEFORE_SAVING, *IN_THE_FILES[:2]))

    ran = noon.run()
    assert ran.code == 0, ran.words
    require_whole(noon, placed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(40))
def test_l35_a_run_killed_at_any_moment_is_made_good_by_the_next(noon: Evening, seed: int) -> None:
    placed = orders(noon)
    noon.hold(QQQ, 10)
    dice = random.Random(seed)
    for _ in range(dice.randint(1, 3)):
        running = noon.start()
        time.sleep(dice.uniform(0.8, 3.0))
        os.kill(running.process.pid, signal.SIGKILL)
        running.wait()
        require_readable(noon, saved=False)
    ran = noon.run()
    assert ran.code == 0, ran.words
    require_whole(noon, placed)
