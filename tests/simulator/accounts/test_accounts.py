"""Account summaries, account updates with the portfolio, and positions, as subscriptions of one client."""

import pytest
from account_client import listing, rows, trade, until_end
from raw_tws_client import TUESDAY, RawClient, eventually

from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

FIRST, SECOND = "DU9000001", "DU9000002"
NEVER = 1e6


@pytest.fixture
def two(calendar):
    """Two accounts, the second with two model portfolios."""
    with simulated_tws(
        fast=True, start_at=TUESDAY, calendar=calendar, accounts=(FIRST, SECOND), refresh_seconds=NEVER,
        models={SECOND: ("Growth", "Income")},
    ) as running:  # fmt: skip
        yield running


@pytest.fixture
def client(two):
    with RawClient(two.port) as connected:
        yield connected


# summaries


def test_a_summary_has_the_tags_asked_for_and_the_ledger_of_each_currency(raw):
    client = raw()
    client.send(62, 1, 9, "All", "NetLiquidation,Cushion,AccountType,$LEDGER:ALL")
    frames = until_end(client, 64)
    values = rows(frames, 63, 4)
    assert {f[2] for f in frames} == {"9"}
    assert float(values["NetLiquidation", "USD"]) > 0
    assert values["AccountType", ""] == "INDIVIDUAL"
    assert 0 < float(values["Cushion", ""]) < 1
    for currency in ("USD", "BASE"):
        assert values["Currency", currency] == currency
        assert values["ExchangeRate", currency] == "1.00"
        assert float(values["NetLiquidationByCurrency", currency]) == pytest.approx(
            float(values["NetLiquidation", "USD"]), abs=0.01
        )
    assert {f[3] for f in frames if f[0] == "63" and f[6] == "BASE"} == {"All"}


@pytest.mark.parametrize(
    ("tag", "currencies"), [("$LEDGER", {"BASE"}), ("$LEDGER:USD", {"USD"}), ("$LEDGER:EUR", set())]
)
def test_a_ledger_is_of_one_currency_and_without_one_of_the_base(raw, tag, currencies):
    client = raw()
    client.send(62, 1, 9, "All", tag)
    assert {f[6] for f in until_end(client, 64) if f[0] == "63"} == currencies


def test_a_tag_that_tws_does_not_know_is_left_out(raw):
    client = raw()
    client.send(62, 1, 9, "All", "Happiness,BuyingPower")
    assert [f[4] for f in until_end(client, 64) if f[0] == "63"] == ["BuyingPower"]


@pytest.mark.parametrize(
    ("group", "tags", "cause"),
    [
        ("", "Cushion", "Group name cannot be null"),
        ("All", "", "Tags cannot be null"),
        ("Mine", "Cushion", "Group name is invalid"),
    ],
)
def test_a_summary_of_nothing_is_refused(raw, group, tags, cause):
    client = raw()
    client.send(62, 1, 9, group, tags)
    request, code, text = client.error()
    assert (request, code) == (9, 321)
    assert text.endswith(cause)


def test_a_client_has_two_summaries_at_most(tws, raw):
    tws.server.options.account_summaries = 2
    tws.server.options.summary_ids_stay = False
    client = raw()
    for request in (1, 2, 3):
        client.send(62, 1, request, "All", "Cushion")
    request, code, text = client.error()
    assert (request, code) == (3, 322)
    assert "Maximum number of account summary requests exceeded" in text
    client.send(63, 1, 1)
    client.send(62, 1, 4, "All", "Cushion")
    assert client.until(64)[2] == "4"


def test_newer_versions_count_a_summary_even_after_its_cancel_unless_its_id_comes_again(tws, raw):
    tws.server.options.account_summaries = 2
    tws.server.options.summary_ids_stay = True
    client = raw()
    for request in (1, 2):
        client.send(62, 1, request, "All", "Cushion")
        client.send(63, 1, request)
    client.send(62, 1, 3, "All", "Cushion")
    assert client.error()[:2] == (3, 322)
    client.send(62, 1, 2, "All", "Cushion")
    assert client.until(64)[2] == "2"


