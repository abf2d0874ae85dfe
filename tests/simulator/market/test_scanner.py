"""The market scanner over real sockets: parameters, rankings, filters, limits and TWS's refusals."""

import xml.etree.ElementTree as ElementTree
from datetime import timedelta
from itertools import pairwise

import pytest
from ib_insync import ScannerSubscription, TagValue
from raw_tws_client import TUESDAY, RawClient, eventually

from v6.simulator.market.scans import FILTERS, LOCATIONS, SCANS
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

BEGINNING = ("STK", "STK.US.MAJOR")


def asking(code, location="STK.US.MAJOR", instrument="STK", rows=-1, filters="", types="", above=""):
    return (22, 7, rows, instrument, location, code, above, *[""] * 12, 0, "", "", types, filters, "")


def symbols(client, *arguments, **options):
    client.send(*asking(*arguments, **options))
    fields = client.until(20)
    client.send(23, 1, 7)
    client.until(4)
    return [fields[4 + 16 * row + 2] for row in range(int(fields[3]))]


def quote(tws, symbol):
    from v6.simulator.instruments.contracts import underlying_listing
    from v6.simulator.instruments.underlyings import UNDERLYINGS

    return tws.server.feed.quote(underlying_listing(UNDERLYINGS[symbol]), tws.server.epoch())


def test_the_parameters_are_an_xml_document_with_what_can_be_asked_for(ib):
    root = ElementTree.fromstring(ib.reqScannerParameters())
    assert root.tag == "ScanParameterResponse"
    assert {each.text for each in root.iter("scanCode")} == set(SCANS)
    assert {each.text for each in root.iter("locationCode")} == set(LOCATIONS)
    assert {each.text for each in root.iterfind("InstrumentList/Instrument/type")} >= {"STK", "IND.US", "FUT.US"}
    codes = {each.text for each in root.iterfind("FilterList/RangeFilter/AbstractField/code")}
    assert codes == {code for each in FILTERS.values() for code in each.codes}
    nasdaq = root.find(".//Location[locationCode='STK.US.MAJOR']/LocationTree/Location[locationCode='STK.NASDAQ']")
    assert nasdaq is not None


def test_gainers_come_ranked_by_their_change_and_losers_the_other_way_round(raw, tws):
    gainers, losers = (symbols(raw(client_id=place), f"TOP_PERC_{way}") for place, way in ((1, "GAIN"), (2, "LOSE")))
    assert len(gainers) == len(losers) == 50
    changes = [quote(tws, symbol).last / quote(tws, symbol).close for symbol in gainers]
    assert changes[0] > 1 > changes[-1]
    assert all(after <= before * 1.002 for before, after in pairwise(changes))
    assert gainers[0] in losers[-8:] or gainers[0] not in losers


def test_ib_insync_gets_contracts_of_the_most_active(ib, tws):
    found = ib.reqScannerData(ScannerSubscription(10, "STK", "STK.US.MAJOR", "MOST_ACTIVE"))
    assert [each.rank for each in found] == list(range(10))
    volumes = [quote(tws, each.contractDetails.contract.symbol).volume for each in found]
    assert volumes == sorted(volumes, reverse=True)
    contract = found[0].contractDetails.contract
    assert (contract.secType, contract.exchange, contract.currency) == ("STK", "SMART", "USD")
    assert ib.qualifyContracts(contract)[0].conId == contract.conId


def test_filters_are_really_applied(ib, tws):
    everything = ScannerSubscription(instrument="STK", locationCode="STK.US.MAJOR", scanCode="HIGH_OPT_IMP_VOLAT")
    found = ib.reqScannerData(everything, [], [TagValue("priceAbove", "20"), TagValue("volumeAbove", "1000000")])
    chosen = {each.contractDetails.contract.symbol for each in found}
    assert chosen
    for symbol in chosen:
        assert quote(tws, symbol).last >= 20
        assert quote(tws, symbol).volume >= 1_000_000
    every = {each.contractDetails.contract.symbol for each in ib.reqScannerData(everything)}
    assert chosen < every
    assert any(quote(tws, symbol).last < 20 for symbol in every)


@pytest.mark.parametrize("more", [{"filters": "priceBelow=10;"}, {"filters": "priceBelow=10;priceAbove=1"}])
def test_cheap_stocks_alone(raw, tws, more):
    found = symbols(raw(), "MOST_ACTIVE", **more)
    assert found
    assert all(quote(tws, symbol).last <= 10.01 for symbol in found)
    assert ("IXHL" in found) == ("priceAbove" not in more["filters"])


def test_the_fields_of_the_subscription_are_filters_too(raw, tws):
    found = symbols(raw(), "TOP_PERC_GAIN", above="300")
    assert found
    assert all(quote(tws, symbol).last > 299 for symbol in found)


