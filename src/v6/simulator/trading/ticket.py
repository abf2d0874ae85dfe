"""One order as TWS and IB keep it: the client's instruction and what has become of it."""

from dataclasses import dataclass, replace

from v6.simulator.instruments.listings import Listing
from v6.simulator.orders.order import Order

PENDING_SUBMIT, PRE_SUBMITTED, SUBMITTED = "PendingSubmit", "PreSubmitted", "Submitted"
FILLED, CANCELLED, API_CANCELLED, INACTIVE, PENDING_CANCEL = (
    "Filled", "Cancelled", "ApiCancelled", "Inactive", "PendingCancel",
)  # fmt: skip
DONE = frozenset((FILLED, CANCELLED, API_CANCELLED, INACTIVE))
MANUAL_CLIENT = 0


@dataclass(slots=True, eq=False)
class Ticket:
    """`transmitted`: TWS has sent it on. `received`: IB has it; until then a restart loses it.

    `stop`: where a trailing stop stands. `limit`: a limit price the market gave it. `resting`: it has waited in the
    book, so it fills at its own price. `ahead`: the size in the queue before it, at `queued_at`.
    `begins`, `until`: epoch seconds before and after which it does not trade; 0.0: no such limit.
    `said`: how many status messages it had. `banded`: its limit has been held against the price band.
    """

    order_id: int
    client_id: int
    perm_id: int
    listing: Listing
    order: Order
    status: str = PENDING_SUBMIT
    filled: float = 0.0
    average_price: float = 0.0
    last_price: float = 0.0
    why_held: str = ""
    transmitted: bool = False
    received: bool = False
    triggered: bool = False
    resting: bool = False
    warned: bool = False
    stop: float | None = None
    limit: float | None = None
    ahead: float = 0.0
    queued_at: float | None = None
    begins: float = 0.0
    until: float = 0.0
    commission: float = 0.0
    fills: int = 0
    said: int = 0
    completed_at: float = 0.0
    completed_status: str = ""
    arrived: int = 0
    cancelling: bool = False
    banded: bool = False
    conditions_met: bool = False
    received_at: float = 0.0

    @property
    def remaining(self) -> float:
        return round(max(self.order.total_quantity - self.filled, 0.0), 9)

    @property
    def done(self) -> bool:
        return self.status in DONE

    @property
    def working(self) -> bool:
        """Whether IB has it and it may still fill, even while its cancel is on the way."""
        return self.received and not self.done

    @property
    def shown(self) -> str:
        """The status clients see."""
        return PENDING_CANCEL if self.cancelling and not self.done else self.status

    @property
    def buys(self) -> bool:
        return self.order.action == "BUY"

    @property
    def sign(self) -> float:
        return 1.0 if self.buys else -1.0

    @property
    def manual(self) -> bool:
        """Typed into TWS by hand; an order id below 0 once client 0 has bound it."""
        return self.client_id == MANUAL_CLIENT and self.order_id <= 0

    def resize(self, quantity: float) -> None:
        self.order = replace(self.order, total_quantity=quantity)

    def book(self, shares: float, price: float) -> None:
        """Count an execution."""
        self.average_price = (self.average_price * self.filled + price * shares) / (self.filled + shares)
        self.filled = round(self.filled + shares, 9)
        self.last_price = price
        self.fills += 1
