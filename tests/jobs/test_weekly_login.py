"""Sunday: the login token dies at 01:00, and the next restart of TWS waits for a person (L29)."""

import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # desk, gateway_support

from desk import Desk, Ran
from restart_desk import QUICK, Night, after_the_window, configure

from v6.simulator.testing import SimulatedTWS

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]

SUNDAY, MONDAY = date(2026, 11, 22), date(2026, 11, 23)


@pytest.fixture
def night(desk: Desk, tws: SimulatedTWS) -> Night:
    return after_the_window(desk, tws)


def run(night: Night, job: str, day: date, at: str, *arguments: str) -> Ran:
    night.desk.at(at, day)
    return night.desk.run(job, *arguments, slot=at, day=day, V6_LIMIT_SECONDS="100", V6_ATTEMPT="9")


def through_sunday(night: Night, *, signed_in: bool) -> None:
    """TWS is there before and after the maintenance of Sunday; in it a person restarts it and signs in, or nobody."""
    assert run(night, "pre_restart", SUNDAY, "09:55").code == 0
    if signed_in:
        night.restart()
    ran = run(night, "post_restart", SUNDAY, "14:05")
    assert ran.code == 0, ran.words
    assert run(night, "pre_restart", SUNDAY, "23:40").code == 0


def test_a_tws_that_ran_on_with_its_dead_token_waits_for_a_person_at_its_next_restart_l29(night: Night) -> None:
    through_sunday(night, signed_in=False)
    night.tws.set(awaiting_login=True)

    ran = run(night, "post_restart", MONDAY, "00:10")
    later = run(night, "post_restart", MONDAY, "00:15", "--if-needed")

    assert ran.code == 2, ran.words
    assert "waiting for a person: the weekly login ended Sunday 01:00" in ran.words
    assert night.row().outcome == "waiting"
    assert "tws_away" in later.words
    assert [one.title.partition(":")[0] for one in night.alerts()][-1] == "restart waiting"


def test_a_tws_that_was_signed_in_on_sunday_has_another_trouble(night: Night) -> None:
    through_sunday(night, signed_in=True)
    night.tws.set(refuse=True)

    ran = run(night, "post_restart", MONDAY, "00:10")

    assert ran.code == 1, ran.words
    assert night.row().outcome == "degraded"


def test_a_tws_that_waits_for_a_login_is_started_no_more_than_once_l29(night: Night, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    starter = ["/bin/sh", "-c", f"echo started >>{starts}"]
    configure(night.desk, {"tws": QUICK["tws"] | {"start_command": starter}})
    through_sunday(night, signed_in=False)
    night.tws.set(awaiting_login=True)

    codes = [run(night, "post_restart", MONDAY, "00:10").code]
    codes += [run(night, "post_restart", MONDAY, at, "--if-needed").code for at in ("00:15", "00:30", "00:45")]

    assert codes == [2, 0, 0, 0]
    assert starts.read_text().count("started") == 1


def test_a_tws_that_was_away_already_when_the_token_died_becomes_one_that_waits(night: Night) -> None:
    night.tws.set(refuse=True)
    degraded = run(night, "post_restart", SUNDAY, "00:10")
    before = run(night, "post_restart", SUNDAY, "00:45", "--if-needed")
    waiting = run(night, "post_restart", SUNDAY, "01:15", "--if-needed")
    still = run(night, "post_restart", SUNDAY, "01:30", "--if-needed")

    assert degraded.code == 1, degraded.words
    assert "tws_away" in before.words
    assert waiting.code == 2, waiting.words
    assert "waiting for a person" in waiting.words
    assert "tws_away" in still.words
    assert [one.title.partition(":")[0] for one in night.alerts()] == ["restart degraded", "restart waiting"]
