"""Market data ticks."""

from v6.simulator.market.surface import Greeks
from v6.simulator.wire import UNSET_DOUBLE, frame, framed, plain


def size_text(version: int, size: float) -> str:
    """Whole numbers without decimals; fractions only from 163 on, where sizes may be decimals."""
    return plain(size) if version >= 163 else str(int(size))


def market_data_type(request: int, kind: int) -> bytes:
    return frame(58, 1, request, kind)


def tick_parameters(request: int, min_tick: float, exchange: str, permissions: int) -> bytes:
    return frame(81, request, plain(min_tick), exchange, permissions)


def tick_price(request: int, tick: int, price: float, size: str, mask: int = 0) -> bytes:
    return framed(f"1\x006\x00{request}\x00{tick}\x00{price}\x00{size}\x00{mask}\x00")


def tick_size(request: int, tick: int, size: str) -> bytes:
    return framed(f"2\x006\x00{request}\x00{tick}\x00{size}\x00")


def tick_generic(request: int, tick: int, value: float) -> bytes:
    return frame(45, 6, request, tick, value)


def tick_string(request: int, tick: int, value: str) -> bytes:
    return frame(46, 6, request, tick, value)


def tick_option(request: int, tick: int, greeks: Greeks, attribute: int) -> bytes:
    """`attribute`: 0 return-based, 1 price-based. A NaN price or an unknown underlying travels as unset."""
    iv, delta, value, gamma, vega, theta, underlying = greeks
    price: float | str = UNSET_DOUBLE if value != value else value
    dividend: float | str = 0.0
    spot: float | str | None = underlying
    if underlying is None:
        dividend = spot = UNSET_DOUBLE
    return framed(
        f"21\x00{request}\x00{tick}\x00{attribute}\x00{iv}\x00{delta}\x00{price}\x00{dividend}\x00{gamma}\x00{vega}"
        f"\x00{theta}\x00{spot}\x00"
    )


def snapshot_end(request: int) -> bytes:
    return frame(57, 1, request)


def custom_computation(request: int, greeks: Greeks) -> bytes:
    """The answer to a calculation that a client asked for: tick 53, without a dividend."""
    return frame(
        21, request, 53, 0, greeks.iv, greeks.delta, greeks.price, -1, greeks.gamma, greeks.vega, greeks.theta,
        greeks.underlying,
    )  # fmt: skip
