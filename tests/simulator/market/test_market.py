"""The synthetic market: repeatable, smooth, of the right size, and without arbitrage beyond the spread."""

import itertools
import os
import subprocess
import sys
from datetime import date, datetime, timedelta
from statistics import pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_tws_client import TUESDAY

from v6.clock import NEW_YORK
from v6.simulator.instruments.chains import Chains
from v6.simulator.instruments.con_ids import Identity, decode, encode
from v6.simulator.instruments.contracts import BY_CON_ID, CLASSES, SyntheticContracts
from v6.simulator.instruments.listings import Spec
from v6.simulator.instruments.underlyings import FUTURES, UNDERLYINGS
from v6.simulator.market import noise
from v6.simulator.market.hours import Hours
from v6.simulator.market.prices import Market
from v6.simulator.market.quotes import FROZEN, LIVE
from v6.simulator.market.surface import ETA, RATE, RHO, YEAR, at_the_money_variance, total_variance
from v6.simulator.market.synthetic import SyntheticFeed

pytestmark = pytest.mark.long

HOURS = Hours()
MARKET = Market(seed=1)
FEED = SyntheticFeed(MARKET, HOURS)
CONTRACTS = SyntheticContracts(Chains(MARKET, HOURS))
NOW = TUESDAY.timestamp()
TODAY = TUESDAY.date()

symbols = st.sampled_from(["SPY", "QQQ", "IWM", "AAPL"])
in_session = st.builds(
    lambda week, day, second: datetime(2026, 6, 1, 9, 30, tzinfo=NEW_YORK).timestamp()
    + week * 604800 + day * 86400 + second,
    st.integers(0, 20), st.integers(0, 4), st.integers(0, 23399),
)  # fmt: skip


def chain(symbol, instant, right):
    day = datetime.fromtimestamp(instant, NEW_YORK).date()
    for days in range(25, 90):
        expiry = f"{day + timedelta(days=days):%Y%m%d}"
        spec = Spec(symbol=symbol, sec_type="OPT", right=right, expiry=expiry, trading_class=symbol)
        if found := CONTRACTS.find(spec, day):
            return found
    raise AssertionError("no expiry between 25 and 90 days")


def bid(quote):
    return max(quote.bid, 0.0)


@settings(max_examples=25, deadline=None)
@given(symbols, in_session)
def test_call_and_put_of_a_strike_obey_parity_within_their_spreads(symbol, instant):
    puts = {put.strike: put for put in chain(symbol, instant, "P")}
    calls = chain(symbol, instant, "C")
    spot = MARKET.price(symbol, instant)
    for call in calls[:: max(len(calls) // 12, 1)]:
        years = (call.expires_at - instant) / YEAR
        carry = spot * 2.718281828459045 ** (-UNDERLYINGS[symbol].dividend * years)
        forward = carry - call.strike * 2.718281828459045 ** (-RATE * years)
        long, short = FEED.quote(call, instant), FEED.quote(puts[call.strike], instant)
        assert bid(long) - short.ask - 1e-6 <= forward <= long.ask - bid(short) + 1e-6


@settings(max_examples=25, deadline=None)
@given(symbols, in_session, st.sampled_from("CP"))
def test_no_vertical_and_no_butterfly_pays_for_nothing(symbol, instant, right):
    listed = chain(symbol, instant, right)[::4]
    quotes = [FEED.quote(each, instant) for each in listed]
    for (low, cheap), (high, dear) in zip(
        zip(listed, quotes, strict=True), list(zip(listed, quotes, strict=True))[1:], strict=False
    ):
        better, worse = (cheap, dear) if right == "C" else (dear, cheap)
        assert better.ask >= bid(worse)
        assert bid(better) - worse.ask <= high.strike - low.strike
    for place in range(1, len(listed) - 1):
        below, here, above = (listed[place + step].strike for step in (-1, 0, 1))
        weight = (above - here) / (above - below)
        wings = weight * quotes[place - 1].ask + (1 - weight) * quotes[place + 1].ask
        assert wings >= bid(quotes[place]) - 1e-9


@given(st.floats(0.001, 2.5), st.floats(1.01, 3), st.floats(0.005, 0.8), st.floats(0.01, 0.5), st.floats(-0.6, 0.6))
def test_total_variance_never_falls_with_time(years, longer, spot, long, moneyness):
    near, far = (at_the_money_variance(span, spot, long) for span in (years, years * longer))
    assert near < far
    assert total_variance(moneyness, near) <= total_variance(moneyness, far) * (1 + 1e-12)


def test_the_surface_is_within_its_no_butterfly_condition():
    assert ETA * (1 + abs(RHO)) <= 2


@settings(max_examples=30, deadline=None)
@given(symbols, in_session)
def test_bid_is_below_ask_and_the_model_between(symbol, instant):
    for listing in chain(symbol, instant, "P")[::7]:
        quote = FEED.quote(listing, instant)
        assert quote.data_type == LIVE
        assert bid(quote) < quote.ask
        assert bid(quote) <= quote.model.price <= quote.ask
        assert (quote.bid == -1.0) == (quote.bid_size == 0)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["SPY", "ES", "OPT"]), in_session, st.floats(0, 3000))
