"""What docs/restart.md tells a person to try by hand, in the afternoon, on a paper account."""

import sys
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # desk, gateway_support

from desk import Desk
from restart_desk import FRIDAY, OWNER, Night, after_the_window

from v6.simulator.testing import SimulatedTWS

SATURDAY = FRIDAY + timedelta(days=1)

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


def test_the_trial_of_the_afternoon_does_not_swallow_the_message_of_the_night(afternoon: Night) -> None:
    """A8: the same window, the same row of the journal, the same verdict, and yet another restart."""
    desk = afternoon.desk
    desk.run("pre_restart", "--window", "daily_restart")
    afternoon.restart()
    desk.run("post_restart")
    tried = len(afternoon.alerts())
    desk.at("23:41", FRIDAY)
    desk.run("pre_restart", slot="23:40", day=FRIDAY)
    afternoon.restart()
    desk.at("00:10", SATURDAY)

    validated = desk.run("post_restart", slot="00:10", day=SATURDAY)

    assert validated.code == 0, validated.words
    assert [alert.title.partition(":")[0] for alert in afternoon.alerts()] == ["restart restored"] * 2
    assert tried == 1


def test_the_night_is_validated_after_a_trial_also_when_nothing_prepared_it(afternoon: Night) -> None:
    desk = afternoon.desk
    desk.run("pre_restart", "--window", "daily_restart")
    afternoon.restart()
    desk.run("post_restart")
    afternoon.restart()
    desk.at("00:10", SATURDAY)

    validated = desk.run("post_restart", slot="00:10", day=SATURDAY)

    assert "is restored already" not in validated.words
    assert len(afternoon.alerts()) == 2
    assert desk.run("post_restart", slot="00:10", day=SATURDAY).words.count("is restored already") == 1


def test_a_trial_is_a_restart_of_its_own_and_the_next_preparation_begins_afresh(afternoon: Night) -> None:
    tried = afternoon.place()
    afternoon.desk.run("pre_restart", "--window", "daily_restart")
    afternoon.restart()
    afternoon.desk.run("post_restart")
    with afternoon.gateway(OWNER) as gateway:
        gateway.cancel_orders([tried.order_id], 5.0)

    prepared = afternoon.desk.run("pre_restart", "--window", "daily_restart")

    assert prepared.code == 0, prepared.words
    before = afternoon.report().before
    assert before is not None
    assert before.orders == ()
    assert len(afternoon.reports.paths()) == 2
    assert [step.phase for step in afternoon.report().steps] == ["pre_restart"] * len(afternoon.report().steps)


def test_the_first_trial_on_a_new_host_is_not_last_nights_restart_hours_late(afternoon: Night) -> None:
    validated = afternoon.desk.run("post_restart")

    assert validated.code == 0, validated.words
    assert (afternoon.row().window, afternoon.row().outcome) == ("by_hand", "restored")
