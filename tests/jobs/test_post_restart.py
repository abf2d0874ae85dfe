"""post_restart as a real process beside a simulated TWS that really restarts."""

import sys
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # desk, gateway_support

from desk import KILLED, Desk, Ran
from restart_desk import FRIDAY, NIGHT, OWNER, QQQ, QUICK, SPY, THURSDAY, Night, after_the_window, body, configure

from v6.journal import restarts
from v6.model import Contract, OpenOrder
from v6.restart import registered
from v6.restart.alone import alone
from v6.simulator.testing import SimulatedTWS

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]

SATURDAY = date(2026, 11, 21)
LAST_ATTEMPT = {"V6_ATTEMPT": "9"}
"""After it the supervisor makes no other: then the end is told."""
LOST = OpenOrder(777_001, OWNER, 41, "DU9000001", SPY, "BUY", "LMT", 5.0, "GTC", "PreSubmitted", limit_price=300.0)


@pytest.fixture
def night(desk: Desk, tws: SimulatedTWS) -> Night:
    return after_the_window(desk, tws)


def run(night: Night, *arguments: str, at: str = "00:10", seconds: int = 60, **environ: str) -> Ran:
    """The scheduled run, with `seconds` for the attempt."""
    return night.desk.run("post_restart", *arguments, slot=at, day=FRIDAY, V6_LIMIT_SECONDS=str(seconds), **environ)


def ends(night: Night) -> list[str]:
    """How the operator was told that it ended, message by message."""
    return [alert.title.partition(":")[0].removeprefix("restart ") for alert in night.alerts()]


def later(seconds: float, act: Callable[[], object]) -> threading.Thread:
    def wait_and_act() -> None:
        time.sleep(seconds)
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


# restored


def test_a_restart_after_which_everything_works_is_restored(night: Night) -> None:
    night.save_state()
    night.restart()

    ran = run(night)

    assert ran.code == 0, ran.words
    assert night.state() == "normal"
    row = night.row()
    assert (row.window, row.outcome, row.restored, row.observed) == (NIGHT.name, "restored", 1, "restarted")
    assert row.connected_at is not None
    assert row.validated_at is not None
    assert row.first_tick_seconds is not None
    report = night.report()
    assert (report.verdict, report.exit_code) == ("restored", 0)
    assert [step.detail for step in report.steps if step.name == "reach TWS"] == ["1 attempt, restarted"]
    assert [alert.severity for alert in night.alerts()] == ["info"]


def test_every_subscription_of_the_saved_state_is_proven_by_its_close_at_night(night: Night) -> None:
    night.save_state((SPY, QQQ))
    night.restart()

    assert run(night).code == 0

    report = night.report()
    assert {str(proof.contract) for proof in report.proofs} == {"SPY STK", "QQQ STK"}
    assert {str(proof.proven) for proof in report.proofs} == {"closed"}
    assert report.live is not None
    assert report.live.owed == 2


def test_a_tws_that_did_not_restart_is_told_from_one_that_did_without_touching_it(night: Night) -> None:
    night.save_state()

    assert run(night).code == 0

    assert night.row().observed == "no_restart"


def test_it_connects_as_the_restart_client_id_and_leaves_nothing_behind_l27(night: Night) -> None:
    night.save_state()
    night.restart()

    assert run(night).code == 0

    assert night.tws.stats.clients == 0
    assert night.tws.control({"do": "clients"})["clients"] == []


# TWS comes back in other ways


def test_a_port_that_opens_late_is_waited_for_without_a_connect_l27(night: Night) -> None:
    night.save_state()
    night.restart(refused_seconds=3.0)
    before = night.tws.stats.connections

    ran = run(night)

    assert ran.code == 0, ran.words
    assert night.tws.stats.connections - before == 1


def test_an_open_port_whose_api_is_mute_for_a_while_is_waited_for(night: Night) -> None:
    configure(night.desk, {"ibkr": {"connect_timeout_seconds": 1.0}})
    night.save_state()
    night.restart(mute_seconds=4.0)

    ran = run(night, seconds=90)

    assert ran.code == 0, ran.words


