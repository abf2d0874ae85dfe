"""A port that refuses: what the kernel and the programs of this host show in the place of a TWS that listens."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from diagnose_support import LONG, examine
from gateway_support import TUESDAY, free_port

from v6.gateway import diagnose, refused, tws_programs
from v6.gateway.port_sockets import PortSockets
from v6.gateway.verdicts import Verdict
from v6.simulator.testing import SimulatedTWS, simulated_tws

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]


@pytest.fixture(scope="module")
def morning() -> Iterator[SimulatedTWS]:
    with simulated_tws(fast=True, start_at=TUESDAY) as running:
        yield running


def test_where_nobody_listens_the_kernel_refuses_and_a_port_it_forwards_is_not_taken_for_a_closed_one(
    morning: SimulatedTWS, leases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A forwarded port (DNAT) is in no table: whoever trusts the table alone calls a TWS that answers "refused"."""
    real = diagnose.port_sockets

    def without_listener(*arguments: Any, **options: Any) -> PortSockets:
        return replace(real(*arguments, **options), listener=None, rows=())

    closed = examine(free_port(), leases)
    monkeypatch.setattr(diagnose, "port_sockets", without_listener)
    forwarded = examine(morning.port, leases, probe_seconds=LONG)

    assert closed.verdict is Verdict.REFUSED
    assert any(line.startswith("no connection came about after") for line in closed.evidence)
    assert forwarded.verdict is Verdict.HEALTHY


def test_a_port_that_is_open_on_another_address_only_is_named_with_it(leases: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = examine(port, leases, host="127.0.0.2")

    assert found.verdict is Verdict.REFUSED
    assert f"port {port} is open on 127.0.0.1 only" in found.detail
    assert "nobody listens (the port is open on 127.0.0.1 only)" in found.evidence[0]


def test_a_port_that_is_open_over_ipv6_only_is_told_from_a_closed_one(leases: Path) -> None:
    """The kernel's table does not say that a listener of :: leaves IPv4 alone."""
    with socket.create_server(("::", 0), family=socket.AF_INET6) as listener:
        found = examine(listener.getsockname()[1], leases)

    assert found.verdict is Verdict.REFUSED
    assert re.search(r"although the kernel shows .* over IPv6, it seems, and the connection was tried", found.detail)


TWS_AT_ITS_LOGIN = "import sys; print(flush=True); sys.stdin.read()"


TWS_ON_ANOTHER_PORT = (
    "import socket, sys; server = socket.create_server(('127.0.0.1', 0)); print(server.getsockname()[1], flush=True); "
    "sys.stdin.read()"
)


def test_a_tws_that_listens_on_an_unusual_port_is_named_with_it(leases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tws_programs, "STARTING_SECONDS", 0.0)
    with tws_without_a_port(TWS_ON_ANOTHER_PORT) as pid:
        [listening] = tws_programs.TwsProgram(pid, "java", 0.0).listens() or ()
        found = examine(free_port(), leases)

    assert (found.verdict, found.exit_code) == (Verdict.REFUSED, 1)
    assert f"(pid {pid}) listens on {listening} instead" in found.detail


@contextmanager
def tws_without_a_port(program_text: str = TWS_AT_ITS_LOGIN) -> Iterator[int]:
    command = [sys.executable, "-c", program_text, "install4j.ibgateway.GWClient"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        program.stdout.readline()
        yield program.pid
        program.communicate("")


def test_a_tws_that_runs_and_has_not_opened_its_port_waits_for_its_login(
    leases: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused, "listening_ports", lambda _but: [])  # of whatever else this host runs
    with tws_without_a_port() as pid:
        young = examine(free_port(), leases)
        monkeypatch.setattr(tws_programs, "STARTING_SECONDS", 0.0)
        old = examine(free_port(), leases)

    assert young.verdict is Verdict.REFUSED, "it may still be starting"
    assert any(f"(pid {pid})" in line for line in young.evidence)
    assert (old.verdict, old.exit_code) == (Verdict.WAITING_FOR_DIALOG, 2)
    assert "most likely waits for its login" in old.detail
