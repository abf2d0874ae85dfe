"""Requests of every kind with fields nobody should send: each connection is answered or ended, never forgotten."""

import time

import pytest
from fuzz_support import few, many
from hypothesis import given
from hypothesis import strategies as st
from raw_tws_client import SPY, RawClient

pytestmark = pytest.mark.integration

START_API = 71
ES = (0, "ES", "FUT", "20261218", "0", "", "", "CME", "", "USD", "", "")
OPTION = (0, "SPY", "OPT", "20270115", "600", "C", "100", "SMART", "", "USD", "", "SPY")
WIDE = (0, "SPY", "OPT", "", "0", "", "", "SMART", "", "USD", "", "")
ORDER = (
    "", "", "BUY", "1", "LMT", "600", "", "DAY", "", "", "", "0", "", "1", "0", "0", "0", "0", "0", "0", "0", "", "0",
    "", "", "", "", "", "", "", "0", "", "-1", "0", "", "", "0", "", "", "0", "0", "", "0", "", "", "", "", "", "0",
    "", "", "", "", "0", "", "", "", "", "", "", "", "", "", "", "0", "", "", "0", "0", "", "", "0", "", "0", "0",
    "0", "0", "", "", "", "", "", "", "", "0", "", "", "", "", "", "", "", "", "0", "0", "0", "0", "", "", "0", "",
    "",
)  # fmt: skip
# requests as a client writes them, to be spoiled a field at a time
SOUND = [
    (1, 11, 5, *SPY, 0, "100,101,233", 0, 0, ""), (1, 11, 6, *OPTION, 0, "106", 1, 0, ""), (2, 2, 5),
    (3, 7, *SPY, *ORDER), (3, 8, *ES, *ORDER), (3, 9, *OPTION, *ORDER), (4, 1, 7, ""), (5, 1), (6, 2, 1, "DU9000001"),
    (7, 3, 10, 0, "", "", "", "", "", ""), (8, 1, 1), (9, 8, 11, *SPY, 0, "", "", ""),
    (9, 8, 12, *OPTION, 0, "", "", ""), (9, 8, 13, *ES, 1, "", "", ""), (10, 5, 14, *SPY, 5, 1, ""), (11, 1, 14, 1),
    (12, 1, 1), (15, 1, 1), (16, 1), (17, 1), (18, 1, 1), (19, 1, 1, "<xml/>", 15),
    (20, 16, *SPY, 0, "", "5 mins", "1 D", 1, "TRADES", 1, 0, ""),
    (20, 17, *ES, 0, "20261123 16:00:00 US/Eastern", "1 day", "1 M", 0, "MIDPOINT", 2, 0, ""),
    (20, 18, *SPY, 0, "", "5 mins", "1 D", 1, "TRADES", 1, 1, ""), (21, 2, 19, *OPTION[:8], *OPTION[9:], 1, 1, "", 0),
    (22, 20, 10, "STK", "STK.US.MAJOR", "TOP_PERC_GAIN", *[""] * 19), (23, 1, 20), (24, 1), (25, 1, 16), (49, 1),
    (50, 3, 21, *SPY, 5, "TRADES", 1, ""), (51, 1, 21),
    (52, 2, 22, 756733, "SPY", "STK", "SMART", "", "USD", "", "R", 0, ""), (54, 3, 23, *OPTION, "12.5", "600", 0, ""),
    (55, 3, 24, *OPTION, "0.2", "600", 0, ""), (58, 1), (59, 1, 3), (61, 1),
    (62, 1, 25, "All", "NetLiquidation,$LEDGER:ALL"), (63, 1, 25), (64, 1), (67, 1, 26), (68, 1, 27, 1),
    (69, 1, 27, "756733@SMART"), (70, 1, 27), (74, 1, 28, "DU9000001", ""), (75, 1, 28),
    (76, 1, 29, "DU9000002", "", 1), (77, 1, 29), (78, 30, "SPY", "", "STK", 756733), (79, 31), (80,), (81, 32, "SP"),
    (82,), (83, 33, "9c0001"), (84, 34, "BRFG", "x", ""), (85,), (86, 35, 756733, "BRFG", "", "", 10, ""),
    (87, 36, *SPY, 0, 1, "TRADES", 1), (88, 37, *SPY, 0, 1, "3 days"), (91, 26), (92, 38, "DU9000001", ""), (93, 38),
    (94, 39, "DU9000001", "", 756733), (95, 39), (96, 40, *SPY, 0, "", "20261124 10:00:00", 100, "TRADES", 1, 0, ""),
    (97, 41, *SPY, "BidAsk", 0, 0), (98, 41), (99, 0), (100, 42), (102, 43, 756733, "", 0, 0, 0, "", "", 10),
    (104, 44),
]  # fmt: skip
ODD_TEXTS = [
    "", "0", "-1", "1", "2147483647", "2147483648", "-2147483649", "9223372036854775808", "9" * 30, "1e308",
    "1e999", "-1e999", "nan", "NaN", "inf", "1.7976931348623157E308", "1.7976931348623157e+308", "0.0", "-0.0",
    "5e-324", " 5", "1_000", "0x10", "٣", "²", "true", "STK", "OPT", "FUT", "BAG", "IND", "CASH", "SPY", "ES",
    "VIX", "C", "?", "PUT", "20270115", "2027", "00000000", "20261341", "99991231", "20261124-15:30:00",
    "20261124 15:30:00 Nowhere/Land", "10000101 00:00:00", "MKT", "STP", "TRAIL", "TRAIL LIMIT", "PEG BENCH",
    "PEG BEST", "VOL", "REL", "IOC", "GTD", "SELL", "DU9000001", "U1234567", "All", "1 secs", "1 month", "100 Y",
    "999999999 D", "86400 S", "0 D", "-5 D", "1 D extra", "BID_ASK", "SCHEDULE", "233,236,mdoff", "101,,",
    "a" * 5000, "é\u202e\U0001f600", "\n\r\t", "%s%n{}", "<a>&", "None",
]  # fmt: skip
ODD = st.one_of(
    st.sampled_from(ODD_TEXTS),
    st.integers().map(str),
    st.floats().map(repr),
    st.text(max_size=12).map(lambda text: text.encode(errors="replace").decode()),
)


