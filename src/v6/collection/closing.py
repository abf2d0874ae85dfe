"""The closing quote of every contract of the day, once, with its mark.

The contracts are those that any version of the day's universe collected, the options held when it was frozen, and those
that a check of positions has seen since. Quotes are asked for as frozen ones: live until the contract stops trading
(16:15 for some ETFs), then the last market there was, which is the closing one. That holds until the day ends in New
York; a quote of tomorrow is not today's close (L15, L16).
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from v6.analysis.closing_marks import with_marks
from v6.analysis.slot_account import refuse_late
from v6.clock import NEW_YORK
from v6.collection import universe
from v6.collection.slot_book import SlotBook
from v6.model import Contract, FatalError, Quote
from v6.runner.context import Context
from v6.scheduler import compiled, upcoming
from v6.scheduler.nyse_calendar import Session
from v6.store.frames import quotes_to_frame

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

TABLE = "closing_marks"
FROZEN = 2
OPEN_INTEREST = "101"
AFTER_CLOSE = timedelta(minutes=15)
"""Where the slot lies on a day on which no schedule says it."""


def session_to_close(ctx: Context, asked: date | None) -> Session:
    """Today's session, over. Raises FatalError for another day, a day without session, and before the close."""
    now = ctx.now()
    today = now.date()
    day = ctx.slot.date() if ctx.slot is not None else today
    for wanted in (asked or day, day):
        if wanted != today:
            raise FatalError(
                f"{wanted}: the closing quotes of a day are there until it ends in New York, now it is "
                f"{now:%Y-%m-%d %H:%M}: a quote of now would be another day's, what is missing stays missing"
            )
    session = ctx.calendar.session(today)
    if session is None:
        raise FatalError(f"{today}: NYSE is closed ({ctx.calendar.closure_reason(today)}): there is no closing quote")
    if now.timestamp() < session.close.timestamp():
        raise FatalError(f"the session is open until {session.close:%H:%M}: a quote of now is not the closing one")
    return session


def slot_of(ctx: Context, session: Session) -> datetime:
    """The day's one slot: by hand too that of the schedule, so that a repeat completes it."""
    if ctx.slot is not None:
        return ctx.slot
    schedule = compiled.load(ctx.paths.compiled / "schedule.txt")
    mine = [task for task in schedule.tasks.values() if task.name == ctx.task]
    for planned in upcoming.of_day(mine, session.date, ctx.calendar, schedule.windows):
        return planned.slot
    return session.close + AFTER_CLOSE


def contracts_of(ctx: Context, day: date) -> list[Contract]:
    """Every option that the day's closing marks must have, each once, by symbol, expiry, strike and right."""
    found: dict[int, Contract] = {each.con_id: each for each in _held(ctx, day)}
    versions = ctx.lake.read("option_contracts", trade_date=day, columns=["version"])["version"].unique().sort()
    for version in versions:
        frozen = universe.load(ctx, day, version)
        if frozen is not None:
            wanted = frozen.collected_ids | frozen.held_ids
            found |= {each.con_id: each for each in frozen.contracts if each.con_id in wanted}
    living = [each for each in found.values() if each.expiry is None or each.expiry >= day]
    return sorted(living, key=lambda each: (each.symbol, each.expiry or day, each.strike or 0.0, each.right or ""))


def _held(ctx: Context, day: date) -> list[Contract]:
    rows = ctx.lake.read("positions", trade_date=day)
    names = ("con_id", "symbol", "expiry", "strike", "right", "multiplier")
    options = rows.filter(rows["sec_type"] == "OPT").unique("con_id").select(names)
    return [Contract("OPT", exchange="SMART", **row) for row in options.to_dicts()]


def collect(ctx: Context, gateway: "Gateway", book: SlotBook, contracts: Sequence[Contract]) -> None:
    """Quotes of what the book still wants, stored with their marks."""
    gateway.set_market_data_type(FROZEN)
    quotes = gateway.quotes(
        contracts, generic_ticks=OPEN_INTEREST, need_greeks=True, deadline_seconds=book.seconds_left()
    )
    quotes = refuse_late(quotes, min(book.limit, _end_of_day(book.slot)))
    book.remember(quotes)
    _store(ctx, book, quotes)


def _store(ctx: Context, book: SlotBook, quotes: Sequence[Quote]) -> None:
    frame = with_marks(quotes_to_frame(quotes, table=TABLE, task=ctx.task, slot=book.slot))
    if unmarked := frame["mark"].null_count():
        ctx.log.warning("{} of {} closing quotes allow no mark", unmarked, frame.height)
    if not ctx.dry_run and not frame.is_empty():
        ctx.lake.write_slot(TABLE, task=ctx.task, slot=book.slot, frame=frame)


def _end_of_day(slot: datetime) -> datetime:
    day = slot.astimezone(NEW_YORK).date() + timedelta(days=1)
    return datetime.combine(day, time(), NEW_YORK).astimezone(UTC)
