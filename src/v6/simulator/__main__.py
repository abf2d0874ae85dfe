"""`python -m v6.simulator`: a simulated TWS as a process of its own."""

import argparse
import asyncio
import errno
import signal
import sys
from datetime import datetime
from importlib import import_module
from pathlib import Path

from v6 import clock
from v6.model import V6Error
from v6.simulator.about import about
from v6.simulator.faults.scenario import ScenarioError, listing
from v6.simulator.options import DEFAULT_ACCOUNT, Options
from v6.simulator.server import LOOPBACK, Server

STATS_SECONDS = 1.0
LAST_PORT = 65535
EPILOG = "also: record (a proxy that records a TWS) and verify FILE (our answers against a recording); see their --help"
SUBCOMMANDS = {"record": "v6.simulator.recording.record", "verify": "v6.simulator.recording.verify"}
MOST_LOG_MB = 100_000


def parser() -> argparse.ArgumentParser:
    build = argparse.ArgumentParser(prog="v6.simulator", description=__doc__, epilog=EPILOG)
    build.add_argument("--about", action="store_true", help="print what is modelled, simplified and absent")
    build.add_argument("--scenarios", action="store_true", help="list the shipped scenarios and what they imitate")
    build.add_argument("--host", default="127.0.0.1")
    build.add_argument("--public", action="store_true", help="allow a host other than loopback")
    build.add_argument("--port", type=int, default=7497, help="0: any free port")
    build.add_argument("--port-file", type=Path, help="written when listening")
    build.add_argument("--stats-file", type=Path, help="JSON, written every second and at the end")
    build.add_argument("--seed", type=int, default=1)
    build.add_argument("--accounts", default=DEFAULT_ACCOUNT, help="comma separated, DU9 (or DF9) and six digits")
    build.add_argument("--models", action="append", default=[], metavar="ACCOUNT=NAME,NAME",
                       help="model portfolios of an account; may be given for each")  # fmt: skip
    build.add_argument("--calendar", type=Path, help="compiled calendar.txt; without: every weekday is a session")
    build.add_argument("--at", help='run on a time of its own, New York: "2026-11-27 10:35"')
    build.add_argument("--replay", type=Path, metavar="FOLDER", help="recordings DATE.parquet, or a lake of V6")
    build.add_argument("--speed", type=float, default=1.0, metavar="N", help="the clock runs N times as fast")
    build.add_argument("--no-extended-hours", action="store_true", help="stocks trade in regular hours only")
    build.add_argument("--no-historical-pacing", action="store_true", help="historical data as often as you like")
    build.add_argument("--scenario", type=Path, metavar="FILE", help="faults over time, a file or a shipped name")
    build.add_argument("--control-port", type=int, help="orders as JSON lines, loopback only; 0: any free port")
    build.add_argument("--control-port-file", type=Path, help="written when the control port listens")
    build.add_argument("--event-log", type=Path, metavar="FILE", help="every message in and out as JSON lines")
    build.add_argument("--event-log-mb", type=float, default=100.0, help="then FILE.1 and a new FILE (default 100)")
    build.add_argument("--state", type=Path, metavar="FILE", help="orders, positions and ids outlive this process")
    build.add_argument("--read-only", action="store_true", help='TWS\'s "Read-Only API": orders are refused with 321')
    build.add_argument("--master-client", type=int, help="the client id that sees every client's orders")
    build.add_argument("--no-precautions", action="store_true", help="no size, value and percentage limits for orders")
    build.add_argument("--no-shorting", default="", metavar="SYMBOLS", help="comma separated: cannot be borrowed")
    build.add_argument("--fast", action="store_true", help="no latency, no limits")
    build.add_argument("--messages", type=int, help="messages a second, 0: no limit (default 50)")
    build.add_argument("--rate", choices=("reject", "queue"), default="reject",
                       help="what happens to messages over the rate (default reject)")  # fmt: skip
    build.add_argument("--lines", type=int, help="market data lines, 0: no limit (default 100)")
    build.add_argument("--no-latency", action="store_true")
    build.add_argument("--no-greeks-share", type=float, help="options that never get greeks (default 0.02)")
    build.add_argument("--no-tick-share", type=float, help="options that never tick (default 0)")
    build.add_argument("--occupied-seconds", type=float, help="a vanished client's id stays in use (default 5)")
    return build


