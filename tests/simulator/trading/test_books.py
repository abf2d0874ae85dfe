"""The accounts' books: what fills make of positions, cash and profit."""

from datetime import datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v6.clock import NEW_YORK
from v6.simulator.accounts.books import Books
from v6.simulator.accounts.positions import Position
from v6.simulator.instruments.contracts import underlying_listing
from v6.simulator.instruments.listings import Spec
from v6.simulator.instruments.underlyings import UNDERLYINGS
from v6.simulator.market.hours import new_york_date
from v6.simulator.options import Options
from v6.simulator.server import Server
from v6.simulator.trading import margins

SPY, QQQ = (underlying_listing(UNDERLYINGS[symbol]) for symbol in ("SPY", "QQQ"))
TUESDAY = datetime(2026, 11, 24, 10, 35, tzinfo=NEW_YORK)
NOW = TUESDAY.timestamp()
TODAY = new_york_date(NOW)
FEED = SimpleNamespace(quote=lambda listing, instant: SimpleNamespace(bid=99.0, ask=101.0))


@pytest.fixture
def books() -> Books:
    """Accounts that begin with cash only."""
    return Books(("DU9000001", "DU9000002"), None, FEED, None)


def fill(books, quantity, price, *, model="", listing=QQQ, commission=0.0, account="DU9000001", at=NOW):
    return books.fill(account, model, listing, quantity, price, commission, at)


def test_buying_more_averages_the_cost_with_the_commissions(books):
    assert fill(books, 100, 10.0, commission=1.0) is None
    assert fill(books, 100, 12.0, commission=1.0) is None
    (held,) = books.holdings("DU9000001", NOW)
    assert (held.quantity, held.average_cost) == (200, pytest.approx(11.01))


def test_turning_a_position_realizes_the_old_one_and_opens_the_new_one(books):
    fill(books, 100, 10.0)
    assert fill(books, -150, 12.0) == pytest.approx(200.0)
    (held,) = books.holdings("DU9000001", NOW)
    assert (held.quantity, held.average_cost) == (-50, pytest.approx(12.0))


def test_a_closed_position_is_shown_that_day_only_when_asked_for(books):
    fill(books, 100, 10.0)
    fill(books, -100, 11.0)
    assert books.holdings("DU9000001", NOW) == []
    (closed,) = books.holdings("DU9000001", NOW, closed=True)
    assert (closed.quantity, closed.realized) == (0, pytest.approx(100.0))
    assert books.holdings("DU9000001", NOW + 86400, closed=True) == []


def test_realized_profit_is_that_of_the_day(books):
    fill(books, 100, 10.0)
    fill(books, -50, 12.0)
    assert float(books.values("DU9000001", NOW)["RealizedPnL"]) == 100
    assert float(books.values("DU9000001", NOW + 86400)["RealizedPnL"]) == 0


def test_models_are_parts_of_an_account(books):
    fill(books, 10, 10.0, model="Growth")
    fill(books, 5, 20.0, model="Value")
    fill(books, 1, 30.0)
    assert books.models("DU9000001") == ("Growth", "Value")
    assert books.models("DU9000002") == ()
    assert [held.quantity for held in books.holdings("DU9000001", NOW, "Growth")] == [10]
    assert [held.quantity for held in books.holdings("DU9000001", NOW)] == [16]
    assert books.total_cash("DU9000001", "Value") == -100


def test_everybody_who_wants_to_know_is_told_of_a_fill(books):
    told = []
    books.subscribe(told.append)
    fill(books, 1, 1.0, account="DU9000002")
    assert told == ["DU9000002"]


@pytest.fixture
def server(calendar) -> Server:
    made = Server(Options(calendar=calendar, start_at=TUESDAY, accounts=("DU9000001", "DU9000002")))
    made.books._listeners.clear()  # they need an event loop
    return made


def test_the_first_account_begins_with_a_portfolio_and_every_other_with_its_stock(server):
    first, second = (server.books.holdings(account, NOW) for account in server.books.accounts)
    assert [(each.listing.local_symbol[:13], each.quantity) for each in first] == [
        ("SPY", 100), ("ESZ6", 1), ("SPY   270319C", 2), ("QQQ   270319P", -3),
    ]  # fmt: skip
    assert [(each.listing.local_symbol, each.quantity) for each in second] == [("SPY", 100)]


def test_what_is_held_stays_whatever_day_it_gets_until_it_expires(server):
    before = server.books.holdings("DU9000001", NOW)
    for days in (1, 15, 17, 23):
        after = server.books.holdings("DU9000001", NOW + days * 86400)
        assert [(each.listing, each.quantity) for each in after] == [(each.listing, each.quantity) for each in before]
    future = next(each.listing for each in before if each.listing.sec_type == "FUT")
    assert future.expires_at > NOW + 23 * 86400
    assert server.books.settle(future.expires_at) == ["DU9000001"]
    assert {each.listing for each in before} - {
        each.listing for each in server.books.holdings("DU9000001", future.expires_at)
    } == {future}


