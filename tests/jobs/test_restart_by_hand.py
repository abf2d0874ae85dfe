"""What docs/restart.md tells a person to try by hand, in the afternoon, on a paper account."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # desk, gateway_support

from desk import Desk
from restart_desk import FRIDAY, Night, after_the_window

from v6.simulator.testing import SimulatedTWS

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


@pytest.fixture
def afternoon(desk: Desk, tws: SimulatedTWS) -> Night:
    night = after_the_window(desk, tws)
    desk.at("14:00", FRIDAY)
    return night


def test_a_restart_prepared_by_hand_is_completed_by_hand_before_its_window(afternoon: Night) -> None:
    prepared = afternoon.desk.run("pre_restart", "--window", "daily_restart")
    assert prepared.code == 0, prepared.words
    assert afternoon.state() == "restarting"
    afternoon.restart()

    validated = afternoon.desk.run("post_restart")

    assert validated.code == 0, validated.words
    assert afternoon.state() == "normal"
    row = afternoon.row()
    assert (row.window, f"{row.window_start:%m-%d %H:%M}") == ("daily_restart", "11-20 23:45")
    assert (row.outcome, row.observed, row.restored) == ("restored", "restarted", 1)
    assert afternoon.report().before is not None


def test_looking_without_touching_changes_nothing(afternoon: Night) -> None:
    looked = afternoon.desk.run("pre_restart", "--dry-run", "--window", "daily_restart")

    assert looked.code == 0, looked.words
    assert "nothing done" in looked.words
    assert afternoon.state() == "normal"
    assert not (afternoon.desk.home / "var" / "state" / "trading_state.json").exists()
