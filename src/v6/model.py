"""Frozen value types that several parts exchange, and the three ways a run can end early.

Instants are aware datetimes. Prices are in the contract's currency, sizes in contracts (options, futures) or shares,
volatilities and greeks as TWS sends them (IV 0.25 = 25 %). A value that TWS did not send is None, never -1, 0 or NaN.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

Right = Literal["C", "P"]
SecType = Literal["STK", "IND", "OPT", "FUT"]


class V6Error(Exception):
    """A run cannot reach its goal. `recoverable` decides the exit code: 1 (retried) or 2 (not)."""

    recoverable = False


class RecoverableError(V6Error):
    """Worth another attempt: TWS is away, a farm is down, a deadline passed."""

    recoverable = True


class FatalError(V6Error):
    """Another attempt would fail the same way: wrong configuration, a broken invariant."""


class SkipRun(Exception):  # noqa: N818 - a skip is an outcome, not an error
    """There is rightly nothing to do. `reason` is a skip code such as `no_input`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class DataType(StrEnum):
    """What kind of market data TWS says (message 58) it really sends."""

    LIVE = "live"
    FROZEN = "frozen"
    DELAYED = "delayed"
    DELAYED_FROZEN = "delayed_frozen"


class QuoteStatus(StrEnum):
    """`complete`: everything asked for arrived. `partial`: some of it, `reason` says why. `missing`: nothing usable."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    MISSING = "missing"


class MissReason(StrEnum):
    """Why a contract of a slot is partial or missing. The closed set the slot ledger stores."""

    NO_SUBSCRIPTION = "no_subscription"
    NO_CONTRACT = "no_contract"
    NO_TICK = "no_tick"
    NO_GREEKS = "no_greeks"
    NO_OPEN_INTEREST = "no_open_interest"
    STALE = "stale"
    COMPETING_SESSION = "competing_session"
    PACING = "pacing"
    LINES = "lines"
    DEADLINE = "deadline"
    DISCONNECTED = "disconnected"
    TWS_DOWN = "tws_down"
    SERVER_LOST = "server_lost"
    KILLED = "killed"
    RESTART_WINDOW = "restart_window"
    HOST_DOWN = "host_down"
    NO_UNIVERSE = "no_universe"
    JOB_FAILED = "job_failed"
    NOT_RUN = "not_run"


class WhyNull(StrEnum):
    """Why a statistic, or a computed volatility, is null. The closed set that the `_reason` columns store."""

    NO_QUOTES = "no_quotes"
    NO_IV = "no_iv"
    NO_FORWARD = "no_forward"
    TOO_FEW_STRIKES = "too_few_strikes"
    NOT_BRACKETED = "not_bracketed"
    NO_DELTA = "no_delta"
    NO_STRADDLE = "no_straddle"
    NO_VOLUME = "no_volume"
    NO_CALL_VOLUME = "no_call_volume"
    NO_OPEN_INTEREST = "no_open_interest"
    NO_CALL_OPEN_INTEREST = "no_call_open_interest"
    NO_BARS = "no_bars"
    TOO_FEW_SESSIONS = "too_few_sessions"
    FLAT = "flat"
    INCONSISTENT_BAR = "inconsistent_bar"
    NOT_FINAL = "not_final"
    NO_SPOT = "no_spot"
    ONE_SIDED = "one_sided"
    CROSSED = "crossed"
    BELOW_INTRINSIC = "below_intrinsic"
    NOT_INVERTIBLE = "not_invertible"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Contract:
    """One tradable instrument. `con_id` 0 means: not resolved yet. `expiry` and the fields after it: OPT and FUT."""

    sec_type: SecType
    symbol: str
    exchange: str
    con_id: int = 0
    currency: str = "USD"
    primary_exchange: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    multiplier: float | None = None
    expiry: date | None = None
    strike: float | None = None
    right: Right | None = None

    def with_con_id(self, con_id: int) -> "Contract":
        return replace(self, con_id=con_id)

    def __str__(self) -> str:
        words = [self.symbol, self.sec_type]
        if self.expiry is not None:
            words.append(f"{self.expiry:%Y%m%d}")
        if self.strike is not None:
            words.append(f"{self.strike:g}{self.right or ''}")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Quote:
    """What one market data line said about one contract until it was complete or its deadline passed.

    `iv`, greeks and `underlying_price` come from TWS's model computation (tick 13, delayed 83). `open_interest` needs
    generic tick 101. `received_at` is when the last field arrived.
    """

    contract: Contract
    status: QuoteStatus
    received_at: datetime
    reason: MissReason | None = None
    detail: str = ""
    data_type: DataType | None = None
    bid: float | None = None
    ask: float | None = None
    bid_size: float | None = None
    ask_size: float | None = None
    last: float | None = None
    last_size: float | None = None
    close: float | None = None
    volume: float | None = None
    open_interest: float | None = None
    iv: float | None = None
    delta: float | None = None
    gamma: float | None = None
    vega: float | None = None
    theta: float | None = None
    underlying_price: float | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """One historical bar; `start` is its opening instant. Sizes in shares or contracts; None where TWS sends -1."""

    start: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    wap: float | None
    count: int | None


@dataclass(frozen=True, slots=True)
class Position:
    account: str
    contract: Contract
    quantity: float
    average_cost: float


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """One order as TWS reports it. `perm_id` is the only number that is stable; `order_id` means something only with
    `client_id`, and is 0 or negative for an order typed into TWS. `status` is TWS's own word (PreSubmitted, Submitted,
    PendingCancel, Cancelled, Filled, Inactive ...). Prices are None where the order type has none."""

    perm_id: int
    client_id: int
    order_id: int
    account: str
    contract: Contract
    action: str
    order_type: str
    quantity: float
    tif: str
    status: str
    filled: float = 0.0
    remaining: float = 0.0
    limit_price: float | None = None
    stop_price: float | None = None
    parent_id: int = 0
    oca_group: str = ""
    order_ref: str = ""

    def __str__(self) -> str:
        prices = [f"{price:g}" for price in (self.limit_price, self.stop_price) if price is not None]
        words = (self.action, f"{self.quantity:g}", self.contract, self.order_type, *prices, self.tif)
        return f"{' '.join(map(str, words))} (permId {self.perm_id}, client {self.client_id}, {self.status})"


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill. `side` is BOT or SLD, `at` is aware."""

    exec_id: str
    perm_id: int
    client_id: int
    order_id: int
    account: str
    contract: Contract
    side: str
    quantity: float
    price: float
    at: datetime


@dataclass(frozen=True, slots=True)
class ScannerFilter:
    """What a market scanner looks for. `filters`: (tag, value) pairs such as ("priceAbove", "10")."""

    instrument: str
    location: str
    scan_code: str
    rows: int = 50
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class OptionChain:
    """One row of reqSecDefOptParams: the cross product of expiries and strikes; many pairs do not exist."""

    exchange: str
    underlying_con_id: int
    trading_class: str
    multiplier: float
    expiries: tuple[date, ...]
    strikes: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ContractDetails:
    """`liquid_hours`: regular sessions as (open, close), aware, in the order TWS lists them."""

    contract: Contract
    min_tick: float
    under_con_id: int
    contract_month: str
    long_name: str
    liquid_hours: tuple[tuple[datetime, datetime], ...]