@st.composite
def spoiled(draw):
    """A sound request with up to four fields replaced, dropped or doubled."""
    fields = [str(field) for field in draw(st.sampled_from(SOUND))]
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(1, len(fields))) if len(fields) > 1 else 1
        what = draw(st.sampled_from(["replace", "replace", "replace", "drop", "insert", "cut"]))
        if what == "replace" and place < len(fields):
            fields[place] = draw(ODD)
        elif what == "drop":
            del fields[place : place + 1]
        elif what == "insert":
            fields.insert(place, draw(ODD))
        elif what == "cut":
            del fields[place:]
    return fields


REQUESTS = st.lists(
    st.one_of(
        spoiled(),
        spoiled(),
        st.tuples(st.integers(1, 110).filter(lambda kind: kind != START_API).map(str), st.lists(ODD, max_size=40)).map(
            lambda both: [both[0], *both[1]]
        ),
        st.lists(ODD, max_size=5),
    ),
    min_size=1,
    max_size=6,
)
VERSIONS = st.sampled_from([157, 163, 164, 166, 170, 176, 177, 178])
CLIENTS = st.sampled_from([0, 7, 8])


def check(watch, version, client_id, requests):
    with RawClient(watch.tws.port, f"v157..{version}", client_id) as client:
        try:
            for fields in requests:
                client.send(*fields)
            client.send(49, 1)
            client.until(49, 20)
        except ConnectionError:
            pass  # ended by the simulator, as TWS does with what it cannot read
    watch.unharmed()


@few(250)
@given(VERSIONS, CLIENTS, REQUESTS)
def test_requests_with_fields_nobody_should_send_harm_nobody(watch, version, client_id, requests):
    check(watch, version, client_id, requests)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@many(10_000)
@given(VERSIONS, CLIENTS, REQUESTS)
def test_many_requests_with_fields_nobody_should_send_harm_nobody(watch, version, client_id, requests):
    check(watch, version, client_id, requests)


@pytest.mark.parametrize("kind", [*range(1, START_API), *range(START_API + 1, 111)])
def test_a_request_of_every_kind_without_any_field_is_answered_or_ignored(watch, kind):
    check(watch, 178, 7, [[str(kind)], [str(kind), ""], [str(kind), "1", "-1", *[""] * 120]])


BATCH = 40
SLOWEST = 2.0


def substituted():
    """Tens of thousands: not made where only the names of the tests are read."""
    return [
        [str(odd if place == position else field) for position, field in enumerate(request)]
        for request in SOUND
        for place in range(1, len(request))
        for odd in ODD_TEXTS
    ]


def check_substituted(watch, chosen):
    """None keeps the others waiting: they all share one thread."""
    for start in range(0, len(chosen), BATCH):
        for version in (157, 178):
            check(watch, version, 7, chosen[start : start + BATCH])
    for fields in chosen[:: max(len(chosen) // 50, 1)]:
        with RawClient(watch.tws.port, "v157..178", 7) as client:
            client.send(*fields)
            began = time.monotonic()
            watch.healthy.send(49, 1)
            watch.healthy.until(49, 20)
            assert time.monotonic() - began < SLOWEST, fields


def test_some_fields_of_every_request_hold_odd_values_one_at_a_time(watch):
    check_substituted(watch, substituted()[::97])


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_every_field_of_every_request_holds_every_odd_value_in_turn(watch):
    check_substituted(watch, substituted())
