"""Many windows of bars from TWS into the lake, with an account of what came, what TWS has not, and what failed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from v6 import clock
from v6.analysis.bar_gaps import Window
from v6.collection.bar_series import Series
from v6.collection.bars import BarBook
from v6.gateway.error_codes import lookup
from v6.gateway.errors import GatewayError, RequestError
from v6.gateway.historical_many import Answer, BarRequest
from v6.gateway.historical_memory import JournalMemory
from v6.model import MissReason, RecoverableError
from v6.runner.context import Context

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

FAILURES_IN_A_ROW = 12
"""After so many, without one answer in between, TWS is taken to be away."""
REFUSALS = {MissReason.NO_SUBSCRIPTION: "no_subscription", MissReason.NO_CONTRACT: "no_contract"}


@dataclass
class Account:
    """`came`: trade dates by series; `absent`: those that TWS was asked for and has not; `failed`: series -> why."""

    requests: int = 0
    began: float = 0.0
    answered: float = 0.0
    came: dict[Series, set[date]] = field(default_factory=dict)
    absent: dict[Series, dict[date, str]] = field(default_factory=dict)
    failed: dict[Series, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        return max(self.answered - self.began, 0.0)

    def failures(self) -> str:
        return "; ".join(f"{series}: {why}" for series, why in self.failed.items())


class BarFetch:
    """Runs over windows, newest first; the account grows. `until`: monotonic, no request leaves later."""

    def __init__(self, ctx: Context, gateway: "Gateway", book: BarBook, until: float) -> None:
        self.account = Account(began=clock.monotonic(), answered=clock.monotonic())
        self._ctx = ctx
        self._gateway = gateway
        self._book = book
        self._until = until
        self._asked: dict[BarRequest, tuple[Series, Window, datetime]] = {}
        self._in_a_row = 0

    def has_time(self) -> bool:
        return clock.monotonic() < self._until

    def run(self, wanted: Iterable[tuple[Series, Window]], most: int) -> None:
        """At most `most` requests, the rest is left. What came is in the lake afterwards, also when it raises
        GatewayError (the connection ended) or RecoverableError (nothing but failures)."""
        try:
            self._gateway.historical_bars_many(
                self._requests(wanted, most), self._take, memory=JournalMemory(self._ctx.journal), until=self._until
            )
        except (GatewayError, RecoverableError):
            self._book.commit()
            raise
        self._book.commit()

    def _requests(self, wanted: Iterable[tuple[Series, Window]], most: int) -> Iterator[BarRequest]:
        """Newest first; what came of a month is committed when the next one's turn has come."""
        newest_first = sorted(wanted, key=lambda each: each[1].sessions[0], reverse=True)
        left = most
        month = (0, 0)
        for series, window in newest_first:
            if left <= 0:
                return
            newest = window.sessions[0]
            if month != (newest.year, newest.month):
                month = (newest.year, newest.month)
                self._book.commit_beside()
            if series in self.account.failed:
                continue
            left -= 1
            request = BarRequest(
                series.contract, window.duration, series.bar_size, series.what, series.regular, window.end
            )
            self._asked[request] = (series, window, clock.utc_now())
            self.account.requests += 1
            yield request

    def _take(self, request: BarRequest, answer: Answer) -> None:
        series, window, asked_at = self._asked.pop(request)
        self.account.answered = clock.monotonic()
        if isinstance(answer, GatewayError):
            self._fail(series, window, answer)
            return
        self._in_a_row = 0
        days = self._book.add(series, answer, window.sessions, asked_at)
        self.account.came.setdefault(series, set()).update(days.intersection(window.sessions))
        oldest = min(days, default=date.min)
        lacking = {day: "no_data" for day in window.sessions if day not in days and day > oldest}
        self.account.absent.setdefault(series, {}).update(lacking)
        self._book.commit_when_due()

    def _fail(self, series: Series, window: Window, error: GatewayError) -> None:
        self._ctx.log.warning("no bars of {}: {}", series, error)
        self.account.failed[series] = _short(error)
        reason = _refusal(error)
        if reason is not None:
            self.account.absent.setdefault(series, {}).update(dict.fromkeys(window.sessions, reason))
            return
        self._in_a_row += 1
        if self._in_a_row >= FAILURES_IN_A_ROW:
            raise RecoverableError(f"{self._in_a_row} requests for bars in a row failed, the last one: {error}")


def _refusal(error: GatewayError) -> str | None:
    """Why TWS will not have them next time either; None when it may."""
    if not isinstance(error, RequestError):
        return None
    miss = lookup(error.code, error.text).miss
    return None if miss is None else REFUSALS.get(miss)


def _short(error: GatewayError) -> str:
    return f"{error.code} {error.text}" if isinstance(error, RequestError) else str(error)
