"""Quotes of the synthetic world: the market's fair values with spreads, sizes, trades, volume and open interest."""

from functools import lru_cache
from itertools import pairwise
from math import ceil, floor, log, sqrt
from statistics import stdev

from v6.simulator.instruments.listings import Listing
from v6.simulator.instruments.underlyings import FUTURES, UNDERLYINGS
from v6.simulator.market import noise
from v6.simulator.market.activity import SIZE_SECONDS, Activities, Activity, calls_and_puts, size
from v6.simulator.market.halts import MarketState
from v6.simulator.market.hours import Hours, Segment
from v6.simulator.market.prices import Market
from v6.simulator.market.quotes import FROZEN, LIVE, Snapshot
from v6.simulator.market.surface import Greeks

LAST_MOMENT = 0.25
VOLATILITY_DAYS, TRADING_DAYS = 30, 252
THIN_TICKS, THIN_TRADE_SECONDS = 4, 7  # before and after the regular session: a wider spread, a trade now and then


def to_tick(price: float, tick: float) -> float:
    return round(round(price / tick) * tick, 6)


def below(price: float, tick: float) -> float:
    return round(floor(price / tick + 1e-9) * tick, 6)


def above(price: float, tick: float) -> float:
    return round(ceil(price / tick - 1e-9) * tick, 6)


def half_spread(model: Greeks) -> float:
    return 0.004 + 0.0025 * model.price + 0.01 * model.vega


