"""Historical data."""

from collections.abc import Sequence

from v6.simulator.wire import Field, frame, plain

Bar = tuple[str, float, float, float, float, float, float, int]


def historical_data(request: int, start: str, end: str, bars: Sequence[Bar]) -> bytes:
    fields: list[Field] = [17, request, start, end, len(bars)]
    for when, opened, high, low, close, volume, average, count in bars:
        fields += [when, opened, high, low, close, plain(volume), average, count]
    return frame(*fields)
