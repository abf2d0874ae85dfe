"""Hour after hour: what TWS says is held and ordered, explained by what was stored and traded, or told to a person."""

from argparse import Namespace
from contextlib import closing
from datetime import date, timedelta
from types import SimpleNamespace
from typing import cast

import polars as pl
import pytest
from desk import DAY, KILLED, Desk, Ran

from v6.jobs.validate_positions import validate_positions
from v6.journal import events
from v6.model import FatalError
from v6.runner.context import Context
from v6.simulator.testing import SimulatedTWS

NEXT_DAY = DAY + timedelta(days=3)


def check(desk: Desk, wall: str, *arguments: str, day: date = DAY, **environ: str) -> Ran:
    desk.at(wall, day)
    return desk.run("validate_positions", *arguments, **environ)


def outcomes(desk: Desk) -> list[tuple[str, str]]:
    """(outcome, symbol) of the latest check, without the account's own row."""
    rows = desk.lake.read("reconciliation")
    latest = rows.filter(pl.col("slot") == rows["slot"].max())
    return sorted((row["outcome"], row["symbol"] or "") for row in latest.to_dicts() if row["subject"] != "account")


def mail(desk: Desk) -> list[tuple[str, str]]:
    """(severity, body) of every alert, oldest first."""
    with closing(desk.journal()) as db:
        return [
            (alert.severity, alert.body) for alert in events.alerts_since(db, desk.slot("00:00") - timedelta(days=9))
        ]


def trade(tws: SimulatedTWS, quantity: float, symbol: str = "SPY", price: float = 640.0) -> None:
    """A position changes without an order of this TWS; 640 is what the SPY of the account have cost."""
    tws.control({"do": "trade", "symbol": symbol, "quantity": quantity, "price": price})


def order(tws: SimulatedTWS, action: str, quantity: float, symbol: str = "SPY") -> int:
    """An order far from the market, working."""
    limit = 10.0 if action == "BUY" else 9000.0
    wanted = {"do": "place", "client": 5, "symbol": symbol, "action": action, "quantity": quantity, "limit": limit}
    return int(tws.control(wanted | {"tif": "GTC"})["perm_id"])


@pytest.mark.integration
def test_fills_orders_and_amendments_of_the_day_are_explained(desk: Desk, tws: SimulatedTWS) -> None:
    first = check(desk, "10:35")
    assert (first.code, "baseline recorded (the first check)" in first.words) == (0, True), first.words
    bought, sold = order(tws, "BUY", 40.0), order(tws, "SELL", 130.0)
    tws.control({"do": "fill", "perm_id": bought, "price": 691.5})
    tws.control({"do": "fill", "perm_id": sold, "price": 692.0, "quantity": 30})
    waiting = order(tws, "BUY", 7.0, "QQQ")

    second = check(desk, "11:35")

    assert second.code == 0, second.words
    assert "2 new executions" in second.words
    assert "2 orders new" in second.words
    fills = desk.lake.read("executions")
    assert sorted(fills["quantity"]) == [30.0, 40.0]
    tws.control({"do": "fill", "perm_id": sold, "price": 692.0})  # the rest: 110 held, 100 sold
    tws.control({"do": "fill", "perm_id": waiting, "price": 620.0})
    third = check(desk, "12:35")
    assert third.code == 0, third.words
    held = desk.lake.read("positions")
    latest = held.filter(pl.col("slot") == held["slot"].max())
    assert latest.filter(symbol="SPY", sec_type="STK")["quantity"].to_list() == [10.0]
    assert mail(desk) == []


