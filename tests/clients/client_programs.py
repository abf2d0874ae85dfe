"""The four clients' programs as processes, each in its own environment, each on a simulated TWS of its own."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CLIENT_ID = 31
START_SECONDS = 30
PROGRAM_SECONDS = 120
# real latency; the morning of a trading day; every option gets its greeks, late
ARGUMENTS = ("--at", "2026-11-24 10:35", "--seed", "7", "--no-greeks-share", "0")


class Program(NamedTuple):
    """`command` without HOST PORT CLIENT_ID; `version` is the protocol version that this client and TWS agree on."""

    command: tuple[str, ...]
    version: int
    made_by: str


PYTHONS = {
    "ib_insync": Path(sys.executable),
    "ib_async": ROOT / ".venv-ib_async/bin/python",
    "ibapi": ROOT / ".venv-ibapi/bin/python",
}
PROGRAMS = {
    "ib_insync": Program((str(PYTHONS["ib_insync"]), str(HERE / "on_ib_insync.py")), 176, "make setup"),
    "ib_async": Program((str(PYTHONS["ib_async"]), str(HERE / "on_ib_async.py")), 178, "make libraries"),
    "ibapi": Program((str(PYTHONS["ibapi"]), str(HERE / "on_ibapi.py")), 157, "make clients"),
    "stoqey": Program(("node", str(HERE / "stoqey/on_stoqey.mjs")), 178, "make clients"),
}


class Simulator(NamedTuple):
    port: int
    control_port: int

    def control(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer of the control port. Raises ValueError when it refuses."""
        with socket.create_connection(("127.0.0.1", self.control_port), timeout=10) as connection:
            connection.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(connection.makefile().readline())
        if not answer["ok"]:
            raise ValueError(answer["error"])
        return answer


@contextmanager
def simulator_process(folder: Path, *arguments: str) -> Iterator[Simulator]:
    """`python -m v6.simulator` on free ports. What it says goes to `folder`/simulator.txt."""
    files = folder / "port", folder / "control_port"
    command = [sys.executable, "-m", "v6.simulator", "--port", "0", "--port-file", str(files[0]),
               "--control-port", "0", "--control-port-file", str(files[1]), *arguments]  # fmt: skip
    with (folder / "simulator.txt").open("w") as said:
        running = subprocess.Popen(command, stderr=said, cwd=folder)
    try:
        end = time.monotonic() + START_SECONDS
        while not all(file.exists() for file in files):
            if running.poll() is not None or time.monotonic() > end:
                raise RuntimeError((folder / "simulator.txt").read_text())
            time.sleep(0.02)
        yield Simulator(*(int(file.read_text()) for file in files))
    finally:
        running.terminate()
        running.wait(20)


class Report(NamedTuple):
    """`results` and `failures` by step; `said` is the program's standard error, and the simulator's.

    `errors`: how often the simulator sent each code.
    """

    results: dict[str, Any]
    failures: dict[str, str]
    said: str
    errors: dict[int, int]

    def of(self, step: str) -> Any:
        """What the client saw. Raises AssertionError with what it said instead."""
        assert step in self.results, self.failures.get(step) or f"the program ended before this step\n{self.said}"
        return self.results[step]


def run_program(name: str, folder: Path) -> Report:
    """Run one client's program to its end, doing at the control port what it asks for."""
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {}
    failures: dict[str, str] = {}
    with simulator_process(folder, *ARGUMENTS) as simulator, (folder / "program.txt").open("w") as said:
        command = [*PROGRAMS[name].command, "127.0.0.1", str(simulator.port), str(CLIENT_ID)]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, env=environment())
        assert running.stdout is not None
        late = threading.Timer(PROGRAM_SECONDS, running.kill)
        late.start()
        try:
            for line in running.stdout:
                message = json.loads(line)
                if "ask" in message:
                    simulator.control(message["ask"])
                elif "error" in message:
                    failures[message["step"]] = message["error"]
                else:
                    results[message["step"]] = message["result"]
            errors = simulator.control({"do": "stats"})["stats"]["errors"]
        finally:
            late.cancel()
            running.kill()
            running.wait()
            running.stdout.close()
    texts = [(folder / file).read_text() for file in ("program.txt", "simulator.txt")]
    return Report(results, failures, "\n".join(texts), {int(code): count for code, count in errors.items()})


def environment() -> dict[str, str]:
    """This process's, without what would lend a client the test's own packages."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "NODE_PATH")}


def missing() -> list[str]:
    """The environments that are not there, with the command that makes each."""
    absent = [f"{name}: `{PROGRAMS[name].made_by}`" for name, python in PYTHONS.items() if not python.exists()]
    if not (HERE / "stoqey/node_modules/@stoqey/ib").is_dir():
        absent.append(f"stoqey: `{PROGRAMS['stoqey'].made_by}`")
    return absent
