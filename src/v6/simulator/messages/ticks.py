"""Market data ticks."""

from v6.simulator.surface import Greeks
from v6.simulator.wire import UNSET_DOUBLE, frame, plain


def size_text(version: int, size: float) -> str:
    """Whole numbers without decimals; fractions only from 163 on, where sizes may be decimals."""
    return plain(size) if version >= 163 else str(int(size))


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


def custom_computation(request: int, greeks: Greeks) -> bytes:
    """The answer to a calculation that a client asked for: tick 53, without a dividend."""
    return frame(
        21, request, 53, 0, greeks.iv, greeks.delta, greeks.price, -1, greeks.gamma, greeks.vega, greeks.theta,
        greeks.underlying,
    )  # fmt: skip
