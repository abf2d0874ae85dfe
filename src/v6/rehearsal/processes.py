"""The processes of one rehearsal: everything that runs with its home folder, also what they left behind."""

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from v6 import clock

GRACE_SECONDS = 5.0


def start(command: Sequence[str], environ: Mapping[str, str], cwd: Path, log: Path) -> subprocess.Popen[bytes]:
    """A child in its own session, so that Ctrl-C reaches only the rehearsal, which ends its children in order."""
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            env=dict(environ),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def of_home(home: Path) -> list[psutil.Process]:
    """Every process of this user whose environment names this home (children of children, dispatchers)."""
    wanted = str(home)
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get("V6_HOME") == wanted and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end(processes: Sequence[psutil.Process], grace: float = GRACE_SECONDS) -> None:
    """TERM, wait, KILL."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=grace)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=grace)


def wait_until_gone(home: Path, besides: set[int], seconds: float) -> list[psutil.Process]:
    """Wait for what leaves late on purpose (alert dispatchers); what is still there after `seconds` is returned."""
    deadline = clock.monotonic() + seconds
    while True:
        left = [process for process in of_home(home) if process.pid not in besides]
        if not left or clock.monotonic() > deadline:
            return left
        clock.sleep(0.1)
