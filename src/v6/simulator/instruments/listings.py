"""One tradable instrument of the simulated world, and the contract fields a request carries."""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from v6.clock import NEW_YORK
from v6.simulator.wire import Fields, WireError


@dataclass(frozen=True, slots=True)
class Listing:
    """`expires_at`: epoch seconds of the last trade (0.0: never); `strike` 0.0 and `right` "" where there is none."""

    con_id: int
    symbol: str
    sec_type: str
    exchange: str
    primary_exchange: str
    local_symbol: str
    trading_class: str
    name: str
    min_tick: float
    exchanges: tuple[str, ...]
    multiplier: str = ""
    expiry: date | None = None
    expires_at: float = 0.0
    strike: float = 0.0
    right: str = ""
    under_con_id: int = 0
    zone: ZoneInfo = NEW_YORK
    zone_name: str = "US/Eastern"
    market_name: str = ""
    stock_type: str = ""
    currency: str = "USD"

    def __hash__(self) -> int:
        """Thousands are looked up four times a second."""
        return self.con_id

    @property
    def expiry_text(self) -> str:
        return f"{self.expiry:%Y%m%d}" if self.expiry else ""

    @property
    def call(self) -> bool:
        return self.right == "C"


def occ_symbol(root: str, expiry: date, right: str, strike: float) -> str:
    """The OCC option symbol: root padded to six, yymmdd, right, strike in thousandths."""
    return f"{root:<6}{expiry:%y%m%d}{right}{round(strike * 1000):08d}"


RIGHTS = {"C": "C", "CALL": "C", "P": "P", "PUT": "P"}


@dataclass(frozen=True, slots=True)
class Spec:
    """What a client says about the contract it means; empty and 0 say nothing."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = ""
    expiry: str = ""
    strike: float = 0.0
    right: str = ""
    multiplier: str = ""
    exchange: str = ""
    primary_exchange: str = ""
    currency: str = ""
    local_symbol: str = ""
    trading_class: str = ""

    @classmethod
    def read(cls, fields: Fields) -> "Spec":
        """The 12 contract fields. Raises WireError."""
        con_id, symbol, sec_type, expiry = fields.integer(), fields.text(), fields.text(), fields.text()
        strike, right = fields.number(), fields.text()
        if right not in ("", "0", "?") and right not in RIGHTS:
            raise WireError(f"right {right!r}")
        multiplier = fields.text()
        if multiplier and not multiplier.replace(".", "", 1).isdecimal():
            raise WireError(f"multiplier {multiplier!r}")
        return cls(
            con_id, symbol.strip(), sec_type, expiry, strike, RIGHTS.get(right, ""), multiplier, fields.text(),
            fields.text(), fields.text(), fields.text(), fields.text(),
        )  # fmt: skip

    def fits(self, listing: Listing) -> bool:
        """Whether everything that is said agrees with the listing."""
        return (
            self.sec_type in ("", listing.sec_type)
            and self.symbol in ("", listing.symbol)
            and self.currency in ("", listing.currency)
            and (not self.exchange or self.exchange in listing.exchanges)
            and listing.expiry_text.startswith(self.expiry)
            and (not self.strike or self.strike == listing.strike)
            and self.right in ("", listing.right)
            and (not self.multiplier or not listing.multiplier or _same_number(self.multiplier, listing.multiplier))
            and self.trading_class in ("", listing.trading_class)
            and self.local_symbol.replace(" ", "") in ("", listing.local_symbol.replace(" ", ""))
        )


def _same_number(asked: str, listed: str) -> bool:
    """Whether both are the same number; what is none is no listing's multiplier."""
    try:
        return float(asked) == float(listed)
    except ValueError:
        return False