class SyntheticFeed:
    """`state`: halts, during which the quote of their beginning stays."""

    def __init__(self, market: Market, hours: Hours, state: MarketState | None = None) -> None:
        self._market = market
        self._hours = hours
        self._state = state or MarketState(lambda: 0.0)
        self._activities = Activities(market, hours)
        self._side_key = lru_cache(maxsize=1 << 14)(lambda con_id: noise.key(market.seed, "side", con_id))
        self._size = lru_cache(maxsize=1 << 14)(size)
        self._close = lru_cache(maxsize=1 << 14)(self._close_on)
        self._closes = lru_cache(maxsize=1 << 10)(self._closes_before)
        self._before = lru_cache(maxsize=1 << 14)(self._close_before)
        self._extremes = lru_cache(maxsize=4096)(self._extremes_until)
        self._traded = lru_cache(maxsize=1 << 14)(self._traded_at)

    def fair(self, listing: Listing, instant: float) -> float:
        """The unrounded value at that epoch second, inside a session or not; during a halt that of its beginning."""
        return self._fair(listing, self._state.effective(listing.symbol, instant))

    def _fair(self, listing: Listing, at: float) -> float:
        if listing.sec_type == "FUT":
            return self._market.future_price(FUTURES[listing.symbol], listing.expires_at, at)
        if listing.sec_type == "OPT":
            return self._model(listing, at).price
        return self._market.price(listing.symbol, at)

    def _model(self, listing: Listing, at: float) -> Greeks:
        return self._market.option(listing.symbol, listing.strike, listing.expires_at, listing.right == "C", at)

    def sides(self, listing: Listing, instant: float) -> tuple[float, float]:
        """Bid and ask at that epoch second, as they stream; a bid nobody makes is 0, an index's are its value."""
        at = self._state.effective(listing.symbol, instant)
        if listing.sec_type == "OPT":
            bid, ask = self._option_sides(self._model(listing, at), listing.min_tick)
            return max(bid, 0.0), ask
        if listing.sec_type == "IND":
            value = to_tick(self._fair(listing, at), listing.min_tick)
            return value, value
        return self._linear_sides(listing, self._fair(listing, at), self._is_thin(listing, instant))

    @staticmethod
    def _option_sides(model: Greeks, tick: float) -> tuple[float, float]:
        half = half_spread(model)
        ask = above(model.price + half, tick)
        return below(model.price - half, tick), ask if ask > tick else tick

    @staticmethod
    def _linear_sides(listing: Listing, value: float, thin: bool) -> tuple[float, float]:
        tick = listing.min_tick
        bid = below(value - tick / 2 - (THIN_TICKS / 2 * tick if thin else 0.0), tick)
        return bid, round(bid + (THIN_TICKS if thin else 1) * tick, 6)

    def _is_thin(self, listing: Listing, instant: float) -> bool:
        """Whether a stock trades outside the regular session then."""
        if listing.sec_type != "STK":
            return False
        regular = self._hours.regular(self._hours.current("STK", instant)[0].date)
        assert regular is not None
        return not regular.start <= instant < regular.end

    def quote(self, listing: Listing, instant: float) -> Snapshot | None:
        if listing.expires_at and instant >= listing.expires_at:
            return None
        segment, live = self._hours.current(listing.sec_type, instant)
        at = instant if live else segment.end - LAST_MOMENT
        if self._state.any:
            at = self._state.effective(listing.symbol, at)
        kind = LIVE if live else FROZEN
        if listing.sec_type == "OPT":
            return self._option(listing, segment, at, kind)
        if listing.sec_type == "STK":
            return self._stock(listing, segment, at, kind)
        return self._linear(listing, segment, at, kind)

    def _stock(self, listing: Listing, segment: Segment, at: float, kind: int) -> Snapshot:
        """A stock, also before and after its regular session, whose open, high and low alone are the day's."""
        regular = self._hours.regular(segment.date)
        assert regular is not None
        thin = not regular.start <= at < regular.end
        last_at = int(at) - int(at) % THIN_TRADE_SECONDS if thin else int(at)
        bid, ask = self._linear_sides(listing, self._fair(listing, at), thin)
        last = min(max(to_tick(self._fair(listing, last_at), listing.min_tick), bid), ask)
        opened = high = low = None
        if at >= regular.start:
            low, high = self._extremes(listing, regular, int(min(at, regular.end)) // 300)
            opened = to_tick(self._fair(listing, regular.start), listing.min_tick)
            if not thin:
                low, high = min(low, last), max(high, last)
        volume = self.volume(listing, segment, at)
        about = self._activities.on(listing, segment.date)
        shares = UNDERLYINGS[listing.symbol].daily_volume
        return Snapshot(
            data_type=kind,
            bid=bid,
            ask=ask,
            bid_size=100.0 if thin else self._size(listing, about.bid_key, int(at) // SIZE_SECONDS),
            ask_size=100.0 if thin else self._size(listing, about.ask_key, int(at) // SIZE_SECONDS),
            last=last,
            last_size=100.0 if thin else self._size(listing, about.last_key, int(at) // SIZE_SECONDS),
            last_at=last_at,
            volume=volume,
            open=opened,
            high=high,
            low=low,
            close=self._before(listing, segment),
            settled=self._close(listing, regular) if kind == FROZEN else None,
            option_volume=calls_and_puts(volume / 40),
            option_interest=calls_and_puts(shares / 10),
        )

    def _linear(self, listing: Listing, segment: Segment, at: float, kind: int) -> Snapshot:
        """An index or a future."""
        tick, last_at = listing.min_tick, int(at)
        low, high = self._extremes(listing, segment, last_at // 300)
        last = to_tick(self._fair(listing, last_at), tick)
        index = listing.sec_type == "IND"
        bid, ask = (None, None) if index else self._linear_sides(listing, self._fair(listing, at), False)
        if bid is not None and ask is not None:
            last = min(max(last, bid), ask)
        about = self._activities.on(listing, segment.date)
        return Snapshot(
            data_type=kind,
            bid=bid,
            ask=ask,
            bid_size=0.0 if index else self._size(listing, about.bid_key, int(at) // SIZE_SECONDS),
            ask_size=0.0 if index else self._size(listing, about.ask_key, int(at) // SIZE_SECONDS),
            last=last,
            last_size=0.0 if index else self._size(listing, about.last_key, int(at) // SIZE_SECONDS),
            last_at=last_at,
            volume=None if index else self.volume(listing, segment, at),
            open=to_tick(self._fair(listing, segment.start), tick),
            high=max(high, last),
            low=min(low, last),
            close=self._before(listing, segment),
            settled=self._close(listing, segment) if kind == FROZEN else None,
            open_interest=None if index else about.open_interest,
        )

    def _option(self, listing: Listing, segment: Segment, at: float, kind: int) -> Snapshot:
        model = self._model(listing, at)
        bid, ask = self._option_sides(model, listing.min_tick)
        about = self._activities.on(listing, segment.date)
        volume = self._activities.volume(listing, segment, at)
        before = self._before(listing, segment)
        last, last_at = self._last_trade(listing, segment, at, about) if volume >= 1 else (None, 0)
        return Snapshot(
            data_type=kind,
            bid=bid if bid > 0 else -1.0,
            ask=ask,
            bid_size=self._size(listing, about.bid_key, int(at) // SIZE_SECONDS) if bid > 0 else 0.0,
            ask_size=self._size(listing, about.ask_key, int(at) // SIZE_SECONDS),
            last=before if last is None else last,
            last_size=self._size(listing, about.last_key, last_at // SIZE_SECONDS) if last_at else 0.0,
            last_at=last_at,
            volume=volume,
            close=before,
            settled=self._close(listing, segment) if kind == FROZEN else None,
            open_interest=about.open_interest,
            model=model,
            computed=True,
        )

    def has_volatility(self, listing: Listing, what: str) -> bool:
        """Whether there are such bars of it: implied volatility needs options, or an index whose fund has some."""
        if listing.sec_type not in ("STK", "IND"):
            return False
        underlying = UNDERLYINGS[listing.symbol]
        return what == "HISTORICAL_VOLATILITY" or bool(underlying.classes or underlying.follows)

    def volatility(self, listing: Listing, instant: float, what: str) -> float:
        """Annualised, 0.25 is 25 %: of a stock's or an index's options over 30 days, or of its last 30 days' closes."""
        at = self._state.effective(listing.symbol, instant)
        if what == "OPTION_IMPLIED_VOLATILITY":
            return self._market.implied_volatility(listing.symbol, at)
        segment, _ = self._hours.current("IND", at)
        closes = [*self._closes(listing, segment), self._fair(listing, at)]
        returns = [log(after / before) for before, after in pairwise(closes)]
        return stdev(returns) * sqrt(TRADING_DAYS)

    def _closes_before(self, listing: Listing, segment: Segment) -> list[float]:
        closes = []
        for _ in range(VOLATILITY_DAYS):
            segment = self._hours.previous(listing.sec_type, segment)
            closes.append(self._close(listing, segment))
        return closes[::-1]

    def _last_trade(self, listing: Listing, segment: Segment, at: float, about: Activity) -> tuple[float, int]:
        """The last trade's price and time."""
        last_at = max(int((at - about.shift) / about.wait) * about.wait + about.shift, segment.start + 1)
        return self._traded(listing, int(min(last_at, at)))

    def _traded_at(self, listing: Listing, at: int) -> tuple[float, int]:
        model = self._model(listing, at)
        side = noise.uniform(self._side_key(listing.con_id), at) * 2 - 1
        return max(to_tick(model.price + side * half_spread(model), listing.min_tick), listing.min_tick), at

    def _close_before(self, listing: Listing, segment: Segment) -> float:
        """The closing price of the session before that one."""
        return self._close(listing, self._hours.previous(listing.sec_type, segment))

    def _close_on(self, listing: Listing, segment: Segment) -> float:
        return max(to_tick(self.fair(listing, segment.end - LAST_MOMENT), listing.min_tick), listing.min_tick)

    def _extremes_until(self, listing: Listing, segment: Segment, mark: int) -> tuple[float, float]:
        prices = [self.fair(listing, at) for at in range(int(segment.start), mark * 300 + 1, 300)]
        prices = prices or [self.fair(listing, segment.start)]
        return to_tick(min(prices), listing.min_tick), to_tick(max(prices), listing.min_tick)

    def closing(self, listing: Listing, segment: Segment) -> float:
        """The closing price of that regular session."""
        return self._close(listing, segment)

    def open_interest(self, listing: Listing, segment: Segment) -> int:
        """Contracts, the same for the whole day."""
        return self._activities.on(listing, segment.date).open_interest

    def volume(self, listing: Listing, segment: Segment, at: float) -> float:
        """Traded since the day's first trade: whole numbers that never fall within the segment's day."""
        return self._activities.volume(listing, segment, self._state.effective(listing.symbol, at))