def test_another_client_has_its_own_two_summaries(tws, raw):
    tws.server.options.account_summaries = 2
    for number in (5, 6):
        client = raw(client_id=number)
        for request in (1, 2):
            client.send(62, 1, request, "All", "Cushion")
            assert client.until(64)[2] == str(request)


def test_a_summary_tells_what_has_changed_after_a_trade_and_nothing_after_its_cancel(tws, raw):
    client = raw()
    client.send(62, 1, 9, "All", "TotalCashValue,AccountType")
    cash = float(rows(until_end(client, 64), 63, 4)["TotalCashValue", "USD"])
    trade(tws, 10, 600.0)
    news = rows(until_end(client, 64), 63, 4)
    assert news.keys() == {("TotalCashValue", "USD")}
    assert float(news["TotalCashValue", "USD"]) == pytest.approx(cash - 6001.0)
    client.send(63, 1, 9)
    client.send(49, 1)
    client.until(49)
    trade(tws, 10, 600.0)
    assert client.silent()


def test_a_summary_is_refreshed_at_its_interval(calendar):
    with (
        simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, refresh_seconds=0.05) as tws,
        RawClient(tws.port) as client,
    ):
        client.send(62, 1, 9, "All", "NetLiquidation")
        first = rows(until_end(client, 64), 63, 4)
        assert rows(until_end(client, 64), 63, 4)["NetLiquidation", "USD"] != first["NetLiquidation", "USD"]


def test_a_summary_may_name_one_of_several_accounts(client):
    client.send(62, 1, 9, SECOND, "NetLiquidation,$LEDGER")
    assert {f[3] for f in until_end(client, 64) if f[0] == "63"} == {SECOND}
    client.send(62, 1, 10, "All", "NetLiquidation,$LEDGER")
    frames = [f for f in until_end(client, 64) if f[0] == "63"]
    values = {f[3]: float(f[5]) for f in frames if f[4] in ("NetLiquidation", "NetLiquidationByCurrency")}
    assert values["All"] == pytest.approx(values[FIRST] + values[SECOND], abs=0.02)


# account updates


def test_account_updates_are_a_hundred_values_and_more_with_segments_and_base_rows(raw):
    client = raw()
    client.send(6, 2, 1, FIRST)
    frames = until_end(client, 54)
    values = rows(frames, 6, 2)
    assert len(values) > 120
    assert values["AccountCode", ""] == FIRST
    assert values["AccountReady", ""] == "true"
    for key in ("NetLiquidation", "EquityWithLoanValue", "InitMarginReq", "LookAheadExcessLiquidity"):
        total, securities, futures = (float(values[key + part, "USD"]) for part in ("", "-S", "-C"))
        assert total == pytest.approx(securities + futures, abs=0.02)
        assert futures > 0
    assert {currency for _, currency in values} == {"", "USD", "BASE"}
    assert values["StockMarketValue", "USD"] == values["StockMarketValue", "BASE"]
    assert [f[2] for f in frames if f[0] == "6"] == sorted(f[2] for f in frames if f[0] == "6")
    assert [f[0] for f in frames[-6:]] == ["7", "7", "7", "7", "8", "54"]
    assert frames[-2][2] == "10:35"


def test_the_portfolio_adds_up_to_the_account(raw):
    client = raw()
    client.send(6, 2, 1, FIRST)
    frames = until_end(client, 54)
    values = rows(frames, 6, 2)
    worth = {f[4]: 0.0 for f in frames if f[0] == "7"}
    for f in frames:
        if f[0] == "7":
            worth[f[4]] += float(f[15])
    assert worth["STK"] == pytest.approx(float(values["StockMarketValue", "USD"]), abs=0.01)
    assert worth["OPT"] == pytest.approx(float(values["OptionMarketValue", "USD"]), abs=0.01)
    unrealized = sum(float(f[17]) for f in frames if f[0] == "7")
    assert unrealized == pytest.approx(float(values["UnrealizedPnL", "BASE"]), abs=0.01)


