"""The TWS of a rehearsal: the simulator as a process of its own, on a free port, under the stage's clock."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from v6 import clock
from v6.model import FatalError
from v6.rehearsal import processes
from v6.rehearsal.stage import Stage

START_SECONDS = 60.0
STOP_SECONDS = 5.0
CONTROL_SECONDS = 30.0
CONTROL_PORT_FILE = "simulator.control"


@dataclass(frozen=True, slots=True)
class SimulatedTws:
    """`control_port`: where it takes commands; in the file simulator.control of the stage too."""

    process: subprocess.Popen[bytes]
    port: int
    control_port: int
    log: Path

    def require_alive(self) -> None:
        """Raises FatalError when it ended by itself: what was missed then is not TWS's fault."""
        if self.process.poll() is not None:
            raise FatalError(f"the simulator ended with code {self.process.returncode}:\n{_tail(self.log)}")

    def control(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of its control port. Raises FatalError when it refuses, or does not answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.control_port), timeout=CONTROL_SECONDS) as connection:
                connection.sendall(json.dumps(dict(request)).encode() + b"\n")
                answer = json.loads(connection.makefile("rb").readline())
        except (OSError, ValueError) as error:
            self.require_alive()
            raise FatalError(f"the simulator does not answer {request}: {error}") from error
        if not answer["ok"]:
            raise FatalError(f"the simulator refuses {request}: {answer['error']}")
        return dict(answer)

    def play(self, scenario: str, start: datetime) -> None:
        """From now on, when the stage's clock has come to `start`: what went wrong before it is over, or lasts."""
        deadline = clock.monotonic() + CONTROL_SECONDS
        while datetime.fromisoformat(self.control({"do": "clock"})["time"]).timestamp() < start.timestamp():
            if clock.monotonic() > deadline:
                raise FatalError(f"the simulator's clock does not come to {start}")
            clock.sleep(0.05)
        self.control({"do": "run", "scenario": scenario})


@contextmanager
def simulated_tws(stage: Stage, environ: Mapping[str, str], options: Sequence[str]) -> Iterator[SimulatedTws]:
    """Running while inside. `options`: more of `python -m v6.simulator`. Raises FatalError when it does not start."""
    log, port_file = stage.home / "logs" / "simulator.log", stage.home / "simulator.port"
    control_file = stage.home / CONTROL_PORT_FILE
    calendar = stage.paths.compiled / "calendar.txt"
    command = [sys.executable, "-m", "v6.simulator", "--port", "0", "--port-file", str(port_file)]
    command += ["--control-port", "0", "--control-port-file", str(control_file), "--calendar", str(calendar)]
    process = processes.start([*command, *options], environ, stage.home, log)
    try:
        port, control_port = (_port(process, file, log) for file in (port_file, control_file))
        yield SimulatedTws(process, port, control_port, log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(process: subprocess.Popen[bytes], port_file: Path, log: Path) -> int:
    deadline = clock.monotonic() + START_SECONDS
    while not port_file.exists():
        if process.poll() is not None or clock.monotonic() > deadline:
            raise FatalError(f"the simulator does not start:\n{_tail(log)}")
        clock.sleep(0.05)
    return int(port_file.read_text(encoding="ascii"))


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
