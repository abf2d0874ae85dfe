"""The market as a whole: no free lunch after ticks and rounding, ids that never change, quiet nights, early closes."""

import itertools
from datetime import date, datetime, timedelta
from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_tws_client import TUESDAY

from v6.clock import NEW_YORK
from v6.simulator.instruments.chains import Chains
from v6.simulator.instruments.contracts import SyntheticContracts
from v6.simulator.instruments.listings import Spec
from v6.simulator.instruments.underlyings import FUTURES, UNDERLYINGS
from v6.simulator.market.hours import Hours
from v6.simulator.market.prices import Market
from v6.simulator.market.quotes import FROZEN, LIVE
from v6.simulator.market.surface import RATE, YEAR
from v6.simulator.market.synthetic import SyntheticFeed

pytestmark = pytest.mark.long

HOURS = Hours()
WORLDS = {seed: Market(seed=seed) for seed in (1, 2)}
FEED = SyntheticFeed(WORLDS[1], HOURS)
CONTRACTS = SyntheticContracts(Chains(WORLDS[1], HOURS))
NOW = TUESDAY.timestamp()
TODAY = TUESDAY.date()
OPTIONABLE = sorted(symbol for symbol, each in UNDERLYINGS.items() if each.classes and each.sec_type == "STK")

moments = st.builds(
    lambda day, second: datetime(2026, 6, 1, 9, 30, tzinfo=NEW_YORK).timestamp() + day * 86400 + second,
    st.integers(0, 100), st.integers(0, 23399),
).filter(lambda at: HOURS.current("OPT", at)[1])  # fmt: skip


def day_of(at):
    return datetime.fromtimestamp(at, NEW_YORK).date()


def chain(symbol, at, right, wanted=0):
    """One expiry's options by strike; `wanted`: how many expiries further than the first beyond a week."""
    spec = Spec(symbol=symbol, sec_type="OPT", right=right, trading_class=symbol)
    listed = [each for each in CONTRACTS.find(spec, day_of(at)) if (each.expiry - day_of(at)).days > 7]
    expiries = sorted({each.expiry for each in listed})
    return {each.strike: each for each in listed if each.expiry == expiries[min(wanted, len(expiries) - 1)]}


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(OPTIONABLE), moments, st.sampled_from("CP"))
def test_no_calendar_spread_pays_for_nothing(symbol, at, right):
    """The later option, exercised when the sooner expires, is worth the sooner; dividends and carry aside: forwards."""
    near, far = chain(symbol, at, right), chain(symbol, at, right, 3)
    dividend = UNDERLYINGS[symbol].dividend
    for strike in sorted(near.keys() & far.keys())[::5]:
        sooner, later = near[strike], far[strike]
        years = (later.expires_at - sooner.expires_at) / YEAR
        # a call loses at most the dividends in between, a put at most the interest on its strike
        lost = UNDERLYINGS[symbol].base * 6 * (1 - exp(-dividend * years)) if right == "C" else (
            strike * (1 - exp(-RATE * years)))  # fmt: skip
        assert FEED.quote(later, at).ask + lost >= max(FEED.quote(sooner, at).bid, 0.0) - 1e-9


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(OPTIONABLE), moments, st.sampled_from("CP"))
def test_no_butterfly_of_neighbours_pays_for_nothing(symbol, at, right):
    listed = chain(symbol, at, right, 1)
    quotes = {strike: FEED.quote(each, at) for strike, each in listed.items()}
    strikes = sorted(listed)
    for low, middle, high in zip(strikes, strikes[1:], strikes[2:], strict=False):
        share = (high - middle) / (high - low)
        wings = share * quotes[low].ask + (1 - share) * quotes[high].ask
        assert wings >= max(quotes[middle].bid, 0.0) - 1e-9


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(OPTIONABLE), moments)
def test_prices_lie_on_their_ticks_and_within_their_bounds(symbol, at):
    spot = FEED.quote(CONTRACTS.find(Spec(symbol=symbol, sec_type="STK"), day_of(at))[0], at)
    for strike, call in list(chain(symbol, at, "C").items())[::7]:
        quote = FEED.quote(call, at)
        for price in (quote.ask, quote.last, *([quote.bid] if quote.bid > 0 else [])):
            assert round(price / call.min_tick, 6) == round(price / call.min_tick)
        assert quote.bid <= spot.ask
        years = (call.expires_at - at) / YEAR
        paid = spot.bid * exp(-UNDERLYINGS[symbol].dividend * years) - strike * exp(-RATE * years)
        assert quote.ask >= paid - 1e-6


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(FUTURES)), moments)
def test_futures_cost_their_index_and_its_carry_within_a_tick(symbol, at):
    for listing in CONTRACTS.find(Spec(symbol=symbol, sec_type="FUT"), day_of(at))[:3]:
        if at >= listing.expires_at:
            continue  # settled this morning
        future, index = FUTURES[symbol], FUTURES[symbol].follows
        years = (listing.expires_at - at) / YEAR
        fair = WORLDS[1].price(index, at) * exp((RATE - UNDERLYINGS[index].dividend) * years)
        quote = FEED.quote(listing, at)
        assert abs((quote.bid + quote.ask) / 2 - fair) <= future.tick
        assert quote.ask - quote.bid == pytest.approx(future.tick)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["SPY", "SOFI", "ELTP"]), st.integers(0, 80), st.integers(4 * 3600, 20 * 3600 - 2))
