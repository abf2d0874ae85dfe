"""Profit and loss of an account and of one position, from independent arithmetic on quotes and trades."""

import pytest
from account_client import listing, trade, until_end
from raw_tws_client import TUESDAY, RawClient, eventually

from v6.simulator.accounts.positions import Holding, Position
from v6.simulator.accounts.profit import Profit, daily, single, total
from v6.simulator.market.hours import new_york_date
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

ACCOUNT = "DU9000001"
UNSET = "1.7976931348623157E308"
SPY = 756733


@pytest.fixture
def tws(calendar):
    """Profit is sent as often as it changes, and the market moves four times a second."""
    with simulated_tws(
        fast=True, start_at=TUESDAY, calendar=calendar, profit_seconds=0.05, models={ACCOUNT: ("Growth",)}
    ) as running:
        yield running


@pytest.fixture
def client(tws):
    with RawClient(tws.port) as connected:
        yield connected


@pytest.fixture
def apple(tws):
    return listing(tws, symbol="AAPL", sec_type="STK", exchange="SMART").con_id


def close_of(tws, con_id):
    server = tws.server
    return server.feed.quote(listing(tws, con_id=con_id), server.epoch()).close


def test_the_account_has_its_three_numbers_and_they_move(client):
    client.send(92, 5, ACCOUNT, "")
    first, second = client.until(94), client.until(94)
    assert first[1] == "5"
    assert len(first) == 5
    daily_profit, unrealized, realized = map(float, first[2:])
    assert daily_profit
    assert unrealized
    assert realized == 0.0
    assert first[2:4] != second[2:4]


def test_the_open_profit_is_that_of_the_portfolio(client):
    client.send(6, 2, 1, ACCOUNT)
    portfolio = sum(float(f[17]) for f in until_end(client, 54) if f[0] == "7")
    client.send(92, 5, ACCOUNT, "")
    assert float(client.until(94)[3]) == pytest.approx(portfolio, rel=0.05, abs=300)


def test_a_position_gains_since_the_close_before(tws, client):
    client.send(94, 6, ACCOUNT, "", SPY)
    row = client.until(95)
    quantity, today, unrealized, value = float(row[2]), float(row[3]), float(row[4]), float(row[6])
    assert row[1] == "6"
    assert quantity == 100
    assert unrealized == pytest.approx(value - 100 * 640.0)
    assert today == pytest.approx(value - 100 * close_of(tws, SPY))
    assert row[5] == UNSET


def test_realized_profit_is_unset_until_there_is_some(tws, client):
    client.send(94, 6, ACCOUNT, "", SPY)
    assert client.until(95)[5] == UNSET
    trade(tws, -40, 700.0, commission=2.0)
    row = client.until(95)
    while row[2] != "60.0":
        row = client.until(95)
    assert float(row[5]) == pytest.approx(40 * (700.0 - 640.0) - 2.0)
    value = float(row[6])
    assert float(row[3]) == pytest.approx(value + 40 * 700.0 - 2.0 - 100 * close_of(tws, SPY), abs=0.01)


def test_what_is_bought_today_gains_since_it_was_bought(tws, client, apple):
    trade(tws, 10, 100.0, con_id=apple, commission=1.0)
    client.send(94, 6, ACCOUNT, "", apple)
    row = client.until(95)
    assert row[2] == "10.0"
    assert float(row[3]) == pytest.approx(float(row[6]) - 1001.0)
    assert float(row[3]) == pytest.approx(float(row[4]))


def test_a_closed_position_keeps_its_realized_profit_for_the_day(tws, client, apple):
    trade(tws, 10, 100.0, con_id=apple, commission=0.0)
    trade(tws, -10, 103.0, con_id=apple, commission=0.0)
    client.send(94, 6, ACCOUNT, "", apple)
    row = client.until(95)
    assert row[2] == "0.0"
    assert float(row[3]) == pytest.approx(30.0)
    assert float(row[5]) == pytest.approx(30.0)


def test_a_contract_that_is_not_held_has_no_values_and_a_warning(client, apple):
    client.send(94, 6, ACCOUNT, "", apple)
    warning, row = until_end(client, 95)
    assert warning[2:5] == ["6", "2150", "Invalid position trade derived value"]
    assert row[1:] == ["6", "0.0", UNSET, UNSET, UNSET, UNSET]


def test_a_position_opened_later_begins_to_have_values(tws, client, apple):
    client.send(94, 6, ACCOUNT, "", apple)
    client.until(95)
    trade(tws, 10, 100.0, con_id=apple)
    row = client.until(95)
    assert row[2] == "10.0"
    assert UNSET not in row[3:5]