def test_while_tws_is_mute_the_state_says_so_and_when_it_is_given_up(night: Night) -> None:
    """Minutes of RECONNECTING without a reason looked as if all were well."""
    configure(night.desk, {"ibkr": {"connect_timeout_seconds": 1.0}})
    night.save_state()
    night.tws.set(mute_before_handshake=True)
    ended: list[Ran] = []
    attempt = threading.Thread(target=lambda: ended.append(run(night, seconds=90)))
    attempt.start()
    seen = ""
    while attempt.is_alive() and "mute for" not in seen:
        time.sleep(0.1)
        with night.journal() as db:
            where = restarts.current(db)
        seen = f"{where.state}: {where.cause}" if where else ""
    night.tws.set(mute_before_handshake=False)
    attempt.join()
    assert seen.startswith("reconnecting: mute_before_handshake")
    assert "gives up at 00:" in seen
    assert ended[0].code == 0, ended[0].words


def test_farms_that_come_up_late_are_waited_for_before_data_are_asked(night: Night) -> None:
    night.save_state()
    night.restart(farm_seconds=5.0)

    ran = run(night)

    assert ran.code == 0, ran.words
    assert night.report().findings[1].check == "data farms"


def test_our_client_id_still_occupied_is_transient(night: Night) -> None:
    night.save_state()
    night.tws.set(client_ids_in_use=frozenset({9}))
    freeing = later(5.0, lambda: night.tws.set(client_ids_in_use=frozenset()))

    ran = run(night, seconds=90)

    freeing.join()
    assert ran.code == 0, ran.words


def test_every_client_id_occupied_for_a_while_after_the_restart_is_transient(night: Night) -> None:
    night.save_state()
    night.restart(ids_occupied_seconds=4.0)

    ran = run(night, seconds=90)

    assert ran.code == 0, ran.words


# what differs


def test_an_order_that_is_gone_without_a_trace_is_for_a_person(night: Night) -> None:
    """L35: V6 says so and never places it again."""
    night.save_state(orders=(LOST,))
    night.restart()

    ran = run(night)

    assert ran.code == 2, ran.words
    report = night.report()
    assert report.difference is not None
    assert [one.order.perm_id for one in report.difference.unexplained] == [LOST.perm_id]
    assert night.tws.control({"do": "orders"})["orders"] == []
    assert (night.row().outcome, night.row().restored, night.state()) == ("restored", 0, "normal")
    assert [alert.severity for alert in night.alerts()] == ["failure"]


def test_values_of_the_account_that_move_by_themselves_are_no_differences(night: Night) -> None:
    values = {"DU9000001": {"NetLiquidation": "1.00", "TotalCashValue": "2.00"}}
    night.save_state(account_values=values)

    ran = run(night)

    assert ran.code == 0, ran.words
    assert "orders and positions as before" in ran.words
    difference = night.report().difference
    assert difference is not None
    assert len(difference.values) == 2


def test_an_order_lost_in_flight_shows_in_the_ids_that_are_given_again(night: Night) -> None:
    """TWS had taken the order, IBKR had not: nextValidId falls behind its id [Lean.IB#242], no list has it."""
    order = {"symbol": "SPY", "action": "BUY", "quantity": 1, "limit": 301.0, "tif": "GTC"}
    night.place()
    lost = night.tws.control({"do": "place", "client": OWNER, "in_flight": True, **order})
    night.save_state()
    night.restart()

    ran = run(night)

    assert ran.code == 0, ran.words
    difference = night.report().difference
    assert difference is not None
    assert [one.next_id <= lost["order_id"] <= one.high_water for one in difference.rolled_back] == [True]
    assert [alert.severity for alert in night.alerts()] == ["warning"]


