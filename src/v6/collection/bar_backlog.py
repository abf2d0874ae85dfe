"""The gaps of the bars: every session that should have final ones, less what is stored and what TWS does not have."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from v6.analysis.bar_gaps import DAILY, SETTLED, missing
from v6.collection import bar_reports
from v6.collection.bar_fetch import Account
from v6.collection.bar_series import Calendars, Series, in_order, of_contract, stored_days
from v6.collection.symbols import Resolved, month_of
from v6.journal import bars_unavailable
from v6.journal.bars_unavailable import Unavailable
from v6.model import Contract
from v6.restart.counted import counted
from v6.runner.context import Context

if TYPE_CHECKING:
    from v6.scheduler.nyse_calendar import Session

BELIEVED_AFTER = timedelta(days=7)
"""That TWS has no bars of a younger session may be an outage of its farm: it is asked again by the next run."""
LONGEST_FRONT_DAYS = 120
"""A month that expires later than so many days after a session was not its front month: nearer ones are not listed any
more, and the session is not asked for."""


class Backlog:
    """`lacking`: series -> sessions, newest first; it shrinks as a run goes on."""

    def __init__(self, ctx: Context, calendars: Calendars, found: Resolved) -> None:
        self._ctx = ctx
        self._calendars = calendars
        self._found = found
        self._absent = 0
        self._recorded: set[Unavailable] = set()
        self.unlisted = 0
        self.lacking: dict[Series, list[Session]] = {}
        for size, count in self._spans():
            self._look(size, count)

    def _spans(self) -> Iterator[tuple[str, int]]:
        bars = self._ctx.settings.bars
        yield DAILY, bars.daily_sessions
        yield bars.intraday_size, bars.intraday_sessions

    def _look(self, size: str, count: int) -> None:
        settings, now = self._ctx.settings, self._ctx.now() - SETTLED
        contracts = self._found.contracts.values()
        series = [each for contract in contracts for each in of_contract(settings, contract) if each.bar_size == size]
        begun = {each: self._calendars.begun(each, now, count, over=True) for each in in_order(series)}
        first = min(sessions[-1].date for sessions in begun.values())
        stored = stored_days(self._ctx, size, first)
        for each, sessions in begun.items():
            gaps = missing(sessions, stored.get(each.stored_key, ()))
            for one, session in self._by_month(each, gaps):
                self.lacking.setdefault(one, []).append(session)
        absent = bars_unavailable.known(self._ctx.journal, settings.bars.ask_again_days)
        for each in [one for one in self.lacking if one.bar_size == size]:
            self._drop(each, absent.get((each.contract.con_id, size, each.what), ()))

    def _by_month(self, series: Series, sessions: "Iterable[Session]") -> "Iterator[tuple[Series, Session]]":
        """A future's sessions belong to the month that was the front month then."""
        months = self._found.months.get(series.contract.symbol, ())
        for session in sessions:
            contract: Contract | None = series.contract
            if months:
                contract = month_of(months, session.date)
            if contract is None or _is_far(contract, session):
                self.unlisted += 1
            else:
                yield Series(contract, series.bar_size, series.what), session

    def _drop(self, series: Series, days: "Iterable[object]") -> int:
        gone = set(days)
        before = self.lacking.get(series, [])
        left = [session for session in before if session.date not in gone]
        if left:
            self.lacking[series] = left
        else:
            self.lacking.pop(series, None)
        return len(before) - len(left)

    def settle(self, account: Account) -> None:
        """Strike out what came and what TWS has not; the latter is recorded once it can be believed."""
        rows = believed(self._ctx, account)
        for series, days in account.absent.items():
            self._absent += self._drop(series, days)
        for series, came in account.came.items():
            self._drop(series, came)
        bars_unavailable.record(self._ctx.journal, sorted(rows - self._recorded))
        self._recorded |= rows

    @property
    def left(self) -> int:
        """Sessions that are still gaps, over all series."""
        return sum(map(len, self.lacking.values()))

    def listed(self) -> str:
        """Each gap into the log, their number as words."""
        for series, sessions in self.lacking.items():
            length = counted(len(sessions), "session")
            self._ctx.log.info("{}: {}, {} to {}", series, length, sessions[-1].date, sessions[0].date)
        lines = [f"{series}: {len(sessions)}" for series, sessions in self.lacking.items()]
        lack = "lacks" if self.left == 1 else "lack"
        return f"{counted(self.left, 'session')} {lack} bars ({bar_reports.shortened(lines)})" if lines else "no gaps"

    def words(self) -> str:
        parts = [f"{counted(self.left, 'session')} left for the next run" if self.left else "no gaps left"]
        if self._absent:
            parts.append(f"{counted(self._absent, 'session')} that TWS has no bars of")
        if self.unlisted:
            parts.append(f"{counted(self.unlisted, 'session')} of futures months that TWS lists no more")
        return "; ".join(parts)


def believed(ctx: Context, account: Account) -> set[Unavailable]:
    """What TWS has not, of sessions that are old enough for that to be no outage."""
    last = (ctx.now() - BELIEVED_AFTER).date()
    return {
        Unavailable(series.contract.con_id, series.bar_size, series.what, day, series.contract.symbol, reason)
        for series, days in account.absent.items()
        for day, reason in days.items()
        if day <= last
    }


def _is_far(contract: Contract, session: "Session") -> bool:
    return contract.expiry is not None and (contract.expiry - session.date).days > LONGEST_FRONT_DAYS
