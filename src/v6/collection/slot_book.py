"""The books of one slot of one collector: its line in the ledger and its rows in the lake, kept in step.

`with SlotBook(...)` opens the ledger before anything is collected and closes it on every way out: what is complete is
what the lake holds, and every other expected contract has a reason, from the attempt or from what ended it. A process
that was killed leaves its slot open; the task's next run closes it from the lake (`settle_unfinished`).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Literal, Self

from v6 import clock, failpoint
from v6.analysis.slot_account import Account, Standing, account, not_yet_complete
from v6.gateway.errors import ConnectFailed, Disconnected, RequestTimeout, ServerLost
from v6.journal import ledger, runs
from v6.model import MissReason, Quote, QuoteStatus, RecoverableError
from v6.runner.context import Context
from v6.runner.signals import Terminated
from v6.runner.slot_claims import SlotClaims

Key = Literal["con_id", "symbol"]
"""What identifies a contract of the slot: an option's con_id; a future's symbol, whose month may be unknown."""

FIVE_MINUTES = timedelta(minutes=5)

CLOSING = 10.0
"""Seconds kept back of an attempt for writing what it has collected."""

WORTH_RETRYING = frozenset({MissReason.DISCONNECTED, MissReason.SERVER_LOST, MissReason.PACING, MissReason.LINES})
"""Misses that another attempt at the same slot can mend; a contract that did not tick will not tick either."""

SLOT_HELD = "slot_held"
"""The reason of a run that found its slot claimed until its time was over."""

KILLED = {None, "killed", "signal"}
"""Outcomes of attempts that could not say what became of their slot."""

NOT_ASKED = Standing(QuoteStatus.MISSING, MissReason.NOT_RUN)


class SlotOverError(RecoverableError):
    """The slot's limit has passed: a quote of now would be another slot's (L15)."""

    reason = MissReason.DEADLINE


@dataclass
class SlotBook:
    """`expected`: key -> symbol of every contract the slot should have. `keep_ledger` False leaves the ledger alone."""

    ctx: Context
    table: str
    slot: datetime
    expected: dict[str, str]
    key: Key
    version: int | None = None
    note: str = ""
    keep_ledger: bool = True
    attempted: dict[str, Standing] = field(default_factory=dict)
    limit: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.limit = limit_of(self.ctx, self.slot)

    def __enter__(self) -> Self:
        if self._writes:
            ledger.open_slot(self.ctx.journal, self.ctx.task, self.slot, len(self.expected), self.version, self.note)
            failpoint.reach("slot_opened")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writes:
            self._close(self.account(_why(error)))
            failpoint.reach("ledger_closed")

    def stored(self) -> dict[str, Standing]:
        """What the lake holds of this slot."""
        return stored_in_lake(self.ctx, self.table, self.slot, self.key)

    def wanted(self) -> set[str]:
        """The keys that this attempt has to collect: an earlier one may have completed some."""
        return not_yet_complete(self.expected, self.stored())

    def remember(self, quotes: Iterable[Quote]) -> None:
        """Take the reasons of what this attempt did not get."""
        for quote in quotes:
            key = str(getattr(quote.contract, self.key))
            self.attempted[key] = Standing(quote.status, quote.reason, quote.detail)

    def expect(self, key: str, symbol: str) -> None:
        """One more contract, chosen only now; the ledger must not have been told how many there are."""
        assert not self.keep_ledger
        self.expected[key] = symbol

    def miss_all(self, reason: MissReason, detail: str) -> None:
        """Say of every contract why it cannot be had, without an attempt."""
        for key in self.expected:
            self.miss(key, reason, detail)

    def miss(self, key: str, reason: MissReason, detail: str) -> None:
        self.attempted[key] = Standing(QuoteStatus.MISSING, reason, detail)

    def conclude(self) -> Account:
        """After the book is closed: its account. RecoverableError when nothing is stored, or a retry can mend it."""
        result = self.account(NOT_ASKED)
        if result.expected and result.missing == result.expected:
            raise RecoverableError(f"nothing collected for {self.slot:%H:%M}: {result.words()}")
        if any(self._worth_retrying(shortfall.reason) for shortfall in result.shortfalls):
            raise RecoverableError(f"slot {self.slot:%H:%M} is not finished: {result.words()}")
        return result

    def account(self, otherwise: Standing) -> Account:
        stored = self.stored()
        if self.ctx.dry_run:
            stored |= {key: got for key, got in self.attempted.items() if got.status is not QuoteStatus.MISSING}
        return account(self.expected, stored, self.attempted, otherwise)

    def require_time(self) -> None:
        """Raises SlotOverError when a quote asked for now would come too late."""
        self.seconds_left()

    def seconds_left(self) -> float:
        """Until the slot's limit or the attempt's, whichever is first. Raises SlotOverError when there is none."""
        left = (self.limit - self.ctx.now().astimezone(UTC)).total_seconds()
        left = min(left, self.ctx.remaining() - CLOSING)
        if left <= 0:
            raise SlotOverError(f"the time of slot {self.slot:%H:%M} is over: its quotes would be late")
        return left

    def _worth_retrying(self, reason: MissReason | None) -> bool:
        """A cycle of the market session has less time than its slot: what it did not come to, cron's run does."""
        if reason is MissReason.DEADLINE:
            return self.ctx.claimed and self.ctx.now().astimezone(UTC) < self.limit
        return reason in WORTH_RETRYING

    @property
    def _writes(self) -> bool:
        return self.keep_ledger and not self.ctx.dry_run

    def _close(self, result: Account) -> None:
        misses = [ledger.Miss(s.key, s.symbol, s.status, s.reason, s.detail) for s in result.shortfalls]
        ledger.close_slot(self.ctx.journal, self.ctx.task, self.slot, result.complete, misses, self.note)