def test_an_order_filled_and_a_position_changed_while_away_are_reported(night: Night) -> None:
    placed = night.place()
    night.save_state()
    night.tws.control({"do": "fill", "perm_id": placed.perm_id, "price": 300.0})
    night.restart()

    ran = run(night)

    assert ran.code == 0, ran.words
    difference = night.report().difference
    assert difference is not None
    assert [(one.order.perm_id, str(one.became)) for one in difference.missing] == [(placed.perm_id, "filled")]
    assert [(one.before, one.after) for one in difference.positions] == [(100.0, 101.0)]
    assert [alert.severity for alert in night.alerts()] == ["warning"]


def test_an_order_that_we_cancelled_is_listed_and_not_placed_again(night: Night) -> None:
    placed = night.place()
    night.save_state()
    with night.gateway(OWNER) as gateway:
        gateway.cancel_orders([placed.order_id], 5.0)
    with night.journal() as db:
        row = night.row()
        restarts.intend(db, row.id, placed.perm_id, OWNER, placed.order_id, str(placed))
        restarts.settle(db, row.id, placed.perm_id, OWNER, placed.order_id, "cancelled")
    night.restart()

    ran = run(night)

    assert ran.code == 0, ran.words
    report = night.report()
    assert report.difference is not None
    assert [str(one.became) for one in report.difference.missing] == ["cancelled by us"]
    assert report.cancelled == 1
    assert night.tws.control({"do": "orders"})["orders"] == []


def test_the_end_of_a_cancel_that_a_killed_pre_restart_sent_is_settled_l35(night: Night) -> None:
    configure(night.desk, {"restart": QUICK["restart"] | {"owner_client_ids": [OWNER], "include_gtc": True}})
    night.desk.at("23:40", THURSDAY)
    placed = night.place()
    slot = {"slot": "23:40", "day": THURSDAY, "V6_LIMIT_SECONDS": "100"}
    killed = night.desk.run("pre_restart", V6_FAILPOINT="pre_restart:cancel_sent", **slot)  # type: ignore[arg-type]
    night.desk.at("23:50", THURSDAY)  # TWS lists what it completed until midnight

    ran = night.desk.run("post_restart", V6_LIMIT_SECONDS="60")

    assert killed.code == KILLED
    assert ran.code == 0, ran.words
    report = night.report()
    assert report.difference is not None
    assert [(one.order.perm_id, str(one.became)) for one in report.difference.missing] == [
        (placed.perm_id, "cancelled by us")
    ]
    assert [(one.perm_id, one.outcome) for one in report.orders] == [(placed.perm_id, "cancelled")]
    assert night.row().orders_cancelled == 1
    assert "the cancel is not confirmed" not in night.alerts()[-1].body


def test_an_order_that_counts_as_cancelled_and_is_open_is_named(night: Night) -> None:
    placed = night.place()
    night.save_state()
    with night.journal() as db:
        row = night.row()
        restarts.intend(db, row.id, placed.perm_id, OWNER, placed.order_id, str(placed))
        restarts.settle(db, row.id, placed.perm_id, OWNER, placed.order_id, "cancelled")
        restarts.note(db, row.id, orders_cancelled=1)
    night.restart()

    ran = run(night)

    assert ran.code == 0, ran.words
    [done] = night.report().orders
    assert done.outcome == "unconfirmed"
    assert done.detail.startswith("TWS lists it as ")
    assert night.row().orders_cancelled == 0
    assert "look in TWS at 1 order: the cancel is not confirmed" in night.alerts()[-1].body


def test_a_client_that_never_had_an_order_is_not_connected_as(night: Night) -> None:
    """Its program may be coming back at this moment, and would be told 326."""
    configure(night.desk, {"restart": QUICK["restart"] | {"owner_client_ids": [OWNER]}})
    night.save_state()
    before = night.tws.stats.connections

    assert run(night).code == 0

    assert night.tws.stats.connections - before == 1


def test_order_ids_that_rolled_back_are_reported_and_burnt(night: Night) -> None:
    configure(night.desk, {"restart": {"owner_client_ids": [OWNER], "stable_round_trips": 2}})
    night.save_state()
    with night.journal() as db:
        restarts.raise_high_water(db, OWNER, 38103)
    night.restart()

    ran = run(night)

    assert ran.code == 0, ran.words
    report = night.report()
    assert report.difference is not None
    assert [(one.client_id, one.high_water) for one in report.difference.rolled_back] == [(OWNER, 38103)]
    with night.journal() as db:
        assert restarts.high_waters(db)[OWNER] == 38103
    assert [alert.severity for alert in night.alerts()] == ["warning"]