def test_volume_only_grows_within_a_session(what, instant, later):
    day = datetime.fromtimestamp(instant, NEW_YORK).date()
    if what == "OPT":
        listing = chain("SPY", instant, "C")[60]
    else:
        spec = Spec(symbol=what, sec_type="FUT" if what == "ES" else "STK")
        listing = CONTRACTS.find(spec, day)[-1]
    segment, _ = HOURS.current(listing.sec_type, instant)
    until = min(instant + later, segment.end - 1)
    assert FEED.quote(listing, instant).volume <= FEED.quote(listing, until).volume


def test_open_interest_is_one_number_for_the_day():
    listing = chain("SPY", NOW, "C")[100]
    values = {FEED.quote(listing, NOW + second).open_interest for second in range(0, 15000, 1500)}
    assert len(values) == 1
    assert FEED.quote(listing, NOW + 86400).open_interest not in values


def test_a_year_of_daily_moves_has_the_volatility_asked_for():
    base = noise.key("test")
    steps = [noise.walk(base, place * 30_000, 0.16) for place in range(2000)]
    moves = [after - before for before, after in itertools.pairwise(steps)]
    assert pstdev(moves) == pytest.approx(0.16 * (30_000 / noise.YEAR_VARIANCE) ** 0.5, rel=0.15)


def test_prices_move_smoothly_and_stay_in_their_world():
    for symbol, underlying in UNDERLYINGS.items():
        prices = [MARKET.price(symbol, NOW + second) for second in range(300)]
        assert max(abs(b / a - 1) for a, b in itertools.pairwise(prices)) < 0.01
        years = [MARKET.price(symbol, NOW + week * 604800) for week in range(-300, 300, 4)]
        assert 0.2 < min(years) / underlying.base < 1 < max(years) / underlying.base < 6


def test_indices_follow_their_etf_and_futures_their_index():
    for seconds in range(0, 10**7, 10**6):
        at = NOW + seconds
        assert MARKET.price("SPX", at) == pytest.approx(MARKET.price("SPY", at) * 6890 / 690, rel=1e-12)
        future = FUTURES["ES"]
        months = CONTRACTS.find(Spec(symbol="ES", sec_type="FUT"), TODAY)
        near, far = (MARKET.future_price(future, month.expires_at, NOW) for month in months[:2])
        assert MARKET.price("SPX", NOW) < near < far


def test_the_same_seed_gives_the_same_world_in_another_process_and_another_seed_another():
    program = (
        "from v6.simulator.server import Server; from v6.simulator.options import Options;"
        "from v6.simulator.instruments.listings import Spec; from datetime import date; import sys;"
        "s = Server(Options(seed=int(sys.argv[1])));"
        "o = s.contracts.find(Spec(symbol='SPY', sec_type='OPT', expiry='20270115'), date(2026, 11, 24))[80];"
        f"print(o.con_id, s.feed.quote(o, {NOW}))"
    )

    def world(seed, hashing):
        environment = os.environ | {"PYTHONHASHSEED": hashing}
        run = subprocess.run([sys.executable, "-c", program, seed], capture_output=True, text=True, env=environment)
        assert run.returncode == 0, run.stderr
        return run.stdout

    assert world("1", "1") == world("1", "2") != world("2", "1")


