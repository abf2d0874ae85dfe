"""One market data line: what its contract has said so far, and when that is enough.

TWS fills what it does not know: price -1 with size 0 is "no quote" (a known absence), NaN and 1.797e308 are nothing at
all, greeks of -1 (iv) and -2 are "not computed". None of these may become a value (L13).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from v6 import clock
from v6.gateway import error_codes
from v6.gateway.receiver import Computation
from v6.model import Contract, DataType, MissReason, Quote, QuoteStatus

PRICES = {1: "bid", 66: "bid", 2: "ask", 67: "ask", 4: "last", 68: "last", 9: "close", 75: "close"}
SIZES = {0: "bid_size", 69: "bid_size", 3: "ask_size", 70: "ask_size", 5: "last_size", 71: "last_size",
         8: "volume", 74: "volume"}  # fmt: skip
SIZE_OF = {"bid": "bid_size", "ask": "ask_size", "last": "last_size"}
MODEL = (13, 83)  # live and delayed model computation
CALL_INTEREST, PUT_INTEREST, FUTURES_INTEREST = 27, 28, 86
INTEREST_TICKS = {"OPT": "101", "FUT": "588"}
GREEKS = ("iv", "delta", "gamma", "vega", "theta")
USABLE = ("bid", "ask", "last", "close", "iv", "delta")
HOPED = ("last", "volume", "close")
DATA_TYPES = {1: DataType.LIVE, 2: DataType.FROZEN, 3: DataType.DELAYED, 4: DataType.DELAYED_FROZEN}
SETTLE_SECONDS = 0.25  # for last, volume and close, which TWS sends with the first burst but not for every contract
SUBSCRIPTION_SECONDS = 2.0  # for data that may come in spite of "needs a subscription"
DELAYED_FOLLOW = 10167
UNSET = 1e300


@dataclass(frozen=True, slots=True)
class Wants:
    """What makes a quote complete, and how long a line is held for it (seconds). `first_tick`: a price is enough."""

    generic_ticks: str
    greeks: bool
    quote_seconds: float
    greeks_seconds: float
    first_tick: bool = False


class Line:
    """Fed by the receiver; calls `finished` once when it has what is wanted or TWS refuses. Times are monotonic."""

    def __init__(self, contract: Contract, wants: Wants, finished: Callable[["Line"], None]) -> None:
        self.contract = contract
        self.opened = clock.monotonic()
        self.give_up = self.opened + wants.quote_seconds
        self.refused: error_codes.ErrorCode | None = None
        self._wants = wants
        self._finished = finished
        self._values: dict[str, float | None] = {}
        self._data_type: DataType | None = None
        self._last_tick: float | None = None
        self._quoted = False
        self._settling = False
        self._doubt: tuple[MissReason, str] | None = None
        self._sides = ("last",) if contract.sec_type == "IND" else ("bid", "ask")
        listed = wants.generic_ticks.split(",")
        self._interest = INTEREST_TICKS.get(contract.sec_type) in listed

    # what TWS sends

    def price(self, tick: int, price: float, size: float) -> None:
        name = PRICES.get(tick)
        if name is None or not math.isfinite(price) or abs(price) > UNSET:
            return
        absent = price == 0 or (price < 0 and (size <= 0 or self.contract.sec_type != "FUT"))
        self._values[name] = None if absent else price
        if name in SIZE_OF:
            self._values[SIZE_OF[name]] = None if absent else _size(size)
        self._heard()

    def size(self, tick: int, size: float) -> None:
        name = SIZES.get(tick)
        if name is None and self._is_interest(tick):
            name = "open_interest"
        if name is None:
            return
        known = _size(size)
        if known is None and name == "open_interest":
            return
        if name == "volume" or name == "open_interest" or self._values.get(name.removesuffix("_size")) is not None:
            self._values[name] = known
        self._heard()

    def computation(self, tick: int, values: Computation) -> None:
        if tick not in MODEL:
            return
        iv, delta, gamma, vega, theta, underlying = values
        found = {
            "iv": iv if _is_number(iv) and iv > 0 else None,
            "delta": delta if _is_number(delta) and -1 <= delta <= 1 else None,
            "gamma": _greek(gamma),
            "vega": _greek(vega),
            "theta": _greek(theta),
            "underlying_price": underlying if _is_number(underlying) and underlying > 0 else None,
        }
        self._values.update({name: value for name, value in found.items() if value is not None})
        self._heard()

    def data_type(self, number: int) -> None:
        self._data_type = DATA_TYPES.get(number)

    def error(self, code: int, text: str) -> None:
        row = error_codes.lookup(code, text)
        if row.ends:
            self._doubt = (row.miss or MissReason.NO_TICK, f"{code}: {text}")
            self.refused = row
            self._finished(self)
        elif code == DELAYED_FOLLOW:
            self._doubt = None
            self.give_up = max(self.give_up, self.opened + self._wants.quote_seconds)
        elif row.miss is not None and not self._quoted:
            self._doubt = (row.miss, f"{code}: {text}")
            self.give_up = min(self.give_up, clock.monotonic() + SUBSCRIPTION_SECONDS)

    @property
    def settling(self) -> bool:
        """Whether everything wanted is there, and only the hoped-for is waited for."""
        return self._settling

    def heard_since(self, moment: float) -> bool:
        return self._last_tick is not None and self._last_tick >= moment

    # what it amounts to

    def quote(self, otherwise: MissReason | None = None, detail: str = "") -> Quote:
        """The quote as it stands; `otherwise` is why it was cut short, if it was."""
        lacking = self._lacking()
        usable = any(self._values.get(name) is not None for name in USABLE)
        status, reason, words = QuoteStatus.COMPLETE, None, ""
        if lacking or not usable:
            status = QuoteStatus.PARTIAL if usable else QuoteStatus.MISSING
            reason, words = self._why(lacking, otherwise, detail)
        quiet = clock.monotonic() - self._last_tick if self._last_tick is not None else 0.0
        return Quote(
            contract=self.contract,
            status=status,
            received_at=clock.utc_now() - timedelta(seconds=quiet),
            reason=reason,
            detail=words,
            data_type=self._data_type,
            **self._values,
        )

    def _why(self, lacking: list[str], otherwise: MissReason | None, detail: str) -> tuple[MissReason, str]:
        if self._doubt is not None:
            return self._doubt
        if otherwise is not None:
            return otherwise, detail or f"without {', '.join(lacking)}"
        if not lacking:
            return MissReason.NO_TICK, "TWS sent an empty quote"
        if any(name in self._sides for name in lacking):
            return MissReason.NO_TICK, f"no {', '.join(lacking)} within {clock.monotonic() - self.opened:.1f} s"
        if lacking == ["open_interest"]:
            return MissReason.NO_OPEN_INTEREST, "no open interest"
        return MissReason.NO_GREEKS, f"no {', '.join(lacking)} {self._wants.greeks_seconds:g} s after bid and ask"

    def _lacking(self) -> list[str]:
        lacking = [name for name in self._sides if name not in self._values]
        if self._wants.greeks and self.contract.sec_type == "OPT":
            lacking += [name for name in GREEKS if name not in self._values]
        if self._interest and "open_interest" not in self._values:
            lacking.append("open_interest")
        return lacking

    def _heard(self) -> None:
        self._last_tick = clock.monotonic()
        if self._settling:
            if all(name in self._values for name in HOPED):
                self._finished(self)
            return
        lacking = self._lacking()
        if not lacking:
            self._settling = True
            self.give_up = self._last_tick + SETTLE_SECONDS
            if all(name in self._values for name in HOPED):
                self._finished(self)
        elif not self._quoted and not any(name in self._sides for name in lacking):
            self._quoted = True
            self._doubt = None
            self.give_up = self._last_tick + self._wants.greeks_seconds

    def _is_interest(self, tick: int) -> bool:
        if self.contract.sec_type == "OPT":
            return tick == (CALL_INTEREST if self.contract.right == "C" else PUT_INTEREST)
        return self.contract.sec_type == "FUT" and tick == FUTURES_INTEREST


def _is_number(value: float) -> bool:
    return math.isfinite(value) and abs(value) < UNSET


def _size(value: float) -> float | None:
    return value if _is_number(value) and value >= 0 else None


def _greek(value: float) -> float | None:
    return value if _is_number(value) and value != -2 else None
