"""`v6 status`: how everything stands in a few lines, each figure with its age. Nothing is asked of TWS."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from v6 import clock
from v6.cli import output, restart_sources
from v6.cli.compiled import configuration, timetable
from v6.cli.journals import journal
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.analysis.findings import Finding
    from v6.cli.status_parts import Part
    from v6.config.load import Config
    from v6.runner.context import Context

LIMIT_SECONDS = 60.0
MARKS = {"ok": " ", "failed": "!", "could_not_check": "?"}
NEVER_RAN = (
    "V6 has not run here yet: there is no journal. Next: `v6 gateway diagnose` says whether TWS is there, then the "
    "steps of 'Install on a real host' in README.md"
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def register(app: typer.Typer) -> None:
    app.command()(status)


def status(as_json: AsJson = False) -> None:
    """Connection, market session, collectors, restart, connection budget and alerts, each with its age.

    Exit code 1: something is wrong (!), could not be looked at (?), or the configuration is refused.
    """
    from v6.analysis.findings import State

    config, refused = configuration(say=False), timetable().refused
    if not restart_sources.journal_exists():
        facts = {"at": clock.now(), "well": False, "words": NEVER_RAN}
        output.as_json(facts) if as_json else output.say(NEVER_RAN)
        raise typer.Exit(output.NO)
    context = _context(config)
    with closing(context.journal):
        parts = list(_parts(context))
    well = not refused and all(part.finding.state is State.OK for part in parts)
    if as_json:
        said = {"at": clock.now(), "well": well, "refused": refused}
        output.as_json(said | {part.finding.check: _facts(part) for part in parts})
    else:
        for part in parts:
            output.say(_line(part.finding))
    if not well:
        raise typer.Exit(output.NO)


def _parts(context: "Context") -> "Iterator[Part]":
    from v6.cli import status_parts

    for look in (
        status_parts.connection,
        status_parts.diagnosis,
        status_parts.session,
        status_parts.collectors,
        status_parts.restart,
        status_parts.budget,
        status_parts.alerts,
    ):
        if part := _guarded(look, context):
            yield part


def _guarded(look: "Callable[[Context], Part | None]", context: "Context") -> "Part | None":
    """What cannot be looked at is neither well nor wrong (L30)."""
    from v6.analysis.findings import could_not_check
    from v6.checks.guarded import CANNOT
    from v6.cli.status_parts import Part

    try:
        return look(context)
    except CANNOT as error:
        return Part(could_not_check(look.__name__, f"{type(error).__name__}: {error}"), {})


def _context(config: "Config") -> "Context":
    """The checks want what a job is given."""
    from argparse import Namespace

    from loguru import logger

    from v6.runner.context import Context

    context = Context(
        task="status",
        slot=None,
        args=Namespace(),
        config=config,
        paths=Paths.locate(),
        log=logger,
        deadline=clock.monotonic() + LIMIT_SECONDS,
    )
    context.journal = journal()
    return context


def _facts(part: "Part") -> dict[str, Any]:
    return {"state": part.finding.state, "words": part.finding.evidence, **part.facts}


def _line(finding: "Finding") -> str:
    return f"{MARKS[finding.state]} {finding.check:<12}{finding.evidence}"
