"""What a quote proves about a restored subscription."""

from datetime import datetime

import pytest

from v6.clock import NEW_YORK
from v6.model import Contract, DataType, MissReason, Quote, QuoteStatus
from v6.restart.recovery.proofs import Proof, Proven, judge, short_of

AT = datetime(2026, 11, 24, 10, 35, tzinfo=NEW_YORK)
SPY = Contract("STK", "SPY", "SMART")


def quote(data_type: DataType | None, reason: MissReason | None = None, **prices: float) -> Quote:
    status = QuoteStatus.COMPLETE if prices else QuoteStatus.MISSING
    return Quote(SPY, status, AT, reason, "no word", data_type, **prices)


@pytest.mark.parametrize(
    ("seen", "market_open", "proven"),
    [
        (quote(DataType.LIVE, bid=1.0), True, Proven.LIVE),
        (quote(DataType.LIVE, last=1.0, close=1.0), True, Proven.LIVE),
        (quote(DataType.LIVE, close=1.0), True, Proven.NOT),
        (quote(DataType.FROZEN, bid=1.0, close=1.0), True, Proven.NOT),
        (quote(DataType.DELAYED, bid=1.0), True, Proven.NOT),
        (quote(None, bid=1.0), True, Proven.NOT),
        (quote(DataType.FROZEN, close=1.0), False, Proven.CLOSED),
        (quote(DataType.LIVE, close=1.0), False, Proven.CLOSED),
        (quote(DataType.LIVE, bid=1.0, ask=1.1), False, Proven.LIVE),
        (quote(None, close=1.0), False, Proven.NOT),
        (quote(DataType.FROZEN), False, Proven.NOT),
        (quote(None, MissReason.NO_TICK), False, Proven.NOT),
    ],
)
def test_open_needs_a_live_tick_and_closed_the_kind_of_data_and_a_price(
    seen: Quote, market_open: bool, proven: Proven
) -> None:
    assert judge(seen, market_open=market_open).proven is proven


def test_a_proof_carries_its_figures() -> None:
    assert judge(quote(DataType.LIVE, bid=1.5, ask=1.6), market_open=True).words == "live, bid 1.5, ask 1.6"


def test_a_miss_carries_its_reason() -> None:
    proof = judge(quote(None, MissReason.NO_SUBSCRIPTION), market_open=True)

    assert proof.words == "no_subscription: no word"


@pytest.mark.parametrize(
    ("reason", "again"),
    [
        (MissReason.NO_TICK, True),
        (MissReason.LINES, True),
        (MissReason.NO_SUBSCRIPTION, False),
        (MissReason.NO_CONTRACT, False),
    ],
)
def test_what_cannot_change_is_not_asked_for_again(reason: MissReason, again: bool) -> None:
    assert judge(quote(None, reason), market_open=True).worth_asking_again is again


def proofs(symbol: str, proven: int, of: int) -> list[Proof]:
    contract = Contract("OPT", symbol, "SMART")
    return [Proof(contract, Proven.LIVE if place < proven else Proven.NOT, "") for place in range(of)]


def test_one_symbol_without_data_is_not_hidden_by_the_others() -> None:
    assert short_of([*proofs("SPY", 100, 100), *proofs("IWM", 0, 2)], 90.0) == ["IWM OPT: 0 of 2"]


def test_single_contracts_that_never_tick_are_no_failure() -> None:
    assert short_of(proofs("SPY", 95, 100), 90.0) == []
