"""The proofs that data flow, when they fail: after IBKR's reset and at the open. They are tried again as themselves,
whatever the restart before them was stays what it was, and who is told of the failure is told of its end."""

import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # desk, gateway_support

from desk import Desk, Ran
from restart_desk import FRIDAY, NIGHT, QQQ, SPY, Night, after_the_window

from v6.journal import restarts
from v6.restart.manager import TWSRestartManager
from v6.simulator.testing import SimulatedTWS

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]

LAST_ATTEMPT = {"V6_ATTEMPT": "9"}


@pytest.fixture
def night(desk: Desk, tws: SimulatedTWS) -> Night:
    """00:10, and what pre_restart saved has two subscriptions."""
    night = after_the_window(desk, tws)
    night.save_state((SPY, QQQ))
    return night


def run(night: Night, *arguments: str, at: str, seconds: int = 60, **environ: str) -> Ran:
    """The scheduled run at that minute."""
    night.desk.at(at, FRIDAY)
    limit = {"V6_LIMIT_SECONDS": str(seconds)}
    return night.desk.run("post_restart", *arguments, slot=at, day=FRIDAY, **limit, **environ)


def restored(night: Night) -> restarts.Restart:
    night.restart()
    ran = run(night, at="00:10")
    assert ran.code == 0, ran.words
    return night.row()


def told(night: Night) -> list[tuple[str, str]]:
    """(severity, title) of what followed the message of the restart itself."""
    return [(one.severity, one.title) for one in night.alerts("")][1:]


def overdue(night: Night) -> str | None:
    moment = datetime.fromtimestamp(0, NIGHT.start.tzinfo)
    with night.journal() as db:
        row = restarts.current(db)
        assert row is not None
        moment = row.since + timedelta(minutes=1)
        return TWSRestartManager(db, ()).overdue(moment)


def test_a_live_proof_that_failed_is_tried_again_as_itself_l24(night: Night) -> None:
    """L24: connected, and no data. The restart before it stays what it was, to the second."""
    row = restored(night)
    before = night.report()
    night.tws.set(silent=frozenset({"QQQ"}))

    dead = run(night, "--live", at="09:37", seconds=20, **LAST_ATTEMPT)
    still = run(night, "--if-needed", at="09:45", seconds=20)
    state, lacking = night.state(), night.report().live
    night.tws.set(silent=frozenset())
    mended = run(night, "--if-needed", at="10:00")

    assert (dead.code, still.code) == (1, 1), dead.words + still.words
    assert state == "degraded"
    assert lacking is not None
    assert (lacking.owed, lacking.proven, [line.split(":")[0] for line in lacking.lacking]) == (2, 1, ["QQQ STK"])
    assert mended.code == 0, mended.words
    assert night.state() == "normal"
    live = night.report().live
    assert live is not None
    assert (live.owed, live.proven, live.lacking) == (2, 2, ())
    assert replace(night.report(), live=before.live, written_at=before.written_at) == before
    assert night.row() == row


def test_it_is_told_once_that_the_live_proof_failed_and_once_that_all_is_well(night: Night) -> None:
    restored(night)
    night.tws.set(silent=frozenset({"QQQ"}))
    first = run(night, "--live", at="09:37", seconds=20)
    before_the_last_attempt = told(night)
    run(night, "--live", at="09:38", seconds=20, **LAST_ATTEMPT)
    run(night, "--if-needed", at="09:45", seconds=20)
    night.tws.set(silent=frozenset())
    run(night, "--if-needed", at="10:00")
    run(night, "--if-needed", at="10:15")

    assert first.code == 1, first.words
    assert before_the_last_attempt == []
    assert told(night) == [("failure", "the live proof: not proven"), ("info", "the live proof: well again")]


def test_a_live_proof_that_the_second_attempt_mends_is_no_message(night: Night) -> None:
    restored(night)
    night.tws.set(silent=frozenset({"QQQ"}))
    run(night, "--live", at="09:37", seconds=20)
    night.tws.set(silent=frozenset())

    ran = run(night, "--live", at="09:38", **LAST_ATTEMPT)

    assert ran.code == 0, ran.words
    assert night.state() == "normal"
    assert told(night) == []


def test_a_live_proof_that_has_just_failed_is_not_overdue(night: Night) -> None:
    restored(night)
    night.tws.set(silent=frozenset({"QQQ"}))

    run(night, "--live", at="09:37", seconds=20)

    assert night.state() == "degraded"
    assert overdue(night) is None


def test_a_live_proof_that_did_not_reach_tws_is_still_owed(night: Night) -> None:
    restored(night)
    night.tws.set(mute_before_handshake=True)

    away = run(night, "--live", at="09:37", seconds=25)
    night.tws.set(mute_before_handshake=False)
    mended = run(night, "--if-needed", at="09:45")

    assert away.code == 1, away.words
    assert mended.code == 0, mended.words
    live = night.report().live
    assert live is not None
    assert (live.owed, live.proven) == (2, 2)


def test_by_hand_it_is_the_live_proof_while_the_market_is_open(night: Night) -> None:
    row = restored(night)
    night.tws.set(silent=frozenset({"QQQ"}))
    run(night, "--live", at="09:37", seconds=20)
    night.desk.at("09:50", FRIDAY)

    dead = night.desk.run("post_restart", V6_LIMIT_SECONDS="20")
    state = night.state()
    night.tws.set(silent=frozenset())
    mended = night.desk.run("post_restart", V6_LIMIT_SECONDS="60")

    assert (dead.code, state) == (1, "degraded"), dead.words
    assert mended.code == 0, mended.words
    assert "2 of 2 subscriptions tick live" in mended.words
    assert night.row() == row


def test_a_tws_that_restarted_while_a_proof_was_lacking_is_a_restart(night: Night) -> None:
    restored(night)
    night.tws.set(silent=frozenset({"QQQ"}))
    run(night, "--live", at="09:37", seconds=20)
    night.tws.set(silent=frozenset())
    night.restart()

    ran = run(night, "--if-needed", at="09:45")

    assert ran.code == 0, ran.words
    assert night.row().window == "unexpected"
    assert night.state() == "normal"


def test_data_dead_after_ibkrs_reset_are_proven_again_as_that(night: Night) -> None:
    row = restored(night)
    night.tws.set(silent=frozenset({"*"}))

    dead = run(night, "--light", at="01:50", seconds=15, **LAST_ATTEMPT)
    still = run(night, "--if-needed", at="02:00", seconds=15)
    night.tws.set(silent=frozenset())
    mended = run(night, "--if-needed", at="02:15")

    assert (dead.code, still.code) == (1, 1), dead.words + still.words
    assert mended.code == 0, mended.words
    assert night.state() == "normal"
    assert night.row() == row
    title = "data after IBKR's reset"
    assert told(night) == [("failure", f"{title}: not proven"), ("info", f"{title}: well again")]


@pytest.mark.parametrize("proof", ["--light", "--live"])
def test_a_proof_never_hides_a_restart_that_is_not_over(night: Night, proof: str) -> None:
    restored(night)
    with night.journal() as db:
        restarts.set_current(db, "degraded", "refused", NIGHT.name, NIGHT.start, NIGHT.end)

    ran = run(night, proof, at="09:37")

    assert ran.code == 0
    assert "restart_not_over" in ran.words
    assert night.state() == "degraded"
