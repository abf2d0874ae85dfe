"""How much is traded and held: volume that only grows in a session, open interest that changes daily."""

from datetime import date
from functools import lru_cache
from math import exp, floor, log
from typing import NamedTuple

from v6.simulator.instruments.listings import Listing
from v6.simulator.instruments.underlyings import FUTURES, UNDERLYINGS
from v6.simulator.market import noise
from v6.simulator.market.hours import Hours, Segment
from v6.simulator.market.prices import Market

ROLL_DAYS = 8  # the Monday-to-Thursday before expiry, when volume has moved to the next month
BEFORE, AFTER = 0.002, 0.004  # a stock's volume before and after the regular session, of that session's own
SIZE_SECONDS = 2
LARGEST = {"STK": 30, "FUT": 60}
LARGEST_OPTION = 150


class Activity(NamedTuple):
    """Of one instrument on one day. `wait`: seconds between an option's trades, `shift`: its first one's phase."""

    volume: float
    open_interest: int
    wait: float
    shift: float
    bid_key: int
    ask_key: int
    last_key: int


def session_part(part: float) -> float:
    """The share of a session's volume done when `part` of its time is over: busy ends, quiet middle."""
    return part + 0.35 * (2 * part**3 - 3 * part**2 + part)


class Activities:
    def __init__(self, market: Market, hours: Hours) -> None:
        self._market = market
        self._hours = hours
        self.on = lru_cache(maxsize=1 << 14)(self._on)

    def _key(self, name: str, con_id: int) -> int:
        return noise.key(self._market.seed, name, con_id)

    def _on(self, listing: Listing, day: date) -> Activity:
        con_id = listing.con_id
        volume, interest = self._volume_and_interest(listing, day)
        wait = min(max(23400 / (volume / 8 + 1), 2.0), 1800.0)
        shift = noise.uniform(self._key("trade", con_id), 0) * wait
        keys = (self._key(name, con_id) for name in ("bid", "ask", "last"))
        return Activity(volume, interest, wait, shift, *keys)

    def _volume_and_interest(self, listing: Listing, day: date) -> tuple[float, int]:
        draw = 0.6 + 0.8 * noise.uniform(self._key("volume", listing.con_id), day.toordinal())
        if listing.sec_type == "IND":
            return 0.0, 0
        if listing.sec_type == "STK":
            return UNDERLYINGS[listing.symbol].daily_volume * draw, 0
        if listing.sec_type == "FUT":
            assert listing.expiry is not None
            days = (listing.expiry - day).days
            share = 0.08 if days < ROLL_DAYS else 1.0 if days < 91 + ROLL_DAYS else 0.01
            most = FUTURES[listing.symbol].daily_volume
            return most * share * draw, int(most * 1.4 * (0.4 if days < ROLL_DAYS else share) * (0.97 + 0.03 * draw))
        return self._of_option(listing, day, draw)

    def _of_option(self, listing: Listing, day: date, draw: float) -> tuple[float, int]:
        segment = self._hours.regular(day) or self._hours.current("OPT", listing.expires_at)[0]
        model = self._market.option(listing.symbol, listing.strike, listing.expires_at, listing.call, segment.start)
        assert model.underlying is not None
        width = max(model.iv * max((listing.expires_at - segment.start) / 31_536_000, 1 / 365) ** 0.5, 0.01)
        distance = log(listing.strike / model.underlying) / width
        popular = 6.0 if listing.strike % 10 == 0 else 2.5 if listing.strike % 5 == 0 else 1.0
        interest = 2500 * popular * exp(-0.35 * distance * distance)
        interest *= 0.2 + 1.6 * noise.uniform(self._key("interest", listing.con_id), 0)
        return interest * 0.35 * draw * draw, int(interest * (1 + 0.05 * draw)) + (1 if popular > 1 else 0)

    def volume(self, listing: Listing, segment: Segment, at: float) -> float:
        """Traded since the day's first trade: whole numbers that never fall within the segment's day."""
        kind = listing.sec_type
        if kind == "OPT":
            part = session_part(min(max((at - segment.start) / (segment.end - segment.start), 0.0), 1.0))
        elif kind == "STK":
            part = self._stock_part(segment.date, at)
        elif kind == "FUT":
            part = self._futures_part(segment, at)
        else:
            return 0.0
        return float(floor(self.on(listing, segment.date).volume * part))

    def _stock_part(self, day: date, at: float) -> float:
        regular, whole = self._hours.regular(day), self._hours.extended(day)
        assert regular is not None
        assert whole is not None
        if at < regular.start:
            return BEFORE * max(at - whole.start, 0.0) / (regular.start - whole.start) if whole != regular else 0.0
        if at < regular.end:
            return BEFORE + session_part((at - regular.start) / (regular.end - regular.start))
        after = min((at - regular.end) / max(whole.end - regular.end, 1.0), 1.0)
        return BEFORE + 1.0 + AFTER * after

    def _futures_part(self, segment: Segment, at: float) -> float:
        at = min(max(at, segment.start), segment.end)
        regular = self._hours.regular(segment.date)
        if regular is None:
            return (at - segment.start) / (segment.end - segment.start)
        if at < regular.start:
            return 0.15 * (at - segment.start) / (regular.start - segment.start)
        if at < regular.end:
            return 0.15 + 0.82 * session_part((at - regular.start) / (regular.end - regular.start))
        return 0.97 + 0.03 * min((at - regular.end) / max(segment.end - regular.end, 1.0), 1.0)


def size(listing: Listing, base: int, turn: int) -> float:
    """Contracts, or shares in hundreds; `base`: the key of that side, `turn`: which stretch of two seconds."""
    draw = noise.uniform(base, turn)
    number = 1 + int(draw * draw * LARGEST.get(listing.sec_type, LARGEST_OPTION))
    return float(number * 100 if listing.sec_type == "STK" else number)


def calls_and_puts(calls: float) -> tuple[int, int]:
    """All options on a stock, invented from its own volume; puts are the more popular."""
    return int(calls), int(calls * 1.3)
