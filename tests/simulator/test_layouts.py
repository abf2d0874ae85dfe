"""Every message as ib_insync's decoder reads it, at each version where a field was added or removed.

Field counts: recordings of real TWS (contract details 39 fields before 164 and 40 from then on, errors 5 and 6).
"""

import logging
from types import SimpleNamespace

import pytest
from ib_insync.decoder import Decoder
from raw_tws_client import SPY, TUESDAY, RawClient

from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

VERSIONS = [157, 159, 163, 164, 166, 170, 176, 177, 178]
COUNTS = {
    "1": 7, "2": 5, "6": 6, "7": 20, "8": 3, "9": 3, "15": 3, "21": 12, "45": 5, "46": 5, "49": 3, "52": 3, "53": 2,
    "54": 3, "55": 3, "57": 3, "58": 4, "61": 16, "62": 2, "63": 7, "64": 3, "71": 18, "72": 3, "73": 8, "74": 3,
    "76": 2, "81": 5, "102": 1,
}  # fmt: skip
OPTION = (0, "SPY", "OPT", "20270115", "0.0", "C", "", "SMART", "", "USD", "", "SPY")


class Heard:
    """Stands where the library's wrapper stands and remembers every call."""

    def __init__(self):
        self.calls = {}
        self.ib = SimpleNamespace(TimezoneTWS="")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args: self.calls.setdefault(name, []).append(args)


@pytest.fixture(scope="module")
def server():
    with simulated_tws(fast=True, start_at=TUESDAY) as running:
        yield running


@pytest.fixture(params=VERSIONS)
def client(request, server):
    with RawClient(server.port, f"v157..{request.param}", client_id=request.param) as connected:
        yield connected


@pytest.fixture(scope="module", params=VERSIONS)
def spoken(request, server):
    """A whole conversation at one version."""
    with RawClient(server.port, f"v157..{request.param}", client_id=1000 + request.param) as connected:
        return SimpleNamespace(version=request.param, frames=conversation(connected))


