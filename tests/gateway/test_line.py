"""When a quote is complete, and what TWS's fillers become (L13, L21)."""

from dataclasses import dataclass, field
from datetime import date

import pytest

from v6.gateway.line import Line, Wants
from v6.gateway.receiver import Computation
from v6.model import Contract, DataType, MissReason, Quote, QuoteStatus

CALL = Contract("OPT", "SPY", "SMART", con_id=1, expiry=date(2026, 12, 18), strike=600.0, right="C")
STOCK = Contract("STK", "SPY", "SMART", con_id=2)
FUTURE = Contract("FUT", "ES", "CME", con_id=3)
INDEX = Contract("IND", "VIX", "CBOE", con_id=4)
UNSET = 1.7976931348623157e308
NAN = float("nan")
GREEKS = Computation((0.25, 0.55, 0.012, 0.4, -0.08, 601.25))
GREEK_NAMES = ("iv", "delta", "gamma", "vega", "theta", "underlying_price")


@dataclass
class Watched:
    line: Line
    ends: list[Line] = field(default_factory=list)

    @property
    def quote(self) -> Quote:
        return self.line.quote()


def watch(contract: Contract, *, greeks: bool = True, ticks: str = "") -> Watched:
    ends: list[Line] = []
    return Watched(Line(contract, Wants(ticks, greeks, 9.0, 4.0), ends.append), ends)


def fill_first_burst(line: Line) -> None:
    line.data_type(1)
    line.price(1, 4.1, 12)
    line.price(2, 4.2, 15)
    line.price(4, 4.15, 1)
    line.size(8, 0)
    line.price(9, 3.9, 0)


def test_an_option_is_complete_with_bid_ask_and_the_models_greeks() -> None:
    watched = watch(CALL)
    fill_first_burst(watched.line)
    assert watched.ends == []
    watched.line.computation(10, Computation((9.0, 0.9, 9, 9, 9, 9)))  # of the bid: not the model's
    assert watched.ends == []
    watched.line.computation(13, GREEKS)
    assert watched.ends == [watched.line]
    quote = watched.quote
    assert (quote.status, quote.reason, quote.data_type) == (QuoteStatus.COMPLETE, None, DataType.LIVE)
    assert (quote.bid, quote.ask, quote.last, quote.close, quote.volume) == (4.1, 4.2, 4.15, 3.9, 0)
    assert (quote.bid_size, quote.ask_size, quote.last_size) == (12, 15, 1)
    assert tuple(getattr(quote, name) for name in GREEK_NAMES) == tuple(GREEKS)


def test_without_greeks_asked_for_bid_and_ask_are_enough_but_for_a_moment() -> None:
    """Last, volume and close come with the first burst; a contract never traded has none of them."""
    watched = watch(STOCK, greeks=False)
    watched.line.price(1, 600.1, 100)
    before = watched.line.give_up
    watched.line.price(2, 600.2, 100)
    assert watched.ends == []
    assert watched.line.give_up < before - 5
    assert watched.quote.status is QuoteStatus.COMPLETE
    for tick in (4, 9):
        watched.line.price(tick, 600.0, 0)
    watched.line.size(8, 1000)
    assert watched.ends == [watched.line]


def test_no_bid_is_known_to_be_absent() -> None:
    watched = watch(CALL, greeks=False)
    watched.line.price(1, -1.0, 0)
    watched.line.price(2, 0.05, 30)
    assert watched.quote.status is QuoteStatus.COMPLETE
    assert (watched.quote.bid, watched.quote.bid_size, watched.quote.ask) == (None, None, 0.05)


def test_an_empty_quote_is_a_miss() -> None:
    watched = watch(CALL, greeks=False)
    watched.line.price(1, -1.0, 0)
    watched.line.price(2, -1.0, 0)
    watched.line.size(8, 0)
    assert (watched.quote.status, watched.quote.reason) == (QuoteStatus.MISSING, MissReason.NO_TICK)


@pytest.mark.parametrize("filler", [NAN, UNSET, float("inf")])
def test_fillers_never_become_prices(filler: float) -> None:
    watched = watch(STOCK, greeks=False)
    watched.line.price(1, filler, 0)
    watched.line.price(2, 600.2, filler)
    quote = watched.quote
    assert (quote.bid, quote.ask, quote.ask_size) == (None, 600.2, None)
    assert (quote.status, quote.reason) == (QuoteStatus.PARTIAL, MissReason.NO_TICK)
    assert "bid" in quote.detail