# the saved state


def test_without_a_saved_state_it_validates_and_says_so(night: Night) -> None:
    ran = run(night)

    assert ran.code == 0, ran.words
    assert "no saved state" in ran.words
    assert night.row().restored is None


def test_a_tampered_state_is_not_believed_and_a_person_is_told(night: Night) -> None:
    night.save_state()
    path = night.states.path
    path.write_text(path.read_text().replace("SPY", "QQQ"))

    ran = run(night)

    assert ran.code == 2, ran.words
    assert "tampered" in ran.words or any("tampered" in one for one in night.report().warnings)
    assert night.report().difference is None
    assert night.state() == "normal"


def test_an_old_state_of_this_restart_is_compared_and_marked_with_its_age(night: Night) -> None:
    night.save_state((QQQ,), saved_at=NIGHT.start - timedelta(hours=5))

    ran = run(night)

    assert ran.code == 0, ran.words
    assert "compared with a state that is 5 h 5 min old" in ran.words
    report = night.report()
    assert report.difference is not None
    assert any("old state, saved 11-19 18:45 EST" in one for one in report.warnings)
    assert "QQQ STK" in {str(proof.contract) for proof in report.proofs}


def test_an_order_is_missed_however_late_tws_comes_back_l35(night: Night) -> None:
    night.save_state(orders=(LOST,))
    night.tws.set(refuse=True)

    first = run(night)
    night.tws.set(refuse=False)
    night.desk.at("01:30", FRIDAY)
    late = run(night, "--if-needed", at="01:30")

    assert first.code == 1, first.words
    assert late.code == 2, late.words
    report = night.report()
    assert report.difference is not None
    assert [one.order.perm_id for one in report.difference.unexplained] == [LOST.perm_id]
    assert {str(proof.contract) for proof in report.proofs} == {"SPY STK", "QQQ STK"}
    last = night.alerts()[-1]
    assert last.severity == "failure"
    assert "Nothing to do" not in last.body


def test_a_state_after_whose_restart_nobody_compared_is_compared_after_the_next_one(night: Night) -> None:
    night.save_state(orders=(LOST,))
    night.desk.at("00:10", SATURDAY)

    ran = night.desk.run("post_restart", slot="00:10", day=SATURDAY, V6_LIMIT_SECONDS="60")

    assert ran.code == 2, ran.words
    assert night.row().window_start.date() == FRIDAY
    difference = night.report().difference
    assert difference is not None
    assert [one.order.perm_id for one in difference.unexplained] == [LOST.perm_id]


def test_an_old_state_of_a_restart_that_was_validated_is_not_compared_and_that_is_said(night: Night) -> None:
    night.save_state()
    assert run(night).code == 0
    night.desk.at("03:00", FRIDAY)
    night.restart()
    time.sleep(0.6)

    ran = run(night, "--if-needed", at="03:00")

    assert ran.code == 0, ran.words
    assert "no saved state to compare with (too old" in ran.words
    assert night.report().difference is None
    assert "Nothing to do" not in night.alerts()[-1].body


# not restored


def test_data_that_stay_dead_make_it_degraded_and_a_later_look_mends_it_l24(night: Night) -> None:
    """L24: connected, and no data."""
    night.save_state()
    night.restart()
    night.tws.set(silent=frozenset({"*"}))

    dead = run(night, seconds=20, **LAST_ATTEMPT)
    night.tws.set(silent=frozenset())
    night.desk.at("00:15", FRIDAY)
    mended = run(night, "--if-needed", at="00:15")

    assert dead.code == 1, dead.words
    assert "SPY STK: 0 of 1" in dead.words
    assert mended.code == 0, mended.words
    assert night.state() == "normal"
    assert ends(night) == ["degraded", "restored"]


