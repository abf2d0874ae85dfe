"""The journal, for commands that ask it."""

from typing import TYPE_CHECKING

from v6.model import FatalError
from v6.paths import Paths

if TYPE_CHECKING:
    import sqlite3


def journal() -> "sqlite3.Connection":
    """Made where there is none. Raises FatalError, naming the file."""
    import sqlite3

    from v6.journal.database import JournalError, connect

    path = Paths.locate().journal
    try:
        return connect(path)
    except (JournalError, sqlite3.Error, OSError) as error:
        raise FatalError(f"{path}: {error}") from error


def journal_if_any() -> "sqlite3.Connection | None":
    """None before the first run: a question never creates it."""
    return journal() if Paths.locate().journal.exists() else None
