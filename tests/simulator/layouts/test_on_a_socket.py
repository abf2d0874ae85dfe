"""What the simulator really sends on a connection, at each version where a layout changed.

Every message of a long conversation is read by the decoder of this environment's library and has as many fields as the
cases of its builder say.
"""

from types import SimpleNamespace

import pytest
from layouts.case import VERSIONS
from layouts.check import CHANGED_AT
from layouts.decode import decoded, reader
from layouts.encode import writer
from layouts.table import CASES, LIBRARY
from raw_tws_client import SPY, TUESDAY, RawClient

from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

OPTION = (0, "SPY", "OPT", "20270115", "0.0", "C", "", "SMART", "", "USD", "", "SPY")
FA_PROFILE = 42  # its place in the request
SPOKEN = [version for version in VERSIONS if version not in (160, 162)]  # like 159 but for one field at the end
CALLS = {
    "accountDownloadEnd", "accountSummary", "accountSummaryEnd", "accountUpdateMulti", "accountUpdateMultiEnd",
    "commissionReport", "completedOrdersEnd", "contractDetails", "contractDetailsEnd", "currentTime", "error",
    "execDetails", "execDetailsEnd", "historicalData", "historicalDataEnd", "managedAccounts", "marketDataType",
    "nextValidId", "openOrder", "openOrderEnd", "orderStatus", "position", "positionEnd", "positionMulti",
    "positionMultiEnd", "priceSizeTick", "securityDefinitionOptionParameter", "securityDefinitionOptionParameterEnd",
    "tickGeneric", "tickOptionComputation", "tickReqParams", "tickSize", "tickSnapshotEnd", "tickString",
    "updateAccountTime", "updateAccountValue", "updatePortfolio",
}  # fmt: skip


def lengths(version):
    """Message number -> the counts of fields of its cases; repeated groups have a count of their own in front."""
    found = {}
    for case in CASES:
        if version in case.versions:
            fields = case.expected(version)
            found.setdefault(fields[0], set()).add(len(fields))
    return found


@pytest.fixture(scope="module")
def server():
    with simulated_tws(fast=True, start_at=TUESDAY) as running:
        yield running


def market_order(version):
    """One share of SPY, as the library sends it; ib_insync still sends faProfile at 177."""
    contract = {"conId": 756733, "symbol": "SPY", "secType": "STK", "exchange": "SMART", "currency": "USD"}
    fields = writer(LIBRARY)(version, contract, {"action": "BUY", "totalQuantity": 1, "orderType": "MKT", "tif": "DAY"})
    if LIBRARY == "ib_insync" and version >= 177:
        fields.pop(FA_PROFILE)
    return fields


@pytest.fixture(params=SPOKEN)
def client(request, server):
    with RawClient(server.port, f"v157..{request.param}", client_id=request.param) as connected:
        yield connected


@pytest.fixture(scope="module", params=SPOKEN)
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
    client.send(*market_order(client.version))
    client.until(59)
    for fields, end in (((7, 3, 14, 0, *[""] * 6), 55), ((99, 0), 102)):
        client.send(*fields)
        client.until(end)
    client.send(9, 8, 13, 0, *SPY[1:9], "EUR", "", "", 0, "", "")
    client.error()
    return client.seen


def test_every_message_is_decoded_without_complaint(spoken):
    read, calls = reader(LIBRARY), {}
    for frame in spoken.frames[1:]:
        if LIBRARY == "ib_insync" and spoken.version >= CHANGED_AT.get(frame[0], 1000):
            continue
        heard = decoded(read, spoken.version, frame)
        assert not isinstance(heard, str), (heard, frame)
        for name, arguments in heard:
            calls.setdefault(name, []).append(arguments)
    unread = (
        {"openOrder", "execDetails", "completedOrder"} if spoken.version >= 177 and LIBRARY == "ib_insync" else set()
    )
    assert calls.keys() >= CALLS - unread
    stock, option, future = (
        next(details for _, details in calls["contractDetails"] if details["contract"]["secType"] == kind)
        for kind in ("STK", "OPT", "FUT")
    )
    contract = stock["contract"]
    assert (contract["conId"], contract["primaryExchange"], stock["stockType"]) == (756733, "ARCA", "ETF")
    assert (option["underConId"], option["underSymbol"], option["underSecType"]) == (756733, "SPY", "STK")
    assert (future["underSecType"], future["contract"]["multiplier"], future["minTick"]) == ("IND", "50", 0.25)
    assert option["contract"]["strike"] > 0
    _, _, attribute, iv, delta, *_, underlying = next(call for call in calls["tickOptionComputation"] if call[1] == 13)
    assert attribute == 0
    assert 0 < iv < 1
    assert 0 < delta <= 1
    assert underlying > 100
    for _, details in calls["contractDetails"]:
        assert details["liquidHours"].count(";") == 5
        sizes = ("minSize", "sizeIncrement", "suggestedSizeIncrement") if spoken.version >= 164 else ()
        assert all(details[size] > 0 for size in sizes or ("suggestedSizeIncrement",) * (spoken.version == 163))


def test_every_message_has_the_number_of_fields_of_its_version(spoken):
    expected = lengths(spoken.version)
    for frame in spoken.frames[1:]:
        kind = frame[0]
        if kind == "17":
            assert len(frame) == 5 + 8 * int(frame[4])
        elif kind == "75":
            expiries = int(frame[6])
            assert len(frame) == 8 + expiries + int(frame[7 + expiries])
        else:
            assert len(frame) in expected[kind], frame


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
