"""`v6 gateway watch`: the sockets of TWS's API port in the kernel's tables. TWS is not touched."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from v6.cli import live_view, output, restart_sources
from v6.cli.live_view import Once
from v6.paths import Paths

if TYPE_CHECKING:
    from rich.console import RenderableType

    from v6.config.settings import Ibkr
    from v6.gateway.port_sockets import PortSockets

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program, once.")]


def watch(once: Once = False, as_json: AsJson = False) -> None:
    """The sockets of TWS's API port, live: who listens, who is connected, what TWS has not closed. TWS is not touched.

    Exit code 1 with --once and --json: nobody listens, connections wait to be accepted, or TWS holds CLOSE_WAIT.
    """
    ibkr, leases = restart_sources.settings().ibkr, Paths.locate().leases
    seen = _look(ibkr, leases)
    if as_json:
        output.as_json(seen.as_dict() | {"trouble": list(_trouble(seen))})
    elif live_view.show(lambda: _view(_look(ibkr, leases)), once=once):
        return
    if any(_trouble(seen)):
        raise typer.Exit(output.NO)


def _look(ibkr: "Ibkr", leases: Path) -> "PortSockets":
    from v6.gateway.port_sockets import port_sockets

    return port_sockets(ibkr.host, ibkr.port, leases)


def _trouble(seen: "PortSockets") -> Iterator[str]:
    from v6.gateway.verdicts import TABLE, Verdict

    if seen.refuses:
        yield "nobody listens: TWS is not running, its API is off, or it has another port"
    if seen.queued:
        yield f"{seen.queued} connections wait to be accepted: {TABLE[Verdict.ACCEPT_QUEUE_STUCK].cure}"
    if unclosed := seen.count("CLOSE_WAIT", "tws"):
        yield f"{unclosed} CLOSE_WAIT: their clients have gone and TWS has not closed; many of them make it deaf"


def _view(seen: "PortSockets") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    lines = [Text(f"{seen.place}: {seen.words()}")]
    lines += [Text(words, style="bold red") for words in _trouble(seen)]
    if seen.owners_hidden:
        lines.append(Text(f"owners are not known: {seen.owners_hidden}"))
    counts = sorted(seen.counts().items())
    rows = [(side, state, owner, number) for (side, state, owner), number in counts]
    return Group(*lines, output.as_table(None, ("end", "state", "owner", "sockets"), rows, right="sockets"))
