"""`v6 restart history`: what became of the last restarts."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from v6.cli import output, restart_sources
from v6.cli.journals import journal

if TYPE_CHECKING:
    from v6.journal.events import Event
    from v6.journal.restarts import Restart

OBSERVED = {
    "restarted": "TWS restarted",
    "no_restart": "TWS did not restart",
    "unknown": "could not see whether TWS restarted",
}


def history(
    limit: Annotated[int, typer.Option(min=1, help="How many, the latest first.")] = 14,
    steps: Annotated[
        bool, typer.Option("--steps", help="The steps of the state instead, each with its cause.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """The latest restarts by the start of their windows: outcome, prepared, back, validated, orders."""
    past = [] if steps else restart_sources.restarts_known(limit)
    moved = _steps(limit) if steps else []
    if as_json:
        output.as_json([one._asdict() for one in moved] + [one._asdict() for one in past])
        return
    for step in moved:
        output.say(f"{step.at:%Y-%m-%d %H:%M:%S %Z}  {step.text}")
    for one in past:
        output.say(f"{one.window_start:%Y-%m-%d %H:%M} {one.window} ({one.id}): {one.outcome or 'not over'}")
        output.say(f"    {', '.join(_parts(one)) or 'nothing is known yet'}")
    if not (moved or past):
        output.say("no restart in the journal")


def _steps(limit: int) -> "list[Event]":
    from v6.journal import events
    from v6.restart.manager import EVENT

    if not restart_sources.journal_exists():
        return []
    with closing(journal()) as db:
        return events.recent(db, EVENT, limit)


def _parts(one: "Restart") -> Iterator[str]:
    yield _at("prepared", one.prepared_at) if one.prepared_at else "not prepared"
    if one.connected_at:
        yield OBSERVED.get(one.observed, one.observed)
        yield _at("back", one.connected_at)
    if one.validated_at:
        yield _at("validated", one.validated_at)
    if one.orders_cancelled:
        yield f"{one.orders_cancelled} cancelled"
    if one.first_tick_seconds is not None:
        yield f"first tick {one.first_tick_seconds:.1f} s"


def _at(what: str, moment: datetime) -> str:
    return f"{what} {moment:%H:%M:%S}"
