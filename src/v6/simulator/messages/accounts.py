"""Account values, portfolio, positions, profit and loss."""

from collections.abc import Sequence

from v6.simulator.instruments.listings import Listing
from v6.simulator.wire import UNSET_DOUBLE, Field, frame, plain


def account_value(key: str, value: str, currency: str, account: str) -> bytes:
    return frame(6, 2, key, value, currency, account)


def portfolio_value(listing: Listing, numbers: Sequence[float], account: str) -> bytes:
    """`numbers`: position, price, value, average cost, unrealized and realized P&L."""
    position, *money = numbers
    return frame(
        7, 8, listing.con_id, listing.symbol, listing.sec_type, listing.expiry_text, plain(listing.strike),
        listing.right or "0", listing.multiplier, listing.primary_exchange or listing.exchanges[0], listing.currency,
        listing.local_symbol, listing.trading_class, plain(position), *money, account,
    )  # fmt: skip


def account_update_time(wall: str) -> bytes:
    return frame(8, 1, wall)


def account_download_end(account: str) -> bytes:
    return frame(54, 1, account)


def position(account: str, listing: Listing, quantity: float, average_cost: float) -> bytes:
    return frame(61, 3, account, *_held(listing), plain(quantity), average_cost)


def position_end() -> bytes:
    return frame(62, 1)


def position_multi(
    request: int, account: str, model: str, listing: Listing, quantity: float, average_cost: float
) -> bytes:
    """The model code is the last field, "" outside any model."""
    return frame(71, 1, request, account, *_held(listing), plain(quantity), average_cost, model)


def position_multi_end(request: int) -> bytes:
    return frame(72, 1, request)


def _held(listing: Listing) -> tuple[Field, ...]:
    """Only a stock's names an exchange: a client must look the others' up before asking for data [recordings]."""
    exchange = listing.primary_exchange if listing.sec_type == "STK" else ""
    return (
        listing.con_id, listing.symbol, listing.sec_type, listing.expiry_text, listing.strike, listing.right,
        listing.multiplier, exchange, listing.currency, listing.local_symbol, listing.trading_class,
    )  # fmt: skip


def account_summary(request: int, account: str, tag: str, value: str, currency: str) -> bytes:
    return frame(63, 1, request, account, tag, value, currency)


def account_summary_end(request: int) -> bytes:
    return frame(64, 1, request)


def account_multi(request: int, account: str, model: str, row: tuple[str, str, str]) -> bytes:
    """`row`: key, value, currency."""
    return frame(73, 1, request, account, model, *row)


def account_multi_end(request: int) -> bytes:
    return frame(74, 1, request)


def profit(request: int, daily: float | None, unrealized: float | None, realized: float | None) -> bytes:
    """Account or model profit and loss in its base currency; None travels as unset."""
    return frame(94, request, *(_unset(value) for value in (daily, unrealized, realized)))


def profit_single(version: int, request: int, position: float, money: Sequence[float | None]) -> bytes:
    """`money`: daily, unrealized, realized profit and the position's value. Positions are integers below 163."""
    size = str(int(position)) if version < 163 else repr(float(position))
    return frame(95, request, size, *(_unset(value) for value in money))


def _unset(value: float | None) -> Field:
    return UNSET_DOUBLE if value is None else value
