"""`v6 simulator`: the embedded TWS, on its own."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command(
        "simulator",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
        add_help_option=False,
        help="Serve the TWS protocol on a port (v6 simulator --help lists its options).",
    )(simulator)


def simulator(arguments: Annotated[list[str] | None, typer.Argument(metavar="[OPTIONS]")] = None) -> None:
    from v6.paths import Paths
    from v6.simulator.__main__ import main

    given, calendar = arguments or [], Paths.locate().compiled / "calendar.txt"
    if given[:1] == ["record"]:
        raise typer.Exit(main(given))
    if "--calendar" not in given and calendar.exists():
        place = 1 if given[:1] == ["verify"] else 0
        given[place:place] = ["--calendar", str(calendar)]
    raise typer.Exit(main(given))
