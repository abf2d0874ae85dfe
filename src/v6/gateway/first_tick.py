"""A market data line that only has to prove that data arrive: done with the first price that shows it.

Live or delayed that is a bid, an ask or a last: a closing price alone TWS also knows with a dead feed. Frozen, with the
market closed, it is any of them or the close. TWS says the data type first, and once more when it changes [recordings].
"""

from v6 import clock
from v6.gateway.line import Line
from v6.model import DataType, MissReason

TRADED = ("bid", "ask", "last")
CLOSED_MARKET = (DataType.FROZEN, DataType.DELAYED_FROZEN)
CLOSE_ONLY_SECONDS = 1.0  # for a bid, ask or last after a close; they come in one burst [recordings]


class FirstTick(Line):
    def data_type(self, number: int) -> None:
        super().data_type(number)
        self._look()

    def _heard(self) -> None:
        self._last_tick = clock.monotonic()
        self._look()

    def _look(self) -> None:
        if not self._lacking():
            self._finished(self)
        elif self._values.get("close") is not None:
            self.give_up = min(self.give_up, clock.monotonic() + CLOSE_ONLY_SECONDS)

    def _lacking(self) -> list[str]:
        """In words, [] when it is proven."""
        if self._data_type is None:
            return ["data type"]
        prices = (*TRADED, "close") if self._data_type in CLOSED_MARKET else TRADED
        known = any(self._values.get(name) is not None for name in prices)
        return [] if known else [f"{', '.join(prices[:-1])} or {prices[-1]}"]

    def _why(self, lacking: list[str], otherwise: MissReason | None, detail: str) -> tuple[MissReason, str]:
        if self._doubt is not None or otherwise is not None or not lacking:
            return super()._why(lacking, otherwise, detail)
        but = "a close but " if self._values.get("close") is not None else ""
        return MissReason.NO_TICK, f"{but}no {', '.join(lacking)} within {clock.monotonic() - self.opened:.1f} s"
