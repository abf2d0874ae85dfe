"""What the commands of `v6 restart` read: the settings in force, the journal, the kept reports."""

from contextlib import closing
from typing import TYPE_CHECKING

from v6.cli.compiled import configuration
from v6.cli.journals import journal
from v6.paths import Paths

if TYPE_CHECKING:
    from v6.config.settings import Settings
    from v6.journal.restarts import Restart
    from v6.restart.records.report_files import ReportFiles

ALL = 1000
"""Rows of restarts; three years."""


def settings(*, say: bool = True) -> "Settings":
    return configuration(say=say).settings


def report_files(keep: int) -> "ReportFiles":
    from v6.restart.records.report_files import ReportFiles

    return ReportFiles(Paths.locate().state / "restarts", keep)


def journal_exists() -> bool:
    """Not before the first run: a question never creates it."""
    return Paths.locate().journal.exists()


def restarts_known(limit: int = ALL) -> "list[Restart]":
    """The latest window first."""
    from v6.journal import restarts

    if not journal_exists():
        return []
    with closing(journal()) as db:
        return restarts.latest(db, limit)
