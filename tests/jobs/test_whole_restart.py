"""One night as cron runs it, on either library: pre_restart, TWS's restart, post_restart, as real processes."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gateway"))  # desk, gateway_support

from desk import Desk
from gateway_support import CHAIN, sockets, wait_until
from restart_desk import FRIDAY, OWNER, QQQ, THURSDAY, Night, after_the_window, configure

from v6.gateway import client_ids
from v6.journal import restarts
from v6.model import Contract
from v6.restart import registered
from v6.restart.records.report import RestartReport
from v6.simulator.testing import SimulatedTWS

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]
STRANGER = 6
OPTIONS = 40


@pytest.fixture
def night(desk: Desk, tws: SimulatedTWS) -> Night:
    """23:40 on a Thursday, 40 SPY options registered by the market session, client 5's orders ours to cancel."""
    found = after_the_window(desk, tws)
    configure(desk, {"restart": {"owner_client_ids": [OWNER], "stable_round_trips": 2}})
    desk.at("23:40", THURSDAY)
    with found.gateway(20) as gateway:
        listed = [details.contract for details in gateway.contract_details(CHAIN)][:OPTIONS]
    with found.journal() as db:
        registered.subscribe(db, "market_session", listed)
    return found


def before(night: Night) -> None:
    ran = night.desk.run("pre_restart", slot="23:40", day=THURSDAY, V6_LIMIT_SECONDS="140")
    assert ran.code == 0, ran.words


def after(night: Night) -> RestartReport:
    night.desk.at("00:10", FRIDAY)
    ran = night.desk.run("post_restart", slot="00:10", day=FRIDAY, V6_LIMIT_SECONDS="120")
    assert ran.code == 0, ran.words
    return night.report()


def open_orders(night: Night) -> set[tuple[int, int]]:
    """(client, order) as TWS's own book has them."""
    return {(each["client"], each["order"]) for each in night.tws.control({"do": "orders"})["orders"]}


def test_nothing_is_lost_and_nothing_doubled_over_a_whole_restart(night: Night) -> None:
    ours, kept = night.place(tif="DAY", limit=310.0), night.place(tif="GTC", limit=305.0)
    others = night.place(QQQ, client=STRANGER, tif="DAY")
    cancels = night.tws.stats.requests[4]

    before(night)

    assert open_orders(night) == {(OWNER, kept.order_id), (STRANGER, others.order_id)}
    assert night.tws.stats.requests[4] - cancels == 1
    assert night.state() == "restarting"
    night.restart()
    report = after(night)

    assert (report.verdict, report.exit_code) == ("restored", 0)
    assert night.state() == "normal"
    assert report.difference is not None
    assert [(one.order.perm_id, str(one.became)) for one in report.difference.missing] == [
        (ours.perm_id, "cancelled by us")
    ]
    assert report.difference.positions == ()
    assert open_orders(night) == {(OWNER, kept.order_id), (STRANGER, others.order_id)}
    assert night.tws.stats.requests[3] == 3, "nobody placed an order again (L35)"


def test_every_registered_subscription_is_proven_and_every_resource_given_back(night: Night) -> None:
    before(night)
    night.restart()
    report = after(night)

    assert len(report.proofs) >= OPTIONS
    assert {str(proof.proven) for proof in report.proofs} <= {"closed", "live"}
    assert {proof.contract.sec_type for proof in report.proofs} >= {"OPT"}
    assert night.tws.stats.errors[100] == night.tws.stats.errors[101] == 0
    assert wait_until(lambda: sockets(night.tws.port) == []), "no socket is left by either run (L27, L28)"
    assert client_ids.holders(night.desk.home / "var" / "leases") == []


def test_the_operator_gets_one_message_at_the_end(night: Night) -> None:
    night.place(tif="DAY")
    before(night)
    night.restart()
    after(night)

    [message] = night.alerts()
    assert message.title.startswith("restart restored: daily_restart")
    for said in ("saved      1 open order", "cancelled  1", "restored   41 of 41 subscriptions", "took"):
        assert said in message.body


def test_order_ids_that_tws_gives_out_again_stay_burnt(night: Night) -> None:
    """An order that was lost on its way to IB leaves its number to be issued again (38103 -> 38099)."""
    placed = night.place(tif="GTC")
    with night.journal() as db:
        restarts.raise_high_water(db, OWNER, placed.order_id + 5)
    before(night)
    night.restart()
    report = after(night)

    assert report.difference is not None
    assert [one.client_id for one in report.difference.rolled_back] == [OWNER]
    with night.journal() as db:
        assert restarts.high_waters(db)[OWNER] >= placed.order_id + 5


def test_a_second_restart_that_nobody_expected_is_found_and_validated_too(night: Night) -> None:
    before(night)
    night.restart()
    first = after(night)
    night.restart()
    night.desk.at("00:30", FRIDAY)
    ran = night.desk.run("post_restart", "--if-needed", slot="00:30", day=FRIDAY, V6_LIMIT_SECONDS="120")

    assert ran.code == 0, ran.words
    assert (first.window, night.report().window) == ("daily_restart", "unexpected")
    assert night.report().verdict == "restored"


def test_a_contract_that_lost_its_data_is_named(night: Night) -> None:
    before(night)
    night.restart()
    with night.journal() as db:
        dead: Contract = registered.subscriptions(db)[0][0]
    night.tws.faults.silent = frozenset({str(dead.con_id)})
    report = after(night)

    unproven = [proof for proof in report.proofs if str(proof.proven) == "not"]
    assert [proof.contract.con_id for proof in unproven] == [dead.con_id]
    assert "no" in unproven[0].words
