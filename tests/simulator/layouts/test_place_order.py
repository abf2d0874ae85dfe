"""placeOrder as the clients send it is read field by field; nonsense is a protocol error and nothing else."""

import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts.case import VERSIONS
from layouts.encode import writer
from layouts.instructions import CONTRACT, instruction, understood
from layouts.table import LIBRARY

from v6.simulator.instruments.listings import Spec
from v6.simulator.orders.order import Order
from v6.simulator.orders.read import read_order
from v6.simulator.wire import Fields, WireError

pytestmark = pytest.mark.both_libraries

NEGOTIATED = [version for version in VERSIONS if version <= (176 if LIBRARY == "ib_insync" else 178)]
BENCHMARK_ONLY = {"min_compete_size": None, "compete_against_best_offset": None, "mid_offset_at_whole": None,
                  "mid_offset_at_half": None}  # fmt: skip
NOT_BENCHMARK = {"reference_contract_id": 0, "pegged_change_decrease": False, "pegged_change_amount": 0.0,
                 "reference_change_amount": 0.0, "reference_exchange": ""}  # fmt: skip
SPEC = Spec(28812380, "SPY,IBM", "BAG", "", 0.0, "", "", "IBKRATS", "ARCA", "USD", "28812380", "COMB")


@pytest.fixture(scope="module")
def sent():
    return writer(LIBRARY)


def read(parts, version):
    assert parts[0] == "3"
    return read_order(fields(parts[1:]), version)


def fields(parts):
    return Fields("".join(part + "\0" for part in parts).encode())


@pytest.mark.parametrize("version", NEGOTIATED)
@pytest.mark.parametrize("alternating", [False, True])
def test_an_order_that_says_everything_is_understood_completely(sent, version, alternating):
    order_id, spec, order = read(sent(version, CONTRACT, instruction(LIBRARY, alternating)), version)
    assert (order_id, spec) == (77, SPEC)
    assert order == understood(LIBRARY, version, alternating, **BENCHMARK_ONLY)


@pytest.mark.parametrize("version", [version for version in NEGOTIATED if version >= 170])
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("PEG BEST", {"mid_offset_at_whole": None, "mid_offset_at_half": None}),
        ("PEG BEST", {"compete_against_best_offset": math.inf}),
        ("PEG MID", {"min_compete_size": None, "compete_against_best_offset": None}),
        ("PEG BENCH", BENCHMARK_ONLY),
    ],
    ids=["best", "best up to mid", "mid", "benchmark"],
)
def test_a_pegged_order_says_what_its_kind_needs(sent, version, kind, said):
    client_says = {"orderType": kind}
    if said.get("compete_against_best_offset"):
        client_says["competeAgainstBestOffset"] = math.inf
    _, _, order = read(sent(version, CONTRACT, instruction(LIBRARY, False, **client_says)), version)
    benchmark = {} if kind == "PEG BENCH" else NOT_BENCHMARK
    assert order == understood(LIBRARY, version, False, order_type=kind, **said, **benchmark)


@pytest.mark.parametrize("version", NEGOTIATED)
def test_what_a_client_does_not_say_is_unset(sent, version):
    said = {"action": "BUY", "totalQuantity": 100, "orderType": "MKT"}
    _, spec, order = read(sent(version, {"symbol": "SPY", "secType": "STK", "exchange": "SMART"}, said), version)
    assert (spec.symbol, spec.sec_type, spec.exchange) == ("SPY", "STK", "SMART")
    wanted = Order("BUY", 100.0, "MKT", use_price_mgmt_algo=order.use_price_mgmt_algo)
    assert order == wanted
    assert not order.use_price_mgmt_algo


@pytest.mark.parametrize("version", NEGOTIATED)
def test_a_truncated_order_is_a_protocol_error(sent, version):
    parts = sent(version, CONTRACT, instruction(LIBRARY, False))[1:]
    for kept in range(len(parts)):
        with pytest.raises(WireError):
            read_order(fields([*parts[:kept], "1"][:kept]), version)


@pytest.mark.parametrize("nonsense", ["x", "nan", "1e400", "1_0", "٣", "--1", "99999999999", "0x10", " "])
def test_a_number_that_is_none_is_a_protocol_error(sent, nonsense):
    version = NEGOTIATED[-1]
    parts = sent(version, {"symbol": "SPY"}, {"action": "BUY", "totalQuantity": 100, "orderType": "LMT"})[1:]
    order_id, quantity, parent_id = 0, 16, 27
    for place in (order_id, parent_id) if nonsense == "99999999999" else (order_id, quantity, parent_id):
        with pytest.raises(WireError):
            read_order(fields([*parts[:place], nonsense, *parts[place + 1 :]]), version)


@settings(max_examples=300, deadline=None)
@given(
    place=st.integers(0, 200),
    text=st.text(max_size=12) | st.sampled_from(["-1", "2147483647", "99999", "1.7976931348623157E308", "PEG MID"]),
    version=st.sampled_from(NEGOTIATED),
)
def test_an_odd_field_is_understood_or_a_protocol_error(sent, place, text, version):
    parts = sent(version, CONTRACT, instruction(LIBRARY, False))[1:]
    place %= len(parts)
    with contextlib.suppress(WireError):
        read_order(fields([*parts[:place], text, *parts[place + 1 :]]), version)
