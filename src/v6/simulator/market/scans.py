"""The market scanner: what can be ranked and filtered by, evaluated over the simulated market.

Scan codes, filter codes and their units are those of TWS's scanner parameters (percent as 5.0, market capitalisation in
millions for ...1e6). What a metric is exactly for TWS is not published: the docstrings say what it is here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from v6.simulator.instruments.listings import Listing
from v6.simulator.instruments.underlyings import UNDERLYINGS
from v6.simulator.market.halts import MarketState
from v6.simulator.market.hours import Hours
from v6.simulator.market.quotes import Feed, Snapshot
from v6.simulator.market.synthetic import SyntheticFeed

MOST_ROWS = 50  # [doc]
SHARES_FOR_VOLUME = 150  # invented: shares outstanding for each share traded on a usual day
STOCK, INDEX, FUTURE = "STK", "IND.US", "FUT.US"
NO_PRICE = -1.0


@dataclass(frozen=True)
class World:
    """What a scan looks at, and when (epoch seconds)."""

    feed: Feed
    synthetic: SyntheticFeed
    hours: Hours
    state: MarketState
    now: float


class Candidate:
    """One instrument with everything a scan may ask about it; None: not known, so not in the scan."""

    def __init__(self, world: World, listing: Listing, quote: Snapshot) -> None:
        self.listing = listing
        self._world = world
        self._quote = quote
        self._underlying = UNDERLYINGS.get(listing.symbol)

    @property
    def price(self) -> float | None:
        return self._quote.last if (self._quote.last or NO_PRICE) > 0 else None

    @property
    def change(self) -> float | None:
        """Percent, of the last price over the previous close."""
        return _percent(self.price, self._quote.close)

    @property
    def change_since_open(self) -> float | None:
        return _percent(self.price, self._quote.open)

    @property
    def gap(self) -> float | None:
        """Percent, of the open over the previous close."""
        return _percent(self._quote.open, self._quote.close)

    @property
    def price_range(self) -> float | None:
        return _percent(self._quote.high, self._quote.low)

    @property
    def after_hours(self) -> float | None:
        """Percent, of the last price over today's regular close; only when that is over."""
        regular = self._world.hours.regular(self._world.hours.current("STK", self._world.now)[0].date)
        if self.listing.sec_type != "STK" or regular is None or self._world.now < regular.end:
            return None
        return _percent(self.price, self._world.synthetic.closing(self.listing, regular))

    @property
    def volume(self) -> float | None:
        return self._quote.volume

    @property
    def usual_volume(self) -> float | None:
        return self._underlying.daily_volume if self._underlying and self._underlying.daily_volume else None

    @property
    def heat(self) -> float | None:
        """Today's volume over that of a usual day."""
        return self.volume / self.usual_volume if self.volume is not None and self.usual_volume else None

    @property
    def dollars(self) -> float | None:
        return self.volume * self.price if self.volume is not None and self.price else None

    @property
    def capital(self) -> float | None:
        """Millions of dollars; the number of shares is invented."""
        if not self.usual_volume or not self.price or self.listing.stock_type == "ETF":
            return None
        return self.usual_volume * SHARES_FOR_VOLUME * self.price / 1e6

    @property
    def has_options(self) -> bool:
        return bool(self._underlying and self._underlying.classes)

    @cached_property
    def implied(self) -> float | None:
        """Percent, annualised, over 30 days."""
        return self._volatility("OPTION_IMPLIED_VOLATILITY", self._world.now)

    @cached_property
    def historical(self) -> float | None:
        return self._volatility("HISTORICAL_VOLATILITY", self._world.now)

    @property
    def implied_over_historical(self) -> float | None:
        return 100 * self.implied / self.historical if self.implied and self.historical else None

    @property
    def implied_change(self) -> float | None:
        """Percent, since the previous session's close."""
        if self.implied is None:
            return None
        hours = self._world.hours
        before = hours.previous("IND", hours.current("STK", self._world.now)[0])
        return _percent(self.implied, self._volatility("OPTION_IMPLIED_VOLATILITY", before.end - 1))

    def _volatility(self, what: str, at: float) -> float | None:
        return 100 * self._world.synthetic.volatility(self.listing, at, what) if self.has_options else None

    @property
    def option_volume(self) -> float | None:
        pair = self._quote.option_volume
        return float(sum(pair)) if pair and self.has_options else None

    @property
    def put_call_ratio(self) -> float | None:
        pair = self._quote.option_volume
        return pair[1] / pair[0] if pair and pair[0] and self.has_options else None

    @property
    def option_interest(self) -> float | None:
        pair = self._quote.option_interest
        return float(sum(pair)) if pair and self.has_options else None

    @property
    def halted(self) -> float | None:
        return 1.0 if self._world.state.halted(self.listing.symbol) else None


def _percent(now: float | None, before: float | None) -> float | None:
    return 100 * (now / before - 1) if now and before and before > 0 else None


