"""A desk five minutes before TWS restarts, with a simulated TWS that writes down every message, and orders of several
programs."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from desk import Desk, Ran, Running
from gateway_support import ibkr, wait_until
from orders_support import FAR, place, working
from restart_desk import compile_schedule, configure

from v6.clock import NEW_YORK
from v6.gateway.client import Gateway, connect
from v6.gateway.contracts import to_library
from v6.journal import events, restarts
from v6.model import Contract, Position
from v6.restart.records.report import RestartReport
from v6.restart.records.report_files import ReportFiles
from v6.restart.records.state_file import TradingStateManager
from v6.restart.records.trading_state import TradingState
from v6.simulator.testing import SimulatedTWS

DAY = date(2026, 11, 20)
SLOT = "11:55"
SPY, QQQ = Contract("STK", "SPY", "SMART"), Contract("STK", "QQQ", "SMART")
WINDOWS = {"scheduler": {"restart_windows": {"lunch": {"zone": "America/New_York", "days": "every", "start": "12:00",
                                                       "end": "12:05"}}}}  # fmt: skip
QUICK = {"ibkr": {"connect_timeout_seconds": 4.0, "request_timeout_seconds": 4.0}}


@dataclass(frozen=True)
class Evening:
    """11:55 on a Friday: a window of its own at noon, so that the market is open before TWS restarts."""

    desk: Desk
    tws: SimulatedTWS
    log: Path

    def configure(self, **restart: Any) -> None:
        configure(self.desk, {"restart": restart})

    def run(self, *arguments: str, slot: str | None = SLOT, seconds: int = 60, **environ: str) -> Ran:
        return self.start(*arguments, slot=slot, seconds=seconds, **environ).wait()

    def start(self, *arguments: str, slot: str | None = SLOT, seconds: int = 60, **environ: str) -> Running:
        environ = {"V6_LIMIT_SECONDS": str(seconds)} | environ
        return self.desk.start("pre_restart", *arguments, slot=slot, day=DAY, **environ)

    # the user's own programs

    @contextmanager
    def program(self, client_id: int) -> Iterator[Gateway]:
        """Connected as that client id, outside V6's leases."""
        leases = self.desk.home / "programs"
        with connect(ibkr(self.tws.port), purpose="checks", leases=leases, client_id=client_id) as gateway:
            yield gateway

    def place(self, client_id: int, *, contract: Contract = SPY, count: int = 1, **terms: Any) -> list[int]:
        """Limit orders far from the market unless `terms` say otherwise, of a program that has ended since."""
        with self.program(client_id) as gateway:
            return [place(gateway, contract=contract, **terms) for _ in range(count)]

    def bracket(self, client_id: int, *, tif: str = "DAY") -> tuple[int, int, int]:
        """Parent far from the market, its profit taker and its stop."""
        with self.program(client_id) as gateway:
            library, client = gateway.connection.library, gateway.connection.client
            parent, taker, stop = (gateway.next_order_id() for _ in range(3))
            common = {"totalQuantity": 10, "tif": tif}
            for number, terms in (
                (parent, {"action": "BUY", "orderType": "LMT", "lmtPrice": FAR, "transmit": False}),
                (
                    taker,
                    {"action": "SELL", "orderType": "LMT", "lmtPrice": 900.0, "parentId": parent, "transmit": False},
                ),
                (stop, {"action": "SELL", "orderType": "STP", "auxPrice": 300.0, "parentId": parent}),
            ):
                client.placeOrder(number, to_library(library, SPY), library.module.Order(**common, **terms))
            wanted = {parent, taker, stop}
            assert wait_until(lambda: wanted <= {order.order_id for order in gateway.own_open_orders()})
        return parent, taker, stop

    def hold(self, contract: Contract, quantity: float) -> Contract:
        """A position in it."""
        with self.program(77) as gateway:
            (listed, *_) = gateway.contract_details(contract)
            action = "BUY" if quantity > 0 else "SELL"
            account = gateway.accounts[0]
            bought = gateway.place_market_order(
                listed.contract, action, abs(quantity), account, gateway.next_order_id(), 5
            )
            assert bought.status == "Filled", bought
        return listed.contract

    def positions(self) -> list[Position]:
        with self.program(78) as gateway:
            return gateway.positions()

    # what came of it

    def working(self) -> dict[tuple[int, int], str]:
        """(client, order) -> status, as the simulator's book has it."""
        return working(self.tws)

    def sent(self, name: str) -> Counter[tuple[int, int]]:
        """(client, order) -> how many such messages TWS received."""
        rows = [json.loads(line) for line in self.log.read_text().splitlines()]
        wanted = [row for row in rows if row["event"] == "in" and row["name"] == name]
        place_of_id = {"cancelOrder": 2, "placeOrder": 1}.get(name)
        return Counter((row["client"], int(row["fields"][place_of_id]) if place_of_id else 0) for row in wanted)

    def messages(self) -> list[tuple[int, str]]:
        """(client, name) of every message TWS received."""
        rows = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [(row["client"], row["name"]) for row in rows if row["event"] == "in"]

    @contextmanager
    def journal(self) -> Iterator[Any]:
        with closing(self.desk.journal()) as db:
            yield db

    def steps(self) -> dict[tuple[int, int], restarts.OrderStep]:
        """(client, order) -> the row of what was done to it."""
        with self.journal() as db:
            rows = restarts.order_steps(db, restarts.latest(db)[0].id)
        return {(row.client_id, row.order_id): row for row in rows}

    def row(self) -> restarts.Restart:
        with self.journal() as db:
            return restarts.latest(db)[0]

    def outages(self) -> list[restarts.Outage]:
        """Signs that TWS was away, of the day."""
        with self.journal() as db:
            start = datetime.combine(DAY, datetime.min.time(), NEW_YORK)
            return restarts.outages(db, start, start + timedelta(days=1))

    def restart_state(self) -> str:
        with self.journal() as db:
            found = restarts.current(db)
        return str(found.state) if found else "normal"

    def alerts(self) -> list[events.Alert]:
        with self.journal() as db:
            return events.alerts_since(db, datetime(2026, 1, 1, tzinfo=NEW_YORK))

    def state(self) -> TradingState:
        return self.states().read()

    def states(self) -> TradingStateManager:
        return TradingStateManager(self.desk.home / "var" / "state", 14, timedelta(hours=1))

    def report(self) -> RestartReport:
        files = ReportFiles(self.desk.home / "var" / "state" / "restarts", 90)
        return files.load(files.paths()[0])


def evening(desk: Desk, tws: SimulatedTWS, log: Path) -> Evening:
    configure(desk, QUICK | WINDOWS)
    desk.at(SLOT, DAY)
    compile_schedule(desk)
    return Evening(desk, tws, log)
