"""Views that refresh themselves until Ctrl-C; one look where a program reads or `--once` is given."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from v6 import clock
from v6.cli import output

if TYPE_CHECKING:
    from rich.console import RenderableType

REFRESH_SECONDS = 1.0

Once = Annotated[bool, typer.Option("--once", help="Print it once and end, as always when the output is no terminal.")]


def show(look: "Callable[[], RenderableType]", *, once: bool) -> bool:
    """`look` is called for every refresh. Whether it was a live view, which a person has ended."""
    console = output.console()
    if once or not console.is_terminal:
        console.print(look())
        return False
    from rich.live import Live

    with suppress(KeyboardInterrupt), Live(look(), console=console, auto_refresh=False) as view:
        while True:
            clock.sleep(REFRESH_SECONDS)
            view.update(look(), refresh=True)
    return True
