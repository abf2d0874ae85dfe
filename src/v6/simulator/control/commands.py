"""What can be ordered of a running simulator: `{"do": COMMAND, ...}` in, facts out; by control port or from a test."""

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from v6.clock import NEW_YORK
from v6.simulator.about import fidelity
from v6.simulator.control.arguments import ControlError, Request, allow, number, text, whole
from v6.simulator.faults.model import Faults, Restart, ServerReset
from v6.simulator.faults.scenario import Scenario, ScenarioError, listing
from v6.simulator.faults.values import FAULTS, FaultError, read, shown
from v6.simulator.market.halts import EVERYTHING, GENERAL, HaltError
from v6.simulator.trading import commands as orders

if TYPE_CHECKING:
    from v6.simulator.server import Server
    from v6.simulator.session import Session

YEARS = range(2000, 2100)

Command = Callable[["Server", Request], dict[str, Any]]


def _fault(name: str, value: Any) -> Any:
    if name not in FAULTS:
        raise ControlError(f"faults.{name}: unknown; allowed: {', '.join(FAULTS)}")
    try:
        return read(name, value)
    except FaultError as error:
        raise ControlError(f"faults.{name}{error}") from error


# faults


def set_faults(server: "Server", request: Request) -> dict[str, Any]:
    """{"faults": {NAME: VALUE, ...}}: all or none of them."""
    allow(request, "faults")
    given = request.get("faults")
    if not isinstance(given, dict):
        raise ControlError(f"faults: {given!r}; allowed: an object of {', '.join(FAULTS)}")
    values = {name: _fault(name, value) for name, value in given.items()}
    for name, value in values.items():
        setattr(server.options.faults, name, value)
    server.events.note("faults set", faults={name: shown(value) for name, value in values.items()})
    server.watch()
    return {"faults": {name: shown(value) for name, value in values.items()}}


def clear(server: "Server", request: Request) -> dict[str, Any]:
    """{"faults": [NAMES]}: those, as at the start; without: every fault, the scenario and whatever still runs."""
    allow(request, "faults")
    start = server.troubles.at_start()
    names = request.get("faults", list(FAULTS))
    if not isinstance(names, list) or any(name not in FAULTS for name in names):
        raise ControlError(f"faults: {names!r}; allowed: a list of {', '.join(FAULTS)}")
    for name in names:
        setattr(server.options.faults, name, getattr(start, name))
    if "faults" not in request:
        server.scenario = Scenario()
        server.troubles.clear()
        server.connectivity.restore(ServerReset())
    server.watch()
    return {"cleared": names}


def faults(server: "Server", request: Request) -> dict[str, Any]:
    """What is wrong at this moment, from whatever cause."""
    allow(request)
    default = Faults()
    values = {field.name: getattr(server.faults, field.name) for field in fields(Faults)}
    return {
        "faults": {name: shown(value) for name, value in values.items() if value != getattr(default, name)},
        "connected_to_ibkr": not server.connectivity.offline,
        "known": list(FAULTS),
    }


def drop(server: "Server", request: Request) -> dict[str, Any]:
    """Reset every connection (RST); the port stays open."""
    allow(request)
    clients = len(server.sessions)
    server.drop_all()
    return {"dropped": clients}


def restart(server: "Server", request: Request) -> dict[str, Any]:
    """TWS restarts: {"refused_seconds", "mute_seconds", "farm_seconds", "ids_occupied_seconds", "needs_login",
    "lose_in_flight"}."""
    allow(request, *Restart._fields)
    how = _fault("restart", {key: value for key, value in request.items() if key != "do"})
    server.troubles.begin("restart", how)
    return {"restart": shown(how)}


def reset(server: "Server", request: Request) -> dict[str, Any]:
    """IBKR's servers reset: {"lost_seconds", "repeat_seconds", "data_lost", "dead_after_1102"}."""
    allow(request, *ServerReset._fields)
    how = _fault("server_reset", {key: value for key, value in request.items() if key != "do"})
    server.troubles.begin("server_reset", how)
    return {"reset": shown(how)}


def _sessions(server: "Server", request: Request) -> "list[Session]":
    """Every client, or that of {"client": ID}."""
    if "client" not in request:
        return list(server.sessions)
    wanted = whole(request, "client")
    found = [session for session in server.sessions if session.client_id == wanted]
    if not found:
        present = sorted(each.client_id for each in server.sessions if each.client_id is not None)
        raise ControlError(f"client: {wanted}; allowed: {', '.join(map(str, present)) or 'none is connected'}")
    return found


def half_close(server: "Server", request: Request) -> dict[str, Any]:
    """TWS shuts its side and reads on: of every client, or of {"client": ID}."""
    allow(request, "client")
    chosen = _sessions(server, request)
    for session in chosen:
        session.half_close()
    return {"half_closed": len(chosen)}


def garbage(server: "Server", request: Request) -> dict[str, Any]:
    """{"kind": KIND} of nonsense to every client, or to {"client": ID}."""
    from v6.simulator.faults.garbage import send_garbage

    allow(request, "kind", "client")
    kind, chosen = _fault("garbage", request.get("kind")), _sessions(server, request)
    if not kind:
        _fault("garbage", None)
    for session in chosen:
        send_garbage(session, kind)
    return {"sent": len(chosen)}


