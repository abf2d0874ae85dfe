"""One table says what TWS's codes mean; facts.md's list is complete in it."""

import asyncio

import pytest

from v6.gateway import error_codes
from v6.gateway.error_codes import Scope, lookup
from v6.gateway.errors import RequestError
from v6.gateway.receiver import Receiver
from v6.model import MissReason

NAMED_IN_THE_FACTS = [
    1100, 1101, 1102, 2103, 2105, 2157, 2104, 2106, 2158, 2107, 2108, 2110, 10182, 326, 502, 504, 100, 101, 162,
    200, 300, 321, 354, 10089, 10168, 10167, 10187, 10197, 103, 110, 201, 202, 366, 2119,
]  # fmt: skip


@pytest.mark.parametrize("code", NAMED_IN_THE_FACTS)
def test_every_code_that_decides_something_is_in_the_table(code: int) -> None:
    assert error_codes.TABLE[code].code == code


@pytest.mark.parametrize("code", [1100, 1101, 1102, 2103, 2104, 2105, 2106, 2107, 2108, 2110, 2119, 2157, 10182])
def test_farm_and_server_state_never_ends_a_request(code: int) -> None:
    assert not lookup(code).ends


@pytest.mark.parametrize(
    ("text", "reason", "recoverable"),
    [
        ("Historical Market Data Service error message:Historical data request pacing violation", "pacing", True),
        ("HMDS query returned no data: ESZ6@CME Trades", "no_tick", False),
        ("Historical Market Data Service error message:No historical market data for BZAI/STK@SMART", "no_tick", False),
        ("Trading TWS session is connected from a different IP address", "competing_session", True),
        ("No market data permissions for CME FUT", "no_subscription", False),
        ("something new", None, True),
    ],
)
def test_162_is_decided_by_its_text(text: str, reason: str | None, recoverable: bool) -> None:
    row = lookup(162, text)
    assert row.miss == (MissReason(reason) if reason else None)
    assert row.recoverable is recoverable
    assert RequestError(162, text, "bars").recoverable is recoverable


def test_an_unknown_code_ends_its_request_and_an_unknown_notice_does_not() -> None:
    assert lookup(12345).ends
    assert lookup(2199).scope is Scope.NOTICE


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (2119, "Market data farm is connecting:usfarm.nj"),
        (2104, "Market data farm connection is OK:usfarm.nj"),
        (2103, "Market data farm connection is broken:usfarm.nj"),
        (2108, "Market data farm connection is inactive but should be available upon demand.usfarm.nj"),
    ],
)
def test_whatever_tws_says_of_a_farm_is_kept_under_its_name(code: int, text: str) -> None:
    async def heard() -> dict[str, int]:
        receiver = Receiver()
        receiver.error(-1, code, text)
        return receiver.farms

    assert asyncio.run(heard()) == {"usfarm.nj": code}