def test_a_tws_that_does_not_come_back_is_degraded_without_a_single_connect_l29(night: Night) -> None:
    night.save_state()
    night.tws.set(refuse=True)
    before = night.tws.stats.connections

    first = run(night, **LAST_ATTEMPT)
    night.desk.at("00:30", FRIDAY)
    again = run(night, "--if-needed", at="00:30")

    assert first.code == 1, first.words
    assert again.code == 0, again.words
    assert "tws_away" in again.words
    assert night.state() == "degraded"
    assert night.tws.stats.connections == before
    assert [alert.severity for alert in night.alerts()] == ["failure"]


SUNDAY = date(2026, 11, 22)


def test_after_the_weekly_login_it_waits_for_a_person_and_goes_on_when_one_came_l29(night: Night) -> None:
    night.save_state()
    night.tws.set(awaiting_login=True)
    night.desk.at("01:40", SUNDAY)
    before = night.tws.stats.connections

    def look(*arguments: str) -> Ran:
        return night.desk.run("post_restart", *arguments, slot="01:40", day=SUNDAY, V6_LIMIT_SECONDS="60")

    waiting, still = look(), look("--if-needed")
    connections = night.tws.stats.connections - before
    outcome = night.row().outcome
    night.tws.control({"do": "login"})
    night.tws.set(awaiting_login=False)
    back = look("--if-needed")

    assert waiting.code == 2, waiting.words
    assert "waiting for a person" in waiting.words
    assert still.code == 0, still.words
    assert "tws_away" in still.words
    assert connections == 0
    assert outcome == "waiting"
    assert back.code == 0, back.words
    assert ends(night) == ["waiting", "restored"]


# repeats


def test_a_repeat_sends_no_second_message(night: Night) -> None:
    night.save_state()

    assert run(night).code == 0
    again = run(night)

    assert again.code == 0, again.words
    assert "restored already" in again.words
    assert len(night.alerts()) == 1


def test_only_one_restart_job_works_at_a_time(night: Night) -> None:
    with alone(night.desk.home / "var" / "locks"):
        ran = run(night)

    assert ran.code == 0
    assert "another restart job" in ran.words


def test_two_variants_at_once_are_refused(night: Night) -> None:
    assert run(night, "--light", "--live").code == 2


# hooks


