"""Checks of the accounts one after the other, in a real lake: what each compares with, and what never heals alone."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import inf, nan
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from v6 import clock
from v6.analysis.expected_positions import Rules
from v6.clock import NEW_YORK
from v6.collection.account_book import AccountBook, alone
from v6.collection.account_watch import Observed, UntrustedError, require_figures
from v6.collection.reconciliation import Check, check, outcomes
from v6.journal import database, restarts
from v6.model import Contract, Execution, OpenOrder, Position, RecoverableError
from v6.paths import ROOT, Paths
from v6.runner.context import Context
from v6.store.lake import Lake

START = datetime(2026, 11, 20, 10, 35, tzinfo=NEW_YORK)
SPY = Contract("STK", "SPY", "SMART", 1, local_symbol="SPY")
QQQ = Contract("STK", "QQQ", "SMART", 2, local_symbol="QQQ")
ORDER = OpenOrder(7, 5, 101, "DU1", SPY, "BUY", "LMT", 10.0, "GTC", "Submitted", 0.0, 10.0, 600.0)


@dataclass
class Broker:
    """What TWS would say, and the job's part of a check."""

    lake: Lake
    journal: sqlite3.Connection
    at: datetime = START
    held: dict[tuple[str, Contract], tuple[float, float]] = field(default_factory=dict)
    orders: list[OpenOrder] = field(default_factory=list)
    fills: list[Execution] = field(default_factory=list)
    accounts: tuple[str, ...] = ("DU1",)

    @property
    def ctx(self) -> Context:
        facts = SimpleNamespace(lake=self.lake, journal=self.journal, now=lambda: self.at, task="validate_positions")
        return cast(Context, facts)

    def check(self, *, accept: str = "", after: timedelta = timedelta(hours=1)) -> list[tuple[str, str]]:
        return [(each.one.outcome, each.one.subject) for each in self.checked(accept=accept, after=after).breaks]

    def checked(self, *, accept: str = "", after: timedelta = timedelta(hours=1)) -> Check:
        self.at += after
        ctx = self.ctx
        positions = [Position(account, contract, *held) for (account, contract), held in self.held.items()]
        today = [fill for fill in self.fills if fill.at.astimezone(NEW_YORK).date() == self.at.date()]
        seen = Observed(self.at.astimezone(UTC), self.accounts, tuple(positions), tuple(self.orders), (), tuple(today))
        done = check(AccountBook(ctx), seen, Rules(), accepted=accept)
        AccountBook(ctx).store(seen, done.fresh, outcomes(done))
        return done

    def fill(self, side: str, quantity: float, number: int, version: int = 1, contract: Contract = SPY) -> None:
        exec_id = f"0001.{number:04d}.{version:02d}"
        self.fills = [each for each in self.fills if not each.exec_id.startswith(exec_id[:9])]
        at = (self.at + timedelta(minutes=number)).astimezone(UTC)
        self.fills.append(Execution(exec_id, 7, 5, 101, "DU1", contract, side, quantity, 600.0, at))


@pytest.fixture
def broker(home: Path) -> Iterator[Broker]:
    with closing(database.connect(home / "v6.db")) as journal:
        broker = Broker(Lake(str(home / "lake"), None, home / "locks"), journal)
        broker.held["DU1", SPY] = (100.0, 600.0)
        assert broker.checked().first
        yield broker


def hold(broker: Broker, quantity: float, cost: float = 600.0) -> None:
    broker.held["DU1", SPY] = (quantity, cost)


def test_a_break_is_not_forgotten_over_checks_and_days_and_trades_go_on_top_l35(broker: Broker) -> None:
    hold(broker, 105.0)
    assert broker.check() == [("quantity", "1")]
    broker.fill("BOT", 20.0, 1)
    hold(broker, 125.0)
    assert broker.check() == [("quantity", "1")]
    done = broker.checked(after=timedelta(days=3))
    assert [(one.one.expected, one.one.found, len(one.before)) for one in done.breaks] == [(120.0, 125.0, 2)]
    assert done.breaks[0].since == (START + timedelta(hours=2)).astimezone(UTC)

    hold(broker, 120.0)
    done = broker.checked()

    assert done.breaks == ()
    assert [old.subject for old in done.ended] == ["1"]
    assert broker.check() == []


def test_a_fill_that_is_heard_of_late_explains_the_break_it_left(broker: Broker) -> None:
    hold(broker, 110.0)
    assert broker.check() == [("quantity", "1")]
    broker.fill("BOT", 10.0, -30)

    assert broker.check() == []


def test_a_fill_corrected_after_a_check_is_counted_as_corrected(broker: Broker) -> None:
    broker.fill("BOT", 10.0, 1)
    hold(broker, 110.0)
    assert broker.check() == []
    broker.fill("BOT", 7.0, 1, version=2)
    hold(broker, 107.0)

    assert broker.check() == []
    assert broker.lake.read("executions").height == 2


def test_one_break_does_not_hide_another_nor_hold_the_rest_back(broker: Broker) -> None:
    hold(broker, 105.0)
    broker.check()
    broker.fill("BOT", 3.0, 1, contract=QQQ)
    broker.held["DU1", QQQ] = (3.0, 600.0)
    assert broker.check() == [("quantity", "1")]
    broker.held["DU1", QQQ] = (4.0, 600.0)

    done = broker.checked()

    assert [(one.one.subject, one.new) for one in done.breaks] == [("2", True), ("1", False)]


def test_a_position_that_goes_on_under_another_con_id_stays_one_break(broker: Broker) -> None:
    del broker.held["DU1", SPY]
    broker.held["DU1", replace(SPY, con_id=77)] = (100.0, 600.0)

    assert broker.check() == [("corporate_action", "1->77")]
    assert broker.check() == [("corporate_action", "1->77")]
    assert broker.check(accept="the fund has a new symbol") == []
    assert broker.check() == []