def test_a_quote_does_not_depend_on_what_was_asked_before():
    listing = chain("QQQ", NOW, "P")[50]
    fresh = SyntheticFeed(Market(seed=1), HOURS).quote(listing, NOW)
    FEED.quote(listing, NOW + 10_000)
    assert FEED.quote(listing, NOW) == fresh


@given(st.integers(1, 31), st.dates(date(2015, 1, 1), date(2037, 6, 1)), st.integers(0, 4095), st.booleans())
def test_a_contract_id_is_its_contract(index, expiry, units, put):
    identity = Identity(index, expiry, units, put)
    assert 0 < encode(identity) < 2**31
    assert decode(encode(identity)) == identity


def test_no_listed_option_shares_an_id_with_a_stock():
    for con_id in BY_CON_ID:
        identity = decode(con_id)
        if identity.class_index in CLASSES:
            underlying, option_class = CLASSES[identity.class_index]
            strike = identity.units * option_class.unit
            assert strike % option_class.step != 0 or not 0.3 < strike / underlying.base < 3


def test_expiries_are_trading_days_and_stay_listed_until_they_are_over(calendar):
    hours = Hours(calendar)
    chains = Chains(MARKET, hours)
    spy = UNDERLYINGS["SPY"]
    before = chains.expiries(spy.classes[0], True, TODAY)
    after = chains.expiries(spy.classes[0], True, TODAY + timedelta(days=7))
    assert all(hours.is_trading_day(day) for day in before)
    assert {day for day in before if day >= TODAY + timedelta(days=7)} <= set(after)
    assert date(2026, 12, 24) in before  # the Friday is Christmas
    assert date(2026, 11, 26) not in before


def test_strikes_stay_listed():
    chains = Chains(MARKET, HOURS)
    spy = UNDERLYINGS["SPY"]
    expiry = date(2027, 3, 19)
    earlier = chains.strikes(spy, spy.classes[0], expiry, TODAY - timedelta(days=60))
    assert set(earlier) <= set(chains.strikes(spy, spy.classes[0], expiry, TODAY))


@pytest.mark.parametrize("symbol", ["SPY", "QQQ", "IWM"])
def test_there_is_a_strike_at_the_money_and_three_expiries_with_one_beyond_sixty_days(symbol):
    underlying = UNDERLYINGS[symbol]
    chains = Chains(MARKET, HOURS)
    for month in range(1, 13):
        today = date(2026, month, 10)
        expiries = [day for day in chains.expiries(underlying.classes[0], True, today) if (day - today).days > 20]
        assert len(expiries) >= 3
        assert any((day - today).days > 60 for day in expiries)
        price = MARKET.price(symbol, datetime(2026, month, 10, 12, tzinfo=NEW_YORK).timestamp())
        for day in expiries[:6]:
            strikes = chains.strikes(underlying, underlying.classes[0], day, today)
            assert min(abs(strike / price - 1) for strike in strikes) < 0.02


def test_outside_the_session_a_quote_is_frozen_and_settled():
    stock = CONTRACTS.find(Spec(symbol="SPY", sec_type="STK"), TODAY)[0]
    evening = TUESDAY.replace(hour=21).timestamp()
    quote = FEED.quote(stock, evening)
    assert quote.data_type == FROZEN
    assert quote == FEED.quote(stock, evening + 7200)
    tomorrow = FEED.quote(stock, NOW + 86400)
    assert tomorrow.close == quote.settled


def test_an_expired_option_has_no_quote():
    listing = chain("SPY", NOW, "C")[0]
    assert FEED.quote(listing, listing.expires_at + 60) is None
