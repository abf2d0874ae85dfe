"""The command line of `python -m v6.simulator`: one table of flags; every other option is `--set NAME=VALUE`."""

import argparse
import os
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from v6.simulator.faults.values import FaultError
from v6.simulator.faults.values import read as read_fault
from v6.simulator.listener import LOOPBACK
from v6.simulator.option_values import OptionError
from v6.simulator.options import KINDS, Options

EPILOG = ("also: record (a proxy that records a TWS) and verify FILE (our answers against a recording); see their "
          f"--help. --set knows: {', '.join(KINDS)}")  # fmt: skip


@dataclass(frozen=True)
class Flag:
    """`option`: what its text is for; `sets`: what it means without a text; `share`: of the faults."""

    words: str
    help: str
    option: str = ""
    metavar: str = ""
    share: str = ""
    sets: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return self.words.lstrip("-").replace("-", "_")


FLAGS = (
    Flag("--host", "default 127.0.0.1", "host"),
    Flag("--port", "default 7497; 0: any free port", "port"),
    Flag("--seed", "another market and chain; the same seed is the same run", "seed", "N"),
    Flag("--accounts", "comma separated, DU9 (or DF9) and six digits", "accounts"),
    Flag("--calendar", "compiled calendar.txt; without: every weekday is a session", "calendar", "FILE"),
    Flag("--at", 'run on a time of its own, New York: "2026-11-27 10:35"', "start_at", "TIME"),
    Flag("--replay", "recordings DATE.parquet, or a lake of V6", "replay", "FOLDER"),
    Flag("--speed", "the clock runs N times as fast", "speed", "N"),
    Flag("--no-extended-hours", "stocks trade in regular hours only", sets={"extended_hours": False}),
    Flag("--no-historical-pacing", "historical data as often as you like",
         sets={"historical_pacing": False, "historical_open": 0}),
    Flag("--scenario", "faults over time, a file or a shipped name", "scenario", "FILE"),
    Flag("--control-port", "commands as JSON lines, loopback only; 0: any free port", "control_port", "PORT"),
    Flag("--event-log", "every message in and out as JSON lines", "event_log", "FILE"),
    Flag("--event-log-mb", "then FILE.1 and a new FILE (default 100)", "event_log_mb", "MB"),
    Flag("--state", "orders, positions and ids outlive this process", "state", "FILE"),
    Flag("--read-only", 'TWS\'s "Read-Only API": orders are refused with 321', sets={"read_only": True}),
    Flag("--master-client", "the client id that sees every client's orders", "master_client", "ID"),
    Flag("--no-precautions", "no size, value and percentage limits for orders", sets={"order_precautions": False}),
    Flag("--no-shorting", "comma separated: cannot be borrowed", "no_shorting", "SYMBOLS"),
    Flag("--messages", "messages a second, 0: no limit (default 50)", "messages_a_second", "N"),
    Flag("--rate", "reject or queue: what happens to messages over the rate (default reject)", "rate", "HOW"),
    Flag("--lines", "market data lines, 0: no limit (default 100)", "lines", "N"),
    Flag("--no-latency", "answers come at once", sets={"latency": False, "reply_seconds": 0.0}),
    Flag("--no-greeks-share", "options that never get greeks (default 0.02)", share="no_greeks_share", metavar="SHARE"),
    Flag("--no-tick-share", "options that never tick (default 0)", share="silent_share", metavar="SHARE"),
    Flag("--occupied-seconds", "a vanished client's id stays in use (default 5)", "occupied_seconds", "SECONDS"),
)  # fmt: skip
OUTPUTS = ("port_file", "control_port_file", "stats_file", "event_log")