@pytest.mark.parametrize(
    "filler",
    [Computation((-1.0, -2.0, -2.0, -2.0, -2.0, -1.0)), Computation((UNSET,) * 6), Computation((NAN,) * 6)],
    ids=["not computed", "unset", "nan"],
)
def test_greeks_that_were_not_computed_are_waited_for_and_then_missed(filler: Computation) -> None:
    watched = watch(CALL)
    fill_first_burst(watched.line)
    watched.line.computation(13, filler)
    assert watched.ends == []
    quote = watched.quote
    assert (quote.status, quote.reason) == (QuoteStatus.PARTIAL, MissReason.NO_GREEKS)
    assert all(getattr(quote, name) is None for name in GREEK_NAMES)


def test_an_iv_of_zero_is_not_a_volatility() -> None:
    watched = watch(CALL)
    watched.line.computation(13, Computation((0.0, 1.0, 0.0, 0.0, 0.0, 601.0)))
    assert watched.quote.iv is None
    assert watched.quote.delta == 1.0


def test_a_deep_put_may_have_a_delta_of_minus_one() -> None:
    watched = watch(CALL)
    watched.line.computation(13, Computation((0.3, -1.0, 0.0, 0.0, -0.01, 601.0)))
    assert watched.quote.delta == -1.0


def test_a_future_may_have_a_negative_price() -> None:
    watched = watch(FUTURE, greeks=False)
    watched.line.price(1, -37.63, 2)
    watched.line.price(2, -1.0, 5)
    assert (watched.quote.bid, watched.quote.ask) == (-37.63, -1.0)


def test_an_index_has_no_bid_and_ask() -> None:
    watched = watch(INDEX, greeks=False)
    watched.line.price(4, 16.2, 0)
    assert watched.quote.status is QuoteStatus.COMPLETE


def test_delayed_ticks_count_and_say_so() -> None:
    watched = watch(STOCK, greeks=False)
    watched.line.data_type(3)
    watched.line.price(66, 600.0, 1)
    watched.line.price(67, 600.1, 1)
    assert (watched.quote.status, watched.quote.data_type) == (QuoteStatus.COMPLETE, DataType.DELAYED)


def test_open_interest_is_that_of_the_options_own_right() -> None:
    watched = watch(CALL, ticks="101")
    fill_first_burst(watched.line)
    watched.line.computation(13, GREEKS)
    watched.line.size(28, 111)  # the puts'
    assert watched.ends == []
    assert (watched.quote.status, watched.quote.reason) == (QuoteStatus.PARTIAL, MissReason.NO_OPEN_INTEREST)
    watched.line.size(27, 222)
    assert watched.ends == [watched.line]
    assert watched.quote.open_interest == 222


def test_nothing_heard_is_a_miss_without_a_tick() -> None:
    quote = watch(CALL).quote
    assert (quote.status, quote.reason) == (QuoteStatus.MISSING, MissReason.NO_TICK)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (200, MissReason.NO_CONTRACT),
        (354, MissReason.NO_SUBSCRIPTION),
        (10168, MissReason.NO_SUBSCRIPTION),
        (10197, MissReason.COMPETING_SESSION),
        (321, MissReason.NO_TICK),
    ],
)
def test_a_refusal_ends_the_line_with_tws_words(code: int, reason: MissReason) -> None:
    watched = watch(CALL)
    watched.line.error(code, "word for word")
    assert watched.ends == [watched.line]
    quote = watched.quote
    assert (quote.status, quote.reason, quote.detail) == (QuoteStatus.MISSING, reason, f"{code}: word for word")


def test_a_needed_subscription_is_a_miss_unless_data_come_all_the_same() -> None:
    watched = watch(STOCK, greeks=False)
    watched.line.error(10089, "needs a subscription")
    assert watched.ends == []
    assert watched.line.give_up - watched.line.opened < 3
    assert watched.quote.reason is MissReason.NO_SUBSCRIPTION
    watched.line.error(10167, "delayed data follow")
    assert watched.line.give_up - watched.line.opened >= 9
    watched.line.price(66, 600.0, 1)
    watched.line.price(67, 600.1, 1)
    assert watched.quote.status is QuoteStatus.COMPLETE
    assert watched.quote.reason is None


def test_a_line_that_is_cut_short_says_why() -> None:
    watched = watch(CALL)
    fill_first_burst(watched.line)
    quote = watched.line.quote(MissReason.DISCONNECTED, "TWS closed the connection")
    assert (quote.status, quote.reason, quote.bid) == (QuoteStatus.PARTIAL, MissReason.DISCONNECTED, 4.1)


def test_a_quote_that_was_complete_when_it_was_cut_short_is_complete() -> None:
    watched = watch(STOCK, greeks=False)
    watched.line.price(1, 600.0, 1)
    watched.line.price(2, 600.1, 1)
    quote = watched.line.quote(MissReason.DISCONNECTED, "TWS closed the connection")
    assert (quote.status, quote.reason) == (QuoteStatus.COMPLETE, None)
