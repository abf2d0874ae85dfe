"""Several jobs in the same minute: no client id twice, never more lines than this host may have (L14, L32)."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gateway_support import TUESDAY, sockets, wait_until

from v6.gateway import client_ids
from v6.gateway.lines import LineBudget
from v6.model import Contract
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]
LINES = 12
COLLECT = """
import signal, sys
from collections import Counter
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from gateway_support import ibkr
from v6.gateway.client import connect
from v6.model import Contract

def stop(*_):
    raise SystemExit(143)

signal.signal(signal.SIGTERM, stop)
contracts = [Contract("OPT", "SPY", "SMART", con_id=int(word), right="C") for word in sys.argv[4].split(",")]
settings = ibkr(int(sys.argv[1]), market_data_lines={"options": 12, "futures": 2, "checks": 2})
with connect(settings, purpose="options", leases=Path(sys.argv[2]), task="collector") as gw:
    print(gw.client_id, flush=True)
    quotes = gw.quotes(contracts, need_greeks=True, deadline_seconds=30)
print(sum(quote.status == "complete" for quote in quotes), flush=True)
"""


def start(tws: SimulatedTWS, leases: Path, contracts: list[Contract]) -> "subprocess.Popen[str]":
    con_ids = ",".join(str(contract.con_id) for contract in contracts)
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", COLLECT, str(tws.port), str(leases), here, con_ids]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.one_python
def test_three_collectors_at_once_stay_within_one_budget(leases: Path, options: list[Contract]) -> None:
    with simulated_tws(fast=False, start_at=TUESDAY, lines=LINES, greeks_seconds=(0.1, 0.3)) as tws:
        tws.faults.no_greeks_share = 0.0
        running = [start(tws, leases, options) for _ in range(3)]
        answers = [process.communicate(timeout=60)[0].split() for process in running]
        assert [process.returncode for process in running] == [0, 0, 0]
        assert len({client_id for client_id, _ in answers}) == 3
        assert [complete for _, complete in answers] == [str(len(options))] * 3
        assert tws.stats.peak_lines <= LINES
        assert {code: tws.stats.errors[code] for code in (100, 101, 326)} == {100: 0, 101: 0, 326: 0}


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_a_collector_ended_in_the_middle_gives_everything_back(
    sign: signal.Signals, leases: Path, options: list[Contract]
) -> None:
    with simulated_tws(fast=False, start_at=TUESDAY) as tws:
        process = start(tws, leases, options)
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdigit()
        assert wait_until(lambda: tws.stats.lines == LINES)
        process.send_signal(sign)
        started = time.monotonic()
        assert process.wait(5) == (143 if sign is signal.SIGTERM else -9)
        assert time.monotonic() - started < 2
        process.stdout.close()
        assert wait_until(lambda: tws.stats.lines == 0 and sockets(tws.port) == [])
        assert client_ids.holders(leases) == []
        budget = LineBudget(leases, "options", LINES)
        assert len(list(iter(budget.acquire, None))) == LINES
        budget.close()