def options(given: argparse.Namespace) -> Options:
    """Raises ValueError for what cannot be."""
    if given.host not in LOOPBACK and not given.public:
        raise ValueError(f"--host {given.host}: only loopback, unless --public")
    for name, port in (("--port", given.port), ("--control-port", given.control_port or 0)):
        if not 0 <= port <= LAST_PORT:
            raise ValueError(f"{name} {port}: allowed 0 to {LAST_PORT}, 0: any free one")
    if given.control_port_file and given.control_port is None:
        raise ValueError("--control-port-file: allowed only with --control-port")
    if not 0 < given.event_log_mb <= MOST_LOG_MB:
        raise ValueError(f"--event-log-mb {given.event_log_mb:g}: allowed above 0 to {MOST_LOG_MB}")
    start = datetime.fromisoformat(given.at).replace(tzinfo=clock.NEW_YORK) if given.at else None
    chosen = Options(
        host=given.host, port=given.port, seed=given.seed, accounts=tuple(given.accounts.split(",")),
        models=dict(map(_models, given.models)), replay=given.replay, scenario=given.scenario,
        calendar=given.calendar, start_at=start, rate=given.rate, control_port=given.control_port,
        event_log=given.event_log, event_log_mb=given.event_log_mb,
    )  # fmt: skip
    if given.replay:
        chosen.faults.no_greeks_share = 0.0
    chosen.speed, chosen.extended_hours = given.speed, not given.no_extended_hours
    chosen.state, chosen.read_only, chosen.master_client = given.state, given.read_only, given.master_client
    chosen.no_shorting = frozenset(given.no_shorting.split(",")) - {""}
    if given.fast:
        chosen.fast()
    if given.no_precautions:
        chosen.order_precautions = False
    return _tuned(given, chosen)


def _models(text: str) -> tuple[str, tuple[str, ...]]:
    account, _, names = text.partition("=")
    if not names:
        raise ValueError(f"--models {text}: allowed ACCOUNT=NAME,NAME")
    return account, tuple(names.split(","))


def _tuned(given: argparse.Namespace, chosen: Options) -> Options:
    """Single values that count whatever the set of options."""
    if given.no_historical_pacing:
        chosen.historical_pacing, chosen.historical_open = False, 0
    if given.no_latency:
        chosen.latency, chosen.reply_seconds = False, 0.0
    if given.occupied_seconds is not None:
        chosen.occupied_seconds = given.occupied_seconds
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


def write_port(path: Path | None, port: int) -> None:
    """The port on a line, replaced atomically."""
    if path is not None:
        temporary = path.with_name(f".{path.name}.new")
        temporary.write_text(f"{port}\n", encoding="ascii")
        temporary.replace(path)


def scenarios() -> str:
    rows = [(each["name"], each["imitates"], each["source"]) for each in listing()]
    return "\n".join(f"{name}\n    {imitates}\n    source: {source}" for name, imitates, source in rows)


async def serve(
    server: Server, port_file: Path | None, stats_file: Path | None, control_file: Path | None = None
) -> None:
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
    if server.options.control_port is not None:
        say(f"orders are taken on 127.0.0.1:{server.control_port}")
        write_port(control_file, server.control_port)
    write_port(port_file, port)
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
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in SUBCOMMANDS:
        return int(import_module(SUBCOMMANDS[arguments[0]]).main(arguments[1:]))
    given = parser().parse_args(arguments)
    if given.about:
        sys.stdout.write(about() + "\n")
        return 0
    if given.scenarios:
        sys.stdout.write(scenarios() + "\n")
        return 0
    try:
        server = Server(options(given))
        asyncio.run(serve(server, given.port_file, given.stats_file, given.control_port_file))
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
