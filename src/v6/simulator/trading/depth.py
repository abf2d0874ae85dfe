"""How much of a quote is left: the displayed size, once, and behind it a tick worse at each further look."""

from typing import NamedTuple

from v6.simulator.market import noise

LEVELS = 10


class Fill(NamedTuple):
    price: float
    shares: float


class Depth:
    """One side of one instrument. `sign`: +1 offers (prices rise with depth), -1 bids.

    The size fills once. While the quote stays the same, the next look finds the next level, one tick worse, with a
    size of its own; a new price or size of the quote is a new top.
    """

    def __init__(self, key: int, sign: float, tick: float) -> None:
        self._key, self._sign, self._tick = key, sign, tick
        self._top: tuple[float, float] = (0.0, 0.0)
        self._level = 0
        self._left = 0.0

    def show(self, price: float, size: float) -> None:
        """What the quote says at this look."""
        if (price, size) != self._top:
            self._top, self._level, self._left = (price, size), 0, size
        elif self._left <= 0 and self._level < LEVELS:
            self._descend()

    def _descend(self) -> None:
        self._level += 1
        self._left = self._size(self._level)

    def _size(self, level: int) -> float:
        """Levels behind the top have 0.5 to 2 times its size, in the same round lots."""
        price, size = self._top
        lot = 100.0 if size >= 100 and size % 100 == 0 else 1.0
        draw = noise.uniform(noise.key(self._key, price, size), level)
        return max(round(size * (0.5 + 1.5 * draw) / lot), 1) * lot if size > 0 else 0.0

    def _price(self, level: int) -> float:
        return round(self._top[0] + self._sign * level * self._tick, 6)

    def _acceptable(self, price: float, limit: float) -> bool:
        return price > 0 and self._sign * price <= self._sign * limit + 1e-9

    def available(self, limit: float) -> float:
        """Everything down to that limit, as an order that takes several levels at once finds it."""
        total, level, left = 0.0, self._level, self._left
        while level <= LEVELS and self._acceptable(self._price(level), limit):
            total += left
            level += 1
            left = self._size(level)
        return total

    def take(self, limit: float, quantity: float, *, sweep: bool = False) -> list[Fill]:
        """Fills up to that quantity, none worse than the limit; `sweep`: through all levels at once."""
        fills: list[Fill] = []
        while quantity > 0:
            price = self._price(self._level)
            shares = min(self._left, quantity)
            if not self._acceptable(price, limit):
                break
            if shares > 0:
                fills.append(Fill(price, shares))
                self._left -= shares
                quantity -= shares
            if not sweep or self._left > 0 or self._level >= LEVELS:
                break
            self._descend()
        return fills
