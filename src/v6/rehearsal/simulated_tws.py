"""The TWS of a rehearsal: the simulator as a process of its own, on a free port, under the stage's clock."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
PORT_FILE, CONTROL_PORT_FILE = "simulator.port", "simulator.control"


class SimulatedTws:
    """`control_port`: where it takes commands; in the file simulator.control of the stage too. `process`: of now, there
    is another one after `start_again`. `options`: more of `python -m v6.simulator`."""

    def __init__(self, stage: Stage, environ: Mapping[str, str], options: Sequence[str]) -> None:
        """Raises FatalError when it does not start."""
        self._stage, self._environ, self._options = stage, environ, options
        self.log = stage.home / "logs" / "simulator.log"
        self._accepted = self._accepted_before = 0
        self.process, self.port, self.control_port = self._start(0, 0)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def require_alive(self) -> None:
        """Raises FatalError when it ended by itself: what was missed then is not TWS's fault."""
        if not self.alive:
            raise FatalError(f"the simulator ended with code {self.process.returncode}:\n{_tail(self.log)}")

    def connections(self) -> int:
        """How many it has accepted, before it was killed too. A killed or frozen one gives what was known then."""
        if self.alive:
            self._accepted = int(self.control({"do": "stats"})["stats"]["connections"])
        return self._accepted_before + self._accepted

    def freeze(self) -> None:
        """It says nothing more, and its connections stay, until `thaw` or `kill`."""
        self.connections()
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9. Of connections accepted since the last look at `connections` nothing is known."""
        self.process.kill()
        self.process.wait()
        self._accepted, self._accepted_before = 0, self._accepted_before + self._accepted

    def start_again(self) -> None:
        """After `kill`: on the same ports, with the same market. Raises FatalError."""
        self.process, self.port, self.control_port = self._start(self.port, self.control_port)

    def stop(self) -> None:
        self.process.terminate()
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

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

    def _start(self, port: int, control_port: int) -> tuple[subprocess.Popen[bytes], int, int]:
        """The process and its ports, once it listens there; 0: any free port."""
        home = self._stage.home
        files = home / PORT_FILE, home / CONTROL_PORT_FILE
        for file in files:
            file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "v6.simulator", "--port", str(port), "--port-file", str(files[0])]
        command += ["--control-port", str(control_port), "--control-port-file", str(files[1])]
        command += ["--calendar", str(self._stage.paths.compiled / "calendar.txt"), *self._options]
        process = processes.start(command, self._environ, home, self.log)
        try:
            listening, controlled = (_port(process, file, self.log) for file in files)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return process, listening, controlled


@contextmanager
def simulated_tws(stage: Stage, environ: Mapping[str, str], options: Sequence[str]) -> Iterator[SimulatedTws]:
    """Running while inside. Raises FatalError when it does not start."""
    tws = SimulatedTws(stage, environ, options)
    try:
        yield tws
    finally:
        tws.stop()


def _port(process: subprocess.Popen[bytes], port_file: Path, log: Path) -> int:
    deadline = clock.monotonic() + START_SECONDS
    while not port_file.exists():
        if process.poll() is not None or clock.monotonic() > deadline:
            raise FatalError(f"the simulator does not start:\n{_tail(log)}")
        clock.sleep(0.05)
    return int(port_file.read_text(encoding="ascii"))


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
