"""Every request that a client of versions 157 to 178 may send: an answer, an error of TWS, or TWS's own silence.

The requests are written by ib_insync's own encoder, a client at a time, so that they are what real clients send.
"""

import time

import pytest
from ib_insync import Contract, ExecutionFilter, LimitOrder, ScannerSubscription, WshEventData
from ib_insync.client import Client
from raw_tws_client import TUESDAY, RawClient

from v6.simulator import requests
from v6.simulator.message_names import INCOMING
from v6.simulator.requests.names import PLACES, SILENT
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

VERSIONS = [157, 163, 176, 178]
ACCOUNT = "DU9000001"
SPY = Contract(conId=756733, symbol="SPY", secType="STK", exchange="SMART", currency="USD")
OPTION = Contract(
    symbol="SPY", secType="OPT", exchange="SMART", currency="USD", lastTradeDateOrContractMonth="20270115",
    strike=690.0, right="C", tradingClass="SPY",
)  # fmt: skip
START_API = 71
ERROR = 4
CANCELLED = "202"  # what a global cancel brings for the order of this very test
NOTHING = frozenset[int]()
PROFILE = "where faProfile stands"  # a field of orders that went with version 177, which ib_insync does not know

# message id -> how ib_insync sends it, and the messages that may answer it (4 is an error)
ASKED = {
    1: (lambda c: c.reqMktData(901, SPY, "", False, False, []), {58, 81}),
    2: (lambda c: c.cancelMktData(902), {ERROR}),
    3: (lambda c: c.placeOrder(1, SPY, LimitOrder("BUY", 1, 1.0, faProfile=PROFILE)), {3, 5}),
    4: (lambda c: c.cancelOrder(904), {ERROR}),
    5: (lambda c: c.reqOpenOrders(), {5, 53}),
    6: (lambda c: c.reqAccountUpdates(True, ACCOUNT), {6}),
    7: (lambda c: c.reqExecutions(907, ExecutionFilter()), {11, 55}),
    8: (lambda c: c.reqIds(1), {9}),
    9: (lambda c: c.reqContractDetails(909, SPY), {10}),
    10: (lambda c: c.reqMktDepth(910, SPY, 5, False, []), {ERROR}),
    11: (lambda c: c.cancelMktDepth(911, False), {ERROR}),
    12: (lambda c: c.reqNewsBulletins(True), NOTHING),
    13: (lambda c: c.cancelNewsBulletins(), NOTHING),
    14: (lambda c: c.setServerLogLevel(5), NOTHING),
    15: (lambda c: c.reqAutoOpenOrders(True), {ERROR}),
    16: (lambda c: c.reqAllOpenOrders(), {5, 53}),
    17: (lambda c: c.reqManagedAccts(), {15}),
    18: (lambda c: c.requestFA(1), {ERROR}),
    19: (lambda c: c.replaceFA(919, 1, "<x/>"), {ERROR}),
    20: (lambda c: c.reqHistoricalData(920, SPY, "", "1 D", "1 hour", "TRADES", 1, 1, False, []), {17}),
    21: (lambda c: c.exerciseOptions(921, OPTION, 1, 1, ACCOUNT, 0), {ERROR}),
    22: (lambda c: c.reqScannerSubscription(922, ScannerSubscription(
        numberOfRows=5, instrument="STK", locationCode="STK.US.MAJOR", scanCode="TOP_PERC_GAIN"), [], []), {20}),
    23: (lambda c: c.cancelScannerSubscription(923), {ERROR}),
    24: (lambda c: c.reqScannerParameters(), {19}),
    25: (lambda c: c.cancelHistoricalData(925), {ERROR}),
    49: (lambda c: c.reqCurrentTime(), {49}),
    50: (lambda c: c.reqRealTimeBars(950, SPY, 5, "TRADES", True, []), {50}),
    51: (lambda c: c.cancelRealTimeBars(951), {ERROR}),
    52: (lambda c: c.reqFundamentalData(952, SPY, "ReportSnapshot", []), {ERROR}),
    53: (lambda c: c.cancelFundamentalData(953), NOTHING),
    54: (lambda c: c.calculateImpliedVolatility(954, OPTION, 20.0, 690.0, []), {21}),
    55: (lambda c: c.calculateOptionPrice(955, OPTION, 0.2, 690.0, []), {21}),
    56: (lambda c: c.cancelCalculateImpliedVolatility(956), NOTHING),
    57: (lambda c: c.cancelCalculateOptionPrice(957), NOTHING),
    58: (lambda c: c.reqGlobalCancel(), NOTHING),
    59: (lambda c: c.reqMarketDataType(1), NOTHING),
    61: (lambda c: c.reqPositions(), {61}),
    62: (lambda c: c.reqAccountSummary(962, "All", "NetLiquidation"), {63}),
    63: (lambda c: c.cancelAccountSummary(963), NOTHING),
    64: (lambda c: c.cancelPositions(), NOTHING),
    65: (lambda c: c.verifyRequest("name", "1"), {ERROR}),
    66: (lambda c: c.verifyMessage("data"), {ERROR}),
    67: (lambda c: c.queryDisplayGroups(967), {67}),
    68: (lambda c: c.subscribeToGroupEvents(968, 1), {68}),
    69: (lambda c: c.updateDisplayGroup(969, "756733@SMART"), {ERROR}),
    70: (lambda c: c.unsubscribeFromGroupEvents(970), {ERROR}),
    72: (lambda c: c.verifyAndAuthRequest("name", "1", "key"), {ERROR}),
    73: (lambda c: c.verifyAndAuthMessage("data", "response"), {ERROR}),
    74: (lambda c: c.reqPositionsMulti(974, ACCOUNT, ""), {71}),
    75: (lambda c: c.cancelPositionsMulti(975), NOTHING),
    76: (lambda c: c.reqAccountUpdatesMulti(976, ACCOUNT, "", False), {73}),
    77: (lambda c: c.cancelAccountUpdatesMulti(977), NOTHING),
    78: (lambda c: c.reqSecDefOptParams(978, "SPY", "", "STK", 756733), {75}),
    79: (lambda c: c.reqSoftDollarTiers(979), {77}),
    80: (lambda c: c.reqFamilyCodes(), {78}),
    81: (lambda c: c.reqMatchingSymbols(981, "SPY"), {79}),
    82: (lambda c: c.reqMktDepthExchanges(), {80}),
    83: (lambda c: c.reqSmartComponents(983, "9c0001"), {82}),
    84: (lambda c: c.reqNewsArticle(984, "BRFG", "BRFG$1", []), {ERROR}),
    85: (lambda c: c.reqNewsProviders(), {85}),
    86: (lambda c: c.reqHistoricalNews(986, 756733, "BRFG", "", "", 5, []), {87}),
    87: (lambda c: c.reqHeadTimeStamp(987, SPY, "TRADES", 1, 1), {88}),
    88: (lambda c: c.reqHistogramData(988, SPY, True, "3 days"), {ERROR}),
    89: (lambda c: c.cancelHistogramData(989), NOTHING),
    90: (lambda c: c.cancelHeadTimeStamp(990), NOTHING),
    91: (lambda c: c.reqMarketRule(26), {93}),
    92: (lambda c: c.reqPnL(992, ACCOUNT, ""), {94}),
    93: (lambda c: c.cancelPnL(993), {ERROR}),
    94: (lambda c: c.reqPnLSingle(994, ACCOUNT, "", 756733), {95}),
    95: (lambda c: c.cancelPnLSingle(995), {ERROR}),
    96: (lambda c: c.reqHistoricalTicks(996, SPY, "", "20261124 10:00:00 US/Eastern", 10, "TRADES", 1, False, []),
         {ERROR}),
    97: (lambda c: c.reqTickByTickData(997, SPY, "Last", 0, False), {ERROR}),
    98: (lambda c: c.cancelTickByTickData(998), {ERROR}),
    99: (lambda c: c.reqCompletedOrders(True), {101, 102}),
    100: (lambda c: c.reqWshMetaData(1000), {ERROR}),
    101: (lambda c: c.cancelWshMetaData(1001), NOTHING),
    102: (lambda c: c.reqWshEventData(1002, WshEventData(conId=756733)), {ERROR}),
    103: (lambda c: c.cancelWshEventData(1003), NOTHING),
    104: (lambda c: c.reqUserInfo(1004), {107}),
}  # fmt: skip
PLACE_OF_ID = {kind: place for kind, place in PLACES.items() if kind not in (3, 4)}


