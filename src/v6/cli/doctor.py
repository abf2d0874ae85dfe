"""`v6 doctor`: everything that must hold on this host, each ok, failed or could not be checked, with its cure."""

import os
from typing import Annotated

import typer

from v6.cli import output
from v6.paths import Paths

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
Quick = Annotated[bool, typer.Option("--quick", help="Leave out what takes seconds: TWS, the libraries' self-test.")]


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(as_json: AsJson = False, quick: Quick = False) -> None:
    """Everything that must hold, each with its evidence and its cure (docs/operations.md).

    Exit code 0: nothing has failed, 1: something has (!). What could not be checked (?) is no failure. Changes nothing;
    where `v6` itself does not start: PYTHONPATH=src python3 -m v6.doctor
    """
    from v6.doctor import report
    from v6.doctor.examine import examine
    from v6.doctor.patient import Patient

    found = []
    for one in examine(Patient(Paths.locate(), os.environ, quick=quick)):
        found.append(one)
        if not as_json:
            output.say(report.line(one))
    output.say(report.as_json(found) if as_json else report.summary(found))
    if code := report.exit_code(found):
        raise typer.Exit(code)
