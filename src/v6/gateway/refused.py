"""What a refused connection comes to: what the kernel's tables and the programs of this host show in the place of a TWS
that listens. Looked at afterwards: the kernel answers for a closed port, so that no TWS has seen the attempt (L27)."""

from dataclasses import dataclass

from v6.gateway import tws_programs
from v6.gateway.port_sockets import PortSocket, PortSockets, listening_ports
from v6.gateway.sockets import CannotLook
from v6.gateway.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Refusal:
    verdict: Verdict
    detail: str
    evidence: tuple[str, ...] = ()


def judge(host: str, port: int, seen: PortSockets | None) -> Refusal:
    """Of a connection to `host`:`port`, and what the kernel showed after it; None: nothing."""
    if seen is None or seen.blind:
        return Refusal(Verdict.REFUSED, "connection refused")
    if seen.listener is not None:
        return Refusal(Verdict.REFUSED, _contradiction(host, seen.listener))
    programs = [(program, program.listens()) for program in tws_programs.running()]
    evidence = tuple(f"a TWS runs: {program}, listens on {_listed(ports)}" for program, ports in programs)
    instead = [f"port {port} is open on {', '.join(seen.elsewhere)} only"] if seen.elsewhere else []
    instead += [
        f"{each.name} (pid {each.pid}) listens on {_listed(ports)} instead" for each, ports in programs if ports
    ]
    if not instead and (others := _others(port)):
        instead = [f"listening here instead: {', '.join(map(str, others))}"]
    if programs and not instead and not programs[0][0].still_starting:
        words = f"{programs[0][0]} has not opened port {port}: it most likely waits for its login, or its API is off"
        return Refusal(Verdict.WAITING_FOR_DIALOG, words, evidence)
    return Refusal(Verdict.REFUSED, "; ".join([f"nobody listens on {seen.place}", *instead]), evidence)


def _contradiction(host: str, listener: PortSocket) -> str:
    """A name is connected to by its IPv4 address, if it has one."""
    said = f"the connection was refused, although the kernel shows that {listener.owner} listens on {listener.local}"
    if ":" in host or listener.local.count(":") == 1:
        return f"{said}: it has opened the port only now, or a firewall of this host rejects the connection"
    return f"{said}: over IPv6, it seems, and the connection was tried over IPv4; ibkr.host ::1 would reach it"


def _others(port: int) -> list[int]:
    try:
        return listening_ports(port)
    except CannotLook:
        return []


def _listed(ports: list[int] | None) -> str:
    if ports is None:
        return "ports that are hidden from this user"
    return ", ".join(map(str, ports)) or "no port"
