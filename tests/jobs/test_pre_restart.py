"""pre_restart as a real process beside a simulated TWS that writes down every message."""

import json
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # desk, gateway_support

from desk import KILLED, Desk, options, wait_until
from evening import DAY, QQQ, SPY, Evening, evening
from gateway_support import HANDSHAKE, child, frame, ibkr, raw_tws, sockets
from orders_support import place
from restart_desk import configure

from v6.clock import NEW_YORK
from v6.gateway.client import connect
from v6.journal import restarts
from v6.model import Contract, ScannerFilter
from v6.restart import registered
from v6.restart.alone import alone
from v6.simulator.testing import SimulatedTWS, simulated_tws
from v6.simulator.trading.commands import ADDED, Fill, execute
from v6.simulator.trading.desk import Desk as TwsDesk

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


@pytest.fixture
def event_log(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


@pytest.fixture
def tws(
    desk_without_tws: Desk, free_port: int, event_log: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimulatedTWS]:
    monkeypatch.setenv("V6_CLOCK_FILE", str(desk_without_tws.clock_file))
    with simulated_tws(start_at=None, event_log=event_log, port=free_port) as running:
        yield running


@pytest.fixture
def noon(desk: Desk, tws: SimulatedTWS, event_log: Path) -> Evening:
    return evening(desk, tws, event_log)


def test_the_orders_of_the_owners_are_saved_and_then_cancelled(noon: Evening) -> None:
    noon.configure(owner_client_ids=[5, 6])
    five, six = noon.place(5, count=2), noon.place(6)
    others = noon.place(7)

    ran = noon.run()

    assert ran.code == 0, ran.words
    assert noon.working().keys() == {(7, others[0])}
    assert noon.sent("cancelOrder") == {(5, five[0]): 1, (5, five[1]): 1, (6, six[0]): 1}
    saved = {(order.client_id, order.order_id) for order in noon.state().orders}
    assert saved == {(5, five[0]), (5, five[1]), (6, six[0]), (7, others[0])}
    assert noon.row().orders_cancelled == 3
    assert noon.restart_state() == "restarting"


# policies


def test_without_owners_nothing_is_cancelled(noon: Evening) -> None:
    (number,) = noon.place(5)
    ran = noon.run()
    assert ran.code == 0, ran.words
    assert noon.working().keys() == {(5, number)}
    assert "of client 5, which restart.owner_client_ids does not name" in ran.words


def test_good_till_cancelled_orders_stay_unless_they_are_included(noon: Evening) -> None:
    noon.configure(owner_client_ids=[5])
    (number,) = noon.place(5, tif="GTC")
    assert noon.run().code == 0
    assert noon.working().keys() == {(5, number)}
    noon.configure(include_gtc=True)
    assert noon.run().code == 0
    assert noon.working() == {}


def test_all_cancels_every_order_of_a_paper_account(noon: Evening) -> None:
    noon.configure(cancel="all")
    noon.place(5, tif="GTC")
    noon.tws.control({"do": "manual_order", "symbol": "SPY", "action": "BUY", "quantity": 10, "limit": 300})
    ran = noon.run()
    assert ran.code == 0, ran.words
    assert noon.working() == {}
    assert [order.outcome for order in noon.report().orders] == ["cancelled", "cancelled"]


def real_account(connection: socket.socket) -> None:
    """A TWS signed in to real money, ready and silent."""
    connection.recv(65536)
    connection.sendall(HANDSHAKE)
    connection.recv(65536)
    connection.sendall(frame(15, 1, "U1234567") + frame(9, 1, 1))
    while connection.recv(65536):
        pass


def test_all_on_real_money_is_refused_before_anything_is_touched(noon: Evening) -> None:
    with raw_tws(real_account) as real:
        noon.configure(cancel="all")
        configure(noon.desk, {"ibkr": {"port": real.port}})
        ran = noon.run()
    assert ran.code == 2, ran.words
    assert "restart.allow_global_cancel is false" in ran.words
    assert noon.alerts() == []
    assert noon.restart_state() == "normal"


def test_orders_typed_into_tws_are_named(noon: Evening) -> None:
    noon.configure(owner_client_ids=[0, 5])
    noon.tws.control({"do": "manual_order", "symbol": "QQQ", "action": "BUY", "quantity": 10, "limit": 500})
    ran = noon.run()
    assert ran.code == 0, ran.words
    assert len(noon.working()) == 1
    step = next(step for step in noon.report().steps if step.name == "orders_cancelled")
    assert "BUY 10 QQQ" in step.detail
    assert "typed into TWS" in step.detail


def test_an_owner_that_stays_connected_is_reported_with_its_orders(noon: Evening) -> None:
    noon.configure(owner_client_ids=[5, 6])
    with noon.program(5) as users:
        number = place(users)
        noon.place(6)
        ran = noon.run()
        assert noon.working().keys() == {(5, number)}
    assert ran.code == 1, ran.words
    assert f"permId {noon.steps()[5, number].perm_id}, client 5" in ran.words
    assert noon.steps()[5, number].outcome == "unreachable"
    assert noon.report().exit_code == 1


# stops and positions


ES = Contract("FUT", "ES", "CME")
ACCOUNT = "DU9000001"


def protected(noon: Evening) -> tuple[int, Contract]:
    """(order id of the stop, the future that is held)."""
    front = noon.hold(ES, 1)
    (number,) = noon.place(
        5,
        contract=front,
        action="SELL",
        orderType="STP",
        auxPrice=3000.0,
        lmtPrice=0.0,
        totalQuantity=1,
        account=ACCOUNT,
    )
    return number, front


def test_a_protective_stop_is_named_in_a_warning_before_it_is_cancelled(noon: Evening) -> None:
    noon.configure(owner_client_ids=[5])
    number, _ = protected(noon)
    killed = noon.run(V6_FAILPOINT="pre_restart:cancel_intended")
    assert killed.code == KILLED
    assert noon.sent("cancelOrder") == {}, "it was cancelled before the warning"
    (warning,) = [alert for alert in noon.alerts() if alert.severity == "warning"]
    assert "protective" in warning.title
    assert "SELL 1 ES" in warning.body
    assert noon.run().code == 0
    assert noon.steps()[5, number].outcome == "cancelled"
    assert any("protective stop" in line for line in noon.report().warnings)


def test_a_stop_that_stays_is_not_taken_along_by_the_cancel_of_its_oca_group(noon: Evening) -> None:
    """The profit taker is a day order of an owner, the stop is good till cancelled: TWS would end both."""
    noon.configure(owner_client_ids=[5])
    front = noon.hold(ES, 1)
    terms = {"contract": front, "action": "SELL", "totalQuantity": 1, "ocaGroup": "exit", "ocaType": 1}
    (taker,) = noon.place(5, orderType="LMT", lmtPrice=99999.0, tif="DAY", **terms)
    (stop,) = noon.place(5, orderType="STP", auxPrice=3000.0, lmtPrice=0.0, tif="GTC", **terms)
    (single,) = noon.place(5)
    ran = noon.run()
    assert ran.code == 0, ran.words
    assert noon.working().keys() == {(5, taker), (5, stop)}
    assert noon.sent("cancelOrder") == {(5, single): 1}
    (warning,) = [alert for alert in noon.alerts() if alert.severity == "warning"]
    assert "in a group with one that stays" in warning.title
    assert any("not cancelled" in line and "LMT" in line for line in noon.report().warnings)


def test_an_order_that_was_to_stay_and_is_gone_is_told_at_once(noon: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    noon.configure(owner_client_ids=[5])
    noon.place(5)
    (stays,) = noon.place(6, tif="GTC")
    really = TwsDesk._cancel

    def take_along(desk: TwsDesk, client: int, order: int) -> object:
        ticket = desk._trading.blotter.find(6, stays)
        assert ticket is not None
        desk.start_cancel(ticket)
        return really(desk, client, order)

    monkeypatch.setattr(TwsDesk, "_cancel", take_along)
    ran = noon.run()
    assert ran.code == 1, ran.words
    assert "meant to stay and gone" in ran.words
    (alert,) = [alert for alert in noon.alerts() if alert.severity == "failure"]
    assert "to stay are gone" in alert.title
    assert "client 6" in alert.body


def test_a_kept_order_that_filled_meanwhile_is_no_trouble(noon: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    noon.configure(owner_client_ids=[5])
    noon.place(5)
    (stays,) = noon.place(6, tif="GTC")
    really = TwsDesk._cancel

    def fill_the_other(desk: TwsDesk, client: int, order: int) -> object:
        ticket = desk._trading.blotter.find(6, stays)
        assert ticket is not None
        execute(desk._trading, ticket, Fill(500.0, ticket.remaining), ADDED)
        return really(desk, client, order)

    monkeypatch.setattr(TwsDesk, "_cancel", fill_the_other)
    ran = noon.run()
    assert ran.code == 0, ran.words
    assert noon.working() == {}


def test_a_stop_left_on_a_closed_position_is_told_at_once(noon: Evening) -> None:
    """Triggered overnight it would open a short position."""
    number, front = protected(noon)
    noon.configure(close_positions=[str(front.con_id)])
    ran = noon.run()
    assert ran.code == 0, ran.words
    assert noon.working().keys() == {(5, number)}
    (alert,) = [alert for alert in noon.alerts() if alert.severity == "failure"]
    assert "open on positions that V6 has closed" in alert.title
    assert "SELL 1 ES" in alert.body


def test_l35_a_closing_that_was_cut_off_is_told_and_not_repeated(
    noon: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = noon.hold(QQQ, 10)
    noon.tws.control({"do": "halt", "symbol": "QQQ"})
    monkeypatch.setattr(TwsDesk, "_cancel", lambda *_: None)  # lost on its way
    noon.configure(close_positions=[str(held.con_id)], prepare_seconds=20.0)
    for _ in range(2):
        ran = noon.run()
        assert ran.code == 1, ran.words
    assert sum(times for (client, _), times in noon.sent("placeOrder").items() if client == 9) == 1
    assert "still works on it" in ran.words
    (alert,) = [alert for alert in noon.alerts() if alert.severity == "failure"]
    assert "may still fill" in alert.title
    noon.tws.control({"do": "resume", "symbol": "QQQ"})
    wait_until(lambda: not noon.working())
    assert [p.quantity for p in noon.positions() if p.contract.con_id == held.con_id and p.quantity] == []


def test_only_named_positions_are_closed(noon: Evening) -> None:
    """A symbol names every contract of it, a con_id one."""
    front = noon.hold(ES, 2)
    noon.hold(QQQ, 10)
    before = {p.contract.con_id: p for p in noon.positions() if p.quantity}
    named = {con_id for con_id, position in before.items() if position.contract.symbol == "QQQ"} | {front.con_id}
    noon.configure(close_positions=["QQQ", str(front.con_id)])
    ran = noon.run()
    assert ran.code == 0, ran.words
    after = {p.contract.con_id: p.quantity for p in noon.positions() if p.quantity}
    assert after == {con_id: p.quantity for con_id, p in before.items() if con_id not in named}
    assert sum(times for (client, _), times in noon.sent("placeOrder").items() if client == 9) == len(named)


def test_no_position_is_closed_by_default(noon: Evening) -> None:
    noon.hold(QQQ, 10)
    assert noon.run().code == 0
    assert not [client for client, name in noon.messages() if client == 9 and name == "placeOrder"]


def test_a_position_whose_market_is_closed_is_reported_and_its_order_taken_back(noon: Evening) -> None:
    held = noon.hold(QQQ, 10)
    noon.tws.control({"do": "halt", "symbol": "QQQ"})
    noon.configure(close_positions=[str(held.con_id)], prepare_seconds=30.0)
    ran = noon.run()
    assert ran.code == 1, ran.words
    assert "taken back" in ran.words
    assert noon.working() == {}
    assert [p.quantity for p in noon.positions() if p.contract.con_id == held.con_id] == [10]


def test_a_closing_order_gets_an_id_above_every_one_ever_used(noon: Evening) -> None:
    """TWS may have gone back to ids of orders that were lost: they are burnt."""
    noon.hold(QQQ, 10)
    noon.configure(close_positions=["QQQ"])
    with noon.journal() as db:
        restarts.raise_high_water(db, 9, 5000)
    assert noon.run().code == 0
    assert noon.sent("placeOrder")[9, 5001] == 1


# the state


def test_subscriptions_of_the_collectors_and_of_long_lived_programs_are_saved(noon: Evening) -> None:
    noon.desk.freeze(options(6))
    with noon.journal() as db:
        registered.subscribe(db, "market_session", [replace(SPY, con_id=756733)])
        registered.scan(db, "market_session", {"gainers": ScannerFilter("STK", "STK.US.MAJOR", "TOP_PERC_GAIN")})
    assert noon.run().code == 0
    saved = noon.state()
    assert {contract.con_id for contract in saved.subscriptions} == {*range(1, 7), 756733}
    assert [scanner.scan_code for scanner in saved.scanners] == ["TOP_PERC_GAIN"]


def test_what_cannot_be_read_is_named_in_the_state_and_nothing_is_cancelled_blindly(noon: Evening) -> None:
    noon.configure(owner_client_ids=[5])
    noon.place(5)
    noon.tws.server.options.read_only = True
    ran = noon.run()
    assert ran.code == 1, ran.words
    assert any(entry.startswith("open orders: ") for entry in noon.state().partial)
    assert len(noon.state().positions) > 0
    assert "the open orders could not be read: none was cancelled" in ran.words
    assert noon.sent("cancelOrder") == {}


def test_a_tws_that_has_gone_is_said_to_have_come_early_and_the_last_state_stays(noon: Evening) -> None:
    noon.configure(prepare_seconds=20.0)
    assert noon.run().code == 0
    before = noon.states().path.read_bytes()
    noon.tws.set(refuse=True)
    connections = noon.tws.stats.connections
    ran = noon.run()
    assert ran.code == 1, ran.words
    assert "TWS is away before its window" in ran.words
    assert noon.restart_state() == "restarting"
    assert noon.row().away_at is not None
    assert noon.states().path.read_bytes() == before
    assert noon.tws.stats.connections == connections, "L27: the kernel's table says enough"
    with noon.journal() as db:
        assert [
            row.kind
            for row in restarts.outages(db, noon.row().window_start - timedelta(hours=1), noon.row().window_end)
        ]


def test_a_tws_that_comes_back_before_the_window_is_awaited_and_saved(noon: Evening) -> None:
    """It restarted early: no attempt is used up, and while its port is closed nothing connects (L27)."""
    noon.configure(owner_client_ids=[5])
    (number,) = noon.place(5)
    noon.tws.set(refuse=True)
    connections = noon.tws.stats.connections
    running = noon.start()
    wait_until(lambda: bool(noon.outages()))
    assert noon.tws.stats.connections == connections
    noon.tws.set(refuse=False)
    ran = running.wait()
    assert ran.code == 0, ran.words
    assert {(order.client_id, order.order_id) for order in noon.state().orders} == {(5, number)}
    assert noon.steps()[5, number].outcome == "cancelled"
    assert noon.restart_state() == "restarting"
    assert any("before its window and is back" in line for line in noon.report().warnings)
    assert len(noon.outages()) == 1


def test_a_tws_that_stays_away_is_one_message_of_the_job_at_its_last_attempt(noon: Evening) -> None:
    noon.configure(prepare_seconds=20.0)
    noon.tws.set(refuse=True)
    for attempt, told in (("1", 0), ("3", 1), ("3", 1)):
        ran = noon.run(V6_ATTEMPT=attempt)
        assert ran.code == 1, ran.words
        assert len([alert for alert in noon.alerts() if alert.severity == "failure"]) == told
    (alert,) = [alert for alert in noon.alerts() if alert.severity == "failure"]
    assert alert.title == "TWS has gone before its restart: nothing could be saved"


def test_after_the_tokens_death_a_tws_that_is_away_is_waited_for_once_and_not_retried(noon: Evening) -> None:
    sunday = DAY + timedelta(days=2)
    noon.desk.at("09:55", sunday)
    noon.tws.set(refuse=True)
    for _ in range(2):
        ran = noon.desk.start("pre_restart", slot="09:55", day=sunday, V6_LIMIT_SECONDS="60").wait()
        assert ran.code == 0, ran.words
        assert "skip: waiting_for_login" in ran.words
    (alert,) = noon.alerts()
    assert alert.title == "TWS waits for a person to sign in"
    assert noon.restart_state() == "normal"


def test_a_wait_for_a_person_that_was_told_is_not_told_again(noon: Evening) -> None:
    sunday = DAY + timedelta(days=2)
    noon.desk.at("09:55", sunday)
    with noon.journal() as db:
        before = restarts.begin(db, "unexpected", *(datetime.combine(sunday, time_of_day(1), NEW_YORK),) * 2)
        restarts.note(db, before.id, outcome="waiting")
    noon.tws.set(refuse=True)
    ran = noon.desk.start("pre_restart", slot="09:55", day=sunday, V6_LIMIT_SECONDS="60").wait()
    assert ran.code == 0, ran.words
    assert noon.alerts() == []


def test_l24_a_tws_that_only_shakes_hands_has_not_been_read(noon: Evening) -> None:
    assert noon.run().code == 0
    before = noon.states().path.read_bytes()
    noon.tws.set(mute_after_start=True)
    ran = noon.run()
    assert ran.code == 1, ran.words
    assert noon.states().path.read_bytes() == before
    assert "the last good state is as it was" in ran.words


# the limit


def test_past_the_limit_the_connection_is_reset_and_everything_undone_is_reported(noon: Evening) -> None:
    configure(noon.desk, {"ibkr": {"request_timeout_seconds": 60.0}})
    noon.configure(owner_client_ids=[5], prepare_seconds=20.0)
    (number,) = noon.place(5)
    running = noon.start(seconds=60)
    began = time.monotonic()
    wait_until(lambda: noon.tws.stats.requests[16] > 0)  # all open orders: the state is being read
    noon.tws.set(mute_after_start=True)
    ran = running.wait()
    assert time.monotonic() - began < 22
    assert ran.code == 1, ran.words
    assert "cut off" in ran.words
    assert sockets(noon.tws.port) == []
    report = noon.report()
    assert {step.name for step in report.steps} >= {"verified", "disconnected"}
    assert noon.restart_state() == "restarting"
    assert number


# around it


def test_the_steps_come_in_their_order_and_the_operator_is_told_first(noon: Evening) -> None:
    noon.configure(owner_client_ids=[5])
    noon.place(5)
    assert noon.run().code == 0
    assert [step.name for step in noon.report().steps] == [
        "warned",
        "others_ended",
        "connected",
        "state_read",
        "state_saved",
        "orders_cancelled",
        "positions_closed",
        "verified",
        "disconnected",
        "hooks_run",
    ]
    (alert,) = noon.alerts()
    assert alert.title == "restart window lunch begins at 12:00"
    assert "lunch" in alert.body
    ours = [name for client, name in noon.messages() if client in (5, 9)]
    assert ours.index("reqAllOpenOrders") < ours.index("cancelOrder")


def test_l28_no_socket_is_left(noon: Evening) -> None:
    noon.configure(owner_client_ids=[5, 6])
    noon.place(5)
    assert noon.run().code == 0
    assert sockets(noon.tws.port) == []


def test_other_runs_end_before_the_restart_and_essential_ones_stay(noon: Evening) -> None:
    noon.configure(essential_tasks=["collect_futures_snapshots"])
    leases = noon.desk.home / "var" / "leases"
    with (
        child(noon.tws.port, leases) as collector,
        connect(ibkr(noon.tws.port), purpose="checks", leases=leases, task="collect_futures_snapshots") as essential,
    ):
        ran = noon.run()
        assert ran.code == 0, ran.words
        assert collector.wait(30) == 143
        assert essential.current_time()
    assert ran.code == 0, ran.words


def test_a_hook_gets_the_report_and_cannot_fail_the_run(noon: Evening, tmp_path: Path) -> None:
    copy = tmp_path / "told.json"
    noon.configure(
        hooks={
            "pre_restart": [["cp", "/dev/stdin", str(copy)], ["false"]],
            "restart_complete": [],
            "timeout_seconds": 5.0,
        }
    )
    ran = noon.run()
    assert ran.code == 0, ran.words
    assert json.loads(copy.read_text())["body"]["window"] == "lunch"
    assert any("exit code 1" in line for line in noon.report().warnings)


def test_a_dry_run_says_what_it_would_cancel_and_touches_nothing(noon: Evening) -> None:
    noon.configure(owner_client_ids=[5])
    (number,) = noon.place(5)
    ran = noon.run("--dry-run", slot=None)
    assert ran.code == 0, ran.words
    assert "would cancel BUY 10 SPY" in ran.words
    assert noon.working().keys() == {(5, number)}
    assert noon.alerts() == []
    assert noon.restart_state() == "normal"
    assert not noon.states().path.exists()


def test_a_dry_run_says_which_positions_it_would_close_and_closes_none(noon: Evening) -> None:
    held = noon.hold(QQQ, 40)
    noon.configure(close_positions=[str(held.con_id), "NOBODY"])
    ran = noon.run("--dry-run", slot=None)
    assert ran.code == 0, ran.words
    assert "would close SELL 40 QQQ STK at market in DU" in ran.words
    assert "restart.close_positions: NOBODY fits no position" in ran.words
    assert [p.quantity for p in noon.positions() if p.contract.con_id == held.con_id] == [40]


def test_by_hand_far_from_every_window_it_says_which_is_next(noon: Evening) -> None:
    noon.desk.at("08:00", DAY)
    ran = noon.run(slot=None)
    assert ran.code == 2
    assert "no restart is near: the next one, lunch 2026-11-20 12:00-12:05 EST, begins in 4 h 0 min" in ran.words


def test_by_hand_a_named_window_may_be_further_away(noon: Evening) -> None:
    noon.desk.at("08:00", DAY)
    assert noon.run("--window", "lunch", slot=None).code == 0
    assert noon.row().window == "lunch"
    wrong = noon.run("--window", "dinner", slot=None)
    assert wrong.code == 2
    assert "lunch" in wrong.words


def test_a_second_preparation_leaves_the_first_alone(noon: Evening) -> None:
    with alone(noon.desk.home / "var" / "locks", task="pre_restart"):
        ran = noon.run()
    assert ran.code == 0, ran.words
    assert "skip: running" in ran.words
    assert noon.alerts() == []


def test_on_a_day_without_a_universe_the_newest_one_is_saved(noon: Evening) -> None:
    noon.desk.freeze(options(6))
    noon.desk.at("11:55", DAY + timedelta(days=1))
    ran = noon.run(slot=None)
    assert ran.code == 0, ran.words
    assert {contract.con_id for contract in noon.state().subscriptions} == set(range(1, 7))


def test_a_restart_in_the_middle_of_the_cancels_leaves_every_order_reported(noon: Evening) -> None:
    noon.configure(owner_client_ids=[5])
    numbers = noon.place(5, count=2)
    noon.tws.server.options.latency = True
    noon.tws.server.options.submit_seconds = (20.0, 20.0)
    running = noon.start()
    wait_until(lambda: noon.tws.stats.requests[4] > 1)  # the cancels
    noon.tws.control({"do": "restart", "refused_seconds": 60, "mute_seconds": 0})
    ran = running.wait()
    assert ran.code == 1, ran.words
    assert noon.steps().keys() == {(5, number) for number in numbers}
    assert {step.outcome for step in noon.steps().values()} == {"unconfirmed"}
    assert {order.order_id for order in noon.state().orders} == set(numbers)
    assert noon.restart_state() == "restarting"
