"""The `v6` command. Each module here is one group of commands; what a command needs is imported when it runs."""

import os
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from v6.cli import (
    alerts,
    calendar,
    doctor,
    gateway,
    history,
    journal,
    lake,
    metrics,
    missed,
    rehearse,
    report,
    restart,
    schedule,
    simulator,
    state,
    status,
)
from v6.cli.output import REFUSED
from v6.clock import ClockError
from v6.model import V6Error


class OneLineErrors(TyperGroup):
    """What V6 refuses is said in one line, with exit code 2; a traceback is for defects only."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (V6Error, ClockError) as error:
            typer.echo(f"v6: {error}", err=True)
            raise typer.Exit(REFUSED) from error
        except BrokenPipeError as error:  # `v6 ... | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise typer.Exit(0) from error


def _version(asked: bool) -> None:
    if asked:
        import sys
        from importlib.metadata import version

        from v6.places import ROOT

        typer.echo(f"v6 {version('v6')}, {ROOT}, Python {'.'.join(map(str, sys.version_info[:3]))}")
        raise typer.Exit


app = typer.Typer(
    cls=OneLineErrors,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="V6: an Interactive Brokers data operation run from cron. Times are New York's.\n\n"
    "Exit codes: 0 yes or done, 1 no (something is missing or wrong), 2 the question was wrong.",
)


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which V6 this is, and where.")
    ] = False,
) -> None:
    """Nothing by itself."""


calendar.register(app)
app.add_typer(schedule.group, name="schedule")
history.register(app)
missed.register(app)
doctor.register(app)
status.register(app)
metrics.register(app)
app.add_typer(alerts.group, name="alerts")
app.add_typer(gateway.group, name="gateway")
app.add_typer(lake.group, name="lake")
app.add_typer(journal.group, name="journal")
app.add_typer(restart.group, name="restart")
app.add_typer(state.group, name="state")
simulator.register(app)
rehearse.register(app)
report.register(app)
