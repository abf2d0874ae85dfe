"""Around one restart of the simulated TWS: what pre_restart left, what TWS did meanwhile, what post_restart said."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from desk import Desk
from gateway_support import ibkr

from v6.clock import NEW_YORK
from v6.gateway import library, sockets
from v6.gateway.client import Gateway, connect
from v6.journal import events, restarts
from v6.model import Contract, OpenOrder
from v6.paths import ROOT, Paths
from v6.rehearsal.stage import Quoted
from v6.restart.records.report import RestartReport
from v6.restart.records.report_files import ReportFiles
from v6.restart.records.state_file import TradingStateManager
from v6.restart.records.state_reader import read_trading_state
from v6.restart.records.trading_state import TradingState
from v6.restart.windows import Occurrence
from v6.scheduler.compile import compile_all
from v6.simulator.testing import SimulatedTWS

THURSDAY, FRIDAY = date(2026, 11, 19), date(2026, 11, 20)
NIGHT = Occurrence(
    "daily_restart",
    datetime(2026, 11, 19, 23, 45, tzinfo=NEW_YORK),
    datetime(2026, 11, 20, 0, 5, tzinfo=NEW_YORK),
    acts=True,
)
OWNER = 5
SPY, QQQ = Contract("STK", "SPY", "SMART"), Contract("STK", "QQQ", "SMART")


@dataclass(frozen=True)
class Night:
    """A desk beside a TWS at night, just after the daily window."""

    desk: Desk
    tws: SimulatedTWS

    @contextmanager
    def journal(self) -> Iterator[sqlite3.Connection]:
        with closing(self.desk.journal()) as db:
            yield db

    def gateway(self, client_id: int = 9) -> Gateway:
        return connect(
            ibkr(self.tws.port), purpose="checks", leases=self.desk.home / "var" / "leases", client_id=client_id
        )

    def save_state(self, subscriptions: tuple[Contract, ...] = (SPY, QQQ), **changes: Any) -> TradingState:
        """What pre_restart leaves behind: the state file, the journal's row, the marks."""
        with self.journal() as db:
            row = restarts.begin(db, NIGHT.name, NIGHT.start, NIGHT.end)

            async def read() -> TradingState:
                async with self.gateway() as gateway:
                    return await read_trading_state(
                        gateway, db, occurrence=NIGHT, restart_id=row.id, subscriptions=subscriptions
                    )

            state = replace(asyncio.run(read()), **({"saved_at": NIGHT.start - timedelta(minutes=4)} | changes))
            path = self.states.save(state)
            found = sockets.listener("127.0.0.1", self.tws.port)
            restarts.note(
                db,
                row.id,
                state_file=str(path),
                listener_before=found.words() if found else "",
                prepared_at=state.saved_at,
            )
        return state

    @property
    def states(self) -> TradingStateManager:
        return TradingStateManager(self.desk.home / "var" / "state", 14, timedelta(hours=1))

    def restart(self, **how: Any) -> None:
        """TWS's restart, over in a moment unless it is said otherwise."""
        quick = {"refused_seconds": 0.3, "mute_seconds": 0, "farm_seconds": 0}
        self.tws.control({"do": "restart", **(quick | how)})

    def row(self) -> restarts.Restart:
        with self.journal() as db:
            return restarts.latest(db)[0]

    def state(self) -> str:
        with self.journal() as db:
            found = restarts.current(db)
            return "normal" if found is None else str(found.state)

    def alerts(self, beginning: str = "restart ") -> list[events.Alert]:
        with self.journal() as db:
            return [
                one
                for one in events.alerts_since(db, datetime(2026, 1, 1, tzinfo=NEW_YORK))
                if one.key.startswith(beginning)
            ]

    def report(self) -> RestartReport:
        return self.reports.load(self.reports.paths()[0])

    @property
    def reports(self) -> ReportFiles:
        return ReportFiles(self.desk.home / "var" / "state" / "restarts", 90)

    def place(
        self, contract: Contract = SPY, *, client: int = OWNER, limit: float = 300.0, tif: str = "GTC"
    ) -> OpenOrder:
        """A limit order far from the market, of a program of its own."""
        placed = place_limit(self.tws.port, client, contract, limit, tif)
        with self.gateway(20) as gateway:
            return next(one for one in gateway.open_orders() if (one.client_id, one.order_id) == (client, placed))


NEW_YORK_WINDOWS = {
    "scheduler": {
        "restart_windows": {
            "daily_restart": {"zone": "America/New_York", "days": "every", "start": "23:45", "end": "00:05"},
        }
    }
}
QUICK = {
    "restart": {
        "stable_round_trips": 2,
        "reconnect_first_seconds": 0.2,
        "reconnect_cap_seconds": 1.0,
        "hooks": {"pre_restart": [], "restart_complete": [], "timeout_seconds": 3.0},
    },
    "tws": {"startup_seconds": 4.0, "hung_after_seconds": 30.0},
}


def after_the_window(desk: Desk, tws: SimulatedTWS) -> Night:
    """00:10 on a Friday, on a host in New York: the daily window is just over."""
    desk.configure(QUICK | NEW_YORK_WINDOWS)
    quote(desk)
    desk.at("00:10", FRIDAY)
    compile_schedule(desk)
    return Night(desk, tws)


def quote(desk: Desk) -> None:
    """Times in quotes, as a careful person writes them."""
    production = desk.home / "config" / "production.yaml"
    production.write_text(yaml.dump(yaml.safe_load(production.read_text()), Dumper=Quoted))


def configure(desk: Desk, changes: dict[str, Any]) -> None:
    desk.configure(changes)
    quote(desk)


def compile_schedule(desk: Desk) -> None:
    """In this process: a start of its own would take most of a test's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("V6_CLOCK_FILE", str(desk.clock_file))
        done = compile_all(Paths(ROOT, desk.home))
    assert done.error == "", done.error


def place_limit(port: int, client: int, contract: Contract, limit: float, tif: str) -> int:
    """By the library itself: V6 places no such orders. The order id."""
    return asyncio.run(_place(port, client, contract, limit, tif))


async def _place(port: int, client: int, contract: Contract, limit: float, tif: str) -> int:
    asyncio.set_event_loop(asyncio.get_running_loop())  # ib_insync asks the policy
    lib = library.load("auto").module
    ib = lib.IB()
    await ib.connectAsync("127.0.0.1", port, clientId=client, timeout=5)
    try:
        order = lib.LimitOrder("BUY", 1, limit, tif=tif)
        trade = ib.placeOrder(lib.Stock(contract.symbol, "SMART", "USD"), order)
        for _ in range(100):
            if trade.orderStatus.status in ("Submitted", "PreSubmitted"):
                break
            await asyncio.sleep(0.05)
        return int(trade.order.orderId)
    finally:
        ib.disconnect()


def body(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())["body"]
    return found
