"""Friday 23:00 to 03:00 IBKR promises no service: what does not work then has not failed, and is proven afterwards."""

import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # desk, gateway_support

from desk import Desk, Ran
from restart_desk import NEW_YORK_WINDOWS, Night, after_the_window, compile_schedule, configure

from v6.simulator.testing import SimulatedTWS

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]

FRIDAY, SATURDAY = date(2026, 11, 20), date(2026, 11, 21)


@pytest.fixture
def night(desk: Desk, tws: SimulatedTWS) -> Night:
    return after_the_window(desk, tws)


def run(night: Night, *arguments: str, at: str, seconds: int = 15) -> Ran:
    night.desk.at(at, SATURDAY)
    limit = {"V6_LIMIT_SECONDS": str(seconds), "V6_ATTEMPT": "9"}
    return night.desk.run("post_restart", *arguments, slot=at, day=SATURDAY, **limit)


def told(night: Night) -> list[tuple[str, str]]:
    return [(one.severity, one.title.partition(",")[0].partition(": ")[0]) for one in night.alerts()]


def test_a_restart_without_data_in_the_weekends_reset_is_expected_and_restored_after_it(night: Night) -> None:
    night.tws.set(silent=frozenset({"*"}))
    expected = run(night, at="00:10")
    again = run(night, "--if-needed", at="00:30")
    state, body = night.state(), night.alerts()[0].body
    night.tws.set(silent=frozenset())
    restored = run(night, "--if-needed", at="03:00", seconds=60)

    assert (expected.code, again.code) == (0, 0), expected.words
    assert "server_reset" in expected.words
    assert "expected until 03:00 EST" in expected.words
    assert state == "degraded"
    assert "look at TWS" not in body
    assert "V6 validates again" in body
    assert restored.code == 0, restored.words
    assert night.state() == "normal"
    assert told(night)[0][0] == "warning"
    assert [title for _, title in told(night)] == ["restart degraded", "restart restored"]


@pytest.mark.parametrize(("day", "at", "code"), [(FRIDAY, "23:40", 0), (date(2026, 11, 19), "23:40", 1)])
def test_what_cannot_be_saved_in_the_weekends_reset_is_told_and_no_failure(
    night: Night, day: date, at: str, code: int
) -> None:
    night.desk.at(at, day)
    night.tws.set(link_broken=True)

    ran = night.desk.run("pre_restart", slot=at, day=day, V6_LIMIT_SECONDS="25", V6_ATTEMPT="9")

    assert ran.code == code, ran.words
    warned = [(one.severity, one.title) for one in night.alerts("pre_restart daily") if "IBKR is away" in one.title]
    assert warned == ([("warning", "not everything was saved while IBKR is away")] if code == 0 else [])


def test_a_restart_without_data_after_the_weekends_reset_has_failed(night: Night) -> None:
    night.tws.set(silent=frozenset({"*"}))
    run(night, at="00:10")
    run(night, "--if-needed", at="02:45")

    ran = run(night, "--if-needed", at="03:00")

    assert ran.code == 1, ran.words
    assert told(night) == [("warning", "restart degraded"), ("failure", "restart degraded")]


def test_the_light_proof_in_the_weekends_reset_is_a_warning_and_repeated(night: Night) -> None:
    assert run(night, at="00:10", seconds=60).code == 0
    night.tws.set(silent=frozenset({"*"}))
    light = run(night, "--light", at="01:50")
    still = run(night, "--if-needed", at="02:45")
    state = night.state()
    night.tws.set(silent=frozenset())
    mended = run(night, "--if-needed", at="03:00", seconds=60)

    assert (light.code, still.code) == (0, 0), light.words
    assert "expected until 03:00 EST" in light.words
    assert state == "degraded"
    assert mended.code == 0, mended.words
    assert night.state() == "normal"
    assert told(night)[1:] == [("warning", "data after IBKR's reset"), ("info", "data after IBKR's reset")]


def test_in_a_night_with_service_the_same_is_a_failure(night: Night) -> None:
    night.tws.set(silent=frozenset({"*"}))
    night.desk.at("00:10", FRIDAY)

    limit = {"V6_LIMIT_SECONDS": "15", "V6_ATTEMPT": "9"}
    ran = night.desk.run("post_restart", slot="00:10", day=FRIDAY, **limit)

    assert ran.code == 1, ran.words
    assert [severity for severity, _ in told(night)] == ["failure"]


@pytest.mark.parametrize("minute", ["00:11", "00:15"])
def test_the_slot_between_two_windows_that_are_one_restart_is_left_to_the_second(night: Night, minute: str) -> None:
    """6 and 10 minutes after the first: there is no room for the work between them."""
    late = {"zone": "America/New_York", "days": "every", "start": minute, "end": "00:25", "acts": True}
    windows = NEW_YORK_WINDOWS["scheduler"]["restart_windows"]
    configure(night.desk, {"scheduler": {"restart_windows": windows | {"late": late}}})
    compile_schedule(night.desk)

    between = run(night, at="00:10")
    after = run(night, at="00:30", seconds=60)

    assert between.code == 0, between.words
    assert "restart_window" in between.words
    assert after.code == 0, after.words
    assert night.row().window == "daily_restart+late"
