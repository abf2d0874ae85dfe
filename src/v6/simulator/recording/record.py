"""`v6 simulator record`: stand between a client and a (paper) TWS and write down what is said, without secrets."""

import argparse
import asyncio
import signal
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from v6 import clock
from v6.simulator.listener import LOOPBACK
from v6.simulator.recording.file import Writer
from v6.simulator.recording.proxy import Notebook, Proxy
from v6.simulator.recording.redact import Redactor
from v6.simulator.whole_file import write_whole

LAST_PORT = 65535


def parser() -> argparse.ArgumentParser:
    build = argparse.ArgumentParser(prog="v6.simulator record", description=__doc__)
    build.add_argument("--upstream", required=True, metavar="HOST:PORT", help="where the TWS listens")
    build.add_argument("--out", required=True, type=Path, metavar="FILE", help="the recording; must not exist")
    build.add_argument("--host", default="127.0.0.1")
    build.add_argument("--public", action="store_true", help="allow a host other than loopback")
    build.add_argument("--port", type=int, default=0, help="where clients connect (default 0: any free port)")
    build.add_argument("--port-file", type=Path, help="written when listening")
    build.add_argument("--secret", action="append", default=[], metavar="WORD",
                       help="also hide this word wherever it stands, such as your user name; repeatable")  # fmt: skip
    return build


def upstream(text: str) -> tuple[str, int]:
    """Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) <= LAST_PORT:
        raise ValueError(f"--upstream {text}: allowed HOST:PORT, a port from 1 to {LAST_PORT}")
    return host.strip("[]"), int(port)


def say(text: str) -> None:
    sys.stderr.write(f"record: {text}\n")
    sys.stderr.flush()


def simulator_version() -> str:
    try:
        return version("v6")
    except PackageNotFoundError:
        return "unknown"


async def record(given: argparse.Namespace, target: tuple[str, int], writer: Writer) -> bool:
    """Until a signal; whether everything was written. Raises OSError when it cannot listen."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    notebook = Notebook(writer, Redactor(given.secret), say)
    proxy = Proxy(target, notebook, say)
    port = await proxy.start(given.host, given.port)
    say(f"listening on {given.host}:{port}, passing on to {target[0]}:{target[1]}, writing {given.out}")
    if given.port_file is not None:
        write_whole(given.port_file, f"{port}\n")
    await stopped.wait()
    await proxy.stop()
    say(f"{writer.lines} lines in {given.out}")
    return not notebook.failed


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    try:
        target = upstream(given.upstream)
        if given.host not in LOOPBACK and not given.public:
            raise ValueError(f"--host {given.host}: only loopback, unless --public")
        if not 0 <= given.port <= LAST_PORT:
            raise ValueError(f"--port {given.port}: allowed 0 to {LAST_PORT}, 0: any free one")
        writer = Writer(given.out, clock.now(), simulator_version())
    except FileExistsError:
        say(f"--out {given.out}: exists already, a recording is never overwritten")
        return 2
    except (ValueError, OSError, clock.ClockError) as error:
        say(str(error))
        return 2
    try:
        return 0 if asyncio.run(record(given, target, writer)) else 1
    except OSError as error:
        say(f"--port {given.port}: {error.strerror}")
        return 1
    finally:
        writer.close()


if __name__ == "__main__":
    raise SystemExit(main())
