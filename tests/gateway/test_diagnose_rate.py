"""A diagnosis asked for again too early is the last one with its age; two at a time are one (L29)."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from gateway_support import TUESDAY, free_port, ibkr

from v6 import clock
from v6.gateway import diagnosed as module
from v6.gateway.diagnosed import FILE, LOCK, diagnosed, stored
from v6.gateway.verdicts import Diagnosis, Verdict
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


@pytest.fixture(scope="module")
def morning() -> Iterator[SimulatedTWS]:
    with simulated_tws(fast=True, start_at=TUESDAY) as running:
        yield running


@pytest.fixture
def state(home: Path) -> Path:
    return home / "var" / "state"


def ask(port: int, home: Path, *, symbol: str = "SPY", client_id: int | None = None, **changes: Any) -> Diagnosis:
    settings = ibkr(port, **{"diagnose_every_seconds": 600.0, "probe_seconds": 10.0, **changes})
    folders = (home / "var" / "leases", home / "var" / "state")
    return diagnosed(settings, *folders, market_open=True, symbol=symbol, client_id=client_id)


def test_asked_again_too_early_it_shows_the_last_one_with_its_age(morning: SimulatedTWS, home: Path) -> None:
    first = ask(morning.port, home)
    before = morning.stats.connections

    again = ask(morning.port, home)

    assert morning.stats.connections == before
    assert (again.verdict, again.at, again.evidence) == (first.verdict, first.at, first.evidence)
    assert first.age == 0.0 < again.age


def test_an_old_one_is_replaced(morning: SimulatedTWS, home: Path, state: Path) -> None:
    first = ask(morning.port, home)

    second = ask(morning.port, home, diagnose_every_seconds=0.0)

    assert second.at > first.at
    assert (stored(state) or pytest.fail("nothing is stored")).at == second.at


def test_one_of_another_place_is_not_shown_for_this_one(morning: SimulatedTWS, home: Path) -> None:
    assert ask(free_port(), home).verdict is Verdict.REFUSED
    assert ask(morning.port, home).verdict is Verdict.HEALTHY


def test_one_of_another_client_id_or_symbol_is_not_shown_for_this_one(morning: SimulatedTWS, home: Path) -> None:
    """A person asks with another id to learn whether that one is free."""
    first = ask(morning.port, home)
    other_id = ask(morning.port, home, client_id=77)
    other_symbol = ask(morning.port, home, client_id=77, symbol="QQQ")

    assert (other_id.age, other_symbol.age) == (0.0, 0.0)
    assert (first.client_id, other_id.client_id, other_symbol.symbol) == (8, 77, "QQQ")


def test_a_verdict_that_cannot_be_stored_stands_and_says_so(morning: SimulatedTWS, home: Path, state: Path) -> None:
    (state / FILE).mkdir(parents=True)

    found = ask(morning.port, home)

    assert found.verdict is Verdict.HEALTHY
    assert "could not be stored" in found.evidence[-1]
    assert stored(state) is None
    assert sorted(path.name for path in state.iterdir()) == [LOCK, FILE]


def test_one_from_the_future_is_not_believed(
    morning: SimulatedTWS, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V6_CLOCK_OFFSET", "3600")
    first = ask(morning.port, home)
    monkeypatch.delenv("V6_CLOCK_OFFSET")

    assert ask(morning.port, home).at < first.at


@pytest.mark.parametrize("text", ["", "{", "[]", '{"verdict": "healthy"}'])
def test_a_spoilt_file_is_as_good_as_none(text: str, morning: SimulatedTWS, home: Path, state: Path) -> None:
    state.mkdir(parents=True, exist_ok=True)
    (state / FILE).write_text(text)

    assert stored(state) is None
    assert ask(morning.port, home).age == 0.0
    assert json.loads((state / FILE).read_text())["verdict"] == "healthy"
    assert sorted(path.name for path in state.iterdir()) == [LOCK, FILE]


def test_two_at_the_same_moment_are_one_connection(morning: SimulatedTWS, home: Path) -> None:
    """Also where nothing stored would be young enough: the second has waited for this answer."""
    before = morning.stats.connections
    together = threading.Barrier(2)

    def one() -> Diagnosis:
        together.wait()
        return ask(morning.port, home, diagnose_every_seconds=0.0)

    with ThreadPoolExecutor(2) as pool:
        found = [each.result() for each in [pool.submit(one), pool.submit(one)]]

    assert morning.stats.connections == before + 1
    assert found[0].at == found[1].at
    assert [each.verdict for each in found] == [Verdict.HEALTHY] * 2


def test_one_that_never_ends_is_not_waited_for_for_ever(
    morning: SimulatedTWS, home: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    with module.alone(state, 1.0):
        found = ask(morning.port, home, probe_seconds=0.1)

    assert found.verdict is Verdict.COULD_NOT_CHECK
    assert "another diagnosis" in found.detail


def test_l30_a_folder_that_cannot_be_written_is_said_to_be(morning: SimulatedTWS, home: Path, state: Path) -> None:
    state.parent.mkdir(parents=True)
    state.write_text("not a folder")

    found = ask(morning.port, home)

    assert found.verdict is Verdict.COULD_NOT_CHECK
    assert "File exists" in found.detail
    assert clock.now() >= found.at