def test_a_stocks_volume_only_grows_from_four_in_the_morning_to_eight_in_the_evening(symbol, days, second):
    listing = CONTRACTS.find(Spec(symbol=symbol, sec_type="STK"), TODAY)[0]
    midnight = datetime(2026, 6, 1, tzinfo=NEW_YORK) + timedelta(days=days)
    if not HOURS.is_trading_day(midnight.date()):
        return
    at = midnight.timestamp() + second
    assert FEED.quote(listing, at).data_type == LIVE
    assert 0 <= FEED.quote(listing, at).volume <= FEED.quote(listing, at + 1).volume


def test_open_interest_changes_from_day_to_day_and_never_within_one():
    for listing in list(chain("AAPL", NOW, "C").values())[::9]:
        within = {FEED.quote(listing, NOW + second).open_interest for second in range(0, 19000, 1900)}
        assert len(within) == 1
    some = list(chain("SPY", NOW, "C").values())[40]
    assert len({FEED.quote(some, NOW + day * 86400).open_interest for day in (0, 1, 2)}) == 3


def test_nights_weekends_and_holidays_are_quiet(calendar):
    hours = Hours(calendar)
    feed = SyntheticFeed(WORLDS[1], hours)
    stock = CONTRACTS.find(Spec(symbol="SPY", sec_type="STK"), TODAY)[0]
    option = chain("SPY", NOW, "C")[max(chain("SPY", NOW, "C"))]
    for listing, quiet in (
        (stock, ["20261124 20:00", "20261125 03:59", "20261126 12:00", "20261127 17:01", "20261128 12:00"]),
        (option, ["20261124 16:00", "20261124 20:00", "20261126 12:00", "20261127 13:01", "20261128 12:00"]),
    ):
        for text in quiet:
            at = datetime.strptime(text, "%Y%m%d %H:%M").replace(tzinfo=NEW_YORK).timestamp()
            quote = feed.quote(listing, at)
            assert quote.data_type == FROZEN, text
            assert quote == feed.quote(listing, at + 40)


def test_an_early_close_ends_the_options_at_one_and_the_stocks_at_five(calendar):
    hours = Hours(calendar)
    feed = SyntheticFeed(WORLDS[1], hours)
    friday = datetime(2026, 11, 27, tzinfo=NEW_YORK)
    stock = CONTRACTS.find(Spec(symbol="SPY", sec_type="STK"), TODAY)[0]
    option = next(iter(chain("SPY", NOW, "C").values()))
    kinds = {
        (listing.sec_type, hour): feed.quote(listing, friday.replace(hour=hour, minute=30).timestamp()).data_type
        for listing, hour in itertools.product((stock, option), (12, 13, 16, 17))
    }
    assert {key for key, kind in kinds.items() if kind == LIVE} == {("STK", 12), ("STK", 13), ("STK", 16), ("OPT", 12)}


