"""The reports of past restarts: `var/state/restarts/<start in UTC>-<window>-<id>.json`, and as text beside it."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from v6 import clock
from v6.journal.timestamps import slot_text
from v6.restart.records import document
from v6.restart.records.document import Flaw, Flawed
from v6.restart.records.report import RestartReport
from v6.restart.records.report_text import text
from v6.restart.records.typed_json import Mismatch, plain, typed

KIND = "restart_report"
SCHEMA = 1


class ReportFiles:
    """`keep`: so many restarts are kept, by the start of their windows."""

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder = folder
        self.keep = keep

    def path(self, window: str, start: datetime, restart_id: int | None) -> Path:
        return self.folder / f"{_stem(window, start)}-{restart_id or 0}.json"

    def save(self, report: RestartReport) -> Path:
        """Write it in place of what there is; the text is derived, so the JSON goes first. Raises OSError."""
        path = self.path(report.window, report.window_start, report.restart_id)
        self.folder.mkdir(parents=True, exist_ok=True)
        document.write_whole(path, encoded(report))
        document.write_whole(path.with_suffix(".txt"), text(report).encode())
        for old in self.paths()[self.keep :]:
            if old != path:
                old.unlink(missing_ok=True)
                old.with_suffix(".txt").unlink(missing_ok=True)
        return path

    def load(self, path: Path) -> RestartReport:
        """Raises Flawed."""
        body = document.decode(path, document.content_of(path), KIND, SCHEMA)
        try:
            return typed(RestartReport, body)
        except Mismatch as error:
            raise Flawed(path, Flaw.MALFORMED, str(error)) from error

    def find(self, window: str, start: datetime) -> RestartReport | None:
        """That window's latest report; None when there is none. Raises Flawed for one that is spoilt."""
        wanted = _stem(window, start)
        path = next((path for path in self.paths() if _order(path)[0] == wanted), None)
        return self.load(path) if path else None

    def of_restart(self, window: str, start: datetime, restart_id: int) -> RestartReport | None:
        """The report of this restart and no earlier one of the same window. Raises Flawed."""
        path = self.path(window, start, restart_id)
        return self.load(path) if path.exists() else None

    def amend(self, path: Path, change: Callable[[RestartReport], RestartReport]) -> RestartReport:
        """Add to a finished report, such as the live proof at the open. Raises Flawed, OSError."""
        report = replace(change(self.load(path)), written_at=clock.now())
        self.save(report)
        return report

    def paths(self) -> list[Path]:
        """The latest window first."""
        return sorted(self.folder.glob("*.json"), key=_order, reverse=True)


def _stem(window: str, start: datetime) -> str:
    stamp = slot_text(start).replace("-", "").replace(":", "")
    return f"{stamp}-{re.sub(r'[^A-Za-z0-9_+]', '_', window)}"


def _order(path: Path) -> tuple[str, int]:
    """By window, and of one window by the restart's number."""
    window, _, number = path.stem.rpartition("-")
    return (window, int(number)) if number.isdecimal() else (path.stem, 0)


def encoded(report: RestartReport) -> bytes:
    """The file's contents, and what hooks get on standard input."""
    return document.encode(KIND, SCHEMA, plain(report))
