"""Conditions of an order: whether they hold. Their fields travel as text, in the order that orders.read gives."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from v6.simulator.instruments.listings import Spec
from v6.simulator.market.hours import new_york_date
from v6.simulator.market.quotes import Snapshot
from v6.simulator.orders.order import Condition
from v6.simulator.trading import timing
from v6.simulator.trading.ticket import Ticket

if TYPE_CHECKING:
    from v6.simulator.trading.engine import Trading

OR = "o"
YES = ("1", "true", "True")


def met(trading: "Trading", ticket: Ticket) -> bool:
    """All of them from left to right; each one's conjunction joins it to the next."""
    held, joined_by_or = True, False
    for condition in ticket.order.conditions:
        now_held = KINDS[condition.kind](trading, ticket, condition)
        held = held or now_held if joined_by_or else held and now_held
        joined_by_or = condition.fields[0] == OR
    return held


def check(conditions: Sequence[Condition], trading: "Trading") -> bool:
    """Whether every time in them can be read."""
    try:
        for condition in conditions:
            if condition.kind == TIME:
                timing.parse(condition.fields[2], trading.server.now())
    except timing.TimeError:
        return False
    return True


def _compare(condition: Condition, value: float | None, level: float) -> bool:
    if value is None:
        return False
    return value >= level if condition.fields[1] in YES else value <= level


def _quote(trading: "Trading", con_id: str) -> Snapshot | None:
    now = trading.server.epoch()
    found = trading.server.contracts.find(Spec(con_id=int(con_id or 0)), new_york_date(now))
    return trading.server.feed.quote(found[0], now) if found else None


def _price(trading: "Trading", _: Ticket, condition: Condition) -> bool:
    quote = _quote(trading, condition.fields[3])
    return _compare(condition, quote.last if quote else None, float(condition.fields[2] or 0))


def _time(trading: "Trading", _: Ticket, condition: Condition) -> bool:
    return _compare(condition, trading.server.epoch(), timing.parse(condition.fields[2], trading.server.now()))


def _margin(trading: "Trading", ticket: Ticket, condition: Condition) -> bool:
    standing = trading.server.books.margin(ticket.order.account, trading.server.epoch())
    cushion = 100 * (1 - standing.maintenance / standing.equity) if standing.equity > 0 else 0.0
    return _compare(condition, cushion, float(condition.fields[2] or 0))


def _execution(trading: "Trading", ticket: Ticket, condition: Condition) -> bool:
    """Any execution of that symbol after the order came."""
    _, sec_type, _, symbol = condition.fields
    return any(
        done.listing.symbol == symbol
        and sec_type in ("", done.listing.sec_type)
        and done.execution.time >= ticket.received_at
        for done in trading.archive.executions
    )


def _volume(trading: "Trading", _: Ticket, condition: Condition) -> bool:
    quote = _quote(trading, condition.fields[3])
    return _compare(condition, quote.volume if quote else None, float(condition.fields[2] or 0))


def _change(trading: "Trading", _: Ticket, condition: Condition) -> bool:
    """Percent since the close before."""
    quote = _quote(trading, condition.fields[3])
    if quote is None or quote.last is None or not quote.close:
        return False
    return _compare(condition, 100 * (quote.last / quote.close - 1), float(condition.fields[2] or 0))


PRICE, TIME, MARGIN, EXECUTION, VOLUME, PERCENT = 1, 3, 4, 5, 6, 7
KINDS: dict[int, Callable[["Trading", Ticket, Condition], bool]] = {
    PRICE: _price, TIME: _time, MARGIN: _margin, EXECUTION: _execution, VOLUME: _volume, PERCENT: _change,
}  # fmt: skip
