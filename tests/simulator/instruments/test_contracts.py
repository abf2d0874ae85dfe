"""Contract details and option chains, asked for with ib_insync."""

import pytest
from ib_insync import Contract, Future, Index, Option, Stock
from ib_insync.wrapper import RequestError

pytestmark = pytest.mark.integration


def one(ib, contract):
    found = ib.reqContractDetails(contract)
    assert len(found) == 1
    return found[0]


def test_a_stock_has_its_public_contract_id_and_hours(ib):
    details = one(ib, Stock("SPY", "SMART", "USD"))
    assert (details.contract.conId, details.contract.primaryExchange) == (756733, "ARCA")
    assert details.minTick == 0.01
    assert details.timeZoneId == "US/Eastern"
    assert details.liquidHours == (
        "20261124:0930-20261124:1600;20261125:0930-20261125:1600;20261126:CLOSED;"
        "20261127:0930-20261127:1300;20261128:CLOSED;20261129:CLOSED"
    )
    assert "20261127:0400-20261127:1700" in details.tradingHours


@pytest.mark.parametrize(("symbol", "exchange", "con_id"), [("SPX", "CBOE", 416904), ("VIX", "CBOE", 13455763)])
def test_indices_are_found_on_their_exchange(ib, symbol, exchange, con_id):
    assert one(ib, Index(symbol, exchange)).contract.conId == con_id


def test_a_future_lists_its_months(ib):
    months = ib.reqContractDetails(Future("ES", exchange="CME"))
    assert [each.contract.localSymbol for each in months] == ["ESZ6", "ESH7", "ESM7", "ESU7", "ESZ7"]
    front = months[0]
    assert front.contract.multiplier == "50"
    assert front.contract.lastTradeDateOrContractMonth == "20261218"
    assert (front.minTick, front.underSymbol, front.contractMonth) == (0.25, "ES", "202612")
    assert front.liquidHours.startswith("20261124:0830-20261124:1515")


def test_a_future_is_found_by_month_and_by_local_symbol(ib):
    by_month = one(ib, Future("NQ", "202703", "CME"))
    by_name = one(ib, Future(localSymbol="NQH7", exchange="CME"))
    assert by_month.contract.conId == by_name.contract.conId


def test_a_whole_expiry_comes_in_one_answer(ib):
    found = ib.reqContractDetails(Option("SPY", "20270115", exchange="SMART"))
    assert len(found) > 200
    assert {each.contract.right for each in found} == {"C", "P"}
    assert len({each.contract.conId for each in found}) == len(found)
    option = found[0]
    assert option.underConId == 756733
    assert option.realExpirationDate == "20270115"
    assert option.contract.lastTradeDateOrContractMonth == "20270115"
    assert option.lastTradeTime == "16:00:00"


def test_an_option_is_found_by_its_contract_id(ib):
    option = ib.reqContractDetails(Option("QQQ", "20270115", right="P", exchange="SMART"))[30].contract
    assert one(ib, Contract(conId=option.conId)).contract == option
    assert one(ib, Contract(conId=option.conId, exchange="SMART")).contract.localSymbol == option.localSymbol


def test_an_option_is_found_by_its_local_symbol(ib):
    option = ib.reqContractDetails(Option("IWM", "20270115", exchange="SMART"))[30].contract
    found = one(ib, Contract(secType="OPT", localSymbol=option.localSymbol, exchange="SMART", currency="USD"))
    assert found.contract.conId == option.conId


@pytest.mark.parametrize(
    "contract",
    [
        Option("SPY", "20270115", 600.5, "C", "SMART"),
        Option("SPY", "20270116", exchange="SMART"),
        Option("NOPE", "20270115", exchange="SMART"),
        Stock("NOPE", "SMART", "USD"),
        Stock("SPY", "SMART", "EUR"),
        Stock("SPY", "NOWHERE", "USD"),
        Future("ES", exchange="SMART"),
        Contract(conId=4711),
    ],
    ids=str,
)
def test_what_does_not_exist_is_error_200(ib, contract):
    with pytest.raises(RequestError) as caught:
        ib.reqContractDetails(contract)
    assert caught.value.code == 200


def test_the_chain_is_a_cross_product_over_many_exchanges(ib):
    chains = ib.reqSecDefOptParams("SPY", "", "STK", 756733)
    assert len({chain.exchange for chain in chains}) >= 15
    assert {chain.tradingClass for chain in chains} == {"SPY", "2SPY"}
    smart = next(chain for chain in chains if (chain.exchange, chain.tradingClass) == ("SMART", "SPY"))
    assert smart.multiplier == "100"
    listed = {
        (each.contract.lastTradeDateOrContractMonth, each.contract.strike)
        for expiry in smart.expirations[:12]
        for each in ib.reqContractDetails(Option("SPY", expiry, right="C", exchange="SMART", tradingClass="SPY"))
    }
    product = {(expiry, strike) for expiry in smart.expirations[:12] for strike in smart.strikes}
    assert listed < product
    assert len(product - listed) > 0.1 * len(product)


def test_a_chain_needs_the_right_underlying(ib):
    with pytest.raises(RequestError) as caught:
        ib.reqSecDefOptParams("SPY", "", "STK", 4711)
    assert caught.value.code == 321


def test_two_classes_on_one_expiry_make_an_index_option_ambiguous(ib):
    expiry = "20261218"
    classes = {each.contract.tradingClass for each in ib.reqContractDetails(Option("SPX", expiry, exchange="SMART"))}
    assert classes == {"SPX", "SPXW"}


def test_positions_hold_two_options_one_far_from_the_money_and_a_future(ib):
    positions = ib.positions()
    assert [each.contract.secType for each in positions] == ["STK", "FUT", "OPT", "OPT"]
    near, far = (each.contract for each in positions[2:])
    assert near.exchange == far.exchange == ""
    for held in (near, far):
        assert one(ib, Contract(conId=held.conId, exchange="SMART")).contract.strike == held.strike
    assert far.symbol == "QQQ"
    stock = next(each for each in ib.reqTickers(Stock("QQQ", "SMART", "USD")))
    assert far.strike < 0.85 * stock.last


def test_account_summary_answers_the_tags_it_knows(ib):
    tags = {value.tag: value.value for value in ib.accountSummary()}
    assert float(tags["NetLiquidation"]) > 0
    assert tags["AccountType"] == "INDIVIDUAL"
