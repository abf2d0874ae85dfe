"""What TWS knows and refuses on such an account, in its words."""

import pytest
from account_client import trade

from v6.simulator.instruments.listings import Spec
from v6.simulator.market.hours import new_york_date

pytestmark = pytest.mark.integration

ACCOUNT = "DU9000001"
SPY = (756733, "SPY", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "")
QQQ = (320227571, "QQQ", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "")
TWO_CLASSES = (0, "SPX", "OPT", "20261218", "6900", "C", "", "SMART", "", "USD", "", "")  # SPX and SPXW
NOWHERE = (0, "NOWHERE", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "")
MORE = (
    " Requested market data requires additional subscription for API. See link in 'Market Data Connections' dialog for "
    "more details."
)


@pytest.fixture
def client(raw):
    return raw()


@pytest.mark.parametrize(
    ("request_fields", "answer"),
    [
        ((10, 5, 8, *SPY, 5, 0, ""), (8, 10092, "Deep market data is not supported for this combination of security "
                                      "type/exchange")),
        ((97, 8, *QQQ, "Last", 0, 0), (8, 10189, "Failed to request tick-by-tick data.No market data permissions for "
                                       "ISLAND STK." + MORE)),
        ((97, 8, *SPY, "Nonsense", 0, 0), (8, 321, "Error validating request.-'bT' : cause - Tick-by-tick data type is "
                                           "incorrect/not set.")),
        ((96, 8, *QQQ, 0, "", "", 10, "TRADES", 1, 0, ""),
         (8, 10187, "Failed to request historical ticks:No market data permissions for ISLAND STK")),
        ((88, 8, *SPY, 0, 1, "3 days"),
         (8, 10188, "Failed to request histogram data:No market data permissions for ARCA STK")),
        ((52, 2, 8, 756733, "SPY", "STK", "SMART", "", "USD", "", "ReportSnapshot", 0, ""),
         (8, 10358, "Fundamentals data is not allowed")),
        ((100, 8), (8, 10276, "News feed is not allowed.")),
        ((102, 8, 756733), (8, 10276, "News feed is not allowed.")),
        ((86, 8, 756733, "PAID", "", "", 5, ""), (8, 10276, "News feed is not allowed.")),
        ((84, 8, "BRFG", "BRFG$1", ""), (8, 10172, "Failed to request news article:No data available")),
        ((98, 8), (8, 300, "Can't find EId with tickerId:8")),
        ((11, 1, 8, 0), (8, 310, "Can't find the subscribed market depth with tickerId:8")),
    ],
    ids=lambda value: str(value[0]),
)  # fmt: skip
def test_the_refusal_is_that_of_tws(client, request_fields, answer):
    client.send(*request_fields)
    assert client.error() == answer


WITH_CONTRACT = {
    "reqMktData": ((1, 11, 8), (0, "", 0, 0, "")),
    "reqMktDepth": ((10, 5, 8), (5, 0, "")),
    "reqHistoricalData": ((20, 8), (0, "", "1 hour", "1 D", 1, "TRADES", 1, 0, "")),
    "reqRealTimeBars": ((50, 3, 8), (5, "TRADES", 1, "")),
    "calculateImpliedVolatility": ((54, 3, 8), (20.0, 690.0, "")),
    "calculateOptionPrice": ((55, 3, 8), (0.2, 690.0, "")),
    "reqHeadTimeStamp": ((87, 8), (0, 1, "TRADES", 1)),
    "reqHistogramData": ((88, 8), (0, 1, "3 days")),
    "reqHistoricalTicks": ((96, 8), (0, "", "", 10, "TRADES", 1, 0, "")),
    "reqTickByTickData": ((97, 8), ("Last", 0, 0)),
}
NONE = "No security definition has been found for the request"
SEVERAL = "The contract description specified for SPX is ambiguous; you must specify the multiplier or trading class."


@pytest.mark.parametrize(("contract", "text"), [(NOWHERE, NONE), (TWO_CLASSES, SEVERAL)], ids=["none", "several"])
@pytest.mark.parametrize("name", WITH_CONTRACT)
def test_a_contract_that_is_none_or_several_is_refused_first_in_the_same_words_whatever_is_asked(
    client, name, contract, text
):
    head, tail = WITH_CONTRACT[name]
    client.send(*head, *contract, *tail)
    assert client.error() == (8, 200, text)


def test_an_account_that_is_no_advisors_has_no_advisors_data(client):
    client.send(18, 1, 1)
    request, code, text = client.error()
    assert (request, code) == (2147483647, 321)
    assert text.endswith("FA data operations ignored for non FA customers.")
    client.send(19, 1, 1, "<x/>", 44)
    assert client.error()[:2] == (44, 321)


def test_free_news_providers_have_no_headlines(client):
    client.send(86, 8, 756733, "BRFG+DJNL", "", "", 5, "")
    assert client.until(87) == ["87", "8", "0"]


def test_smart_depth_tells_where_permissions_are_missing_until_it_is_cancelled(client):
    client.send(10, 5, 8, *SPY, 5, 1, "")
    frame = client.until(4)
    while frame[3] != "2152":
        frame = client.until(4)
    assert frame[2] == "8"
    assert "Need additional market data permissions - Depth: " in frame[4]
    client.send(10, 5, 8, *SPY, 5, 1, "")
    assert client.error()[:2] == (8, 322)
    client.send(11, 1, 8, 1)
    client.send(11, 1, 8, 1)
    assert client.error()[:2] == (8, 310)


# exercising an option


@pytest.fixture
def calls(tws):
    """SPY calls of one expiry by strike, the first far in the money, the last far out of it."""
    server = tws.server
    spec = Spec(symbol="SPY", sec_type="OPT", expiry="20270115", right="C", trading_class="SPY")
    return sorted(server.contracts.find(spec, new_york_date(server.epoch())), key=lambda each: each.strike)


def exercise(client, option, *, action=1, quantity=1, account=ACCOUNT, override=0):
    client.send(21, 2, 8, option.con_id, "", "", "", "0.0", "", "", "SMART", "USD", "", "", action, quantity, account,
                override)  # fmt: skip
    return client.error()


def test_only_an_option_that_is_held_can_be_exercised(client, calls):
    assert exercise(client, calls[0]) == (
        8, 322, f"Error processing request:No unlapsed position exists in this option in account {ACCOUNT}."
    )  # fmt: skip
    assert exercise(client, calls[0], account="DU9999999")[2].endswith("account DU9999999.")


def test_an_option_out_of_the_money_is_exercised_only_with_override(tws, client, calls):
    trade(tws, 1, 1.0, con_id=calls[-1].con_id)
    refused = "Error processing request.Exercise ignored because option is not in-the-money."
    failed = "Error processing request.Exercise/Lapse failed due to server rejection."
    assert exercise(client, calls[-1]) == (8, 322, refused)
    assert exercise(client, calls[-1], override=1) == (8, 322, failed)
    assert exercise(client, calls[-1], action=2) == (8, 322, failed)


def test_an_option_in_the_money_is_refused_by_the_servers_of_paper_accounts(tws, client, calls):
    trade(tws, 1, 1.0, con_id=calls[0].con_id)
    assert exercise(client, calls[0])[2].endswith("failed due to server rejection.")


def test_an_exercise_of_nothing_is_invalid(tws, client, calls):
    assert exercise(client, calls[0], action=3)[1] == 321
    assert exercise(client, calls[0], quantity=0)[1] == 321
