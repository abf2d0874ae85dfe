"""`v6 gateway`: why there is no connection, and who uses the ones there are."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from v6 import clock
from v6.cli import output, restart_sources
from v6.cli.compiled import timetable
from v6.cli.gateway_clients import clients
from v6.cli.gateway_tail import tail
from v6.cli.gateway_watch import watch
from v6.model import FatalError
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.gateway.verdicts import Diagnosis
    from v6.restart.windows import Occurrence

group = typer.Typer(no_args_is_help=True, help="The connection to TWS: diagnosis, sockets, client ids, live quotes.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
ClientId = Annotated[int | None, typer.Option(min=0, max=999, help="Connect as this id, not ibkr.diagnose_client_id.")]


@group.command()
def diagnose(client_id: ClientId = None, as_json: AsJson = False) -> None:
    """One verdict about the connection to TWS, with its evidence and what to do (docs/connection.md).

    Exit code 0: well, 1: it may mend itself or another try may help, 2: a person or a change of settings is needed.
    Connects at most once, and only if the kernel's tables leave a question; asked again too soon it repeats its answer.
    """
    from v6.gateway.diagnosed import diagnosed
    from v6.runner.ownership import require_own

    settings, paths = restart_sources.settings(), Paths.locate()
    require_own(paths.var, ".venv/bin/v6 gateway diagnose")
    market_open, window = _market()
    found = diagnosed(
        settings.ibkr,
        paths.leases,
        paths.state,
        market_open=market_open,
        symbol=settings.health.check_symbol,
        client_id=client_id,
    )
    if as_json:
        output.as_json(found.as_dict() | {"restart_window": window.name if window else None})
    else:
        for line in _lines(found, window):
            output.say(line)
    if found.exit_code:
        raise typer.Exit(found.exit_code)


group.command()(watch)
group.command()(clients)
group.command()(tail)


def _market() -> "tuple[bool | None, Occurrence | None]":
    """Whether it is open, None where that is not known; and the restart window we are in."""
    from v6.restart.windows import current

    now = clock.now()
    try:
        known = timetable()
        return known.calendar.get_market_phase(now) == "market_open", current(known.schedule.windows, now)
    except FatalError:
        return None, None


def _lines(found: "Diagnosis", window: "Occurrence | None") -> "Iterator[str]":
    yield f"{found.row.words}: {found.place}"
    yield f"  meaning   {found.row.meaning}"
    if found.detail:
        yield f"  seen      {found.detail}"
    for number, line in enumerate(found.evidence):
        yield f"  {'' if number else 'evidence':<10}{line}"
    if found.exit_code and window is not None:
        yield f"  window    inside {window}: TWS is expected to be away, wait for its end"
    yield f"  to do     {found.row.cure}"
    when = f"at {found.at:%H:%M:%S %Z}{_shown_again(found)}"
    yield f"  took      {found.seconds:.2f} s, {when}; exit code {found.exit_code}"


def _shown_again(found: "Diagnosis") -> str:
    return f", {found.age:.0f} s ago and shown again (ibkr.diagnose_every_seconds)" if found.age > 0 else ""
