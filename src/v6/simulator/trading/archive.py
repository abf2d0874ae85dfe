"""What is over: completed orders, and executions of as many days as TWS keeps."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from v6.clock import NEW_YORK
from v6.simulator.instruments.listings import Listing
from v6.simulator.market.hours import new_york_date
from v6.simulator.orders.execution import CommissionReport, Execution
from v6.simulator.orders.order import OrderState
from v6.simulator.trading import timing
from v6.simulator.trading.ticket import CANCELLED, FILLED, Ticket
from v6.simulator.wire import plain

SIDES = {"BUY": "BOT", "SELL": "SLD", "SSHORT": "SLD"}


class Done(NamedTuple):
    """One execution with its contract and its commission."""

    listing: Listing
    execution: Execution
    report: CommissionReport


class Filter(NamedTuple):
    """What reqExecutions asks for; empty and 0 ask for everything. `time`: from then on."""

    client_id: int = 0
    account: str = ""
    time: str = ""
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    side: str = ""

    def since(self, now: datetime) -> float:
        """Raises timing.TimeError."""
        return timing.parse(self.time.replace("  ", " "), now) if self.time else 0.0

    def fits(self, done: Done, since: float) -> bool:
        listing, execution = done.listing, done.execution
        return (
            self.client_id in (0, execution.client_id)
            and self.account in ("", execution.account)
            and self.symbol.upper() in ("", listing.symbol)
            and self.sec_type in ("", listing.sec_type)
            and self.exchange in ("", "SMART", execution.exchange, listing.exchange)
            and SIDES.get(self.side, self.side) in ("", execution.side)
            and execution.time >= since
        )


@dataclass
class Archive:
    """`days`: how many days before today executions are given for, as set in TWS's trade log."""

    days: int = 0
    orders: list[Ticket] = field(default_factory=list)
    executions: list[Done] = field(default_factory=list)

    def forget(self, instant: float) -> None:
        """Drop what TWS no longer answers about: orders of days before, executions older than `days`."""
        today = new_york_date(instant)
        self.orders = [each for each in self.orders if new_york_date(each.completed_at) >= today]
        first = today - timedelta(days=self.days)
        self.executions = [each for each in self.executions if new_york_date(each.execution.time) >= first]

    def find(self, wanted: Filter, now: datetime) -> list[Done]:
        """Raises timing.TimeError."""
        self.forget(now.timestamp())
        since = wanted.since(now)
        return [each for each in self.executions if wanted.fits(each, since)]


def completed_state(ticket: Ticket) -> OrderState:
    """Whatever did not fill shows as Cancelled there, also what was refused."""
    at = datetime.fromtimestamp(ticket.completed_at, NEW_YORK)
    filled = ticket.status == FILLED
    return OrderState(
        FILLED if filled else CANCELLED,
        completed_time=f"{at:%Y%m%d %H:%M:%S} US/Eastern",
        completed_status=f"Filled Size: {plain(ticket.filled)}" if filled else ticket.completed_status,
    )