def parser() -> argparse.ArgumentParser:
    build = argparse.ArgumentParser(prog="v6.simulator", description="A simulated TWS.", epilog=EPILOG)
    build.add_argument("--about", action="store_true", help="print what is modelled, simplified and absent")
    build.add_argument("--scenarios", action="store_true", help="list the shipped scenarios and what they imitate")
    build.add_argument("--public", action="store_true", help="allow a host other than loopback")
    build.add_argument("--port-file", type=Path, metavar="FILE", help="written when listening")
    build.add_argument("--control-port-file", type=Path, metavar="FILE", help="written when the control port listens")
    build.add_argument("--stats-file", type=Path, metavar="FILE", help="JSON, written every second and at the end")
    build.add_argument("--models", action="append", default=[], metavar="ACCOUNT=NAME,NAME",
                       help="model portfolios of an account; may be given for each")  # fmt: skip
    build.add_argument("--fast", action="store_true", help="no latency, no limits")
    for flag in FLAGS:
        if flag.sets:
            build.add_argument(flag.words, action="store_true", help=flag.help)
        else:
            build.add_argument(flag.words, metavar=flag.metavar or flag.option.upper(), help=flag.help)
    build.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                       help="any single option, named below; may be given for each; counts after --fast")  # fmt: skip
    return build


def options(given: argparse.Namespace) -> Options:
    """Raises ValueError for what cannot be, with the name it has on the command line."""
    values, said = _values(given)
    shares = {flag.share: _share(flag, text) for flag in FLAGS
              if flag.share and (text := getattr(given, flag.place)) is not None}  # fmt: skip
    try:
        chosen = Options(**values, models=dict(map(_models, given.models)))
    except OptionError as error:
        raise OptionError(*_as_said(error, said)) from None
    if chosen.host not in LOOPBACK and not given.public:
        raise ValueError(f"{said['host'][0]} {chosen.host}: only loopback, unless --public")
    if given.control_port_file and chosen.control_port is None:
        raise ValueError("--control-port-file: allowed only with --control-port")
    if given.fast:
        chosen.fast()
        for name, value in values.items():
            setattr(chosen, name, value)
    if chosen.replay:
        chosen.faults.no_greeks_share = 0.0
    for name, share in shares.items():
        setattr(chosen.faults, name, share)
    _check_outputs(given, chosen, said)
    return chosen


def _values(given: argparse.Namespace) -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
    """What was said of each option, and by what words and text."""
    values: dict[str, Any] = {}
    said: dict[str, tuple[str, str]] = {}
    for flag in FLAGS:
        text = getattr(given, flag.place)
        if flag.sets and text:
            values |= flag.sets
        elif flag.option and text is not None:
            values[flag.option] = _read(flag.option, flag.words, text)
            said[flag.option] = (flag.words, text)
    for word in given.set:
        name, sign, text = word.partition("=")
        if not sign or name not in KINDS:
            raise ValueError(f"--set {word}: allowed NAME=VALUE, {_names(name)}")
        values[name] = _read(name, f"--set {name}", text)
        said[name] = (f"--set {name}", text)
    return values, said


def _names(name: str) -> str:
    close = get_close_matches(name, KINDS, 3, 0.6)
    return f"the closest names are {', '.join(close)}" if close else f"names are {', '.join(KINDS)}"


def _read(option: str, words: str, text: str) -> Any:
    kind = KINDS[option]
    try:
        return kind.read(text)
    except (ValueError, KeyError):
        raise OptionError(words, text, kind.allowed) from None


def _as_said(error: OptionError, said: dict[str, tuple[str, str]]) -> tuple[str, Any, str]:
    words, text = said.get(error.name, (error.name, error.value))
    return words, text, error.allowed


def _share(flag: Flag, text: str) -> Any:
    try:
        return read_fault(flag.share, float(text))
    except FaultError as error:
        raise OptionError(flag.words, text, error.allowed) from None
    except ValueError:
        raise OptionError(flag.words, text, "a share from 0 to 1") from None


def _models(text: str) -> tuple[str, tuple[str, ...]]:
    account, _, names = text.partition("=")
    if not names:
        raise ValueError(f"--models {text}: allowed ACCOUNT=NAME,NAME")
    return account, tuple(names.split(","))


def _check_outputs(given: argparse.Namespace, chosen: Options, said: dict[str, tuple[str, str]]) -> None:
    """Before anything listens, not when the file is first written."""
    for name in OUTPUTS:
        path: Path | None = getattr(chosen, name, None) or getattr(given, name, None)
        if path is None:
            continue
        words = said[name][0] if name in said else f"--{name.replace('_', '-')}"
        if not path.parent.is_dir():
            raise ValueError(f"{words} {path}: there is no folder {path.parent}")
        if path.is_dir():
            raise ValueError(f"{words} {path}: is a folder, allowed a file")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise ValueError(f"{words} {path}: the folder {path.parent} cannot be written")
