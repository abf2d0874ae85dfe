"""Whether cron has lines of this home, and which a person has commented out: cheap enough for every question."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from v6 import clock
from v6.cron.installed import installed
from v6.cron.roots import HOST, Roots
from v6.paths import Paths


class Present(NamedTuple):
    """`path` is None when nothing of this home is installed; `out`: tasks of which lines are commented out."""

    path: Path | None
    out: tuple[str, ...]

    def words(self, task: str | None = None) -> str:
        """What a person must know of it, "" for nothing; of one task only what concerns it."""
        if self.path is None:
            return "nothing of this V6 is installed in cron, so nothing starts by itself: ./install_scheduler.sh"
        named = [name for name in self.out if task in (None, name)]
        return f"commented out in {self.path}: {', '.join(named)}" if named else ""

    @property
    def since(self) -> datetime | None:
        """When the file was put there; None where only its owner may look."""
        try:
            return None if self.path is None else datetime.fromtimestamp(self.path.stat().st_mtime, clock.NEW_YORK)
        except OSError:
            return None


def present(paths: Paths, roots: Roots = HOST) -> Present | None:
    """None where it cannot be told, or means nothing: cron follows the host's clock, not a shifted one."""
    if clock.shifted():
        return None
    try:
        owner = paths.var.owner() if paths.var.exists() else None
        found = installed(True, roots) or installed(False, roots, owner)
    except (OSError, KeyError):
        return None
    if found is None or (found.root, found.home) != (str(paths.root), str(paths.home)):
        return Present(None, ())
    return Present(found.path, found.disabled)
