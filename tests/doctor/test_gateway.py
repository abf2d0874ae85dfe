"""TWS's line, from the simulated TWS over a real socket, and its clock against ours."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from ward import Ward

from v6 import clock
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = pytest.mark.integration


@pytest.fixture
def tws(ward: Ward) -> Iterator[SimulatedTWS]:
    with simulated_tws(fast=True, start_at=None) as running:
        ward.configure(ibkr={"port": running.port, "diagnose_every_seconds": 0.0, "probe_seconds": 1.0})
        yield running


def test_a_tws_that_answers_is_well_and_so_is_its_clock(ward: Ward, tws: SimulatedTWS) -> None:
    found = ward.all_of("TWS", "TWS clock")
    assert {name: str(one.state) for name, one in found.items()} == {"TWS": "ok", "TWS clock": "ok"}, found
    assert found["TWS"].evidence.startswith(f"healthy (127.0.0.1:{tws.port}): server version ")
    assert "s from this host's clock, allowed 5 s" in found["TWS clock"].evidence
    assert tws.stats.connections == 1, "one connection for both lines"


def test_a_tws_whose_clock_is_another_is_wrong(ward: Ward) -> None:
    with simulated_tws(fast=True, start_at=clock.now() + timedelta(minutes=2)) as late:
        ward.configure(ibkr={"port": late.port})
        found = ward.ask("TWS clock")
    assert found.state == "failed"
    assert 110 < float(found.evidence.removeprefix("TWS ").split(" ")[0]) < 125


def test_a_tws_that_is_away_has_the_diagnosis_verdict_and_cure(ward: Ward, tws: SimulatedTWS) -> None:
    tws.faults.mute_after_handshake = True
    try:
        found = ward.all_of("TWS", "TWS clock")
    finally:
        tws.faults.mute_after_handshake = False
    assert found["TWS"].state == "failed"
    assert found["TWS"].evidence.startswith("mute after the handshake ")
    assert "restart TWS" in found["TWS"].cure
    assert found["TWS clock"].state == "could_not_check"


def test_inside_a_restart_window_its_absence_is_expected(ward: Ward) -> None:
    now = clock.now()
    start, end = now - timedelta(minutes=10), now + timedelta(minutes=20)
    days = [f"{start:%A}".lower()]  # on every day some task might never run
    window = {"zone": "America/New_York", "days": days, "start": f"{start:%H:%M}", "end": f"{end:%H:%M}"}
    ward.configure(ibkr={"port": 9}, scheduler={"restart_windows": {"daily_restart": window}})
    ward.compile()
    found = ward.ask("TWS")
    assert (found.state, "TWS is expected to be away" in found.evidence) == ("could_not_check", True)


def test_quick_leaves_tws_alone(ward: Ward, tws: SimulatedTWS) -> None:
    found = ward.ask("TWS", quick=True)
    assert (found.state, found.evidence) == ("could_not_check", "left out: --quick")
    assert tws.stats.connections == 0


def test_before_the_first_run_a_diagnosis_leaves_nothing_behind(ward: Ward, tws: SimulatedTWS) -> None:
    """Else its folders would belong to whoever asked first."""
    ward.home = ward.home.with_name("unused")
    (ward.home / "config").mkdir(parents=True)
    ward.configure(ibkr={"port": tws.port})
    assert ward.ask("TWS").state == "ok"
    assert sorted(path.name for path in ward.home.iterdir()) == ["config"]