def test_a_trade_brings_the_values_and_the_portfolio_row_that_it_changed(tws, raw):
    client = raw()
    client.send(6, 2, 1, FIRST)
    until_end(client, 54)
    trade(tws, -100, 700.0)
    news = until_end(client, 8)
    keys = {f[2] for f in news if f[0] == "6"}
    assert keys >= {"CashBalance", "TotalCashValue", "RealizedPnL"}
    assert "AccountType" not in keys
    closed = next(f for f in news if f[0] == "7" and f[3] == "SPY" and f[4] == "STK")
    assert closed[13] == "0"
    assert float(closed[18]) == pytest.approx(100 * (700.0 - 640.0) - 1.0)


def test_the_same_account_again_changes_nothing_and_the_end_is_told_with_2100(raw):
    client = raw()
    client.send(6, 2, 1, FIRST)
    until_end(client, 54)
    client.send(6, 2, 1, FIRST)
    client.send(6, 2, 0, FIRST)
    assert client.until(4)[2:5] == ["-1", "2100", "API client has been unsubscribed from account data."]
    client.send(6, 2, 0, FIRST)
    client.send(49, 1)
    assert client.next()[0] == "49"


def test_another_account_takes_the_place_of_the_first(two, client):
    client.send(6, 2, 1, FIRST)
    until_end(client, 54)
    client.send(6, 2, 1, SECOND)
    frames = until_end(client, 54)
    assert frames[0][3] == "2100"
    assert {f[5] for f in frames if f[0] == "6"} == {SECOND}
    trade(two, 1, 600.0, account=FIRST)
    trade(two, 1, 600.0, account=SECOND)
    assert {f[5] for f in until_end(client, 8) if f[0] == "6"} == {SECOND}


@pytest.mark.parametrize(
    ("account", "cause"),
    [("", "The account code is required for this operation."), ("U1", "Invalid account code 'U1'.")],
)
def test_with_several_accounts_one_of_them_must_be_named(client, account, cause):
    client.send(6, 2, 1, account)
    _, code, text = client.error()
    assert code == 321
    assert text.endswith(cause)


def test_with_one_account_its_name_does_not_matter(raw):
    client = raw()
    client.send(6, 2, 1, "U1")
    assert client.until(54)[2] == FIRST


def test_ib_insync_keeps_values_and_portfolio_up_to_date(tws, ib):
    before = {(v.tag, v.currency): v.value for v in ib.accountValues()}
    trade(tws, 50, 650.0, commission=0.0)

    def heard():
        ib.sleep(0.02)
        return {ib.portfolio()[0].position, ib.positions()[0].position} == {150.0}

    assert eventually(heard)
    after = {(v.tag, v.currency): v.value for v in ib.accountValues()}
    assert float(after["TotalCashValue", "USD"]) == pytest.approx(float(before["TotalCashValue", "USD"]) - 32500)
    (stock,) = [item for item in ib.portfolio() if item.contract.secType == "STK"]
    assert stock.position == 150
    (held,) = [each for each in ib.positions() if each.contract.secType == "STK"]
    assert held.position == 150


# several accounts and models at once


def test_multi_updates_carry_the_account_first_and_the_base_ledger_last(client):
    client.send(76, 1, 12, FIRST, "", 0)
    frames = until_end(client, 74)
    values = rows(frames, 73, 5)
    assert len(values) > 120
    assert frames[0][5] == "AccountCode"
    assert [f[7] for f in frames[-26:-1]] == ["BASE"] * 25
    assert {f[3] for f in frames[:-1]} == {FIRST}


def test_the_ledger_alone_leaves_out_the_account(client):
    client.send(76, 1, 12, FIRST, "", 1)
    frames = until_end(client, 74)
    assert frames[0][5:8] == ["Currency", "USD", "USD"]
    assert len(frames) == 51