def limit_of(ctx: Context, slot: datetime) -> datetime:
    """The UTC instant after which a quote is too late for the slot: the task's deadline. By hand: from now."""
    return (slot if ctx.slot is not None else ctx.now()).astimezone(UTC) + _span(ctx)


def _span(ctx: Context) -> timedelta:
    task = ctx.config.scheduler.tasks.get(ctx.task)
    return timedelta(seconds=task.deadline_seconds) if task and task.deadline_seconds else FIVE_MINUTES


def stored_in_lake(ctx: Context, table: str, slot: datetime, key: Key) -> dict[str, Standing]:
    """Every contract that the lake holds for the task's slot, by key."""
    rows = ctx.lake.slot_rows(table, ctx.task, slot).select(key, "status", "reason")
    return {
        str(name): Standing(QuoteStatus(status), MissReason(reason) if reason else None)
        for name, status, reason in rows.iter_rows()
    }


def open_lost(ctx: Context, current: datetime, expected_at: Callable[[datetime], tuple[int, int | None]]) -> None:
    """Open the ledger for slots that the gate let through and whose run was killed before it could, or found the slot
    claimed until its time was over.

    `expected_at`: how many contracts a slot expected, and of which version of the universe. `settle_unfinished` then
    closes them. Runs that ended with another word of their own need nothing: the journal has their reason. Nor does a
    slot that somebody is at work on, however late, as long as no run has waited for it in vain.
    """
    claimed = ctx.paths.slots / ctx.task
    if ctx.dry_run or not claimed.exists():
        return
    places = (place.name for place in claimed.iterdir() if place.name.isdecimal())
    over = [slot for slot in sorted(map(_slot_of, places)) if _over(ctx, slot) and slot < current.astimezone(UTC)]
    if not over:
        return
    known = {entry.slot for entry in ledger.slots_of(ctx.journal, ctx.task, over[0], current)}
    for slot in over:
        attempts = runs.of_slot(ctx.journal, ctx.task, slot)
        if slot in known or not ({run.outcome for run in attempts} <= KILLED or _held(attempts)):
            continue
        with _if_free(ctx, slot) as free:
            if free:
                expected, version = expected_at(slot.astimezone(clock.NEW_YORK))
                ledger.open_slot(ctx.journal, ctx.task, slot, expected, version)


@contextmanager
def _if_free(ctx: Context, slot: datetime) -> Iterator[bool]:
    """Whether nobody is at work on the slot; then nobody can begin to inside. Who was waited for in vain is frozen: it
    may hold its claim for days, and if it ever wakes its own word replaces ours."""
    with SlotClaims(ctx.paths.locks, ctx.task) as claims:
        yield claims.take(slot) or _held(runs.of_slot(ctx.journal, ctx.task, slot))


def _held(attempts: Iterable[runs.Run]) -> bool:
    return any(attempt.reason == SLOT_HELD for attempt in attempts)


def _slot_of(claim: str) -> datetime:
    return datetime.fromtimestamp(int(claim), UTC)


def _over(ctx: Context, slot: datetime) -> bool:
    """Whether no run can still be at work on that slot."""
    return slot + _span(ctx) <= ctx.now().astimezone(UTC)


def settle_unfinished(
    ctx: Context, table: str, key: Key, current: datetime, expected_of: Callable[[ledger.Slot], dict[str, str]]
) -> None:
    """Close the slots that killed or frozen runs of this task left open, from what they had committed; not one that
    somebody is at work on: the session, or a run that took a slot over from it."""
    if ctx.dry_run:
        return
    for entry in ledger.open_slots(ctx.journal, ctx.task):
        if entry.slot == current:
            continue
        with _if_free(ctx, entry.slot) as free:
            if free:
                _settle_killed(
                    SlotBook(ctx, table, entry.slot, expected_of(entry), key, entry.universe_version, entry.note)
                )


def _settle_killed(book: SlotBook) -> None:
    result = settle(
        book, Standing(QuoteStatus.MISSING, MissReason.KILLED, "who had claimed it was killed or frozen before the end")
    )
    book.ctx.log.warning("slot {:%Y-%m-%d %H:%M} had been left open: {}", book.slot, result.words())


def settle(book: SlotBook, otherwise: Standing) -> Account:
    """Bring the ledger of a slot in line with the lake; reasons that the ledger knows already are kept."""
    for miss in ledger.misses(book.ctx.journal, book.ctx.task, book.slot):
        book.attempted.setdefault(
            miss.contract, Standing(QuoteStatus(miss.status), MissReason(miss.reason), miss.detail)
        )
    result = book.account(otherwise)
    ledger.open_slot(book.ctx.journal, book.ctx.task, book.slot, len(book.expected), book.version, book.note)
    book._close(result)
    return result


def _why(error: BaseException | None) -> Standing:
    """The reason of every contract that the attempt did not come to."""
    if error is None:
        return NOT_ASKED
    reason = MissReason.JOB_FAILED
    if isinstance(error, ServerLost):
        reason = MissReason.SERVER_LOST
    elif isinstance(error, (ConnectFailed, RequestTimeout)):
        reason = MissReason.TWS_DOWN
    elif isinstance(error, SlotOverError):
        reason = MissReason.DEADLINE
    elif isinstance(error, Disconnected):
        reason = MissReason.DISCONNECTED
    elif isinstance(error, Terminated):
        reason = MissReason.KILLED
    return Standing(QuoteStatus.MISSING, reason, str(error))