def test_a_future_that_expires_pays_what_it_has_gained(server):
    books = server.books
    future = next(each for each in books.positions("DU9000001", NOW) if each.listing.sec_type == "FUT")
    cash, end = books.total_cash("DU9000001"), future.listing.expires_at
    last = books.mark(future.listing, end - 1)
    books.settle(end)
    gained = last * 50 - future.average_cost
    assert gained != 0
    assert books.total_cash("DU9000001") == pytest.approx(cash + gained)


def test_a_future_whose_last_price_is_not_known_pays_nothing(server, monkeypatch):
    books = server.books
    future = next(each for each in books.positions("DU9000001", NOW) if each.listing.sec_type == "FUT")
    cash = books.total_cash("DU9000001")
    monkeypatch.setattr(books, "mark", lambda listing, instant: 0.0)
    assert books.settle(future.listing.expires_at) == ["DU9000001"]
    assert books.total_cash("DU9000001") == pytest.approx(cash)


def test_a_trade_changes_a_position_of_the_opening_portfolio(server):
    found = server.books
    before = {held.listing.con_id: held for held in found.holdings("DU9000001", NOW)}
    assert found.fill("DU9000001", "", SPY, -40, 700.0, 0.0, NOW) == pytest.approx(40 * 60)
    after = {held.listing.con_id: held for held in found.holdings("DU9000001", NOW)}
    assert after.keys() == before.keys()
    assert after[SPY.con_id].quantity == 60


trades = st.tuples(
    st.integers(-500, 500).filter(bool), st.integers(100, 20_000), st.integers(0, 500), st.sampled_from(("", "A", "B"))
)


@given(st.lists(trades, max_size=30))
def test_cash_and_positions_balance_with_the_executions(executions):
    books = Books(("DU9000001",), None, FEED, None)
    start = books.total_cash("DU9000001")
    spent, shares, realized = 0.0, 0, 0.0
    for quantity, cents, commission, model in executions:
        spent += quantity * cents / 100 + commission / 100
        shares += quantity
        realized += fill(books, quantity, cents / 100, commission=commission / 100, model=model) or 0.0
    assert books.total_cash("DU9000001") == pytest.approx(start - spent)
    assert books.quantity("DU9000001", QQQ.con_id, NOW) == shares
    # whatever was made is either realized or still in the positions' cost
    cost = sum(each.quantity * each.average_cost for each in books.held.values())
    assert realized - cost == pytest.approx(-spent, abs=1e-6)


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_a_future_costs_nothing_and_pays_its_profit_when_closed(quantity, gain):
    future = SPY.__class__(
        **{name: getattr(SPY, name) for name in SPY.__slots__} | {"sec_type": "FUT", "multiplier": "50"}
    )
    books = Books(("DU9000001",), None, FEED, None)
    start = books.total_cash("DU9000001")
    fill(books, quantity, 100.0, listing=future)
    assert books.total_cash("DU9000001") == start
    fill(books, -quantity, 100.0 + gain, listing=future)
    assert books.total_cash("DU9000001") == pytest.approx(start + quantity * gain * 50)


@pytest.mark.parametrize(("right", "quantity"), [("C", 3), ("C", -3), ("P", 2)])
def test_an_option_expires_to_what_it_is_worth_in_cash(server, right, quantity):
    books = server.books
    chain = server.contracts.find(
        Spec(symbol="SPY", sec_type="OPT", right=right, expiry="20261127", exchange="SMART"), TODAY
    )
    option = chain[0] if right == "C" else chain[-1]  # deep in the money
    cash = books.total_cash("DU9000001")
    books.fill("DU9000001", "", option, quantity, 50.0, 0.0, NOW)
    assert books.settle(NOW) == []
    assert books.settle(option.expires_at) == ["DU9000001"]
    spy = books.mark(SPY, option.expires_at - 1)
    worth = spy - option.strike if right == "C" else option.strike - spy
    assert worth > 20
    assert books.total_cash("DU9000001") == pytest.approx(cash + quantity * 100 * (worth - 50.0))
    assert books.quantity("DU9000001", option.con_id, option.expires_at) == 0
    assert books.settle(option.expires_at + 1) == []


# margins and commissions


def test_an_order_of_a_few_cheap_shares_costs_at_most_one_percent():
    assert margins.commission(SPY, 10, 20.0) == pytest.approx(0.2)
    assert margins.commission(SPY, 100, 60_000.0) == 1.0
    assert margins.commission(SPY, 1000, 600_000.0) == 5.0


def test_a_long_option_needs_no_margin_and_a_short_one_does(server):
    holdings = server.books.holdings("DU9000001", NOW)
    option = next(held.listing for held in holdings if held.listing.sec_type == "OPT")
    assert margins.requirement(option, 1, 5.0).initial == 0
    assert margins.requirement(option, -1, 5.0).initial > option.strike * 10


def test_a_position_knows_only_its_own_day():
    position = Position(SPY, 10, 5.0, 7.0, TODAY)
    assert position.realized_on(TODAY) == 7.0
    assert position.realized_on(new_york_date(NOW + 86400)) == 0.0
