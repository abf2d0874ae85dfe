"""`v6 gateway tail`: the market session's last quotes, from the file it keeps; no connection to TWS is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from v6 import clock
from v6.cli import live_view, output
from v6.cli.live_view import Once
from v6.model import FatalError
from v6.paths import Paths

if TYPE_CHECKING:
    from rich.console import RenderableType

FRESH_SECONDS = 15.0  # while anything moves the file is replaced at least every 8 s
COLUMNS = ("symbol", "contract", "bid", "ask", "last", "iv", "delta", "age", "from")
NUMBERS = "bid ask last iv delta"

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program, once.")]
Symbols = Annotated[str, typer.Option(help="Only these, with commas between: SPY,QQQ.")]


@dataclass(frozen=True, slots=True)
class Look:
    """`words` say whose quotes they are and how old; `live`: a session runs and has written just now."""

    running: bool
    live: bool
    words: str
    quotes: list[dict[str, Any]]
    at: datetime | None = None
    age: float | None = None


def tail(symbols: Symbols = "", once: Once = False, as_json: AsJson = False) -> None:
    """The market session's last quotes, live.

    Exit code 1 with --once and --json: they are not live, or there are none.
    """
    wanted = frozenset(symbol.upper() for symbol in symbols.replace(",", " ").split())
    seen = _look(wanted)
    if as_json:
        output.as_json(
            {"running": seen.running, "live": seen.live, "words": seen.words, "at": seen.at}
            | {"age_seconds": seen.age, "quotes": seen.quotes}
        )
    elif live_view.show(lambda: _view(_look(wanted)), once=once):
        return
    if not (seen.live and seen.quotes):
        raise typer.Exit(output.NO)


def _look(wanted: frozenset[str]) -> Look:
    from v6.file_locks import is_held
    from v6.journal.connections import SESSION_LOCK
    from v6.restart.windows import in_words
    from v6.session import live

    paths = Paths.locate()
    try:
        running = is_held(paths.locks / SESSION_LOCK)
        seen = live.read(live.place(paths))
    except (OSError, ValueError) as error:
        raise FatalError(f"what the session sees cannot be told: {error}") from error
    if seen is None:
        words = "the market session runs and has no quotes yet" if running else "no market session runs, none has been"
        return Look(running, False, words, [])
    quotes = [one for one in seen.quotes if not wanted or one["symbol"] in wanted]
    fresh = running and seen.age <= FRESH_SECONDS
    whose = "market session" if fresh else "the market session runs" if running else "no market session runs"
    words = f"{whose}, last quotes {in_words(seen.age)} old"
    if wanted and not quotes:
        words += f"; none of {', '.join(sorted(wanted))}, there are: {', '.join(_symbols(seen.quotes)) or 'none'}"
    return Look(running, fresh, words, quotes, seen.at, seen.age)


def _view(seen: Look) -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    head = Text(seen.words, style="" if seen.live else "bold red")
    if not seen.quotes:
        return head
    return Group(head, output.as_table(None, COLUMNS, map(_row, _in_order(seen.quotes)), right=NUMBERS))


def _in_order(quotes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Streams first: they are the ones that move."""
    return sorted(quotes, key=lambda one: (one["source"] != "stream", one["symbol"], _contract(one)))


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    from v6.restart.windows import in_words

    numbers = [_number(one.get(name)) for name in ("bid", "ask", "last", "iv", "delta")]
    at = one.get("at")
    age = in_words(max(0.0, clock.epoch() - datetime.fromisoformat(at).timestamp())) if at else None
    return one["symbol"], _contract(one), *numbers, age, one["source"]


def _contract(one: dict[str, Any]) -> str:
    words = (one.get("sec_type"), one.get("local_symbol") if one.get("sec_type") == "FUT" else None)
    strike = f"{one['strike']:g}{one.get('right') or ''}" if one.get("strike") is not None else None
    return " ".join(str(word) for word in (*words, one.get("expiry"), strike) if word)


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.4g}" if abs(value) < 1 else f"{value:.2f}"


def _symbols(quotes: Sequence[dict[str, Any]]) -> list[str]:
    return sorted({one["symbol"] for one in quotes})