class Scan(NamedTuple):
    """`metric`: an attribute of Candidate, from the largest down, or from the smallest up."""

    name: str
    metric: str
    largest_first: bool = True
    instruments: tuple[str, ...] = (STOCK,)


ALL = (STOCK, INDEX, FUTURE)
SCANS = {
    "TOP_PERC_GAIN": Scan("Top % Gainers", "change", instruments=ALL),
    "TOP_PERC_LOSE": Scan("Top % Losers", "change", False, ALL),
    "MOST_ACTIVE": Scan("Most Active", "volume", instruments=(STOCK, FUTURE)),
    "MOST_ACTIVE_USD": Scan("Most Active ($)", "dollars"),
    "HOT_BY_VOLUME": Scan("Hot Contracts by Volume", "heat"),
    "HOT_BY_PRICE_RANGE": Scan("Hot Contracts by Price Range", "price_range"),
    "TOP_PRICE_RANGE": Scan("Top Price Range", "price_range"),
    "TOP_TRADE_COUNT": Scan("Top Trade Count", "volume"),
    "TOP_OPEN_PERC_GAIN": Scan("Top % Gainers Since Open", "change_since_open"),
    "TOP_OPEN_PERC_LOSE": Scan("Top % Losers Since Open", "change_since_open", False),
    "HIGH_OPEN_GAP": Scan("Top Close-to-Open % Gainers", "gap"),
    "LOW_OPEN_GAP": Scan("Top Close-to-Open % Losers", "gap", False),
    "TOP_AFTER_HOURS_PERC_GAIN": Scan("Top After-Hours % Gainers", "after_hours"),
    "TOP_AFTER_HOURS_PERC_LOSE": Scan("Top After-Hours % Losers", "after_hours", False),
    "HIGH_OPT_IMP_VOLAT": Scan("Highest Option Imp Vol", "implied"),
    "LOW_OPT_IMP_VOLAT": Scan("Lowest Option Imp Vol", "implied", False),
    "TOP_OPT_IMP_VOLAT_GAIN": Scan("Top Option Imp Vol % Gainers", "implied_change"),
    "TOP_OPT_IMP_VOLAT_LOSE": Scan("Top Option Imp Vol % Losers", "implied_change", False),
    "HIGH_OPT_IMP_VOLAT_OVER_HIST": Scan("High Option Imp Vol Over Historical", "implied_over_historical"),
    "LOW_OPT_IMP_VOLAT_OVER_HIST": Scan("Low Option Imp Vol Over Historical", "implied_over_historical", False),
    "OPT_VOLUME_MOST_ACTIVE": Scan("Most Active by Opt Volume", "option_volume"),
    "HOT_BY_OPT_VOLUME": Scan("Hot by Option Volume", "option_volume"),
    "OPT_OPEN_INTEREST_MOST_ACTIVE": Scan("Most Active by Opt Open Interest", "option_interest"),
    "HIGH_OPT_VOLUME_PUT_CALL_RATIO": Scan("High Option Volume P/C Ratio", "put_call_ratio"),
    "LOW_OPT_VOLUME_PUT_CALL_RATIO": Scan("Low Option Volume P/C Ratio", "put_call_ratio", False),
    "HALTED": Scan("Halted", "halted"),
}


class Filter(NamedTuple):
    """`codes`: at least, at most; `metric`: an attribute of Candidate in the unit that the codes take."""

    name: str
    category: str
    codes: tuple[str, str]
    metric: str


FILTERS = {
    "PRICE": Filter("Price", "Prices", ("priceAbove", "priceBelow"), "price"),
    "USDPRICE": Filter("Price (USD)", "Prices", ("usdPriceAbove", "usdPriceBelow"), "price"),
    "VOLUME": Filter("Volume", "Volume", ("volumeAbove", "volumeBelow"), "volume"),
    "USDVOLUME": Filter("Dollar Volume", "Volume", ("usdVolumeAbove", "usdVolumeBelow"), "dollars"),
    "AVGVOLUME": Filter("Average Volume", "Volume", ("avgVolumeAbove", "avgVolumeBelow"), "usual_volume"),
    "CHANGEPERC": Filter("Change (%)", "Prices", ("changePercAbove", "changePercBelow"), "change"),
    "CHANGEOPENPERC": Filter("Change Since Open (%)", "Prices", ("changeOpenPercAbove", "changeOpenPercBelow"),
                             "change_since_open"),
    "OPENGAPPERC": Filter("Close-to-Open Gap (%)", "Prices", ("openGapPercAbove", "openGapPercBelow"), "gap"),
    "PRICERANGE": Filter("Price Range (%)", "Prices", ("priceRangeAbove", "priceRangeBelow"), "price_range"),
    "AFTERHRSCHANGEPERC": Filter("After-Hours Change (%)", "Prices",
                                 ("afterHoursChangePercAbove", "afterHoursChangePercBelow"), "after_hours"),
    "MKTCAP": Filter("Market Cap", "Fundamentals", ("marketCapAbove1e6", "marketCapBelow1e6"), "capital"),
    "IMPVOLAT": Filter("Opt Imp Vol", "Options", ("impVolatAbove", "impVolatBelow"), "implied"),
    "IMPVOLATCHANGEPERC": Filter("Opt Imp Vol Change (%)", "Options",
                                 ("impVolatChangePercAbove", "impVolatChangePercBelow"), "implied_change"),
    "IMPVOLATOVERHIST": Filter("Opt Imp Vol Over Hist", "Options", ("impVolatOverHistAbove", "impVolatOverHistBelow"),
                               "implied_over_historical"),
    "OPTVOLUME": Filter("Opt Volume", "Options", ("optVolumeAbove", "optVolumeBelow"), "option_volume"),
    "AVGOPTVOLUME": Filter("Avg Opt Volume", "Options", ("avgOptVolumeAbove", "avgOptVolumeBelow"), "option_volume"),
    "OPTVOLUMEPCRATIO": Filter("Opt Volume P/C Ratio", "Options", ("optVolumePCRatioAbove", "optVolumePCRatioBelow"),
                               "put_call_ratio"),
}  # fmt: skip
LIMITS = {code: (each.metric, place == 0) for each in FILTERS.values() for place, code in enumerate(each.codes)}
STOCK_TYPES = {"CORP": "COMMON", "STOCK": "COMMON", "COMMON": "COMMON", "ETF": "ETF"}

