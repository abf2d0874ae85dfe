"""What a project outside V6 has of the simulator: a fixture, a context manager, two commands."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from raw_tws_client import RawClient, eventually

pytestmark = pytest.mark.integration

PROJECT = """\
import socket

import pytest

from v6.simulator.testing import simulated_tws


def handshake(port):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"API\\0" + bytes([0, 0, 0, 9]) + b"v157..178")
        return connection.recv(100)[4:7]


def test_the_fixture(simulated_tws):
    assert handshake(simulated_tws.port) == b"178"
    assert f"{simulated_tws.server.now():%H:%M}" == "10:35"


@pytest.mark.simulated_tws(lines=20, accounts=("DU9000001", "DU9000002"))
def test_the_fixture_as_the_marker_says(simulated_tws):
    assert simulated_tws.server.options.lines == 20
    assert len(simulated_tws.server.options.accounts) == 2


def test_the_context_manager():
    with simulated_tws(fast=True) as tws:
        assert handshake(tws.port) == b"178"
    with pytest.raises(OSError):
        handshake(tws.port)
"""


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


def test_a_project_has_the_fixture_and_the_context_manager_by_one_import(tmp_path):
    (tmp_path / "test_mine.py").write_text(PROJECT)
    ended = python(tmp_path, "-m", "pytest", "-q", "--strict-markers", "-W", "error", "-p", "no:cacheprovider")
    assert "3 passed" in ended.stdout, ended.stdout + ended.stderr


def test_the_context_manager_needs_no_pytest_and_nothing_but_pyyaml(tmp_path):
    others = "pytest pydantic polars deltalake typer rich loguru pandas numpy psutil apprise ib_insync ib_async"
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({others.split()}))\n"
        "from v6.simulator.testing import simulated_tws\n"
        "with simulated_tws(fast=True) as tws: print(tws.port)\n"
    )
    ended = python(tmp_path, "-c", program)
    assert int(ended.stdout) > 0, ended.stderr


@pytest.mark.parametrize("command", [("-m", "v6.simulator"), (str(Path(sys.executable).with_name("v6")), "simulator")])
def test_both_commands_serve(command, tmp_path):
    port_file = tmp_path / "port"
    running = subprocess.Popen(
        [sys.executable, *command, "--fast", "--port", "0", "--port-file", str(port_file)],
        stderr=subprocess.DEVNULL, cwd=tmp_path,
    )  # fmt: skip
    try:
        assert eventually(port_file.exists, 20)
        with RawClient(int(port_file.read_text())) as client:
            assert client.version == 178
    finally:
        running.terminate()
        assert running.wait(10) == 0


def test_a_port_in_use_is_not_mistaken_for_a_simulator(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = python(tmp_path, "-m", "v6.simulator", "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 1
    assert "already in use" in ended.stderr
