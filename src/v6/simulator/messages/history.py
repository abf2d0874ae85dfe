"""Historical data, real-time bars, head timestamps and schedules."""

from collections.abc import Sequence

from v6.simulator.wire import Field, frame, plain

Bar = tuple[str, float, float, float, float, float, float, int]
Session = tuple[str, str, str]


def historical_data(request: int, start: str, end: str, bars: Sequence[Bar]) -> bytes:
    """`bars`: time, open, high, low, close, volume, average, count."""
    fields: list[Field] = [17, request, start, end, len(bars)]
    for when, opened, high, low, close, volume, average, count in bars:
        fields += [when, *map(_price, (opened, high, low, close)), plain(volume), plain(average), count]
    return frame(*fields)


def _price(value: float) -> str:
    """Recordings of real TWS show two decimals at least: 254.20, 2603.00."""
    shortest = repr(float(value))
    return shortest if len(shortest.partition(".")[2]) > 2 or "e" in shortest else f"{value:.2f}"


def historical_data_update(request: int, bar: Bar) -> bytes:
    """The bar going on; its count comes first, and the close before high and low."""
    when, opened, high, low, close, volume, average, count = bar
    return frame(90, request, count, when, opened, close, high, low, average, plain(volume))


def real_time_bar(request: int, start: int, bar: Bar) -> bytes:
    """`start`: epoch seconds."""
    _, opened, high, low, close, volume, average, count = bar
    return frame(50, 3, request, start, opened, high, low, close, plain(volume), average, count)


def head_timestamp(request: int, when: str) -> bytes:
    return frame(88, request, when)


def historical_schedule(request: int, start: str, end: str, zone: str, sessions: Sequence[Session]) -> bytes:
    """`sessions`: start, end and trade date; from server version 168 on."""
    return frame(106, request, start, end, zone, len(sessions), *(field for session in sessions for field in session))
