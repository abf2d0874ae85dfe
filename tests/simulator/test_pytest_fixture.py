"""What a project outside V6 has of the simulator: a fixture, a context manager, two commands."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from raw_tws_client import RawClient, eventually

from v6 import clock
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

PROJECT = """\
import socket

import pytest

from v6.simulator.testing import simulated_tws as simulated_tws_in_a_block


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


def test_the_context_manager_is_set_up_as_the_fixture_is(simulated_tws):
    with simulated_tws_in_a_block() as tws:
        assert handshake(tws.port) == b"178"
        assert f"{tws.server.now():%Y-%m-%d %H:%M}" == f"{simulated_tws.server.now():%Y-%m-%d %H:%M}"
        port = {"port": simulated_tws.server.options.port}
        assert vars(tws.server.options) | port == vars(simulated_tws.server.options)
    with pytest.raises(OSError):
        handshake(tws.port)
"""


def test_what_is_said_wins_over_the_defaults():
    with simulated_tws(fast=False, start_at=None) as tws:
        assert (tws.server.options.latency, tws.server.options.messages_a_second) == (True, 50)
        assert abs(tws.server.epoch() - clock.epoch()) < 5
    with simulated_tws(latency=True) as tws:
        assert (tws.server.options.latency, tws.server.options.messages_a_second) == (True, 0)


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)


def test_a_project_has_the_fixture_and_the_context_manager_by_one_import(tmp_path):
    (tmp_path / "test_mine.py").write_text(PROJECT)
    ended = python(tmp_path, "-m", "pytest", "-q", "--strict-markers", "-W", "error", "-p", "no:cacheprovider")
    assert "3 passed" in ended.stdout, ended.stdout + ended.stderr


OTHERS = "pytest pydantic polars deltalake typer rich loguru pandas numpy psutil apprise ib_insync ib_async"
ONLY_PYYAML = f"import sys; sys.modules.update(dict.fromkeys({OTHERS.split()}))\n"


def test_the_context_manager_needs_no_pytest_and_nothing_but_pyyaml(tmp_path):
    program = "from v6.simulator.testing import simulated_tws\nwith simulated_tws(fast=True) as tws: print(tws.port)\n"
    ended = python(tmp_path, "-c", ONLY_PYYAML + program)
    assert int(ended.stdout) > 0, ended.stderr


def command_with_only_pyyaml(folder, *arguments):
    program = "from v6.simulator.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    return python(folder, "-c", ONLY_PYYAML + program, *arguments)


def test_verify_needs_nothing_but_pyyaml(tmp_path):
    lines = [
        {"v6_recording": 1, "date": "2026-11-24T10:35:00-05:00", "simulator": "test"},
        {"t": 0, "c": 1, "negotiated": 178, "handshake": ["178", "20261124 10:35:00 Eastern Standard Time"]},
        {"t": 0.1, "c": 1, "d": ">", "f": ["71", "2", "100", ""]},
        {"t": 0.2, "c": 1, "d": "<", "f": ["15", "1", "DU9000001"]},
        {"t": 0.2, "c": 1, "d": "<", "f": ["9", "1", "1"]},
        {"t": 0.3, "c": 1, "d": ">", "f": ["49", "1"]},
        {"t": 0.4, "c": 1, "d": "<", "f": ["49", "1", "1795534500"]},
    ]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    ended = command_with_only_pyyaml(tmp_path, "verify", "mine.jsonl", "--patience", "0.5")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("nothing differs\n")
    assert "currentTime" in ended.stdout


def test_a_replay_without_its_libraries_says_which_it_needs(tmp_path):
    (tmp_path / "2026-01-30.parquet").write_bytes(b"")
    ended = command_with_only_pyyaml(tmp_path, "--replay", ".", "--port", "0")
    assert ended.returncode == 2
    assert ended.stderr == "simulator: --replay needs polars and deltalake: pip install polars deltalake\n"


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