def conversation(client: RawClient) -> list[list[str]]:
    """One of every message the simulator sends."""
    client.send(9, 8, 1, *SPY, 0, "", "")
    client.until(52)
    client.send(9, 8, 2, *OPTION, 0, "", "")
    client.until(52)
    client.send(9, 8, 3, 0, "ES", "FUT", "", "0.0", "", "", "CME", "", "USD", "", "", 0, "", "")
    client.until(52)
    client.send(78, 4, "SPY", "", "STK", 756733)
    client.until(76)
    client.send(1, 11, 5, *SPY, 0, "100,101", 0, 0, "")
    client.until(46)
    listed = [frame for frame in client.seen if frame[0] == "10" and "OPT" in frame]
    middle = listed[len(listed) // 2][12 if client.version >= 164 else 13]
    client.send(1, 11, 6, middle, *[""] * 6, "SMART", *[""] * 4, 0, "101", 0, 0, "")
    client.until(21)
    client.send(1, 11, 7, *SPY, 0, "", 1, 0, "")
    client.until(57)
    client.send(20, 8, *SPY, 0, "", "5 mins", "1 D", 1, "TRADES", 1, 0, "")
    client.until(17)
    for fields, end in (
        ((49, 1), 49), ((61, 1), 62), ((62, 1, 9, "All", "NetLiquidation,Cushion"), 64), ((6, 2, 1, "DU9000001"), 54),
        ((5, 1), 53), ((16, 1), 53), ((99, 0), 102), ((7, 3, 10, 0, *[""] * 6), 55), ((74, 1, 11, "", ""), 72),
        ((76, 1, 12, "DU9000001", "", 0), 74), ((8, 1, 1), 9), ((17, 1), 15),
    ):  # fmt: skip
        client.send(*fields)
        client.until(end)
    client.send(9, 8, 13, 0, *SPY[1:9], "EUR", "", "", 0, "", "")
    client.error()
    return client.seen


def test_every_message_is_decoded_without_complaint(spoken, caplog):
    heard = Heard()
    decoder = Decoder(heard, spoken.version)
    with caplog.at_level(logging.DEBUG):
        for frame in spoken.frames[1:]:
            decoder.interpret(list(frame))
    assert not caplog.records, caplog.text
    assert heard.calls.keys() >= {
        "accountSummary", "accountSummaryEnd", "accountUpdateMulti", "accountUpdateMultiEnd", "completedOrdersEnd",
        "contractDetails", "contractDetailsEnd", "currentTime", "error", "execDetailsEnd", "historicalData",
        "historicalDataEnd", "managedAccounts", "marketDataType", "nextValidId", "openOrderEnd", "position",
        "positionEnd", "positionMulti", "positionMultiEnd", "priceSizeTick", "securityDefinitionOptionParameter",
        "securityDefinitionOptionParameterEnd", "tickGeneric", "tickOptionComputation", "tickReqParams", "tickSize",
        "tickSnapshotEnd", "tickString", "updateAccountTime", "updateAccountValue", "updatePortfolio",
    }  # fmt: skip
    stock, option, future = (
        next(details for _, details in heard.calls["contractDetails"] if details.contract.secType == kind)
        for kind in ("STK", "OPT", "FUT")
    )
    assert (stock.contract.conId, stock.contract.primaryExchange, stock.stockType) == (756733, "ARCA", "ETF")
    assert (option.underConId, option.underSymbol, option.underSecType) == (756733, "SPY", "STK")
    assert (future.underSecType, future.contract.multiplier, future.minTick) == ("IND", "50", 0.25)
    assert option.contract.strike > 0
    _, *greeks = next(call for call in heard.calls["tickOptionComputation"] if call[1] == 13)
    assert greeks[0:2] == [13, 0]
    iv, delta, underlying = greeks[2], greeks[3], greeks[9]
    assert 0 < iv < 1
    assert 0 < delta <= 1
    assert underlying > 100
    for _, details in heard.calls["contractDetails"]:
        assert details.liquidHours.count(";") == 5
        if spoken.version >= 164:
            assert min(details.minSize, details.sizeIncrement, details.suggestedSizeIncrement) > 0
        elif spoken.version == 163:
            assert details.suggestedSizeIncrement > 0


def test_every_message_has_the_number_of_fields_of_its_version(spoken):
    for frame in spoken.frames[1:]:
        kind = frame[0]
        if kind == "4":
            assert len(frame) == (6 if spoken.version >= 166 else 5)
        elif kind == "10":
            assert len(frame) == (40 if spoken.version >= 163 else 39)
        elif kind == "17":
            assert len(frame) == 5 + 8 * int(frame[4])
        elif kind == "75":
            expiries = int(frame[6])
            assert len(frame) == 8 + expiries + int(frame[7 + expiries])
        else:
            assert len(frame) == COUNTS[kind], frame


def test_sizes_are_whole_numbers_and_stock_sizes_lots_before_159(client):
    client.send(1, 11, 5, *SPY, 0, "", 0, 0, "")
    sizes = []
    while len(sizes) < 2:
        frame = client.until(1)
        if frame[3] in ("1", "2"):
            sizes.append(frame[5])
    assert all(size.isdigit() for size in sizes)
    smallest = 100 if client.version >= 159 else 1
    assert all(smallest <= int(size) <= 30 * smallest for size in sizes)


def test_strikes_and_rights_are_written_as_tws_writes_them(spoken):
    frames = spoken.frames
    details = next(frame for frame in frames if frame[0] == "10")
    strike = 5 if spoken.version >= 164 else 6
    assert details[strike : strike + 2] == ["0", ""]
    held = [frame for frame in frames if frame[0] == "61"]
    assert held[0][7] == "0.0"
    assert held[2][7].endswith(".0")
    assert held[2][8] in "CP"


def test_index_sizes_are_empty(client):
    client.send(1, 11, 5, 416904, "SPX", "IND", "", "0.0", "", "", "CBOE", "", "USD", "", "", 0, "", 0, 0, "")
    frame = client.until(1)
    assert frame[3] == "4"
    assert frame[5] == ""