def test_multi_updates_of_a_model_carry_its_code_and_what_changes(two, client):
    trade(two, 10, 600.0, account=SECOND, model="Growth")
    client.send(76, 1, 12, SECOND, "Growth", 1)
    frames = until_end(client, 74)
    assert {f[4] for f in frames[:-1]} == {"Growth"}
    stocks = float(rows(frames, 73, 5)["StockMarketValue", "USD"])
    trade(two, 10, 600.0, account=SECOND, model="Growth")
    row = client.until(73)
    while row[5:8:2] != ["StockMarketValue", "USD"]:
        row = client.until(73)
    assert float(row[6]) == pytest.approx(2 * stocks, rel=0.01)
    client.send(77, 1, 12)
    client.send(49, 1)
    client.until(49)
    trade(two, 10, 600.0, account=SECOND, model="Growth")
    assert client.silent()


def test_an_id_of_multi_updates_is_used_once(client):
    client.send(76, 1, 12, FIRST, "", 1)
    client.until(74)
    client.send(76, 1, 12, FIRST, "", 1)
    assert client.error()[:2] == (12, 322)


def test_all_accounts_at_once_end_once(client):
    client.send(76, 1, 12, "", "", 1)
    assert {f[3] for f in until_end(client, 74)[:-1]} == {FIRST, SECOND}


@pytest.mark.parametrize("kind", [74, 76])
@pytest.mark.parametrize(("account", "model"), [("DU9999999", ""), (FIRST, "Growth"), (SECOND, "Nothing")])
def test_an_unknown_account_or_model_is_refused(client, kind, account, model):
    client.send(kind, 1, 12, account, model, *([0] if kind == 76 else []))
    assert client.error()[:2] == (12, 321)


# positions


def test_positions_go_on_after_a_trade_until_they_are_cancelled(tws, raw):
    client = raw()
    client.send(61, 1)
    assert len(until_end(client, 62)) == 5
    trade(tws, 50, 700.0, commission=0.0)
    row = client.until(61)
    assert (row[4], row[14], float(row[15])) == ("SPY", "150", pytest.approx(660.0))
    trade(tws, -150, 700.0)
    assert client.until(61)[14] == "0"
    client.send(64, 1)
    client.send(49, 1)
    client.until(49)
    trade(tws, 1, 700.0)
    assert client.silent()


def test_positions_multi_are_of_one_account_and_model(two, client):
    apple = listing(two, symbol="AAPL", sec_type="STK", exchange="SMART")
    trade(two, 7, 270.0, account=SECOND, model="Income", con_id=apple.con_id)
    client.send(74, 1, 11, SECOND, "Income")
    row, end = until_end(client, 72)
    assert (row[2], row[3], row[5], row[15], row[17]) == ("11", SECOND, "AAPL", "7", "Income")
    assert end == ["72", "1", "11"]
    trade(two, 3, 270.0, account=SECOND, model="Income", con_id=apple.con_id)
    assert client.until(71)[15] == "10"
    client.send(75, 1, 11)
    client.send(49, 1)
    client.until(49)
    trade(two, 3, 270.0, account=SECOND, model="Income", con_id=apple.con_id)
    assert client.silent()


def test_subscriptions_end_with_their_connection(tws, raw):
    client = raw()
    client.send(61, 1)
    client.send(6, 2, 1, FIRST)
    client.send(92, 5, FIRST, "")
    client.until(94)
    client.close()
    with RawClient(tws.port, client_id=77) as other:
        other.send(61, 1)
        other.until(62)
        trade(tws, 1, 700.0)
        assert other.until(61)[4] == "SPY"
    assert tws.server.changes.listeners <= 1


def test_models_belong_to_accounts_that_exist():
    from v6.simulator.options import Options

    with pytest.raises(ValueError, match="DU9000009"):
        Options(models={"DU9000009": ("Growth",)})


def test_models_are_given_on_the_command_line_an_account_at_a_time():
    from v6.simulator.__main__ import options, parser

    words = ["--accounts", f"{FIRST},{SECOND}", "--models", f"{SECOND}=Growth,Income", "--models", f"{FIRST}=Core"]
    assert options(parser().parse_args(words)).models == {SECOND: ("Growth", "Income"), FIRST: ("Core",)}
    with pytest.raises(ValueError, match="ACCOUNT=NAME"):
        options(parser().parse_args(["--models", "Growth"]))
