"""`python -m v6.simulator`: a simulated TWS as a process of its own."""

import argparse
import asyncio
import errno
import signal
import sys
from datetime import datetime
from pathlib import Path

from v6 import clock
from v6.model import V6Error
from v6.simulator.about import about
from v6.simulator.options import DEFAULT_ACCOUNT, Options
from v6.simulator.scenario import ScenarioError
from v6.simulator.server import LOOPBACK, Server

STATS_SECONDS = 1.0
LAST_PORT = 65535


def parser() -> argparse.ArgumentParser:
    build = argparse.ArgumentParser(prog="v6.simulator", description=__doc__)
    build.add_argument("--about", action="store_true", help="print what is modelled, simplified and absent")
    build.add_argument("--host", default="127.0.0.1")
    build.add_argument("--public", action="store_true", help="allow a host other than loopback")
    build.add_argument("--port", type=int, default=7497, help="0: any free port")
    build.add_argument("--port-file", type=Path, help="written when listening")
    build.add_argument("--stats-file", type=Path, help="JSON, written every second and at the end")
    build.add_argument("--seed", type=int, default=1)
    build.add_argument("--accounts", default=DEFAULT_ACCOUNT, help="comma separated, DU9 and six digits")
    build.add_argument("--calendar", type=Path, help="compiled calendar.txt; without: every weekday is a session")
    build.add_argument("--at", help='run on a time of its own, New York: "2026-11-27 10:35"')
    build.add_argument("--replay", type=Path, metavar="FOLDER", help="recordings DATE.parquet")
    build.add_argument("--scenario", type=Path, metavar="FILE", help="faults over time, a file or a shipped name")
    build.add_argument("--fast", action="store_true", help="no latency, no limits")
    build.add_argument("--messages", type=int, help="messages a second, 0: no limit (default 50)")
    build.add_argument("--lines", type=int, help="market data lines, 0: no limit (default 100)")
    build.add_argument("--no-latency", action="store_true")
    build.add_argument("--no-greeks-share", type=float, help="options that never get greeks (default 0.02)")
    build.add_argument("--no-tick-share", type=float, help="options that never tick (default 0)")
    build.add_argument("--occupied-seconds", type=float, default=0.0, help="a client id stays in use that long")
    return build


def options(given: argparse.Namespace) -> Options:
    """Raises ValueError for what cannot be."""
    if given.host not in LOOPBACK and not given.public:
        raise ValueError(f"--host {given.host}: only loopback, unless --public")
    if not 0 <= given.port <= LAST_PORT:
        raise ValueError(f"--port {given.port}: allowed 0 to {LAST_PORT}, 0: any free one")
    start = datetime.fromisoformat(given.at).replace(tzinfo=clock.NEW_YORK) if given.at else None
    chosen = Options(
        host=given.host, port=given.port, seed=given.seed, accounts=tuple(given.accounts.split(",")),
        replay=given.replay, scenario=given.scenario, calendar=given.calendar, start_at=start,
        occupied_seconds=given.occupied_seconds,
    )  # fmt: skip
    if given.replay:
        chosen.faults.no_greeks_share = 0.0
    if given.fast:
        chosen.fast()
    if given.no_latency:
        chosen.latency, chosen.reply_seconds = False, 0.0
    if given.messages is not None:
        chosen.messages_a_second = given.messages
    if given.lines is not None:
        chosen.lines = given.lines
    if given.no_greeks_share is not None:
        chosen.faults.no_greeks_share = given.no_greeks_share
    if given.no_tick_share is not None:
        chosen.faults.silent_share = given.no_tick_share
    return chosen


def say(text: str) -> None:
    sys.stderr.write(f"simulator: {text}\n")
    sys.stderr.flush()


async def serve(server: Server, port_file: Path | None, stats_file: Path | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    port = await server.start()
    if shifted := clock.shifted():
        say(shifted)
    if server.hours.assumed:
        say("no calendar given: every weekday counts as a regular session")
    say(f"listening on {server.options.host}:{port}, New York time {server.now():%Y-%m-%d %H:%M:%S}")
    if port_file is not None:
        temporary = port_file.with_name(f".{port_file.name}.new")
        temporary.write_text(f"{port}\n", encoding="ascii")
        temporary.replace(port_file)
    try:
        while not stopped.is_set():
            if stats_file is not None:
                server.write_stats(stats_file)
            try:
                await asyncio.wait_for(stopped.wait(), STATS_SECONDS)
            except TimeoutError:
                continue
    finally:
        await server.stop()
        if stats_file is not None:
            server.write_stats(stats_file)


def main(arguments: list[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    if given.about:
        sys.stdout.write(about() + "\n")
        return 0
    try:
        server = Server(options(given))
        asyncio.run(serve(server, given.port_file, given.stats_file))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            say(str(error))
            return 2
        say(f"--port {given.port}: already in use on {given.host}; another simulator or TWS listens there")
        return 1
    except (ValueError, ScenarioError, V6Error, clock.ClockError) as error:
        say(str(error))
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
