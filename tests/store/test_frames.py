from datetime import UTC, date, datetime
from typing import Any

import pytest

from v6.clock import NEW_YORK
from v6.model import Contract, DataType, MissReason, Quote, QuoteStatus
from v6.store.errors import LakeError
from v6.store.frames import quotes_to_frame, rows_to_frame
from v6.store.lake import Lake

SLOT = datetime(2026, 1, 30, 10, 35, tzinfo=NEW_YORK)
OPTION = Contract(
    "OPT", "SPY", "SMART", con_id=5, trading_class="SPY", expiry=date(2026, 3, 20), strike=690.0, right="P"
)
FUTURE = Contract("FUT", "ES", "CME", con_id=9, local_symbol="ESH6", expiry=date(2026, 3, 20))
UNSET = 1.7976931348623157e308


def option_row(**fields: Any) -> dict[str, Any]:
    """The row that a complete quote with these fields becomes."""
    quote = Quote(OPTION, QuoteStatus.COMPLETE, SLOT, **fields)
    return quotes_to_frame([quote], table="option_snapshots", task="collect", slot=SLOT).row(0, named=True)


@pytest.mark.parametrize("nothing", [None, float("nan"), float("inf"), UNSET, -UNSET])
@pytest.mark.parametrize("name", ["bid", "last", "volume", "open_interest", "iv", "delta", "theta", "underlying_price"])
def test_every_way_tws_says_nothing_is_null_l13(name: str, nothing: float | None) -> None:
    assert option_row(**{name: nothing})[name] is None


@pytest.mark.parametrize("name", ["bid", "ask", "last", "iv", "underlying_price"])
@pytest.mark.parametrize("nothing", [-1.0, 0.0])
def test_a_price_or_volatility_of_minus_one_or_zero_is_null(name: str, nothing: float) -> None:
    assert option_row(**{name: nothing})[name] is None


def test_the_size_of_a_side_nobody_quotes_is_null() -> None:
    row = option_row(bid=-1.0, bid_size=0.0, ask=0.05, ask_size=12.0)
    assert (row["bid"], row["bid_size"], row["ask"], row["ask_size"]) == (None, None, 0.05, 12.0)


def test_counts_of_zero_and_negative_greeks_are_real_values() -> None:
    row = option_row(volume=0.0, open_interest=0.0, delta=-1.0, theta=-0.5, gamma=0.0)
    assert (row["volume"], row["open_interest"]) == (0.0, 0.0)
    assert (row["delta"], row["theta"], row["gamma"]) == (-1.0, -0.5, 0.0)
    assert option_row(volume=-1.0)["volume"] is None


def test_a_quote_becomes_a_row_of_its_slot_with_its_contract() -> None:
    row = option_row(bid=4.1, data_type=DataType.DELAYED)
    assert row["trade_date"] == date(2026, 1, 30)
    assert row["slot"] == row["received_at"] == datetime(2026, 1, 30, 15, 35, tzinfo=UTC)
    assert (row["con_id"], row["symbol"], row["right"], row["strike"]) == (5, "SPY", "P", 690.0)
    assert (row["bid"], row["data_type"], row["status"], row["reason"]) == (4.1, "delayed", "complete", None)


def test_a_missing_quote_is_no_row_and_a_partial_one_says_why() -> None:
    missing = Quote(OPTION, QuoteStatus.MISSING, SLOT, MissReason.NO_TICK)
    partial = Quote(OPTION, QuoteStatus.PARTIAL, SLOT, MissReason.NO_GREEKS, bid=1.0)
    frame = quotes_to_frame([missing, partial], table="option_snapshots", task="collect", slot=SLOT)
    assert frame.select("status", "reason", "bid").rows() == [("partial", "no_greeks", 1.0)]


def test_a_slot_without_any_quote_is_an_empty_frame_that_can_be_written(lake: Lake) -> None:
    frame = quotes_to_frame([], table="option_snapshots", task="collect", slot=SLOT)
    assert lake.write_slot("option_snapshots", task="collect", slot=SLOT, frame=frame) == 0


def test_futures_carry_their_changes_and_an_incomputable_one_is_null(lake: Lake) -> None:
    quote = Quote(FUTURE, QuoteStatus.COMPLETE, SLOT, last=6950.25, close=6900.0)
    changes = {9: {"change_1h": -0.001, "change_daily": None}}
    frame = quotes_to_frame([quote], table="futures_snapshots", task="futures", slot=SLOT, extra=changes)
    lake.write_slot("futures_snapshots", task="futures", slot=SLOT, frame=frame)
    row = lake.read("futures_snapshots").row(0, named=True)
    assert (row["local_symbol"], row["close"], row["change_1h"], row["change_daily"]) == ("ESH6", 6900.0, -0.001, None)


def test_an_underlying_is_a_row_of_its_own_table(lake: Lake) -> None:
    quote = Quote(Contract("STK", "SPY", "SMART", con_id=756733), QuoteStatus.COMPLETE, SLOT, bid=690.1, close=688.0)
    frame = quotes_to_frame([quote], table="underlying_snapshots", task="collect", slot=SLOT)
    lake.write_slot("underlying_snapshots", task="collect", slot=SLOT, frame=frame)
    assert lake.read("underlying_snapshots")["close"].to_list() == [688.0]


def test_a_misspelt_key_is_refused_instead_of_becoming_null_l13() -> None:
    with pytest.raises(LakeError, match="option_snapshots: no column impliedVolatility; it has trade_date"):
        rows_to_frame("option_snapshots", [{"impliedVolatility": 0.2}])


def test_a_value_of_the_wrong_type_is_refused_by_table() -> None:
    with pytest.raises(LakeError, match="option_snapshots: "):
        rows_to_frame("option_snapshots", [{"con_id": "SPY"}])


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(LakeError, match=r"received_at: .* has no time zone"):
        rows_to_frame("option_snapshots", [{"received_at": datetime(2026, 1, 30)}])
