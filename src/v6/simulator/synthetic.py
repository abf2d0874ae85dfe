"""Quotes of the synthetic world: the market's fair values with spreads, sizes, trades, volume and open interest."""

from datetime import date
from functools import lru_cache
from math import ceil, exp, floor, log

from v6.simulator import noise
from v6.simulator.hours import Hours, Segment
from v6.simulator.listings import Listing
from v6.simulator.market import Market
from v6.simulator.quotes import FROZEN, LIVE, Snapshot
from v6.simulator.surface import Greeks
from v6.simulator.underlyings import FUTURES, UNDERLYINGS

ROLL_DAYS = 8  # the Monday-to-Thursday before expiry, when volume has moved to the next month
LAST_MOMENT = 0.25


def to_tick(price: float, tick: float) -> float:
    return round(round(price / tick) * tick, 6)


def below(price: float, tick: float) -> float:
    return round(floor(price / tick + 1e-9) * tick, 6)


def above(price: float, tick: float) -> float:
    return round(ceil(price / tick - 1e-9) * tick, 6)


def session_part(part: float) -> float:
    """The share of a session's volume done when `part` of its time is over: busy ends, quiet middle."""
    return part + 0.35 * (2 * part**3 - 3 * part**2 + part)


class SyntheticFeed:
    def __init__(self, market: Market, hours: Hours) -> None:
        self._market = market
        self._hours = hours
        self._key = lru_cache(maxsize=1 << 14)(lambda name, con_id: noise.key(market.seed, name, con_id))
        self._close = lru_cache(maxsize=1 << 14)(self._close_on)
        self._activity = lru_cache(maxsize=1 << 14)(self._activity_on)
        self._extremes = lru_cache(maxsize=4096)(self._extremes_until)
        self._traded = lru_cache(maxsize=1 << 14)(self._traded_at)

    def fair(self, listing: Listing, instant: float) -> float:
        """The unrounded value at that epoch second, inside a session or not."""
        if listing.sec_type == "FUT":
            return self._market.future_price(FUTURES[listing.symbol], listing.expires_at, instant)
        if listing.sec_type == "OPT":
            return self._model(listing, instant).price
        return self._market.price(listing.symbol, instant)

    def _model(self, listing: Listing, instant: float) -> Greeks:
        return self._market.option(listing.symbol, listing.strike, listing.expires_at, listing.call, instant)

    def quote(self, listing: Listing, instant: float) -> Snapshot | None:
        segment, live = self._hours.current(listing.sec_type, instant)
        at = instant if live else segment.end - LAST_MOMENT
        if listing.expires_at and instant >= listing.expires_at:
            return None
        kind = LIVE if live else FROZEN
        if listing.sec_type == "OPT":
            return self._option(listing, segment, at, kind)
        return self._linear(listing, segment, at, kind)

    def _linear(self, listing: Listing, segment: Segment, at: float, kind: int) -> Snapshot:
        """A stock, an index or a future."""
        tick, value = listing.min_tick, self.fair(listing, at)
        low, high = self._extremes(listing, segment, int(at) // 300)
        last_at = int(at)
        last = to_tick(self.fair(listing, last_at), tick)
        settled = self.closing(listing, segment) if kind == FROZEN else None
        opened = to_tick(self.fair(listing, segment.start), tick)
        close = self.close_before(listing, segment)
        if listing.sec_type == "IND":
            return Snapshot(
                data_type=kind, last=last, last_at=last_at, open=opened, close=close, settled=settled,
                high=max(high, last), low=min(low, last),
            )  # fmt: skip
        bid = below(value - tick / 2, tick)
        ask = round(bid + tick, 6)
        last = min(max(last, bid), ask)
        volume = self.volume(listing, segment, at)
        return Snapshot(
            data_type=kind,
            bid=bid,
            ask=ask,
            bid_size=self._size(listing, "bid", at),
            ask_size=self._size(listing, "ask", at),
            last=last,
            last_size=self._size(listing, "last", at),
            last_at=last_at,
            volume=volume,
            open=opened,
            high=max(high, last),
            low=min(low, last),
            close=close,
            settled=settled,
            open_interest=self.open_interest(listing, segment.date) if listing.sec_type == "FUT" else None,
            option_volume=calls_and_puts(volume / 40) if listing.sec_type == "STK" else None,
            option_interest=calls_and_puts(UNDERLYINGS[listing.symbol].daily_volume / 10)
            if listing.sec_type == "STK"
            else None,
        )

    def _option(self, listing: Listing, segment: Segment, at: float, kind: int) -> Snapshot:
        model, tick = self._model(listing, at), listing.min_tick
        half = self.half_spread(model)
        bid, ask = below(model.price - half, tick), above(model.price + half, tick)
        volume = self.volume(listing, segment, at)
        last, last_at = self._last_trade(listing, segment, at, volume)
        return Snapshot(
            data_type=kind,
            bid=bid if bid > 0 else -1.0,
            ask=max(ask, tick),
            bid_size=self._size(listing, "bid", at) if bid > 0 else 0.0,
            ask_size=self._size(listing, "ask", at),
            last=last,
            last_size=self._size(listing, "last", last_at) if last_at else 0.0,
            last_at=last_at,
            volume=volume,
            close=self.close_before(listing, segment),
            settled=self.closing(listing, segment) if kind == FROZEN else None,
            open_interest=self.open_interest(listing, segment.date),
            model=model,
            bid_greeks=quoted(model, bid) if bid > 0 else None,
            ask_greeks=quoted(model, ask),
            last_greeks=quoted(model, last) if last_at else None,
        )

    @staticmethod
    def half_spread(model: Greeks) -> float:
        return 0.004 + 0.0025 * model.price + 0.04 * model.vega * 0.25

    def _last_trade(self, listing: Listing, segment: Segment, at: float, volume: float) -> tuple[float, int]:
        """The last trade's price and time; the previous close and 0 while nothing has traded."""
        if volume < 1:
            return self.close_before(listing, segment), 0
        wait = min(max(23400 / (self._activity(listing, segment.date)[0] / 8 + 1), 2.0), 1800.0)
        shift = noise.uniform(self._key("trade", listing.con_id), 0) * wait
        last_at = max(int((at - shift) / wait) * wait + shift, segment.start + 1)
        return self._traded(listing, int(min(last_at, at)))

    def _traded_at(self, listing: Listing, at: int) -> tuple[float, int]:
        model = self._model(listing, at)
        side = noise.uniform(self._key("side", listing.con_id), at) * 2 - 1
        return max(to_tick(model.price + side * self.half_spread(model), listing.min_tick), listing.min_tick), at

    def close_before(self, listing: Listing, segment: Segment) -> float:
        """The closing price of the session before that one."""
        return self._close(listing, self._hours.previous(listing.sec_type, segment))

    def _close_on(self, listing: Listing, segment: Segment) -> float:
        return max(to_tick(self.fair(listing, segment.end - LAST_MOMENT), listing.min_tick), listing.min_tick)

    def closing(self, listing: Listing, segment: Segment) -> float:
        """The closing price of that session."""
        return self._close(listing, segment)

    def _extremes_until(self, listing: Listing, segment: Segment, mark: int) -> tuple[float, float]:
        prices = [self.fair(listing, at) for at in range(int(segment.start), mark * 300 + 1, 300)]
        prices = prices or [self.fair(listing, segment.start)]
        return to_tick(min(prices), listing.min_tick), to_tick(max(prices), listing.min_tick)

    def _size(self, listing: Listing, side: str, at: float) -> float:
        """Contracts, or shares in hundreds; it changes every two seconds at most."""
        draw = noise.uniform(self._key(side, listing.con_id), int(at) // 2)
        largest = {"STK": 30, "FUT": 60}.get(listing.sec_type, 150)
        return float(1 + int(draw * draw * largest)) * (100 if listing.sec_type == "STK" else 1)

    def _activity_on(self, listing: Listing, day: date) -> tuple[float, int]:
        """The volume that day will have, and its open interest."""
        draw = 0.6 + 0.8 * noise.uniform(self._key("volume", listing.con_id), day.toordinal())
        if listing.sec_type == "STK":
            return UNDERLYINGS[listing.symbol].daily_volume * draw, 0
        if listing.sec_type == "FUT":
            assert listing.expiry is not None
            days = (listing.expiry - day).days
            share = 0.08 if days < ROLL_DAYS else 1.0 if days < 91 + ROLL_DAYS else 0.01
            most = FUTURES[listing.symbol].daily_volume
            return most * share * draw, int(most * 1.4 * (0.4 if days < ROLL_DAYS else share) * (0.97 + 0.03 * draw))
        return self._option_activity(listing, day, draw)

    def _option_activity(self, listing: Listing, day: date, draw: float) -> tuple[float, int]:
        segment = self._hours.regular(day) or self._hours.current("OPT", listing.expires_at)[0]
        model = self._model(listing, segment.start)
        assert model.underlying is not None
        width = max(model.iv * max((listing.expires_at - segment.start) / 31_536_000, 1 / 365) ** 0.5, 0.01)
        distance = log(listing.strike / model.underlying) / width
        popular = 6.0 if listing.strike % 10 == 0 else 2.5 if listing.strike % 5 == 0 else 1.0
        interest = 2500 * popular * exp(-0.35 * distance * distance)
        interest *= 0.2 + 1.6 * noise.uniform(self._key("interest", listing.con_id), 0)
        return interest * 0.35 * draw * draw, int(interest * (1 + 0.05 * draw)) + (1 if popular > 1 else 0)

    def open_interest(self, listing: Listing, day: date) -> int:
        """Contracts, the same for the whole day."""
        return self._activity(listing, day)[1]

    def volume(self, listing: Listing, segment: Segment, at: float) -> float:
        """Traded since the session's start: whole numbers that never fall within it."""
        part = min(max((at - segment.start) / (segment.end - segment.start), 0.0), 1.0)
        if listing.sec_type == "FUT":
            part = self._futures_part(segment, at)
        elif listing.sec_type == "IND":
            return 0.0
        else:
            part = session_part(part)
        return float(floor(self._activity(listing, segment.date)[0] * part))

    def _futures_part(self, segment: Segment, at: float) -> float:
        regular = self._hours.regular(segment.date)
        if regular is None:
            return (at - segment.start) / (segment.end - segment.start)
        if at < regular.start:
            return 0.15 * (at - segment.start) / (regular.start - segment.start)
        if at < regular.end:
            return 0.15 + 0.82 * session_part((at - regular.start) / (regular.end - regular.start))
        return 0.97 + 0.03 * min((at - regular.end) / max(segment.end - regular.end, 1.0), 1.0)


def calls_and_puts(calls: float) -> tuple[int, int]:
    """All options on a stock, invented from its own volume; puts are the more popular."""
    return int(calls), int(calls * 1.3)


def quoted(model: Greeks, price: float) -> Greeks:
    """The computation TWS sends for a bid, ask or last price: its implied volatility to first order."""
    shift = (price - model.price) / (model.vega * 100.0) if model.vega > 1e-4 else 0.0
    return model._replace(iv=max(model.iv + shift, 0.01), price=price)