class Encoder(Client):
    """ib_insync's client with a wire of ours."""

    def __init__(self, raw: RawClient) -> None:
        super().__init__(wrapper=None)
        self.raw = raw
        self.connState = Client.CONNECTED
        self._serverVersion = raw.version
        self.written: list[str] = []

    def sendMsg(self, msg: str) -> None:  # noqa: N802 - the name it has there
        msg = msg.replace(PROFILE + "\0", "\0" if self.raw.version < 177 else "")
        self.written = msg.split("\0")
        self.raw.socket.sendall(self._prefix(msg.encode()))


@pytest.fixture(scope="module")
def server():
    with simulated_tws(fast=True, start_at=TUESDAY) as running:
        yield running


@pytest.fixture(scope="module", params=VERSIONS)
def raw(request, server):
    with RawClient(server.port, f"v157..{request.param}", client_id=request.param) as connected:
        yield connected


@pytest.fixture
def encoder(raw, event_loop_of_this_thread):
    return Encoder(raw)


@pytest.fixture
def event_loop_of_this_thread():
    """ib_insync wants one, without using it here."""
    import asyncio

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.mark.parametrize("kind", sorted(ASKED), ids=lambda kind: f"{kind}-{INCOMING[kind]}")
def test_a_request_gets_an_answer_an_error_of_tws_or_tws_own_silence(encoder, kind):
    ask, expected = ASKED[kind]
    raw = encoder.raw
    before = len(raw.seen)
    ask(encoder)
    assert encoder.written[0] == str(kind)
    if kind == 49:
        assert raw.until(49)
        return
    if expected:
        frame = first_of(raw, expected)
        if frame[0] == "4":
            check_error(kind, encoder.written, frame)
    else:
        raw.send(49, 1)
        raw.until(49)
        mine = [f for f in raw.seen[before:] if f[0] == "4" and not 2100 <= int(f[3]) < 2160 and f[3] != CANCELLED]
        assert mine == []