def test_positions_are_integers_for_old_clients(tws):
    with RawClient(tws.port, "v157..157") as old:
        old.send(94, 6, ACCOUNT, "", SPY)
        assert old.until(95)[2] == "100"


def test_profit_of_a_model_is_that_of_its_own_trades(tws, client, apple):
    trade(tws, 10, 100.0, con_id=apple, model="Growth", commission=0.0)
    client.send(92, 5, ACCOUNT, "Growth")
    row = client.until(94)
    client.send(94, 6, ACCOUNT, "Growth", apple)
    position = client.until(95)
    assert float(row[3]) == pytest.approx(float(position[4]), abs=20)
    client.send(94, 7, ACCOUNT, "Growth", SPY)
    assert client.until(95)[1:3] == ["7", "0.0"]


@pytest.mark.parametrize(("kind", "tail"), [(92, ()), (94, (SPY,))])
@pytest.mark.parametrize(
    ("account", "model", "cause"),
    [
        ("", "", "Account must not be empty"),
        ("DU9999999", "", "Invalid account code"),
        (ACCOUNT, "Nothing", "Invalid model code 'Nothing'."),
    ],
)
def test_an_unknown_account_or_model_is_refused(client, kind, tail, account, model, cause):
    client.send(kind, 5, account, model, *tail)
    request, code, text = client.error()
    assert (request, code) == (5, 321)
    assert text.endswith(cause)


@pytest.mark.parametrize(("kind", "tail"), [(92, ()), (94, (SPY,))])
def test_an_id_that_is_running_is_refused_with_102(client, kind, tail):
    client.send(kind, 5, ACCOUNT, "", *tail)
    client.send(kind, 5, ACCOUNT, "", *tail)
    assert client.error() == (5, 102, "Duplicate ticker id")


@pytest.mark.parametrize(("kind", "tail", "stop", "code"), [(92, (), 93, 10185), (94, (SPY,), 95, 10186)])
def test_a_cancel_ends_it_and_a_second_one_is_an_error(client, kind, tail, stop, code):
    client.send(kind, 5, ACCOUNT, "", *tail)
    client.until(kind + 2 if kind == 92 else 95)
    client.send(stop, 5)
    client.send(stop, 5)
    assert client.error()[:2] == (5, code)
    assert client.falls_silent()


def test_nothing_is_sent_while_nothing_changes(calendar):
    saturday = TUESDAY.replace(day=28)
    with (
        simulated_tws(fast=True, start_at=saturday, calendar=calendar, profit_seconds=0.02) as tws,
        RawClient(tws.port) as client,
    ):
        client.send(92, 5, ACCOUNT, "")
        client.until(94)
        assert client.falls_silent(1.5)


def test_ib_insync_follows_both(tws, ib, apple):
    profit = ib.reqPnL(ACCOUNT)
    position = ib.reqPnLSingle(ACCOUNT, "", SPY)

    def heard():
        ib.sleep(0.02)
        return profit.dailyPnL == profit.dailyPnL and position.position == 100

    assert eventually(heard)
    assert position.value == pytest.approx(position.unrealizedPnL + 64000.0)
    ib.cancelPnL(ACCOUNT)
    ib.cancelPnLSingle(ACCOUNT, "", SPY)


# the arithmetic itself


def test_the_day_begins_with_the_positions_before_its_first_trade(tws):
    stock = listing(tws, con_id=SPY)
    today = new_york_date(tws.server.epoch())
    held = Position(stock, 100.0, 50.0)
    bought, _ = held.traded(100.0, 60.0, 0.0, today)
    sold, realized = bought.traded(-150.0, 62.0, 0.0, today)
    assert sold.began_on(today) == (100.0, 50.0)
    assert realized == pytest.approx(150 * (62.0 - 55.0))
    holding = Holding(stock, 50.0, 55.0, 63.0, realized, sold.began_on(today), traded=True)
    spent = 100 * 60.0 - 150 * 62.0
    assert daily(holding, 58.0) == pytest.approx(50 * 63.0 - 100 * 58.0 - spent)


def test_a_position_without_a_price_or_a_close_has_no_profit(tws):
    stock = listing(tws, con_id=SPY)
    assert single(Holding(stock, 1.0, 10.0, 0.0), 9.0) == Profit()
    assert single(Holding(stock, 1.0, 10.0, 11.0), None) == Profit()
    assert total([Holding(stock, 1.0, 10.0, 0.0, 3.0)], lambda _: 9.0) == Profit(0.0, 0.0, 3.0)
