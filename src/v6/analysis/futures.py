"""Which futures month is the front month, and how far its price has moved. Pure.

Changes are fractions (0.01 = 1 %) of P(t), the close of the last five-minute bar that had ended at or before t:

    change_1h        price / P(slot - 1 h) - 1
    change_4h        price / P(slot - 4 h) - 1
    change_overnight P(today's NYSE open) / P(previous NYSE close) - 1; until the open, price takes P(open)'s place
    change_daily     price / P(previous NYSE close) - 1

The NYSE close (16:00, or 13:00 on an early close) is where CME settles its equity index futures. `price` is the last
trade, else the middle of bid and ask. P(t) is unknown when no bar ended within TOLERANCE before t (the daily break, a
hole in the recording): a change that needs it is then None, never 0. A bar that has not ended never counts.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from v6.model import Bar, Contract, Quote

BAR = timedelta(minutes=5)
TOLERANCE = timedelta(minutes=15)
ROLL_DAYS = 8
"""CME's equity index futures roll on the Thursday eight days before expiry (its own roll date)."""

RollRule = Literal["volume", "open_interest", "calendar"]


@dataclass(frozen=True, slots=True)
class Month:
    """One listed month with the volume of its last completed session and its open interest, both in contracts."""

    contract: Contract
    volume: float | None = None
    open_interest: float | None = None


@dataclass(frozen=True, slots=True)
class FrontMonth:
    contract: Contract
    rule: RollRule


@dataclass(frozen=True, slots=True)
class Changes:
    change_1h: float | None = None
    change_4h: float | None = None
    change_overnight: float | None = None
    change_daily: float | None = None


def nearest_months(contracts: Sequence[Contract], on: date) -> list[Contract]:
    """The two nearest months that have not expired before `on`."""
    alive = [contract for contract in contracts if contract.expiry is not None and contract.expiry >= on]
    return sorted(alive, key=lambda contract: contract.expiry or on)[:2]


def front_month(months: Sequence[Month], on: date) -> FrontMonth | None:
    """The month that trades more, by volume of the last completed session, by open interest where that is unknown.

    Where neither decides (unknown or equal): the nearest month with more than ROLL_DAYS to expiry, rule `calendar`.
    None without any month.
    """
    if not months:
        return None
    for rule in ("volume", "open_interest"):
        sizes = [getattr(month, rule) for month in months]
        if len(months) > 1 and None not in sizes and sizes.count(max(sizes)) == 1:
            return FrontMonth(months[sizes.index(max(sizes))].contract, rule)
    far_enough = [month for month in months if _days_left(month.contract, on) > ROLL_DAYS]
    return FrontMonth((far_enough or list(months))[0].contract, "calendar")


def price_of(quote: Quote) -> float | None:
    """The last trade, else the middle of the market, else None."""
    if quote.last is not None:
        return quote.last
    if quote.bid is None or quote.ask is None:
        return None
    return (quote.bid + quote.ask) / 2


def price_at(bars: Sequence[Bar], instant: datetime) -> float | None:
    """P(instant): `bars` are five-minute bars by start."""
    # in UTC: Python compares and subtracts two New York times by the wall clock, an hour wrong when clocks change
    latest_start = instant.astimezone(UTC) - BAR
    index = bisect_right(bars, latest_start, key=lambda bar: bar.start.astimezone(UTC)) - 1
    if index < 0 or latest_start - bars[index].start.astimezone(UTC) > TOLERANCE:
        return None
    return bars[index].close


def changes(
    price: float | None, bars: Sequence[Bar], slot: datetime, opens: datetime | None, previous_close: datetime | None
) -> Changes:
    """The four changes at `slot`; `opens` and `previous_close` are NYSE's (None: no session known)."""
    slot = slot.astimezone(UTC)
    base = price_at(bars, previous_close) if previous_close else None
    opening = None
    if opens is not None:
        opening = price if slot < opens else price_at(bars, opens)
    return Changes(
        change_1h=_change(price, price_at(bars, slot - timedelta(hours=1))),
        change_4h=_change(price, price_at(bars, slot - timedelta(hours=4))),
        change_overnight=_change(opening, base),
        change_daily=_change(price, base),
    )


def _change(price: float | None, base: float | None) -> float | None:
    return None if price is None or not base else price / base - 1


def _days_left(contract: Contract, on: date) -> int:
    return (contract.expiry - on).days if contract.expiry else 0
