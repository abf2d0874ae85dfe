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
from v6.restart.counted import counted
from v6.runner.context import Context

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

FAILURES_IN_A_ROW = 12
"""Tries: after so many, without one answer in between, a request that fails for good ends the run: TWS is away."""
NO_SUBSCRIPTION = "no_subscription"
REFUSALS = {MissReason.NO_SUBSCRIPTION: NO_SUBSCRIPTION, MissReason.NO_CONTRACT: "no_contract"}


@dataclass
class Account:
    """`came`: trade dates by series; `absent`: those that TWS was asked for and has not.

    `refused`: series that TWS gives nobody without another subscription or contract, and its words: no more of them is
    asked for. `lost`: sessions of requests that failed at every try; `why`: their last words. `repeated`: tries of the
    run that failed and were repeated.
    """

    requests: int = 0
    repeated: int = 0
    began: float = 0.0
    answered: float = 0.0
    came: dict[Series, set[date]] = field(default_factory=dict)
    absent: dict[Series, dict[date, str]] = field(default_factory=dict)
    refused: dict[Series, str] = field(default_factory=dict)
    lost: dict[Series, set[date]] = field(default_factory=dict)
    why: dict[Series, str] = field(default_factory=dict)

    @property
    def failed(self) -> dict[Series, str]:
        """Series of which something is not there that TWS may have, or would for other rights: why."""
        return self.refused | {series: self.why[series] for series in self.lost}

    @property
    def seconds(self) -> float:
        """From the first request to the last answer."""
        return max(self.answered - self.began, 0.0)

    def failures(self) -> str:
        return "; ".join(f"{series}: {why}" for series, why in self.failed.items())

    def last_words(self) -> str:
        """Of the requests that failed for good, for a message; empty when none did."""
        count = sum(map(len, self.lost.values()))
        return f"{counted(count, 'session')} of {len(self.lost)} series failed in spite of repeats" if count else ""


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
                self._requests(wanted, most),
                self._take,
                memory=JournalMemory(self._ctx.journal),
                until=self._until,
                watch=self,
            )
        except (GatewayError, RecoverableError):
            self._end()
            self._ctx.log.warning(
                "ended early: {} bars of {} requests are stored, the next run asks for the rest",
                self._book.bars,
                self.account.requests,
            )
            raise
        self._end()

    def _end(self) -> None:
        """What was asked for and not answered is as if it had not been asked."""
        self.account.requests -= len(self._asked)
        self._asked.clear()
        self._book.commit()

    def _requests(self, wanted: Iterable[tuple[Series, Window]], most: int) -> Iterator[BarRequest]:
        """Newest first; what came of a month is committed when the next one's turn has come."""
        newest_first = sorted(wanted, key=lambda each: each[1].sessions[0], reverse=True)
        left = most
        month = (0, 0)
        for series, window in newest_first:
            newest = window.sessions[0]
            if month != (newest.year, newest.month):
                month = (newest.year, newest.month)
                self._book.commit_beside()
            if series in self.account.refused:
                self._refuse_too(series, window)
                continue
            if left <= 0:
                return
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

    def failed_once(self) -> None:
        self.account.repeated += 1
        self._in_a_row += 1

    def waiting(self) -> None:
        """Also while TWS is silent (it has lost IBKR for an hour, say) what came before is committed."""
        self._book.commit_when_due()

    def _fail(self, series: Series, window: Window, error: GatewayError) -> None:
        self._ctx.log.warning("no bars of {}: {}", series, error)
        reason = _refusal(error)
        if reason is not None:
            self._in_a_row = 0
            self.account.refused[series] = _short(error)
            self._absent(series, window, reason)
            return
        self.account.lost.setdefault(series, set()).update(window.sessions)
        self.account.why[series] = _short(error)
        self._in_a_row += 1
        if self._in_a_row >= FAILURES_IN_A_ROW:
            raise RecoverableError(f"{self._in_a_row} tries for bars in a row failed, the last one: {error}")

    def _refuse_too(self, series: Series, window: Window) -> None:
        """Rights are about the whole series. That TWS does not know the contract may be about an old session only."""
        if NO_SUBSCRIPTION in self.account.absent[series].values():
            self._absent(series, window, NO_SUBSCRIPTION)

    def _absent(self, series: Series, window: Window, reason: str) -> None:
        self.account.absent.setdefault(series, {}).update(dict.fromkeys(window.sessions, reason))


def _refusal(error: GatewayError) -> str | None:
    """Why TWS will not have them next time either; None when it may."""
    if not isinstance(error, RequestError):
        return None
    miss = lookup(error.code, error.text).miss
    return None if miss is None else REFUSALS.get(miss)


def _short(error: GatewayError) -> str:
    return f"{error.code} {error.text}" if isinstance(error, RequestError) else str(error)
