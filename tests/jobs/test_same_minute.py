"""What cron starts in the same minute shares one TWS: client ids, lines, lake and journal."""

import argparse
import json
import subprocess
import sys
from datetime import date

import pytest
from desk import Desk, wait_until
from loguru import logger

from v6 import clock
from v6.config.load import load
from v6.gateway import client_ids, connection_budget
from v6.model import Contract
from v6.paths import Paths
from v6.runner.context import Context
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = pytest.mark.integration

PURPOSES = ("options",) * 12 + ("futures",) * 12 + ("checks",) * 6
CHAIN = Contract("OPT", "SPY", "SMART", trading_class="SPY", multiplier=100.0, expiry=date(2026, 12, 18))
STOCK = Contract("STK", "SPY", "SMART", primary_exchange="ARCA")
RUNS = """
import argparse, json, os, sys
from loguru import logger
from v6 import clock
from v6.config.load import load
from v6.model import Contract
from v6.paths import Paths
from v6.runner.context import Context
from v6.gateway import library
import v6.runner.watched_gateway

os.nice(15)
paths = Paths.locate()
config = load(paths)
library.load(config.settings.ibkr.library)
logger.remove()
purposes, rows = json.loads(sys.argv[1])
contracts = {purpose: [Contract(**row) for row in rows[purpose]] for purpose in rows}

def run(purpose, number):
    ctx = Context(f"run_{number}", None, argparse.Namespace(), config, paths, logger, clock.monotonic() + 120)
    with ctx.gateway(purpose) as gateway:
        os.write(1, f"{gateway.client_id}\\n".encode())
        os.read(0, 1)
        wanted = contracts["many" if number == 0 else purpose]
        quotes = gateway.quotes(wanted, need_greeks=purpose == "options", deadline_seconds=60)
    return 0 if all(quote.status == "complete" for quote in quotes) else 3

children = []
for number, purpose in enumerate(purposes):
    child = os.fork()
    if child == 0:
        os._exit(run(purpose, number))
    children.append(child)
print("ended", *(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children), flush=True)
"""
"""One process a run, as cron has them, but all of one interpreter's memory: thirty of their own take a minute to start.
Each connects, waits until all are connected, and asks for its quotes. They let TWS go first, as if it had a core of its
own: one that does not get to read for long sees the next run's request before the last one's cancel."""


def test_two_collectors_futures_and_health_in_the_same_minute(morning: Desk, tws: SimulatedTWS) -> None:
    compiled = morning.home / "var" / "compiled" / "calendar.txt"
    with simulated_tws(fast=False, start_at=None, calendar=compiled) as real:
        real.set(no_greeks_share=0.0)
        limits = {"quote_timeout_seconds": 9.0, "greeks_wait_seconds": 4.0}
        morning.configure({"ibkr": {"port": real.port, **limits}})
        morning.at("10:00")
        started = [
            morning.start("collect_option_snapshots", slot="10:00"),
            morning.start("collect_option_snapshots", slot="10:00", V6_TASK="collect_again"),
            morning.start("collect_futures_snapshots", slot="10:00"),
            morning.start("health_check", slot="10:00"),
        ]
        ran = [running.wait() for running in started]

        assert [one.code for one in ran] == [0, 0, 0, 0], "\n".join(one.words for one in ran)
        wait_until(lambda: real.stats.clients == 0)
        assert real.stats.peak_lines <= 95
        assert real.stats.lines == 0
        assert real.stats.breaches == 0
        assert not {100, 101, 326} & set(real.stats.errors)
    assert morning.rows("10:00").height == 24
    assert morning.rows("10:00", task="collect_again").height == 24
    assert morning.rows("10:00", "futures_snapshots", "collect_futures_snapshots").height == 3
    assert sorted(path.name for path in (morning.home / "var" / "leases").iterdir() if is_locked(path)) == []


def wanted_of(ctx: Context) -> dict[str, list[dict[str, object]]]:
    """Per purpose what a run asks for: together more than the budget has lines. `many`: of the first one, more than may
    leave in a second."""
    with ctx.gateway("checks") as gateway:
        chain = [details.contract for details in gateway.contract_details(CHAIN)]
        futures = [details.contract for details in gateway.contract_details(Contract("FUT", "ES", "CME"))]
    chain.sort(key=lambda contract: (abs((contract.strike or 0) - 600), contract.right or ""))
    return {
        "many": [vars_of(contract) for contract in chain[:60]],
        "options": [vars_of(contract) for contract in chain[:8]],
        "futures": [vars_of(contract) for contract in futures[:2]],
        "checks": [vars_of(STOCK)],
    }


def vars_of(contract: Contract) -> dict[str, object]:
    return {"sec_type": contract.sec_type, "symbol": contract.symbol, "exchange": contract.exchange} | (
        {"con_id": contract.con_id, "right": contract.right} if contract.con_id else {}
    )


def test_l14_l32_thirty_runs_in_the_same_minute_stay_within_every_limit(desk: Desk) -> None:
    """32 clients, 50 messages a second each, 80 + 10 + 5 market data lines together: as the simulator counts them."""
    compiled = desk.home / "var" / "compiled" / "calendar.txt"
    with simulated_tws(fast=False, start_at=None, calendar=compiled, greeks_seconds=(0.1, 0.3), lines=0) as real:
        real.set(no_greeks_share=0.0)
        limits = {"quote_timeout_seconds": 30.0, "greeks_wait_seconds": 10.0, "connect_timeout_seconds": 30.0}
        desk.configure({"ibkr": {"port": real.port, **limits}})
        paths = Paths.locate()
        config = load(paths, {})
        ctx = Context("a_look", None, argparse.Namespace(), config, paths, logger, clock.monotonic() + 60)
        command = [sys.executable, "-c", RUNS, json.dumps([PURPOSES, wanted_of(ctx)])]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runs:
            assert runs.stdout is not None
            ids = [runs.stdout.readline().strip() for _ in PURPOSES]
            ended = runs.communicate("." * len(PURPOSES), timeout=120)[0]

        assert ended.split() == ["ended", *("0" for _ in PURPOSES)], "every quote came, none was given up"
        assert len(set(ids)) == len(PURPOSES)
        wait_until(lambda: real.stats.clients == 0)
        assert real.stats.peak_clients == len(PURPOSES) <= 32
        assert real.stats.most_in_a_second <= 50
        unread = 5 if real.stats.late_rounds else 0  # cancels of a TWS that does not get to read for 0.1 s
        assert real.stats.peak_lines <= 95 + unread
        assert real.stats.lines == 0
        assert (real.stats.breaches, real.stats.struck_out) == (0, 0)
        assert not {100, 101, 326} & set(real.stats.errors)
    assert client_ids.holders(paths.leases) == []
    hour, _ = connection_budget.used(config.settings.ibkr, paths.leases)
    assert hour.used == len(PURPOSES) + 1


def is_locked(path: object) -> bool:
    import fcntl

    with open(str(path), "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
