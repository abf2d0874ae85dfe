"""What validate_ib_connection proves about TWS before the open."""

from typing import Any

import pytest
from desk import Desk
from gateway_support import raw_tws
from hanging_up import hangs_up_at

from v6.simulator.testing import SimulatedTWS

pytestmark = pytest.mark.integration


def test_before_the_open_everything_but_live_data_is_proven(desk: Desk) -> None:
    desk.at("08:45")

    ran = desk.run("validate_ib_connection", slot="08:45")

    assert (ran.code, "success: 6 ok" in ran.words) == (0, True), ran.words
    assert "the market is closed: live data cannot be proven now" in ran.words
    assert "calendar: ok: agrees with TWS on" in ran.words


def test_in_the_session_data_must_be_live(desk: Desk) -> None:
    ran = desk.run("validate_ib_connection")

    assert ran.code == 0, ran.words
    assert "market data: ok: SPY: bid" in ran.words
    assert ", live" in ran.words


@pytest.mark.parametrize(
    ("fault", "code", "told"),
    [
        ({"no_subscription": {"*": 354}}, 2, "fatal: market_data_not_flowing: market data not flowing: SPY: no_subsc"),
        ({"link_broken": True}, 1, "recoverable: farms_down: account up, farms down: TWS has lost IBKR: 2110"),
    ],
    ids=["no subscription", "IBKR lost"],
)
def test_what_is_not_proven_has_the_verdict_its_cure_and_exit_code(
    desk: Desk, tws: SimulatedTWS, fault: dict[str, Any], code: int, told: str
) -> None:
    tws.set(**fault)

    ran = desk.run("validate_ib_connection")

    assert ran.code == code, "as `v6 gateway diagnose`: no retry subscribes"
    assert told in ran.words
    assert "What to do: " in ran.words


@pytest.mark.parametrize("question", ["account summary", "market data", "contract details"])
def test_a_tws_that_hangs_up_in_the_middle_has_proven_nothing(desk_without_tws: Desk, question: str) -> None:
    desk_without_tws.at("08:45")
    with raw_tws(hangs_up_at(question)) as server:
        desk_without_tws.configure({"ibkr": {"port": server.port, "quote_timeout_seconds": 0.5}})

        ran = desk_without_tws.run("validate_ib_connection", slot="08:45")

    assert ran.code == 1, ran.words
    assert "gateway: ok: answered in " in ran.words
    assert "recoverable: mute_after_handshake: mute after the handshake: " in ran.words
    assert "What to do: wait two minutes" in ran.words


def test_l05_a_calendar_that_disagrees_with_tws_is_fatal(desk: Desk) -> None:
    path = desk.home / "var" / "compiled" / "calendar.txt"
    path.write_text("# v6 calendar 1 pandas_market_calendars 5 covers 2026-01-01 2028-12-31 overrides none\n")
    desk.at("08:45", desk.slot("08:45").date().replace(day=23))

    ran = desk.run("validate_ib_connection")

    assert ran.code == 2
    assert "calendar: failed: 2026-11-26: TWS closed, calendar 09:30-16:00" in ran.words


def test_a_clock_that_is_wrong_is_named(desk: Desk, tws: SimulatedTWS) -> None:
    tws.step_to(desk.slot("10:02"))

    ran = desk.run("validate_ib_connection")

    assert ran.code == 1
    assert "clock: failed: TWS +" in ran.words


def test_a_tws_that_is_mute_after_its_start_is_told_within_the_probe(desk: Desk, tws: SimulatedTWS) -> None:
    desk.configure({"ibkr": {"probe_seconds": 0.5}})
    tws.set(mute_after_start=True)

    ran = desk.run("validate_ib_connection")

    assert ran.code == 1
    assert "mute after the handshake: no answer to current time within 0.5 s. What to do: wait two min" in ran.words
    assert "the kernel's tables: LISTEN" in ran.words


def test_without_tws_the_run_ends_with_the_verdict_and_its_cure(desk_without_tws: Desk) -> None:
    ran = desk_without_tws.run("validate_ib_connection", slot="08:45")

    assert ran.code == 1, "TWS may come back by itself"
    assert "refused (127.0.0.1:" in ran.words
    assert "What to do: start TWS and sign in" in ran.words
    assert "the kernel's tables (after): nobody listens" in ran.words


def test_a_dialog_that_waits_for_a_person_is_not_tried_again(desk: Desk, tws: SimulatedTWS) -> None:
    desk.configure({"ibkr": {"connect_timeout_seconds": 1.0}})
    tws.set(mute_before_handshake=True)

    ran = desk.run("validate_ib_connection")

    assert ran.code == 2, "a person must look"
    assert "waiting for a dialog" in ran.words
    assert "Trusted IPs" in ran.words
    assert tws.stats.connections == 1, "TWS is not asked a second time"