def test_the_users_commands_get_the_report_once_everything_works(night: Night, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    hooks = {"pre_restart": [], "restart_complete": [["/bin/sh", "-c", f"cat >{told}"]], "timeout_seconds": 5.0}
    configure(night.desk, {"restart": {"hooks": hooks, "stable_round_trips": 2}})

    assert run(night).code == 0

    assert body(told)["verdict"] == "restored"


def test_the_users_commands_do_not_run_while_a_person_must_look(night: Night, tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    hooks = {"pre_restart": [], "restart_complete": [["/bin/sh", "-c", f"cat >{told}"]], "timeout_seconds": 5.0}
    configure(night.desk, {"restart": {"hooks": hooks, "stable_round_trips": 2}})
    night.save_state(orders=(LOST,))

    ran = run(night)

    assert ran.code == 2, ran.words
    assert not told.exists()
    assert ends(night) == ["restored, A PERSON MUST LOOK"]


# --if-needed


def test_nothing_is_needed_while_the_validated_tws_still_listens(night: Night) -> None:
    assert run(night).code == 0
    night.desk.at("00:30", FRIDAY)
    before = night.tws.stats.connections

    ran = run(night, "--if-needed", at="00:30")

    assert ran.code == 0
    assert "nothing_due" in ran.words
    assert night.tws.stats.connections == before


def test_a_tws_that_restarted_outside_every_window_is_noticed_and_validated(night: Night) -> None:
    assert run(night).code == 0
    night.desk.at("03:00", FRIDAY)
    night.restart()
    time.sleep(0.6)

    ran = run(night, "--if-needed", at="03:00")

    assert ran.code == 0, ran.words
    assert night.row().window == "unexpected"
    with night.journal() as db:
        found = restarts.outages(db, NIGHT.start, night.desk.slot("23:00", FRIDAY))
    assert "listener_changed" in [one.kind for one in found]
    assert night.state() == "normal"


def test_a_window_that_is_just_over_is_left_to_post_restart(night: Night) -> None:
    with night.journal() as db:
        restarts.set_current(db, "restarting", "prepared", NIGHT.name, NIGHT.start, NIGHT.end)
    night.desk.at("00:06", FRIDAY)

    ran = run(night, "--if-needed", at="00:06")

    assert ran.code == 0
    assert "not_yet" in ran.words


# --light


def test_after_ibkrs_own_reset_a_sample_is_proven(night: Night) -> None:
    night.save_state()
    assert run(night).code == 0
    night.desk.at("01:50", FRIDAY)

    ran = run(night, "--light", at="01:50")

    assert ran.code == 0, ran.words
    assert "3 ok" in ran.words
    assert night.state() == "normal"


def test_data_dead_after_ibkrs_reset_are_degraded_and_a_retry_mends_it(night: Night) -> None:
    night.desk.at("01:50", FRIDAY)
    night.tws.set(silent=frozenset({"*"}))

    dead = run(night, "--light", at="01:50", seconds=15)
    state = night.state()
    night.tws.set(silent=frozenset())
    mended = run(night, "--light", at="01:50")

    assert dead.code == 1, dead.words
    assert state == "degraded"
    assert mended.code == 0, mended.words
    assert night.state() == "normal"


# --live


def test_what_was_proven_by_its_close_is_proven_by_ticks_after_the_open(night: Night) -> None:
    night.save_state((SPY, QQQ))
    assert run(night).code == 0
    night.desk.at("09:37", FRIDAY)

    ran = run(night, "--live", at="09:37")
    again = run(night, "--live", at="09:37")

    assert ran.code == 0, ran.words
    live = night.report().live
    assert live is not None
    assert (live.owed, live.proven, live.lacking) == (2, 2, ())
    assert live.at is not None
    assert "nothing_owed" in again.words


def test_a_subscription_without_a_tick_after_the_open_fails_the_live_proof(night: Night) -> None:
    night.save_state((SPY, QQQ))
    assert run(night).code == 0
    night.desk.at("09:37", FRIDAY)
    night.tws.set(silent=frozenset({"QQQ"}))

    ran = run(night, "--live", at="09:37", seconds=20)

    assert ran.code == 1, ran.words
    live = night.report().live
    assert live is not None
    assert len(live.lacking) == 1
    assert live.lacking[0].startswith("QQQ STK")
    assert night.state() == "degraded"


def test_what_a_long_lived_program_registered_is_proven_without_a_saved_state(night: Night) -> None:
    with night.gateway(20) as gateway:
        iwm = gateway.contract_details(Contract("STK", "IWM", "SMART"))[0].contract
    with night.journal() as db:
        registered.subscribe(db, "market_session", [iwm])

    assert run(night).code == 0

    assert "IWM STK" in {str(proof.contract) for proof in night.report().proofs}


# both jobs


def test_what_pre_restart_saved_and_cancelled_is_accounted_for_afterwards(night: Night) -> None:
    configure(night.desk, {"restart": QUICK["restart"] | {"owner_client_ids": [OWNER], "include_gtc": True}})
    night.desk.at("23:40", THURSDAY)
    placed = night.place()

    before = night.desk.run("pre_restart", slot="23:40", day=THURSDAY, V6_LIMIT_SECONDS="100")
    night.restart()
    night.desk.at("00:10", FRIDAY)
    after = run(night)

    assert before.code == 0, before.words
    assert after.code == 0, after.words
    report = night.report()
    assert report.difference is not None
    assert [(one.order.perm_id, str(one.became)) for one in report.difference.missing] == [
        (placed.perm_id, "cancelled by us")
    ]
    assert {step.phase for step in report.steps} == {"pre_restart", "post_restart"}
    assert night.row().observed == "restarted"
    assert night.state() == "normal"
    assert ends(night).count("restored") == 1
    assert night.tws.control({"do": "orders"})["orders"] == []