def test_funds_and_companies_can_be_told_apart(raw):
    funds = symbols(raw(client_id=1), "MOST_ACTIVE", types="ETF")
    companies = symbols(raw(client_id=2), "MOST_ACTIVE", filters="stkTypes=inc:CORP;")
    assert {"SPY", "QQQ", "GLD"} <= set(funds)
    assert {"AAPL", "NVDA"} <= set(companies)
    assert not set(funds) & set(companies)


def test_locations_choose_the_exchange(raw):
    assert symbols(raw(client_id=1), "MOST_ACTIVE", "STK.PINK") == ["ELTP"]
    assert "ELTP" not in symbols(raw(client_id=2), "MOST_ACTIVE", rows=50)
    assert set(symbols(raw(client_id=3), "TOP_PERC_GAIN", "FUT.US", "FUT.US")) == {"ES", "NQ", "RTY"}
    assert "VIX" in symbols(raw(client_id=4), "TOP_PERC_LOSE", "IND.US", "IND.US")


def test_volatility_scans_agree_with_the_implied_volatility_bars(ib):
    from ib_insync import Stock

    found = ib.reqScannerData(ScannerSubscription(5, "STK", "STK.US.MAJOR", "HIGH_OPT_IMP_VOLAT"))
    levels = []
    for each in found:
        contract = Stock(each.contractDetails.contract.symbol, "SMART", "USD")
        bars = ib.reqHistoricalData(contract, "", "1 D", "5 mins", "OPTION_IMPLIED_VOLATILITY", True)
        levels.append(bars[-1].close)
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > 0.5


def test_results_are_sent_again(calendar):
    with (
        simulated_tws(fast=True, start_at=TUESDAY, calendar=calendar, scanner_seconds=0.1) as tws,
        RawClient(tws.port) as client,
    ):
        client.send(*asking("TOP_PERC_GAIN"))
        first = client.until(20)
        tws.step_to(TUESDAY + timedelta(days=1))
        assert any(client.until(20) != first for _ in range(5))
        client.send(23, 1, 7)
        assert client.error() == (
            7, 162, "Historical Market Data Service error message:API scanner subscription cancelled: 7"
        )  # fmt: skip
        assert client.falls_silent()


def test_ten_scans_at_once_are_the_limit_for_all_clients_together(calendar):
    with (
        simulated_tws(fast=False, start_at=TUESDAY, calendar=calendar) as tws,
        RawClient(tws.port, client_id=1) as first,
        RawClient(tws.port, client_id=2) as second,
    ):
        for request in range(10):
            client = (first, second)[request % 2]
            client.send(22, 100 + request, *asking("MOST_ACTIVE")[2:])
        first.until(20)
        first.send(22, 200, *asking("MOST_ACTIVE")[2:])
        assert first.error() == (
            200, 322,
            "Error processing request.-'co' : cause - Only 10 simultaneous API scanner subscriptions are allowed.",
        )  # fmt: skip
        second.close()
        assert eventually(lambda: tws.server.scans == 5)
        first.send(22, 200, *asking("MOST_ACTIVE")[2:])
        while first.until(20)[2] != "200":
            pass


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (asking("TOP_SECRET"), (162, "Scanner type with code TOP_SECRET is disabled")),
        (asking("TOP_PERC_GAIN", "STK.MARS"), (162, "not configured for one of the chosen locations")),
        (asking("TOP_PERC_GAIN", "ETF.EQ.US"), (162, "not configured for one of the chosen locations")),
        (asking("TOP_PERC_GAIN", "FUT.US"), (162, "not configured for one of the chosen locations")),
        (asking("TOP_PERC_GAIN", filters="gossipAbove=1;"), (162, "gossipAbove")),
        (asking("TOP_PERC_GAIN", filters="priceAbove=much;"), (320, "'much' is not a number")),
        (asking("TOP_PERC_GAIN", filters="priceAbove=1e9;"), (165, "no items retrieved")),
        ((23, 1, 7), (365, "No scanner subscription found for ticker id:7")),
    ],
)
def test_what_cannot_be_scanned_is_refused_in_tws_words(raw, request_, expected):
    client = raw()
    client.send(*request_)
    request, code, text = client.error()
    assert (request, code) == (7, expected[0])
    assert expected[1] in text


def test_nothing_found_is_an_empty_list_too(ib):
    scan = ScannerSubscription(instrument="STK", locationCode="STK.US.MAJOR", scanCode="TOP_PERC_GAIN", abovePrice=1e9)
    assert list(ib.reqScannerData(scan)) == []


def test_a_request_id_cannot_scan_twice(raw):
    client = raw()
    client.send(*asking("MOST_ACTIVE"))
    client.send(*asking("MOST_ACTIVE"))
    assert client.error()[1] == 322
    assert "Duplicate ticker ID for API scanner subscription" in client.seen[-1][4]
