"""`v6 state`: what was saved before a restart, what has changed since, and making an older one the current one."""

from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from v6 import clock
from v6.cli import output
from v6.cli.compiled import configuration
from v6.model import FatalError
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.restart.records.state_file import Kept, TradingStateManager
    from v6.restart.records.trading_state import TradingState

group = typer.Typer(no_args_is_help=True, help="The trading state saved before a restart of TWS.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
WHICH = "A file, or a number: 0 the current one, 1 the one before, and so on (`v6 state list`)."
Which = Annotated[str, typer.Argument(metavar="[FILE|N]", help=WHICH)]


@group.command("list")
def list_(as_json: AsJson = False) -> None:
    """The current state and the kept ones, latest first. Exit code 1: the current one is missing or spoilt."""
    manager = _manager()
    rows = [_current(manager), *manager.history()]
    if as_json:
        output.as_json([_facts(kept) for kept in rows])
    else:
        output.table(
            None,
            ("n", "saved", "orders", "positions", "subscriptions", "window", "file"),
            [_row(kept) for kept in rows],
            right="n orders positions subscriptions",
        )
    if rows[0].state is None:
        raise typer.Exit(output.NO)


@group.command()
def show(which: Which = "0", as_json: AsJson = False) -> None:
    """One saved state: orders, positions, account, subscriptions, order ids."""
    from v6.restart.records.state_text import lines
    from v6.restart.records.typed_json import plain

    state = _read(_manager(), which)[1]
    if as_json:
        output.as_json(plain(state))
        return
    for line in lines(state, clock.now()):
        output.say(line)


@group.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="[FILE|N]", help=WHICH)] = "1",
    after: Which = "0",
    as_json: AsJson = False,
) -> None:
    """What is different in the later of two states against the earlier; by default the current one and the one before.

    Exit code 1: something is, or could not be compared.
    """
    from v6.restart.records.difference import compare
    from v6.restart.records.typed_json import plain

    manager = _manager()
    (first, old), (second, new) = _read(manager, before), _read(manager, after)
    swapped = new.saved_at.timestamp() < old.saved_at.timestamp()
    if swapped:
        (first, old), (second, new) = (second, new), (first, old)
    difference = compare(old, new)
    if as_json:
        output.as_json({"before": first, "after": second, "difference": plain(difference)})
    else:
        if swapped:
            output.say(f"{first} was saved earlier, so it is what the other one is compared with")
        output.say(f"before: {first} ({old.saved_at:%Y-%m-%d %H:%M:%S %Z})")
        output.say(f"after:  {second} ({new.saved_at:%Y-%m-%d %H:%M:%S %Z})")
        for line in difference.lines() or ["no difference"]:
            output.say(line)
    if not difference.is_empty:
        raise typer.Exit(output.NO)


@group.command()
def restore(
    which: Annotated[str, typer.Argument(metavar="FILE|N", help=WHICH)],
    as_json: AsJson = False,
) -> None:
    """Make a kept state the current one, after checking that it is whole. The replaced one is kept.

    Nothing is sent to TWS: the next post_restart restores and compares with it, if it is not too old then.
    """
    from v6.journal import database, events
    from v6.runner.ownership import require_own

    paths = Paths.locate()
    require_own(paths.var, ".venv/bin/v6 state restore")
    manager = _manager()
    path = _path(manager, which)
    state = manager.restore(path)
    with closing(database.connect(paths.journal)) as db:
        words = f"{path} saved {state.saved_at:%Y-%m-%d %H:%M:%S %Z} is the current trading state"
        events.record(db, "trading_state_restored", words, details={"from": str(path), "to": str(manager.path)})
    usable = state.age(clock.now()) <= manager.max_age
    if as_json:
        output.as_json({"restored": path, "current": manager.path, "saved_at": state.saved_at, "usable_now": usable})
        return
    output.say(words)
    if not usable:
        output.say("post_restart will not use it: it is older than restart.state_max_age_seconds")


def _manager() -> "TradingStateManager":
    from v6.restart.records.state_file import TradingStateManager

    paths = Paths.locate()
    settings = configuration().settings.restart
    return TradingStateManager(paths.state, settings.keep_states, timedelta(seconds=settings.state_max_age_seconds))


def _path(manager: "TradingStateManager", which: str) -> Path:
    if not which.isdecimal():
        return Path(which).absolute()
    kept = [manager.path, *(one.path for one in manager.history())]
    if len(kept) == 1 and not manager.path.exists():
        raise FatalError(f"there is no saved state yet: pre_restart writes {manager.path} before each restart window")
    if len(kept) == 1 and int(which):
        raise FatalError(f"there is one saved state only, {manager.path}: nothing to compare it with yet")
    if int(which) >= len(kept):
        raise FatalError(f"there is no saved state number {which}, allowed: 0 to {len(kept) - 1}, or a file")
    return kept[int(which)]


def _read(manager: "TradingStateManager", which: str) -> "tuple[Path, TradingState]":
    from v6.restart.records.document import Flawed
    from v6.restart.records.state_file import StateRefused

    path = _path(manager, which)
    try:
        return path, manager.read(path)
    except Flawed as flawed:
        good = next((kept for kept in manager.history() if kept.state is not None and kept.path != path), None)
        raise StateRefused(flawed, good) from flawed


def _current(manager: "TradingStateManager") -> "Kept":
    from v6.restart.records.document import Flawed
    from v6.restart.records.state_file import Kept

    try:
        return Kept(0, manager.path, manager.read())
    except Flawed as flawed:
        return Kept(0, manager.path, None, f"{flawed.flaw}: {flawed.detail}")


def _facts(kept: "Kept") -> dict[str, Any]:
    facts = asdict(kept)
    state = kept.state
    facts["state"] = None if state is None else {"saved_at": state.saved_at, "partial": state.partial}
    return facts


def _row(kept: "Kept") -> tuple[object, ...]:
    state = kept.state
    if state is None:
        return (kept.number, f"{kept.flaw.partition(':')[0]} (v6 state show {kept.number})", "", "", "", "", kept.path)
    saved = f"{state.saved_at:%Y-%m-%d %H:%M:%S %Z}{' (partial)' if state.partial else ''}"
    counts = (len(state.orders), len(state.positions), len(state.subscriptions))
    return (kept.number, saved, *counts, state.window or "by hand", kept.path)
