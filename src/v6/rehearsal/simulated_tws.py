"""The TWS of a rehearsal: the simulator as a process of its own, on a free port, under the stage's clock."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from v6 import clock
from v6.model import FatalError
from v6.rehearsal import processes
from v6.rehearsal.stage import Stage

START_SECONDS = 60.0
STOP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class SimulatedTws:
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def require_alive(self) -> None:
        """Raises FatalError when it ended by itself: what was missed then is not TWS's fault."""
        if self.process.poll() is not None:
            raise FatalError(f"the simulator ended with code {self.process.returncode}:\n{_tail(self.log)}")


@contextmanager
def simulated_tws(stage: Stage, environ: Mapping[str, str], options: Sequence[str]) -> Iterator[SimulatedTws]:
    """Running while inside. `options`: more of `python -m v6.simulator`. Raises FatalError when it does not start."""
    log, port_file = stage.home / "logs" / "simulator.log", stage.home / "simulator.port"
    calendar = stage.paths.compiled / "calendar.txt"
    command = [sys.executable, "-m", "v6.simulator", "--port", "0", "--port-file", str(port_file)]
    process = processes.start([*command, "--calendar", str(calendar), *options], environ, stage.home, log)
    try:
        yield SimulatedTws(process, _port(process, port_file, log), log)
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
