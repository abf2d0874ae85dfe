"""Start a program that outlives us: its own session, none of our descriptors, its output in a file."""

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

FIRST_INHERITED = 3
OWN = ("V6_CLOCK_FILE", "V6_CLOCK_OFFSET")  # of V6_*, all that a program of a rehearsal needs


def spawn(command: Sequence[str], output: Path, environ: Mapping[str, str]) -> int:
    """Its pid. `output` is begun anew, the one before stays as `.1` (L31). Raises OSError when it cannot be started."""
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.exists():
        output.replace(output.with_name(f"{output.name}.1"))
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    return os.posix_spawnp(
        command[0],
        list(command),
        dict(environ),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.fspath(output), flags, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
            *((os.POSIX_SPAWN_CLOSE, number) for number in _inheritable()),  # a lock's would keep it held for ever
        ],
        setsid=True,
        setsigmask=(),
        setsigdef=(signal.SIGPIPE, signal.SIGINT, signal.SIGHUP),
    )


def environment(environ: Mapping[str, str], heap: str) -> dict[str, str]:
    """What TWS is started with: nothing of this run, and Java's heap.

    `_JAVA_OPTIONS` is the one way that beats the -Xmx in tws.vmoptions whoever builds the command line: IBC's
    ibcstart.sh takes its options from that file and empties JAVA_TOOL_OPTIONS, TWS's own launcher (install4j) puts the
    file after INSTALL4J_ADD_VM_PARAMS [their scripts]; HotSpot reads _JAVA_OPTIONS last [measured, OpenJDK 17].
    """
    kept = {name: value for name, value in environ.items() if not name.startswith("V6_") or name in OWN}
    options = f"{environ.get('_JAVA_OPTIONS', '')} -Xmx{heap}".strip()
    return {**kept, "_JAVA_OPTIONS": options}


def exit_code(pid: int) -> int | None:
    """Of a child of ours; None while it runs. Negative: ended by that signal. Once it is known, never again."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def last_line(output: Path) -> str:
    """What the program said last, for a person."""
    lines = [line.strip() for line in output.read_text(encoding="utf-8", errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "it said nothing")[:300]


def _inheritable() -> list[int]:
    numbers = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208
    return [number for number in numbers if number >= FIRST_INHERITED and _is_inherited(number)]


def _is_inherited(number: int) -> bool:
    try:
        return os.get_inheritable(number)
    except OSError:  # the descriptor of the listing itself, gone
        return False
