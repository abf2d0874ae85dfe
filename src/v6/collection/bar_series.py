"""One line of bars of one contract, the sessions it should have, and what of it is stored."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from v6.analysis.bar_gaps import DAILY
from v6.clock import NEW_YORK
from v6.config.settings import Settings
from v6.model import Contract
from v6.runner.context import Context
from v6.scheduler.futures_calendar import FILE, FuturesCalendar
from v6.scheduler.nyse_calendar import Session

TABLE = "bars"
TRADES = "TRADES"
VOLATILITIES = ("OPTION_IMPLIED_VOLATILITY", "HISTORICAL_VOLATILITY")
COLUMNS = ("con_id", "symbol", "sec_type", "what", "trade_date", "final")
DAY = timedelta(days=1)

StoredKey = tuple[int | str, str]


class Calendar(Protocol):
    @property
    def covers(self) -> tuple[date, date]: ...
    def session(self, day: date) -> Session | None: ...


@dataclass(frozen=True, slots=True)
class Series:
    """`regular`: regular trading hours only; futures trade around the clock."""

    contract: Contract
    bar_size: str
    what: str

    @property
    def regular(self) -> bool:
        return self.contract.sec_type != "FUT"

    @property
    def stored_key(self) -> StoredKey:
        """A future's sessions count whatever month they were stored of."""
        return (self.contract.con_id if self.regular else self.contract.symbol, self.what)

    def __str__(self) -> str:
        name = self.contract.local_symbol or self.contract.symbol
        return f"{name} {self.bar_size}" + ("" if self.what == TRADES else f" {self.what}")


def of_contract(settings: Settings, contract: Contract) -> list[Series]:
    """What is loaded of it: daily and intraday trades, and of stocks and indices the daily volatilities."""
    kinds = [(DAILY, TRADES), (settings.bars.intraday_size, TRADES)]
    if contract.sec_type != "FUT":
        kinds += [(DAILY, what) for what in VOLATILITIES]
    return [Series(contract, size, what) for size, what in kinds]


class Calendars:
    """Of stocks and indices NYSE's, of futures CME's; the latter is only read when it is needed."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._futures: FuturesCalendar | None = None
        self._last: dict[bool, Session] = {}

    def ready(self, symbols: Iterable[str]) -> "Calendars":
        """Itself, with what those symbols need read: raises CalendarError before TWS is asked of anything."""
        if any(symbol in self._ctx.settings.futures.symbols for symbol in symbols):
            self._of_futures()
        self._ctx.calendar  # noqa: B018 - read at its first use
        return self

    def of(self, series: Series) -> Calendar:
        """Raises CalendarError."""
        return self._ctx.calendar if series.regular else self._of_futures()

    def _of_futures(self) -> FuturesCalendar:
        if self._futures is None:
            self._futures = FuturesCalendar(self._ctx.paths.compiled / FILE)
        return self._futures

    def begun(self, series: Series, now: datetime, count: int, *, over: bool) -> list[Session]:
        """The last `count` sessions that have begun by `now`, newest first; `over`: only those that have ended."""
        calendar = self.of(series)
        found: list[Session] = []
        day = now.astimezone(NEW_YORK).date() + DAY  # a future's session begins on the evening before
        while len(found) < count and day >= calendar.covers[0]:
            session = calendar.session(day) if day <= calendar.covers[1] else None
            if session is not None and (session.close if over else session.open) <= now:
                found.append(session)
            day -= DAY
        return found

    def session_of(self, series: Series, start: datetime) -> Session | None:
        """The session in which an intraday bar begins; None outside of every one."""
        last = self._last.get(series.regular)
        if last is not None and last.open <= start < last.close:  # bars of an answer follow each other
            return last
        day = start.astimezone(NEW_YORK).date()
        for each in (day, day + DAY):
            session = self.of(series).session(each)
            if session is not None and session.open <= start < session.close:
                self._last[series.regular] = session
                return session
        return None


def stored_days(ctx: Context, bar_size: str, first: date) -> Mapping[StoredKey, set[date]]:
    """The trade dates from `first` on that have final bars of that size, by series."""
    import polars as pl

    rows = ctx.lake.read(TABLE, start=first, columns=[*COLUMNS], bar_size=bar_size)
    found: dict[StoredKey, set[date]] = {}
    for con_id, symbol, kind, what, day, _ in rows.filter(pl.col("final")).unique().iter_rows():
        key = (symbol if kind == "FUT" else con_id, what)
        found.setdefault(key, set()).add(day)
    return found


def in_order(series: Iterable[Series]) -> Iterator[Series]:
    """Sorted, so that runs over the same symbols ask in the same order."""
    return iter(sorted(series, key=lambda each: (each.contract.symbol, each.bar_size, each.what)))