def flood(server: "Server", request: Request) -> dict[str, Any]:
    """{"rate": errors a second, "seconds": how long} to every client."""
    allow(request, "rate", "seconds")
    rate, seconds = number(request, "rate", 500.0, 0.0), number(request, "seconds", 5.0, 0.0)
    server.troubles.flood(rate, seconds)
    return {"rate": rate, "seconds": seconds}


def login(server: "Server", request: Request) -> dict[str, Any]:
    """A person signs in."""
    allow(request)
    if not server.troubles.login():
        raise ControlError("login: nobody is asked to sign in; allowed: after the fault awaiting_login")
    server.watch()
    return {}


def halt(server: "Server", request: Request) -> dict[str, Any]:
    """Halt trading in `symbol` (* is everything): `kind` 1 general (default), 2 volatility."""
    allow(request, "symbol", "kind")
    symbol, kind = orders.known_symbol(server, request, EVERYTHING), whole(request, "kind", GENERAL)
    try:
        server.market_state.halt(symbol, kind)
    except HaltError as error:
        raise ControlError(f"kind: {error}") from None
    return {"symbol": symbol, "halted": kind}


def resume(server: "Server", request: Request) -> dict[str, Any]:
    """Let `symbol` trade again."""
    allow(request, "symbol")
    return {"was_halted": server.market_state.resume(orders.known_symbol(server, request, EVERYTHING))}


# time


def clock(server: "Server", request: Request) -> dict[str, Any]:
    """{"at": "2026-11-24 10:35" New York} or {"step": seconds} move the simulator's time; {"skew": seconds} only TWS's
    own clock."""
    allow(request, "at", "step", "skew")
    skew = _fault("clock_skew", request.get("skew", server.options.faults.clock_skew))
    instant = server.now()
    try:
        if "at" in request:
            instant = datetime.fromisoformat(text(request, "at")).replace(tzinfo=NEW_YORK)
        instant += timedelta(seconds=number(request, "step", 0.0))
    except (ValueError, OverflowError) as error:
        if isinstance(error, ControlError):
            raise
        raise ControlError(f"at, step: {error}; allowed: New York time such as 2026-11-24 10:35") from None
    if instant.year not in YEARS:
        raise ControlError(f"at, step: {instant}; allowed: the years {YEARS[0]} to {YEARS[-1]}")
    if {"at", "step"} & request.keys():
        server.time.step_to(instant)
    server.options.faults.clock_skew = skew
    server.watch()
    return {"time": server.now().isoformat(), "skew": server.faults.clock_skew}


# scenarios


def scenarios(_: "Server", request: Request) -> dict[str, Any]:
    allow(request)
    return {"scenarios": listing()}


def run(server: "Server", request: Request) -> dict[str, Any]:
    """{"scenario": NAME or FILE}; "now": the first event happens at once; "faster": so many times as fast, then."""
    allow(request, "scenario", "now", "faster")
    faster, at_once = number(request, "faster", 1.0, 0.001), request.get("now", False)
    if not isinstance(at_once, bool):
        raise ControlError(f"now: {at_once!r}; allowed: true or false")
    try:
        chosen = Scenario.load(Path(text(request, "scenario")))
    except ScenarioError as error:
        raise ControlError(f"scenario: {error}") from error
    server.scenario = chosen.from_now(server.now(), faster) if at_once else chosen
    server.events.note("scenario", name=request["scenario"], imitates=chosen.imitates)
    server.watch()
    return {"imitates": chosen.imitates, "events": len(chosen.events)}


# questions


def stats(server: "Server", request: Request) -> dict[str, Any]:
    allow(request)
    return {"stats": server.stats.as_dict()}


def clients(server: "Server", request: Request) -> dict[str, Any]:
    """Every connection."""
    allow(request)
    return {
        "clients": [
            {"connection": each.number, "client": each.client_id, "version": each.version, "lines": len(each.lines)}
            for each in sorted(server.sessions, key=lambda session: session.number)
        ]
    }


def about(_: "Server", request: Request) -> dict[str, Any]:
    allow(request)
    return {"fidelity": [row._asdict() for row in fidelity()]}


def commands(_: "Server", request: Request) -> dict[str, Any]:
    allow(request)
    return {"commands": {name: " ".join((command.__doc__ or "").split()) for name, command in COMMANDS.items()}}


COMMANDS: dict[str, Command] = {
    "set": set_faults,
    "clear": clear,
    "faults": faults,
    "drop": drop,
    "restart": restart,
    "reset": reset,
    "half_close": half_close,
    "garbage": garbage,
    "flood": flood,
    "login": login,
    "halt": halt,
    "resume": resume,
    "clock": clock,
    "scenarios": scenarios,
    "run": run,
    "stats": stats,
    "clients": clients,
    "about": about,
    "commands": commands,
    **orders.COMMANDS,
}


def perform(server: "Server", request: Any) -> dict[str, Any]:
    """The answer to one request: `{"ok": true, ...}` or `{"ok": false, "error": "what is wrong, what is allowed"}`."""
    try:
        if not isinstance(request, dict):
            raise ControlError('not an object; allowed: {"do": COMMAND, ...}')
        command = COMMANDS.get(request["do"]) if isinstance(request.get("do"), str) else None
        if command is None:
            raise ControlError(f"do: {request.get('do')!r}; allowed: {', '.join(sorted(COMMANDS))}")
        return {"ok": True, **command(server, request)}
    except ControlError as error:
        return {"ok": False, "error": str(error)}