@pytest.mark.integration
def test_l35_a_break_is_told_once_stays_until_it_is_explained_and_keeps_its_history(
    desk: Desk, tws: SimulatedTWS
) -> None:
    check(desk, "10:35")
    trade(tws, 5.0)

    ran = check(desk, "11:35")

    assert ran.code == 1, ran.words
    assert "recoverable: positions_broken: 1 break" in ran.words  # the supervisor tells it not again, nor tries again
    assert "expected 100, TWS says 105; seen for the first time" in ran.words
    assert outcomes(desk) == [("quantity", "SPY")]
    assert [severity for severity, _ in mail(desk)] == ["failure"]

    again = check(desk, "12:35")  # what was seen is not accepted by having been seen
    assert again.code == 1
    assert "since 2026-11-20 11:35, seen at 2 checks" in again.words
    assert len(mail(desk)) == 1

    trade(tws, 3.0)
    changed = check(desk, "13:35")
    assert "expected 100, TWS says 108" in changed.words
    assert "TWS said 105 before" in changed.words
    assert len(mail(desk)) == 2

    trade(tws, -8.0)
    well = check(desk, "14:35")
    assert well.code == 0, well.words
    assert "is explained again" in well.words
    assert outcomes(desk) == [("resolved", "SPY")]
    assert [severity for severity, _ in mail(desk)] == ["failure", "failure", "info"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"baseline": True, "because": " "}, "--baseline needs --because TEXT"),
        ({"baseline": False, "because": "a split"}, "--because belongs to --baseline"),
    ],
    ids=["without a reason", "without --baseline"],
)
def test_nothing_is_accepted_without_both_words(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(FatalError, match=words):
        validate_positions(cast(Context, SimpleNamespace(args=Namespace(**arguments))))


@pytest.mark.integration
def test_a_person_accepts_the_present_state_with_a_reason(desk: Desk, tws: SimulatedTWS) -> None:
    check(desk, "10:35")
    trade(tws, 25.0, "QQQ", 620.0)
    assert check(desk, "11:35").code == 1
    before = desk.lake.read("reconciliation")

    dry = check(desk, "11:40", "--baseline", "--because", "transferred from another broker", "--dry-run")
    assert (dry.code, desk.lake.read("reconciliation").equals(before)) == (0, True)
    accepted = check(desk, "11:50", "--baseline", "--because", "transferred from another broker")

    assert accepted.code == 0, accepted.words
    rows = desk.lake.read("reconciliation", outcome="baseline")
    by, _, why = rows.sort("slot")["message"].to_list()[-1].partition(" because ")
    assert (by.startswith("accepted by "), why) == (True, "transferred from another broker")
    assert "is accepted" in accepted.words


@pytest.mark.integration
def test_a_tws_that_lists_nothing_of_an_account_worth_something_was_not_checked_l24(
    desk: Desk, tws: SimulatedTWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The half-dead state: TWS answers, but lists no position."""
    check(desk, "10:35")
    with monkeypatch.context() as half_dead:
        half_dead.setattr("v6.simulator.requests.accounts.Positions._row", lambda *_: None)
        ran = check(desk, "11:35")

    assert ran.code == 1
    assert "nothing can be told from that" in ran.words
    assert outcomes(desk) == []
    assert desk.lake.read("positions")["slot"].n_unique() == 1
    assert check(desk, "12:35").code == 0


@pytest.mark.integration
def test_a_night_without_checks_says_that_fills_may_have_been_missed(desk: Desk, tws: SimulatedTWS) -> None:
    check(desk, "15:35")
    perm = order(tws, "BUY", 12.0)
    tws.control({"do": "fill", "perm_id": perm, "price": 691.5})

    ran = check(desk, "09:35", day=NEXT_DAY)

    assert ran.code == 1, ran.words
    assert "expected 100, TWS says 112" in ran.words
    assert "fills between 2026-11-20 15:35 and 2026-11-23 00:00 may have been missed" in ran.words


@pytest.mark.integration
def test_a_check_killed_in_the_middle_is_as_if_it_had_never_been(desk: Desk, tws: SimulatedTWS) -> None:
    check(desk, "10:35")
    perm = order(tws, "BUY", 12.0)
    tws.control({"do": "fill", "perm_id": perm, "price": 691.5})

    assert check(desk, "11:35", V6_FAILPOINT="executions_stored").code == KILLED
    assert check(desk, "11:36", V6_FAILPOINT="positions_stored").code == KILLED

    after = check(desk, "11:37")
    assert after.code == 0, after.words
    assert desk.lake.read("executions").height == 1