def test_what_a_person_accepted_is_recorded_with_the_reason(broker: Broker) -> None:
    hold(broker, 105.0)
    broker.check()

    words = broker.checked(accept="accepted by ann because transferred in").words()

    assert "SPY (1, quantity) is accepted" in words
    assert "explained" not in words
    assert "first check" not in words
    rows = broker.lake.read("reconciliation").sort("slot", "outcome").tail(2).to_dicts()
    assert [(row["outcome"], row["subject"]) for row in rows] == [("baseline", "account"), ("resolved", "1")]
    assert rows[0]["message"] == "accepted by ann because transferred in"
    assert rows[1]["message"].endswith("seen at 1 check, has ended: accepted by ann because transferred in")


def test_a_summary_of_many_breaks_tells_three_and_counts_the_others(broker: Broker) -> None:
    for number in range(10, 15):
        broker.held["DU1", replace(QQQ, con_id=number, symbol=f"S{number}")] = (1.0, 600.0)

    words = broker.checked().breaks_in_words()

    assert words.startswith("5 breaks: [unexpected] ")
    assert words.count("[unexpected]") == 3
    assert words.endswith("; and 2 more")


def test_a_new_account_begins_with_a_baseline_and_a_lost_one_was_not_checked(broker: Broker) -> None:
    broker.accounts = ("DU1", "DU2")
    broker.held["DU2", SPY] = (5.0, 600.0)
    assert broker.checked().new_accounts == {"DU2"}
    broker.held["DU2", SPY] = (6.0, 600.0)
    assert broker.check() == [("quantity", "1")]
    broker.accounts = ("DU1",)

    with pytest.raises(UntrustedError, match="DU2: known to the last check"):
        broker.check()


def test_a_check_after_midnight_says_what_tws_does_not_tell_any_more(broker: Broker) -> None:
    hold(broker, 105.0)

    done = broker.checked(after=timedelta(hours=20))

    assert "fills between 2026-11-20 11:35 and 2026-11-21 00:00 may have been missed" in done.breaks[0].words


@pytest.mark.parametrize("cost", [nan, 1.7976931348623157e308])
def test_an_average_cost_that_tws_does_not_tell_is_said_to_be_not_compared_l13(broker: Broker, cost: float) -> None:
    hold(broker, 100.0, cost)

    done = broker.checked()

    assert done.breaks == ()
    assert "SPY in DU1: TWS does not say its average cost, not compared" in done.words()


@pytest.mark.parametrize(
    ("accounts", "quantity", "words"),
    [((), 100.0, "names no account"), (("DU1",), nan, "says nan for the quantity of SPY"), (("DU1",), inf, "says inf")],
)
def test_an_answer_without_figures_was_not_checked_l24(accounts: tuple[str, ...], quantity: float, words: str) -> None:
    with pytest.raises(UntrustedError, match=words):
        require_figures(accounts, [Position("DU1", SPY, quantity, 600.0)])


def test_two_checks_at_once_come_one_after_the_other(home: Path) -> None:
    ctx = cast(Context, SimpleNamespace(paths=Paths(ROOT, home)))
    with alone(ctx), pytest.raises(RecoverableError, match="another check of the positions"), alone(ctx, 0.05):
        pass
    with alone(ctx, 0.0):
        pass


def test_a_time_in_force_that_tws_does_not_tell_is_no_day_order_l21(broker: Broker) -> None:
    broker.orders = [replace(ORDER, tif="")]
    broker.check()
    broker.orders = []

    assert broker.check(after=timedelta(days=1)) == [("order_missing", "7")]


def orders(broker: Broker, *now: OpenOrder) -> list[str]:
    broker.orders = list(now)
    return [outcome for outcome, _ in broker.check()]


def test_an_order_that_vanishes_is_missing_until_it_is_back(broker: Broker) -> None:
    assert orders(broker, ORDER) == []
    assert orders(broker) == ["order_missing"]
    assert orders(broker) == ["order_missing"]
    assert orders(broker, ORDER) == []


def test_an_order_that_v6_cancelled_before_the_restart_is_none_after_midnight(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TWS lists as completed only what ended today; the next check after 23:40 is of the next day."""
    assert orders(broker, ORDER, replace(ORDER, perm_id=8, order_id=102)) == []
    evening = START.replace(hour=23, minute=41)
    monkeypatch.setenv("V6_CLOCK_OFFSET", f"{evening.timestamp() - clock.epoch():.0f}")
    restart = restarts.begin(broker.journal, "daily", evening, evening + timedelta(minutes=20))
    for perm_id, outcome in ((7, "cancelled"), (8, "unconfirmed")):
        restarts.intend(broker.journal, restart.id, perm_id, 5, 101, "BUY 10 SPY")
        restarts.settle(broker.journal, restart.id, perm_id, 5, 101, outcome)

    broker.orders = []
    assert broker.check(after=timedelta(hours=13)) == [("order_missing", "8")]


def test_an_order_that_was_filled_and_comes_back_is_unexpected_l35(broker: Broker) -> None:
    assert orders(broker, ORDER) == []
    broker.fill("BOT", 10.0, 1)
    hold(broker, 110.0)
    assert orders(broker) == []
    assert orders(broker, ORDER) == ["order_unexpected"]
    assert orders(broker, ORDER) == ["order_unexpected"]


def test_reading_what_was_stored_gives_back_what_tws_said(broker: Broker) -> None:
    broker.orders = [ORDER]
    broker.check()

    stored: Sequence[OpenOrder] = list(AccountBook(broker.ctx).orders()[0].values())

    assert stored == [replace(ORDER, contract=replace(SPY, exchange=""), remaining=0.0)]