def first_of(raw, kinds, seconds=5.0):
    """The first frame of one of those kinds; an error that is none of them fails. Other streams go on meanwhile."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        frame = raw.next(seconds)
        if frame[0] == "4" and 2100 <= int(frame[3]) < 2160:
            continue
        if int(frame[0]) in kinds:
            return frame
        assert frame[0] != "4", frame
    raise TimeoutError(f"none of {sorted(kinds)} in {seconds} s")


def check_error(kind, written, frame):
    """It is about this request, worded as TWS words it, and not the one for requests that TWS does not know."""
    request, code, text = frame[2], int(frame[3]), frame[4]
    if kind in PLACE_OF_ID:
        assert request == written[PLACE_OF_ID[kind]], frame
    assert code != 320, frame
    assert "simulator" not in text.lower()


def test_every_message_a_client_may_send_is_in_the_table():
    assert ASKED.keys() == INCOMING.keys() - {START_API}


def test_whatever_is_not_silent_has_a_function_that_answers():
    assert not SILENT & requests.HANDLERS.keys()
    assert requests.HANDLERS.keys() | SILENT >= ASKED.keys()


@pytest.mark.parametrize("kind", [0, 26, 48, 60, 105, 4711])
def test_a_message_that_tws_does_not_know_is_an_error_and_not_the_end(raw, kind):
    raw.send(kind, 1, 2, 3)
    frame = raw.until(4)
    while 2100 <= int(frame[3]) < 2160:
        frame = raw.until(4)
    assert frame[3:5] == ["320", f"Error reading request. Invalid incoming request type - {kind}"]
    raw.send(49, 1)
    assert raw.until(49)


@pytest.mark.parametrize("tail", [(), ("x",), ("",) * 30, ("-1",) * 5, ("nonsense",) * 40], ids=str)
def test_requests_that_cannot_be_read_do_not_end_the_connection(server, tail):
    with RawClient(server.port, client_id=1) as client:
        for kind in sorted(ASKED.keys() - SILENT - {49}):
            client.send(kind, *tail)
            client.send(49, 1)
            assert client.until(49), kind
            broken = [f for f in client.seen if f[0] == "4" and f[4].startswith("Server error")]
            assert not broken, kind
