"""Builders of every message the simulator sends; `version` gates fields exactly as TWS 157..178 does.

Layouts: the decoders of ib_insync 0.9.86 and ib_async 2.1.0.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from v6.simulator.listings import Listing
from v6.simulator.surface import Greeks
from v6.simulator.wire import UNSET_DOUBLE, Field, frame, plain

OLDEST, NEWEST = 157, 178
ORDER_TYPES = "ACTIVETIM,ADJUST,ALERT,ALGO,AON,COND,DAY,GTC,IOC,LMT,LOC,MKT,MOC,OCA,SCALE,STP,STPLMT,TRAIL,WHATIF"


def handshake(version: int, connection_time: str) -> bytes:
    return frame(version, connection_time)


def managed_accounts(accounts: Sequence[str]) -> bytes:
    return frame(15, 1, ",".join(accounts))


def next_valid_id(order_id: int) -> bytes:
    return frame(9, 1, order_id)


def error(version: int, request: int, code: int, text: str) -> bytes:
    return frame(4, 2, request, code, text, "") if version >= 166 else frame(4, 2, request, code, text)


def current_time(epoch: int) -> bytes:
    return frame(49, 1, epoch)


def size_text(version: int, size: float) -> str:
    """Whole numbers without decimals; fractions only from 163 on, where sizes may be decimals."""
    return plain(size) if version >= 163 else str(int(size))


# market data


def market_data_type(request: int, kind: int) -> bytes:
    return frame(58, 1, request, kind)


def tick_parameters(request: int, min_tick: float, exchange: str, permissions: int) -> bytes:
    return frame(81, request, plain(min_tick), exchange, permissions)


def tick_price(request: int, tick: int, price: float, size: str, mask: int = 0) -> bytes:
    return frame(1, 6, request, tick, price, size, mask)


def tick_size(request: int, tick: int, size: str) -> bytes:
    return frame(2, 6, request, tick, size)


def tick_generic(request: int, tick: int, value: float) -> bytes:
    return frame(45, 6, request, tick, value)


def tick_string(request: int, tick: int, value: str) -> bytes:
    return frame(46, 6, request, tick, value)


def tick_option(request: int, tick: int, greeks: Greeks, attribute: int) -> bytes:
    """`attribute`: 0 return-based, 1 price-based. A NaN price or an unknown underlying travels as unset."""
    price = UNSET_DOUBLE if greeks.price != greeks.price else greeks.price
    dividend = UNSET_DOUBLE if greeks.underlying is None else 0.0
    underlying = UNSET_DOUBLE if greeks.underlying is None else greeks.underlying
    return frame(
        21, request, tick, attribute, greeks.iv, greeks.delta, price, dividend, greeks.gamma, greeks.vega,
        greeks.theta, underlying,
    )  # fmt: skip


def snapshot_end(request: int) -> bytes:
    return frame(57, 1, request)


# contracts


def contract_details(version: int, request: int, listing: Listing, hours: tuple[str, str]) -> bytes:
    """Message 10; `hours` are tradingHours and liquidHours."""
    head: list[Field] = [10] if version >= 164 else [10, 8]
    expiry = listing.expiry_text
    stock = listing.sec_type == "STK"
    underlying = "" if listing.sec_type in ("STK", "IND") else listing.symbol
    under_type = "" if not underlying else "IND" if listing.zone_name == "US/Central" else "STK"
    fields: list[Field] = [
        *head,
        request,
        listing.symbol,
        listing.sec_type,
        last_trade(listing),
        plain(listing.strike),
        listing.right,
        listing.exchange,
        listing.currency,
        listing.local_symbol,
        listing.market_name,
        listing.trading_class,
        listing.con_id,
        listing.min_tick,
    ]
    if version < 164:
        fields.append(100 if stock else 1)
    fields += [
        listing.multiplier,
        ORDER_TYPES,
        ",".join(listing.exchanges),
        1,
        listing.under_con_id,
        listing.name,
        listing.primary_exchange,
        expiry[:6],
        "",
        "",
        "",
        listing.zone_name,
        *hours,
        "",
        0,
        0,
        1 if stock else 2147483647,
        underlying,
        under_type,
        ",".join("26" for _ in listing.exchanges),
        expiry,
        listing.stock_type,
    ]
    if version == 163:
        fields.append(100 if stock else 1)
    if version >= 164:
        fields += ["0.0001", "0.0001", 100] if stock else [1, 1, 1]
    return frame(*fields)


def last_trade(listing: Listing) -> str:
    """yyyymmdd, for options with time and zone of the login, as TWS gives it in details."""
    if not listing.expiry:
        return ""
    wall = datetime.fromtimestamp(listing.expires_at, listing.zone)
    return f"{wall:%Y%m%d %H:%M:%S} {listing.zone_name}"


def contract_details_end(request: int) -> bytes:
    return frame(52, 1, request)


def option_parameters(
    request: int,
    exchange: str,
    under_con_id: int,
    trading_class: str,
    multiplier: str,
    expiries: Iterable[date],
    strikes: Iterable[float],
) -> bytes:
    days, levels = [f"{day:%Y%m%d}" for day in expiries], [repr(float(strike)) for strike in strikes]
    return frame(75, request, exchange, under_con_id, trading_class, multiplier, len(days), *days, len(levels), *levels)


def option_parameters_end(request: int) -> bytes:
    return frame(76, request)


# accounts


def account_value(key: str, value: str, currency: str, account: str) -> bytes:
    return frame(6, 2, key, value, currency, account)


def portfolio_value(listing: Listing, numbers: Sequence[float], account: str) -> bytes:
    """`numbers`: position, price, value, average cost, unrealized and realized P&L."""
    position, *money = numbers
    return frame(
        7, 8, listing.con_id, listing.symbol, listing.sec_type, listing.expiry_text, listing.strike,
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


def position_multi(request: int, account: str, listing: Listing, quantity: float, average_cost: float) -> bytes:
    return frame(71, 1, request, account, *_held(listing), plain(quantity), average_cost, "")


def position_multi_end(request: int) -> bytes:
    return frame(72, 1, request)


def _held(listing: Listing) -> tuple[Field, ...]:
    """A position's contract carries no exchange for options: a client must add it before asking for data."""
    exchange = "" if listing.sec_type == "OPT" else listing.primary_exchange or listing.exchange
    return (
        listing.con_id, listing.symbol, listing.sec_type, listing.expiry_text, listing.strike, listing.right,
        listing.multiplier, exchange, listing.currency, listing.local_symbol, listing.trading_class,
    )  # fmt: skip


def account_summary(request: int, account: str, tag: str, value: str, currency: str) -> bytes:
    return frame(63, 1, request, account, tag, value, currency)


def account_summary_end(request: int) -> bytes:
    return frame(64, 1, request)


def account_multi(request: int, account: str, key: str, value: str, currency: str) -> bytes:
    return frame(73, 1, request, account, "", key, value, currency)


def account_multi_end(request: int) -> bytes:
    return frame(74, 1, request)


# orders


def open_orders_end() -> bytes:
    return frame(53, 1)


def executions_end(request: int) -> bytes:
    return frame(55, 1, request)


def completed_orders_end() -> bytes:
    return frame(102)


# history

Bar = tuple[str, float, float, float, float, float, float, int]


def historical_data(request: int, start: str, end: str, bars: Sequence[Bar]) -> bytes:
    fields: list[Field] = [17, request, start, end, len(bars)]
    for when, opened, high, low, close, volume, average, count in bars:
        fields += [when, opened, high, low, close, plain(volume), average, count]
    return frame(*fields)
