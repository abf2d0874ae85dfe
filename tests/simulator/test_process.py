"""`python -m v6.simulator` as users start it."""

import json
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
from raw_tws_client import SPY, RawClient, eventually

from v6.simulator.about import fidelity

pytestmark = pytest.mark.integration


@contextmanager
def process(folder, *arguments):
    port_file = folder / "port"
    command = [sys.executable, "-m", "v6.simulator", "--port", "0", "--port-file", str(port_file), *arguments]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert eventually(port_file.exists, 20), running.communicate(timeout=5)
        yield running, int(port_file.read_text())
    finally:
        if running.poll() is None:
            running.terminate()
        running.wait(10)
        running.stderr.close()


def test_it_serves_until_it_is_told_to_end_and_leaves_its_statistics(tmp_path):
    stats_file = tmp_path / "stats.json"
    with process(tmp_path, "--fast", "--stats-file", str(stats_file), "--at", "2026-11-24 10:35") as (running, port):
        with RawClient(port) as client:
            client.send(49, 1)
            assert client.until(49)[2].startswith("17955")
        assert eventually(lambda: json.loads(stats_file.read_text())["connections"] == 1)
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
        said = running.stderr.read()
    assert "every weekday counts as a regular session" in said
    assert f"127.0.0.1:{port}" in said
    stats = json.loads(stats_file.read_text())
    assert stats["requests"] == {"49": 1, "71": 1}
    assert stats["breaches"] == 0


def test_it_ends_at_once_though_bars_of_many_years_are_being_built(tmp_path):
    with process(tmp_path, "--fast", "--at", "2026-11-24 10:35") as (running, port), RawClient(port) as client:
        for request in range(4):  # together about a minute of work
            client.send(20, request, *SPY, 0, "", "1 hour", "10 Y", 1, "TRADES", 1, 0, "")
        for _ in range(3):
            client.send(49, 1)
            client.until(49, 10)
        running.send_signal(signal.SIGTERM)
        assert running.wait(5) == 0


def test_it_says_when_the_clock_is_shifted(tmp_path, monkeypatch):
    monkeypatch.setenv("V6_CLOCK_OFFSET", "3600")
    with process(tmp_path) as (running, _):
        running.terminate()
        assert "the clock is shifted by +3600 s" in running.stderr.read()


def test_its_control_port_takes_orders_and_its_event_log_tells_of_them(tmp_path):
    port_file, log = tmp_path / "control", tmp_path / "events.jsonl"
    options = ("--fast", "--control-port", "0", "--control-port-file", str(port_file), "--event-log", str(log))
    with process(tmp_path, *options) as (running, port):
        with RawClient(port) as client, socket.create_connection(("127.0.0.1", int(port_file.read_text()))) as control:
            control.sendall(b'{"do": "drop"}\n')
            assert json.loads(control.recv(1000)) == {"ok": True, "dropped": 1}
            assert client.end() == "reset"
        running.terminate()
        assert running.wait(10) == 0
        assert "control commands are taken on 127.0.0.1:" in running.stderr.read()
    assert "reset by TWS" in log.read_text()


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "v6.simulator", *arguments], capture_output=True, text=True, timeout=30
    )


def test_about_says_what_is_modelled_simplified_and_absent():
    words = " ".join(run("--about").stdout.split())
    rows = fidelity()
    assert {row.level for row in rows} == {"modelled", "simplified", "absent"}
    for row in rows:
        assert row.source, f"{row.what}: no source"
        assert f"{row.what}: {row.how} [{row.source}]" in words


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--host", "0.0.0.0"), "only loopback, unless --public"),
        (("--accounts", "U1234567"), "only ids that cannot be real"),
        (("--replay", "/nonexistent"), "--replay /nonexistent: does not exist"),
        (
            ("--scenario", "gremlins"),
            "gremlins: no such scenario, allowed: a file, or a shipped one: absurd_length, bad_morning, ",
        ),
        (("--port", "99999"), "--port 99999: allowed 0 to 65535"),
        (("--control-port", "70000"), "--control-port 70000: allowed 0 to 65535"),
        (("--control-port-file", "x"), "--control-port-file: allowed only with --control-port"),
        (("--event-log", "/nonexistent/log"), "/nonexistent/log"),
        (("--event-log-mb", "0"), "--event-log-mb 0: allowed above 0"),
        (("--accounts", "DU9ABCDEF"), "only ids that cannot be real"),
        (("--port", "-1"), "--port -1: allowed 0 to 65535"),
        (("--calendar", "/nonexistent"), "/nonexistent"),
        (("--lines", "-5"), "--lines -5: allowed a whole number from 0"),
        (("--lines", "many"), "--lines many: allowed a whole number from 0"),
        (("--no-greeks-share", "7"), "--no-greeks-share 7: allowed a share from 0 to 1"),
        (("--no-tick-share", "half"), "--no-tick-share half: allowed a share from 0 to 1"),
        (("--occupied-seconds", "-1"), "--occupied-seconds -1: allowed a number from 0"),
        (("--master-client", "-3"), "--master-client -3: allowed a whole number from 0"),
        (("--accounts", "DU9000001,DU9000001"), "--accounts DU9000001,DU9000001: allowed each once"),
        (("--no-shorting", "not a symbol"), "--no-shorting not a symbol: allowed symbols in capitals"),
        (("--rate", "drop"), "--rate drop: allowed reject or queue"),
        (("--at", "tomorrow"), '--at tomorrow: allowed a New York time: "2026-11-27 10:35"'),
        (("--event-log", "/nonexistent/log"), "--event-log /nonexistent/log: there is no folder /nonexistent"),
        (("--stats-file", "/nonexistent/s"), "--stats-file /nonexistent/s: there is no folder /nonexistent"),
        (("--port-file", "/nonexistent/p"), "--port-file /nonexistent/p: there is no folder /nonexistent"),
        (("--stats-file", "/"), "--stats-file /: is a folder"),
        (("--host", "nosuch.invalid", "--public"), "--host nosuch.invalid: "),
        (("--host", "nosuch"), "--host nosuch: only loopback, unless --public"),
        (("--set", "host=0.0.0.0"), "--set host 0.0.0.0: only loopback, unless --public"),
        (("--set", "strikes"), "--set strikes: allowed NAME=VALUE"),
        (("--set", "strike=4"), "the closest names are strikes"),
        (("--set", "strikes=0"), "--set strikes 0: allowed a whole number from 1"),
        (("--set", "margins=perhaps"), "--set margins perhaps: allowed true or false"),
        (("--set", "greeks_seconds=2,1"), "--set greeks_seconds 2,1: allowed two numbers from 0, the smaller first"),
    ],
)
def test_nonsense_is_refused_by_name_with_exit_code_2(arguments, complaint):
    ended = run("--port", "0", *arguments)
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "listening" not in ended.stderr


def test_a_taken_port_is_refused(tmp_path):
    with process(tmp_path, "--fast") as (_, port):
        ended = run("--port", str(port))
        assert ended.returncode == 1
        assert f"--port {port}: already in use" in ended.stderr


def test_a_taken_control_port_is_named_not_the_other_one(tmp_path):
    with process(tmp_path, "--fast") as (_, port):
        ended = run("--port", "0", "--control-port", str(port))
        assert ended.returncode == 1
        assert ended.stderr.startswith(f"simulator: --control-port {port}: already in use on 127.0.0.1")
