"""`python -m v6.simulator`: a simulated TWS as a process of its own."""

import asyncio
import json
import signal
import sys
from importlib import import_module
from pathlib import Path

from v6 import clock
from v6.model import V6Error
from v6.simulator.about import about
from v6.simulator.command_line import options, parser
from v6.simulator.faults.scenario import ScenarioError, listing
from v6.simulator.listener import ListenError
from v6.simulator.server import Server
from v6.simulator.whole_file import write_whole

__all__ = ["main", "options", "parser"]

STATS_SECONDS = 1.0
SUBCOMMANDS = {"record": "v6.simulator.recording.record", "verify": "v6.simulator.recording.verify"}


def say(text: str) -> None:
    sys.stderr.write(f"simulator: {text}\n")
    sys.stderr.flush()


def write_port(path: Path | None, port: int) -> None:
    """The port on a line, replaced atomically."""
    if path is not None:
        write_whole(path, f"{port}\n")


def write_stats(server: Server, path: Path) -> None:
    write_whole(path, json.dumps(server.stats.as_dict(), indent=1) + "\n")


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
    if server.replay_notice:
        say(f"--replay: {server.replay_notice}; say one of them with --at")
    say(f"listening on {server.options.host}:{port}, New York time {server.now():%Y-%m-%d %H:%M:%S}")
    if server.options.scenario is not None:
        for line in server.scenario.plan(server.now()):
            say(line)
    server.troubles.console.start(say, server.faults)
    if server.options.control_port is not None:
        say(f"control commands are taken on 127.0.0.1:{server.control_port}")
        write_port(control_file, server.control_port)
    write_port(port_file, port)
    try:
        while not stopped.is_set():
            if stats_file is not None:
                write_stats(server, stats_file)
            try:
                await asyncio.wait_for(stopped.wait(), STATS_SECONDS)
            except TimeoutError:
                continue
    finally:
        try:
            await server.stop()
        finally:
            if stats_file is not None:
                write_stats(server, stats_file)


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
    except ListenError as error:
        say(f"--{error}")
        return 1 if error.in_use else 2
    except (OSError, ValueError, ScenarioError, V6Error, clock.ClockError) as error:
        say(str(error))
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