# code -> its name, and the primary exchanges of a stock there; None: in TWS's list, and not configured
LOCATIONS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "STK.US": ("US Stocks", ("NASDAQ", "NYSE", "ARCA", "AMEX", "BATS", "PINK")),
    "STK.US.MAJOR": ("Listed/NASDAQ", ("NASDAQ", "NYSE", "ARCA", "AMEX", "BATS")),
    "STK.NASDAQ": ("NASDAQ", ("NASDAQ",)),
    "STK.NYSE": ("NYSE", ("NYSE",)),
    "STK.ARCA": ("ARCA", ("ARCA",)),
    "STK.AMEX": ("AMEX", ("AMEX",)),
    "STK.BATS": ("BATS", ("BATS",)),
    "STK.US.MINOR": ("OTC Markets", ("PINK",)),
    "STK.PINK": ("PINK", ("PINK",)),
    "ETF.EQ.US": ("US Equity ETFs", None),
    "IND.US": ("US Indices", ("CBOE", "NASDAQ", "RUSSELL")),
    "FUT.US": ("US Futures", ("CME",)),
    "FUT.CME": ("CME", ("CME",)),
}
PARENTS = {
    "STK.US.MAJOR": "STK.US", "STK.US.MINOR": "STK.US", "STK.NASDAQ": "STK.US.MAJOR", "STK.NYSE": "STK.US.MAJOR",
    "STK.ARCA": "STK.US.MAJOR", "STK.AMEX": "STK.US.MAJOR", "STK.BATS": "STK.US.MAJOR", "STK.PINK": "STK.US.MINOR",
    "FUT.CME": "FUT.US",
}  # fmt: skip
INSTRUMENTS = {STOCK: "US Stocks", "ETF.EQ.US": "US Equity ETFs", INDEX: "US Indices", FUTURE: "US Futures"}


class Subscription(NamedTuple):
    """`limits`: filter code -> value; `stock_types`: of contract details, empty is all."""

    rows: int
    instrument: str
    locations: tuple[str, ...]
    code: str
    limits: dict[str, float]
    stock_types: frozenset[str] = frozenset()
    has_options: bool = False


def exchanges(asked: Subscription) -> set[str] | None:
    """The primary exchanges of its locations; None when one is unknown, not configured, or of another instrument."""
    found: set[str] = set()
    for location in asked.locations:
        at = LOCATIONS.get(location, ("", None))[1]
        if at is None or not location.startswith(asked.instrument[:3]):
            return None
        found.update(at)
    return found or None


def ranked(asked: Subscription, world: World, listings: Iterable[Listing]) -> list[Listing]:
    """What passes all filters and has the scan's metric, best first, at most 50."""
    scan = SCANS[asked.code]
    found: list[tuple[float, Listing]] = []
    for listing in listings:
        quote = world.feed.quote(listing, world.now)
        if quote is None:
            continue
        candidate = Candidate(world, listing, quote)
        value = getattr(candidate, scan.metric)
        if value is not None and _passes(asked, candidate):
            found.append((value, listing))
    found.sort(key=_rank, reverse=scan.largest_first)
    wanted = asked.rows if 0 < asked.rows < MOST_ROWS else MOST_ROWS
    return [listing for _, listing in found[:wanted]]


def _rank(row: tuple[float, Listing]) -> tuple[float, str]:
    return row[0], row[1].symbol


def _passes(asked: Subscription, candidate: Candidate) -> bool:
    if asked.stock_types and candidate.listing.stock_type not in asked.stock_types:
        return False
    if asked.has_options and not candidate.has_options:
        return False
    for code, limit in asked.limits.items():
        metric, above = LIMITS[code]
        value = getattr(candidate, metric)
        if value is None or (value < limit if above else value > limit):
            return False
    return True