GOLDEN = {
    ("SPY", "STK", "", 0.0, ""): 756733,
    ("PLTR", "STK", "", 0.0, ""): 444857009,
    ("SOFI", "STK", "", 0.0, ""): 1892308844,
    ("SPY", "OPT", "20270115", 600.0, "C"): 1738829664,
    ("QQQ", "OPT", "20261218", 560.0, "P"): 1899366737,
    ("ES", "FUT", "202612", 0.0, ""): 735322112,
    ("VIX", "IND", "", 0.0, ""): 13455763,
}


@pytest.mark.parametrize("seed", [1, 2])
def test_contract_ids_are_these_numbers_with_any_seed_on_any_host(seed):
    contracts = SyntheticContracts(Chains(WORLDS[seed], Hours()))
    found = {}
    for symbol, kind, expiry, strike, right in GOLDEN:
        spec = Spec(symbol=symbol, sec_type=kind, expiry=expiry, strike=strike, right=right)
        matching = [each for each in contracts.find(spec, TODAY) if each.trading_class != "2SPY"]
        if kind == "OPT" and not matching:
            continue  # another seed's prices list other strikes
        found[symbol, kind, expiry, strike, right] = matching[0].con_id
    assert found == {key: GOLDEN[key] for key in found}
    assert seed != 1 or found.keys() == GOLDEN.keys()


def test_every_symbol_of_the_watchlist_can_be_traded():
    watchlist = [
        "AAPL",
        "NVDA",
        "TSLA",
        "IXHL",
        "NUAI",
        "BZAI",
        "ELTP",
        "OPEN",
        "CEG",
        "VRT",
        "PLTR",
        "UPST",
        "TEM",
        "HTFL",
        "SDGR",
        "APLD",
        "SOFI",
        "CORZ",
        "WULF",
    ]
    for symbol in [*watchlist, "QQQ", "SPY", "MSFT", "IWM"]:
        listing = CONTRACTS.find(Spec(symbol=symbol, sec_type="STK"), TODAY)[0]
        quote = FEED.quote(listing, NOW)
        assert 0 < quote.bid < quote.ask
        assert quote.low <= quote.last <= quote.high
    assert len({each.con_id for each in UNDERLYINGS.values()}) == len(UNDERLYINGS)
    assert FEED.quote(CONTRACTS.find(Spec(symbol="VIX", sec_type="IND"), TODAY)[0], NOW).last > 5


def test_chains_have_holes_weeklies_several_classes_and_months():
    spy = UNDERLYINGS["SPY"]
    rows = {row.trading_class: row for row in CONTRACTS.parameters(spy, TODAY)}
    assert rows.keys() == {"SPY", "2SPY"}
    assert any(day.weekday() == 4 and not 15 <= day.day <= 21 for day in rows["SPY"].expiries)
    pairs = len(rows["SPY"].expiries) * len(rows["SPY"].strikes)
    exist = len(CONTRACTS.find(Spec(symbol="SPY", sec_type="OPT", right="C", trading_class="SPY"), TODAY))
    assert exist < 0.8 * pairs
    assert {row.trading_class for row in CONTRACTS.parameters(UNDERLYINGS["SPX"], TODAY)} == {"SPX", "SPXW"}
    months = CONTRACTS.find(Spec(symbol="NQ", sec_type="FUT"), TODAY)
    assert [(each.expiry.month, each.multiplier) for each in months[:3]] == [(12, "20"), (3, "20"), (6, "20")]
    assert months[0].expiry > date(2026, 12, 1)


@given(st.sampled_from(["STK", "OPT", "FUT", "IND"]), st.lists(st.integers(0, 14 * 86400), min_size=2, max_size=6))
def test_which_session_goes_on_does_not_depend_on_what_was_asked_before(kind, seconds):
    start = datetime(2026, 11, 20, tzinfo=NEW_YORK).timestamp()
    hours = Hours()
    for second in seconds:
        assert hours.current(kind, start + second) == Hours().current(kind, start + second)


def test_futures_begin_on_sunday_evening_whoever_looked_on_saturday():
    hours = Hours()
    saturday = datetime(2026, 11, 21, 12, tzinfo=NEW_YORK).timestamp()
    assert not hours.current("FUT", saturday)[1]
    segment, live = hours.current("FUT", saturday + 31 * 3600)
    assert (segment.date, live) == (date(2026, 11, 23), True)
