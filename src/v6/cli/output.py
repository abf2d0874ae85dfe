"""How the command line speaks: tables for people, JSON for programs, one line for an error."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

NO = 1  # the question was understood and the answer is no
REFUSED = 2  # the input is wrong


def console() -> "Console":
    """Standard output; no colour, and lines as long as they are, where a program reads."""
    from rich.console import Console

    shown = Console(highlight=False, markup=False, emoji=False)
    if not shown.is_terminal:
        shown.width = 200
    return shown


def say(text: str) -> None:
    typer.echo(text)


def as_json(value: Any) -> None:
    typer.echo(json.dumps(value, default=_plain, indent=2))


def table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: str = "") -> None:
    console().print(as_table(title, columns, rows, right=right))


def as_table(
    title: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: str = ""
) -> "Table":
    """Columns named in `right` (space-separated) hold numbers."""
    from rich.table import Table

    numbers = set(right.split())
    shown = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        shown.add_row(*("" if cell is None else str(cell) for cell in row))
    return shown


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path | set | frozenset):
        return str(value) if isinstance(value, Path) else sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
