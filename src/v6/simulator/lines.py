"""One market data line: a subscription or a snapshot of one contract by one client."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from v6.simulator.errors import DELAYED_FOLLOWS, NO_PERMISSION
from v6.simulator.faults.model import Spoiling
from v6.simulator.instruments.listings import Listing
from v6.simulator.market.hours import new_york_date
from v6.simulator.market.quotes import (
    DELAYED,
    DELAYED_FROZEN,
    FROZEN,
    LIVE,
    Snapshot,
    implied_volatility,
)
from v6.simulator.market.surface import Greeks
from v6.simulator.messages import ticks
from v6.simulator.rounds import Moment

if TYPE_CHECKING:
    from v6.simulator.session import Session

MODEL_SECONDS = 1.0
DELAY = 900.0
ADVISORY = (10089,)  # says so and goes on, when delayed data were asked for [rust-ibapi#677]
HUGE = 1.7976931348623157e308
NAN = float("nan")
OPEN_INTEREST_TICKS = {101, 588}

# tick types of live and delayed data; prices and sizes in the order of Snapshot
PRICES = {"bid": (1, 66), "ask": (2, 67), "last": (4, 68), "high": (6, 72), "low": (7, 73), "close": (9, 75),
          "open": (14, 76)}  # fmt: skip
SIZES = {"bid": (0, 69), "ask": (3, 70), "last": (5, 71)}
VOLUME, LAST_TIME, HALTED = (8, 74), (45, 88), 49
COMPUTATIONS = ((10, 80), (11, 81), (12, 82))  # of bid, ask and last
MODEL = (13, 83)


class Line:
    """Sends what has changed, at most four times a second."""

    def __init__(self, session: "Session", request: int, listing: Listing, generic: frozenset[int]) -> None:
        self._session = session
        self._server = session.server
        self._request = request
        self.listing = listing
        self._generic = generic
        self._life = session.server.connectivity.life
        self.closed = False
        self._delayed = False
        self._kind = 0
        self._halted: int | None = None
        self._sent: dict[str, object] = {}
        self.wait_until = 0.0
        self._last_prices: tuple[Any, ...] = (None,) * (len(PRICES) + len(SIZES))
        self._last_day: tuple[Any, ...] = ()
        self._computed: list[tuple[float, int] | None] = [None] * len(COMPUTATIONS)
        self._computed_prices: tuple[float | None, ...] = (None,) * len(COMPUTATIONS)
        self._greeks_from = float("inf")
        self._model_at = 0.0

    def start(self, *, snapshot: bool) -> None:
        server, options = self._server, self._server.options
        faults, day = server.faults, new_york_date(server.epoch()).toordinal()
        if code := faults.subscription_error(self.listing):
            if code in ADVISORY:
                self._session.error(self._request, code, NO_PERMISSION[code])
            self._session.error(self._request, *DELAYED_FOLLOWS)
            self._delayed = True
        first = server.between(options.first_tick_seconds)
        if not faults.never_has_greeks(self.listing, day):
            self._greeks_from = server.loop_time() + first + server.between(options.greeks_seconds)
        self._say_kind(self._expected_kind())
        self._session.send(
            ticks.tick_parameters(
                self._request, self.listing.min_tick, "" if self.listing.sec_type == "OPT" else "9c0001", 3
            )
        )
        self.later(first, self._first_snapshot if snapshot else self._begin)
        if snapshot:
            self.later(max(options.snapshot_seconds, first), self._end_snapshot)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        if seconds <= 0:
            action()
        else:
            self._server.wheel.after(seconds, action)

    def _expected_kind(self) -> int:
        if self._delayed:
            return DELAYED_FROZEN if self._session.data_type == DELAYED_FROZEN else DELAYED
        return LIVE

    def _say_kind(self, kind: int) -> None:
        if kind != self._kind:
            self._kind = kind
            self._session.send(ticks.market_data_type(self._request, kind))

    def _first_snapshot(self) -> None:
        self._look_now()
        wait = self._greeks_from - self._server.loop_time()
        if not self.closed and 0 < wait < self._server.options.snapshot_seconds:
            self.later(wait, self._look_now)

    def _end_snapshot(self) -> None:
        if self.closed or self._session.muted or self._server.faults.endless_snapshots:
            return
        self._session.send(ticks.snapshot_end(self._request))
        self._session.end_line(self._request)

    def _begin(self) -> None:
        if not self.closed:
            self._look_now()
            self._server.rounds.add(self)

    def _look_now(self) -> None:
        if not self.closed:
            self.look(self._server.rounds.moment())

    def look(self, moment: Moment) -> None:
        """Send what has changed since the last look."""
        server, listing = self._server, self.listing
        faults = server.faults
        if self._session.muted or faults.never_ticks(listing, moment.day):
            return
        if not server.connectivity.supplies(listing, self._life):
            return
        at = moment.now - DELAY if self._delayed else moment.now
        quote = server.feed.quote(listing, at)
        if quote is None:
            return
        if faults.spoils(listing, moment.day):
            quote = spoil(quote, faults.spoiling)
        halted = server.market_state.halted(listing.symbol, at)
        quote = self._as_asked(quote)
        if halted != self._halted:
            self._say_halted(halted)
        self._send_changes(quote)
        if quote.model is not None and moment.loop_time >= self._greeks_from:
            self._computations(quote, quote.model, moment.loop_time)

    def _as_asked(self, quote: Snapshot) -> Snapshot:
        """Outside the session only who asked for frozen data gets the last quote; others the closing price."""
        live_kind, frozen_kind = (DELAYED, DELAYED_FROZEN) if self._delayed else (LIVE, FROZEN)
        if quote.data_type == LIVE:
            self._say_kind(live_kind)
        elif self._session.data_type in (FROZEN, DELAYED_FROZEN) or self._server.recorded(self.listing):
            self._say_kind(frozen_kind)
        else:
            self._say_kind(live_kind)
            return Snapshot(data_type=FROZEN, close=quote.settled, open_interest=quote.open_interest)
        return quote

    def _say_halted(self, halted: int) -> None:
        if self._halted is None:
            self._server.stats.ticked += 1
        self._halted = halted
        self._session.send(ticks.tick_generic(self._request, HALTED, float(halted)))

    def _send_changes(self, quote: Snapshot) -> None:
        """Most looks find most fields as they were: those are compared together."""
        prices: tuple[Any, ...] = quote[1:11]  # from bid to last_size
        day: tuple[Any, ...] = quote[11:16]  # from last_at to option_interest
        if prices != self._last_prices:
            before, self._last_prices = self._last_prices, prices
            for place, name in enumerate(PRICES):
                price = prices[place]
                sized = place < len(SIZES)
                size = prices[len(PRICES) + place] if sized else 0.0
                if price != before[place] or (sized and size != before[len(PRICES) + place]):
                    self._price(name, price, size or 0.0)
        if day != self._last_day:
            self._last_day = day
            self._day(quote)

    def _day(self, quote: Snapshot) -> None:
        column = 1 if self._delayed else 0
        if quote.last_at and self._changed("last_at", quote.last_at):
            self._session.send(ticks.tick_string(self._request, LAST_TIME[column], str(quote.last_at)))
        if quote.volume is not None and self._changed("volume", quote.volume):
            self._session.send(ticks.tick_size(self._request, VOLUME[column], self._size(quote.volume)))
        self._interest(quote)
        self._options_of_stock(quote)

    def _price(self, name: str, price: float | None, size: float) -> None:
        if price is None:
            return
        column, sized = 1 if self._delayed else 0, name in SIZES
        if self._changed(name, price):
            self._sent[name + "_size"] = size
            text = "" if sized and self.listing.sec_type == "IND" else self._size(size)
            self._session.send(ticks.tick_price(self._request, PRICES[name][column], price, text))
        elif sized and self._changed(name + "_size", size):
            self._session.send(ticks.tick_size(self._request, SIZES[name][column], self._size(size)))

    def _interest(self, quote: Snapshot) -> None:
        if quote.open_interest is None or self._generic.isdisjoint(OPEN_INTEREST_TICKS):
            return
        if not self._changed("open_interest", quote.open_interest):
            return
        if self.listing.sec_type == "FUT":
            self._session.send(ticks.tick_size(self._request, 86, str(quote.open_interest)))
        elif 101 in self._generic:
            # both ticks come for either right; the other one is 0
            for tick, right in ((27, "C"), (28, "P")):
                value = quote.open_interest if self.listing.right == right else 0
                self._session.send(ticks.tick_size(self._request, tick, str(value)))

    def _options_of_stock(self, quote: Snapshot) -> None:
        """Volume (100) and open interest (101) of all calls and all puts on a stock."""
        for generic, name, kinds in ((100, "option_volume", (29, 30)), (101, "option_interest", (27, 28))):
            pair = getattr(quote, name)
            if pair is not None and generic in self._generic and self._changed(name, pair):
                for tick, value in zip(kinds, pair, strict=True):
                    self._session.send(ticks.tick_size(self._request, tick, str(value)))

    def _computations(self, quote: Snapshot, model: Greeks, now: float) -> None:
        """Greeks of bid, ask and last when their price has changed; all else about them, as the model's, once a second.

        That TWS computes no more often while the price stays is [unverified].
        """
        column = 1 if self._delayed else 0
        second = now - self._model_at >= MODEL_SECONDS
        prices = (quote.bid, quote.ask, quote.last if quote.last_at else None)
        if quote.computed and (second or prices != self._computed_prices):
            for place, price in enumerate(prices):
                if price is None or price <= 0 or not (second or price != self._computed_prices[place]):
                    continue
                iv = implied_volatility(model, price)
                if self._computed[place] != (price, int(iv * 10_000)):
                    self._computed[place] = (price, int(iv * 10_000))
                    _, delta, _, gamma, vega, theta, underlying = model
                    computed = Greeks(iv, delta, price, gamma, vega, theta, underlying)
                    self._session.send(ticks.tick_option(self._request, COMPUTATIONS[place][column], computed, 1))
            self._computed_prices = prices
        if now - self._model_at >= MODEL_SECONDS and self._changed("model", model):
            self._model_at = now
            self._session.send(ticks.tick_option(self._request, MODEL[column], model, 0))

    def _changed(self, name: str, value: object) -> bool:
        before = self._sent.get(name)
        if before == value or (value != value and before != before):
            return False
        self._sent[name] = value
        return True

    def _size(self, size: float) -> str:
        if self.listing.sec_type == "STK" and self._session.version < 159:
            size /= 100  # round lots until 158
        return ticks.size_text(self._session.version, size)


def spoil(quote: Snapshot, how: Spoiling) -> Snapshot:
    """The quote with the broken values real TWS sends at times: NaN, -1 with size 0, or 1.797e308."""
    model = quote.model
    if how == "minus_one":
        nothing = model._replace(iv=-1.0, delta=-2.0, gamma=-2.0, vega=-2.0, theta=-2.0, price=-1.0) if model else None
        return quote._replace(bid=-1.0, ask=-1.0, bid_size=0.0, ask_size=0.0, model=nothing, computed=False)
    value = NAN if how == "nan" else HUGE
    broken = Greeks(value, value, model.price, value, value, value, model.underlying) if model else None
    if how == "huge":
        return quote._replace(model=broken, computed=False)
    return quote._replace(model=broken, last=value, computed=False)
