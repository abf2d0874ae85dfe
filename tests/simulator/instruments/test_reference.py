"""Reference data: price increments, symbol search, exchanges, groups, providers, and calculations on options."""

from math import erf, exp, log, sqrt

import pytest
from account_client import listing

from v6.simulator.instruments.listings import Spec
from v6.simulator.instruments.market_rules import RULES, increment, rule_ids
from v6.simulator.market.hours import new_york_date

pytestmark = pytest.mark.integration


@pytest.fixture
def client(raw):
    return raw()


# price increments


@pytest.mark.parametrize(
    ("rule", "steps"),
    [(26, ["0", "0.01"]), (109, ["0", "0.01", "3", "0.05"]), (110, ["0", "0.05", "3", "0.1"])],
)
def test_a_market_rule_is_a_list_of_low_edges_and_increments(client, rule, steps):
    client.send(91, rule)
    assert client.until(93) == ["93", str(rule), str(len(steps) // 2), *steps]


def test_an_unknown_market_rule_is_refused(client):
    client.send(91, 4711)
    _, code, text = client.error()
    assert code == 322
    assert text.endswith("Market rule with id = 4711 is missing")


def details(ib, **contract):
    from ib_insync import Contract

    return ib.reqContractDetails(Contract(currency="USD", **contract))[0]


@pytest.mark.parametrize(
    "contract",
    [
        {"symbol": "SPY", "secType": "STK", "exchange": "SMART"},
        {"symbol": "AAPL", "secType": "OPT", "exchange": "SMART", "lastTradeDateOrContractMonth": "202701"},
        {"symbol": "SPX", "secType": "OPT", "exchange": "SMART", "lastTradeDateOrContractMonth": "202612"},
        {"symbol": "ES", "secType": "FUT", "exchange": "CME"},
        {"symbol": "RTY", "secType": "FUT", "exchange": "CME"},
    ],
    ids=lambda contract: f"{contract['symbol']} {contract['secType']}",
)
def test_contract_details_name_a_rule_for_each_exchange_and_it_exists(ib, contract):
    found = details(ib, **contract)
    rules = [int(rule) for rule in found.marketRuleIds.split(",")]
    assert len(rules) == len(found.validExchanges.split(","))
    for rule in set(rules):
        steps = ib.reqMarketRule(rule)
        assert steps[0].lowEdge == 0
        assert steps[0].increment >= found.minTick or rule == 109
    assert ib.reqMarketRule(rules[found.validExchanges.split(",").index(found.contract.exchange)])[0].increment == (
        found.minTick
    )


def test_options_of_stocks_have_wider_steps_on_most_exchanges(tws):
    spec = Spec(symbol="AAPL", sec_type="OPT", expiry="202701", right="C")
    apple = tws.server.contracts.find(spec, new_york_date(tws.server.epoch()))[0]
    spy = listing(tws, symbol="SPY", sec_type="STK", exchange="SMART")
    assert increment(apple, 3.5, "CBOE") == 0.05
    assert increment(apple, 2.5, "CBOE") == 0.01
    assert increment(apple, 3.5) == 0.01
    assert set(rule_ids(spy)) == {26}
    assert all(steps[0][0] == 0.0 for steps in RULES.values())


# symbols


def search(client, pattern, request=7):
    client.send(81, request, pattern)
    return client.until(79)


def test_a_search_finds_symbols_and_names_and_tells_their_derivatives(client):
    fields = search(client, "AAPL")
    assert fields[:3] == ["79", "7", "1"]
    assert fields[3:8] == ["265598", "AAPL", "STK", "NASDAQ", "USD"]
    assert fields[8:] == ["5", "CFD", "OPT", "IOPT", "WAR", "BAG", "APPLE INC", ""]


def test_before_176_a_match_has_neither_description_nor_issuer(raw):
    assert search(raw("v157..175"), "AAPL")[-1] == "BAG"


@pytest.mark.parametrize(
    ("pattern", "symbols"),
    [
        ("sp", {"SPY", "SPX"}),
        ("S&P 500", {"SPY", "SPX", "ES"}),
        ("micro", {"MSFT"}),
        ("ES", {"ES"}),
        ("zzz", set()),
    ],
)  # fmt: skip
def test_prefixes_and_words_of_names_are_found(ib, pattern, symbols):
    found = ib.reqMatchingSymbols(pattern)
    assert {each.contract.symbol for each in found} >= symbols
    if not symbols:
        assert found == []


def test_the_symbol_itself_comes_first(ib):
    found = ib.reqMatchingSymbols("ES")
    assert found[0].contract.symbol == "ES"
    assert (found[0].contract.secType, found[0].contract.conId) == ("IND", 11004968)
    assert found[0].derivativeSecTypes == ["FUT", "FOP", "BAG"]


@pytest.mark.parametrize(("pattern", "cause"), [("", "Pattern must not be empty"), ("é", "Invalid pattern: 'é'")])
def test_a_search_for_nothing_is_refused(client, pattern, cause):
    client.send(81, 7, pattern)
    request, code, text = client.error()
    assert (request, code) == (7, 321)
    assert text.endswith(cause)


# lists that TWS knows by heart


def test_the_exchange_letters_are_those_of_the_code_that_ticks_announce(client):
    client.send(1, 11, 5, 756733, "SPY", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "", 0, "", 0, 0, "")
    code = client.until(81)[3]
    client.send(83, 8, code)
    fields = client.until(82)
    count = int(fields[2])
    parts = fields[3:]
    assert fields[1] == "8"
    assert len(parts) == 3 * count
    assert [int(bit) for bit in parts[::3]] == list(range(count))
    assert dict(zip(parts[1::3], parts[2::3], strict=True))["NASDAQ"] == "Q"


def test_an_unknown_exchange_code_is_refused(client):
    client.send(83, 8, "zz0009")
    request, code, text = client.error()
    assert (request, code) == (8, 321)
    assert text.endswith("Invalid BBO exchange/security type code")


def test_what_an_ordinary_account_has_of_families_tiers_and_brands(client):
    client.send(80)
    assert client.until(78) == ["78", "1", "*", ""]
    client.send(79, 4)
    assert client.until(77) == ["77", "4", "0"]
    client.send(104, 5)
    assert client.until(107) == ["107", "5", ""]


def test_ib_insync_reads_the_lists(ib):
    assert [provider.code for provider in ib.reqNewsProviders()][:2] == ["BRFG", "BRFUPDN"]
    exchanges = ib.reqMktDepthExchanges()
    assert {"ARCA", "NASDAQ", "CME"} <= {each.exchange for each in exchanges}
    assert {each.aggGroup for each in exchanges if each.exchange == "SMART"} == {1, 7}


def test_display_groups_show_nothing(client):
    client.send(67, 1, 3)
    assert client.until(67) == ["67", "1", "3", "1|2|3|4|5|6|7"]
    client.send(68, 1, 4, 2)
    assert client.until(68) == ["68", "1", "4", "none"]
    client.send(69, 1, 4, "756733@SMART")
    client.send(70, 1, 4)
    client.send(69, 1, 4, "756733@SMART")
    assert client.error()[:2] == (4, 321)
    client.send(68, 1, 5, 9)
    assert client.error()[:2] == (5, 321)
    client.send(70, 1, 5)
    assert client.error()[:2] == (5, 321)


# calculations


def normal(value):
    return 0.5 * (1 + erf(value / sqrt(2)))


def black_scholes(spot, strike, years, volatility, rate, dividend, *, call):
    """The textbook formula."""
    d1 = (log(spot / strike) + (rate - dividend + volatility**2 / 2) * years) / (volatility * sqrt(years))
    d2 = d1 - volatility * sqrt(years)
    sign = 1 if call else -1
    return sign * (spot * exp(-dividend * years) * normal(sign * d1) - strike * exp(-rate * years) * normal(sign * d2))


@pytest.fixture
def option(tws):
    server = tws.server
    chain = server.contracts.find(
        Spec(symbol="SPY", sec_type="OPT", expiry="20270115", right="P", trading_class="SPY"),
        new_york_date(server.epoch()),
    )
    return chain[len(chain) // 2]


def calculate(client, kind, option, *numbers, request=9):
    client.send(kind, 3, request, option.con_id, *[""] * 6, "SMART", *[""] * 4, *numbers, 0, "")


def test_a_price_is_that_of_black_scholes_at_the_volatility_given(tws, client, option):
    calculate(client, 55, option, 0.3, 650.0)
    fields = client.until(21)
    assert fields[1:5] == ["9", "53", "0", "0.3"] or float(fields[4]) == pytest.approx(0.3)
    years = (option.expires_at - tws.server.epoch()) / (365 * 86400)
    expected = black_scholes(650.0, option.strike, years, 0.3, 0.038, 0.011, call=False)
    assert float(fields[6]) == pytest.approx(expected, rel=1e-4)
    assert -1 < float(fields[5]) < 0
    assert fields[7] == "-1"
    assert float(fields[11]) == 650.0


def test_the_implied_volatility_leads_back_to_the_price(client, option):
    calculate(client, 55, option, 0.42, 650.0)
    price = client.until(21)[6]
    calculate(client, 54, option, price, 650.0, request=10)
    fields = client.until(21)
    assert fields[1] == "10"
    assert float(fields[4]) == pytest.approx(0.42, abs=1e-6)
    assert [float(fields[place]) for place in (5, 8, 9, 10)] == [-2.0] * 4
    assert fields[6] == price


def test_a_price_that_no_volatility_explains_has_none(client, option):
    calculate(client, 54, option, 5000.0, 650.0)
    assert float(client.until(21)[4]) == -1.0


@pytest.mark.parametrize("kind", [54, 55])
def test_a_calculation_about_no_option_or_without_numbers_is_refused(client, option, kind):
    client.send(kind, 3, 9, 756733, *[""] * 6, "SMART", *[""] * 4, 0.3, 650.0, 0, "")
    assert client.error()[:2] == (9, 321)
    client.send(kind, 3, 9, 12345, *[""] * 6, "SMART", *[""] * 4, 0.3, 650.0, 0, "")
    assert client.error()[:2] == (9, 200)
    calculate(client, kind, option, 0.0, 650.0)
    assert client.error()[:2] == (9, 321)


def test_ib_insync_calculates(ib, option):
    from ib_insync import Contract

    contract = Contract(conId=option.con_id, exchange="SMART")
    computed = ib.calculateOptionPrice(contract, volatility=0.3, underPrice=650.0)
    assert computed.optPrice > 0
    again = ib.calculateImpliedVolatility(contract, optionPrice=computed.optPrice, underPrice=650.0)
    assert again.impliedVol == pytest.approx(0.3, abs=1e-6)
    assert again.delta is None or again.delta == -2
