"""Which options and futures exist on a day: a pure function of the day, so that a restart changes nothing.

Once listed a contract stays until it expires. Strike grids differ between expiries and have holes, so that many pairs
of the cross product that reqSecDefOptParams gives do not exist.
"""

from calendar import FRIDAY
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

from v6.clock import NEW_YORK
from v6.simulator.instruments.con_ids import Identity, encode
from v6.simulator.instruments.listings import Listing, occ_symbol
from v6.simulator.instruments.underlyings import UNDERLYINGS, Future, OptionClass, Underlying
from v6.simulator.market import noise
from v6.simulator.market.hours import CHICAGO, DAY, Hours, new_york
from v6.simulator.market.prices import Market

DAILY, WEEKLY, MONTHLY, LEAPS = 14, 56, 400, 800  # calendar days before expiry at which a kind is listed
MONTH_CODES = "FGHJKMNQUVXZ"
MONTHLY_ADDITIONS = (MONTHLY, 250, 150, 90, 50, 25)
WEEKLY_ADDITIONS = (WEEKLY, 28, 14)
HOLES = 0.05


def third_friday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(FRIDAY - first.weekday()) % 7 + 14)


class Chains:
    def __init__(self, market: Market, hours: Hours) -> None:
        self._market = market
        self._hours = hours
        self.expiries = lru_cache(maxsize=512)(self._expiries)
        self.option = lru_cache(maxsize=1 << 14)(self._option)
        self._grid = lru_cache(maxsize=4096)(self._grid_of)

    def _trading_day(self, day: date) -> date:
        while not self._hours.is_trading_day(day):
            day -= DAY
        return day

    def _kinds(self, option_class: OptionClass, dailies: bool, today: date) -> Iterator[tuple[date, str]]:
        for offset in range(LEAPS + 1):
            day = today + offset * DAY
            if option_class.kind == "flex":
                # adjusted and flexible contracts expire on odd days of their own
                if day.weekday() == 2 and day.day <= 7 and offset <= MONTHLY:
                    yield day, "leaps"
                continue
            monthly = day == third_friday(day.year, day.month)
            if monthly and (offset <= MONTHLY or day.month in (1, 6, 12)):
                yield day, "monthly" if offset <= MONTHLY else "leaps"
            elif day.weekday() == FRIDAY and offset <= WEEKLY:
                yield day, "weekly"
            elif dailies and offset <= DAILY and day.weekday() < FRIDAY:
                yield day, "daily"

    def _expiries(self, option_class: OptionClass, dailies: bool, today: date) -> dict[date, str]:
        """Expiry -> kind. A Friday holiday moves its expiry to the day before."""
        found: dict[date, str] = {}
        for day, kind in self._kinds(option_class, dailies, today):
            if kind == "daily" and not self._hours.is_trading_day(day):
                continue
            if option_class.kind == "monthly" and kind in ("weekly", "daily"):
                continue
            moved = self._trading_day(day)
            if moved >= today:
                found[moved] = kind
        return found

    def strikes(
        self, underlying: Underlying, option_class: OptionClass, expiry: date, today: date
    ) -> tuple[float, ...]:
        """Listed until today: around the price at listing, and around later prices as the exchange adds strikes."""
        monthly = abs((third_friday(expiry.year, expiry.month) - expiry).days) <= 1
        leads = MONTHLY_ADDITIONS if monthly else WEEKLY_ADDITIONS
        added = sum(1 for lead in leads if expiry - lead * DAY <= today)
        return self._grid(underlying, option_class, expiry, leads[: max(added, 1)])

    def _grid_of(
        self, underlying: Underlying, option_class: OptionClass, expiry: date, leads: tuple[int, ...]
    ) -> tuple[float, ...]:
        """Fine steps near those prices, coarser ones further out, some missing."""
        step = option_class.step
        strikes, near = set(), set()
        for lead in leads:
            reference = self._market.price(underlying.symbol, new_york(expiry - lead * DAY, 12))
            for reach, band in ((0.04, step), (0.15, step), (0.30, step * 2), (0.45, step * 5)):
                low, high = round(reference * (1 - reach) / band), round(reference * (1 + reach) / band)
                found = {count * band for count in range(max(low, 1), high + 1)}
                strikes |= found
                if reach < 0.1:
                    near |= found
        base = noise.key("holes", option_class.name, expiry)
        return tuple(
            strike
            for strike in sorted(strikes)
            if strike in near or noise.uniform(base, round(strike / option_class.unit)) >= HOLES
        )

    def _option(
        self, underlying: Underlying, option_class: OptionClass, expiry: date, strike: float, right: str
    ) -> Listing:
        units = strike / option_class.unit
        identity = Identity(option_class.index, expiry, round(units), right == "P")
        morning = option_class.kind == "monthly"
        session = self._hours.regular(self._trading_day(expiry))
        close = session.end if session else new_york(expiry, 16)
        index = underlying.sec_type == "IND"
        return Listing(
            con_id=encode(identity),
            symbol=underlying.symbol,
            sec_type="OPT",
            exchange="SMART",
            primary_exchange="",
            local_symbol=occ_symbol(option_class.name, expiry, right, strike),
            trading_class=option_class.name,
            name=underlying.name,
            min_tick=option_class.tick,
            exchanges=option_class.exchanges,
            multiplier="100",
            expiry=expiry,
            expires_at=new_york(expiry, 9, 30) if morning else close,
            strike=strike,
            right=right,
            under_con_id=underlying.con_id,
            zone=CHICAGO if index else NEW_YORK,
            zone_name="US/Central" if index else "US/Eastern",
            market_name=option_class.name,
        )

    def options(self, underlying: Underlying, today: date, expiry: str = "") -> Iterator[Listing]:
        """Every listed option whose expiry starts with `expiry` (yyyymm or yyyymmdd)."""
        for option_class in underlying.classes:
            for day in self.expiries(option_class, underlying.dailies, today):
                if f"{day:%Y%m%d}".startswith(expiry):
                    for strike in self.strikes(underlying, option_class, day, today):
                        for right in "CP":
                            yield self.option(underlying, option_class, day, strike, right)

    def futures(self, future: Future, today: date, count: int = 5) -> list[Listing]:
        """The quarterly months, front first."""
        found: list[Listing] = []
        year, month = today.year, 3 * ((today.month - 1) // 3 + 1)
        while len(found) < count:
            expiry = self._trading_day(third_friday(year, month))
            if expiry >= today:
                found.append(self.future(future, expiry))
            month += 3
            if month > 12:
                year, month = year + 1, 3
        return found

    def future(self, future: Future, expiry: date) -> Listing:
        followed = UNDERLYINGS[future.follows]
        return Listing(
            con_id=encode(Identity(future.index, expiry, 0, False)),
            symbol=future.symbol,
            sec_type="FUT",
            exchange="CME",
            primary_exchange="",
            local_symbol=f"{future.symbol}{MONTH_CODES[expiry.month - 1]}{expiry.year % 10}",
            trading_class=future.symbol,
            name=future.name,
            min_tick=future.tick,
            exchanges=("CME", "QBALGO"),
            multiplier=future.multiplier,
            expiry=expiry,
            expires_at=new_york(expiry, 9, 30),
            under_con_id=followed.con_id,
            zone=CHICAGO,
            zone_name="US/Central",
            market_name=future.symbol,
        )
