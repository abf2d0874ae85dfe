"""kill -9 of post_restart at every named step: the next run completes, and nobody is told twice (L25, L35).

`make test` takes every second step, `make soak` the others.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # desk, gateway_support

from desk import KILLED, Desk, Ran
from restart_desk import FRIDAY, OWNER, Night, after_the_window

from thinned import thinned
from v6.jobs.post_restart import STEPS
from v6.journal import restarts
from v6.simulator.testing import SimulatedTWS

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


@pytest.fixture
def night(desk: Desk, tws: SimulatedTWS) -> Night:
    return after_the_window(desk, tws)


def run(night: Night, *arguments: str, **environ: str) -> Ran:
    limit = {"V6_LIMIT_SECONDS": "60"}
    return night.desk.run("post_restart", *arguments, slot="00:10", day=FRIDAY, **(limit | environ))


def prepared(night: Night) -> int:
    """A saved state with an order cancelled by us and one that lives, and then TWS's restart; the permId of the
    living one."""
    cancelled, lives = night.place(limit=300.0), night.place(limit=301.0)
    night.save_state()
    with night.gateway(OWNER) as gateway:
        gateway.cancel_orders([cancelled.order_id], 5.0)
    with night.journal() as db:
        row = night.row()
        restarts.intend(db, row.id, cancelled.perm_id, OWNER, cancelled.order_id, str(cancelled))
        restarts.settle(db, row.id, cancelled.perm_id, OWNER, cancelled.order_id, "cancelled")
    night.restart()
    return lives.perm_id


@pytest.mark.parametrize("step", thinned(STEPS, STEPS[::2]))
def test_the_next_run_completes_what_a_killed_one_began(night: Night, step: str) -> None:
    lives = prepared(night)

    assert run(night, V6_FAILPOINT=f"post_restart:{step}").code == KILLED
    after = run(night)

    assert after.code == 0, after.words
    assert night.state() == "normal"
    row = night.row()
    assert (row.outcome, row.restored) == ("restored", 1)
    report = night.report()
    assert report.verdict == "restored"
    assert report.difference is not None
    assert [str(one.became) for one in report.difference.missing] == ["cancelled by us"]
    assert len(night.alerts()) == 1
    assert [one["perm_id"] for one in night.tws.control({"do": "orders"})["orders"]] == [lives]
    assert night.tws.stats.clients == 0


@pytest.mark.parametrize("step", ["begun", "validated", "told"])
def test_recover_restart_completes_it_when_post_restart_is_not_tried_again(night: Night, step: str) -> None:
    prepared(night)

    assert run(night, V6_FAILPOINT=f"post_restart:{step}").code == KILLED
    night.desk.at("00:30", FRIDAY)
    after = run(night, "--if-needed")

    assert after.code == 0, after.words
    assert night.state() == "normal"
    assert night.row().outcome == "restored"
    assert len(night.alerts()) == 1


def test_the_saved_state_and_the_marks_of_order_ids_survive_a_kill(night: Night) -> None:
    prepared(night)
    with night.journal() as db:
        restarts.raise_high_water(db, 9, 500)
    before = night.states.path.read_bytes()

    assert run(night, V6_FAILPOINT="post_restart:validated").code == KILLED

    assert night.states.path.read_bytes() == before
    with night.journal() as db:
        assert restarts.high_waters(db)[9] == 500
