"""A checkout of a test's own: the real defaults, and every script of the defaults and of the full schedule."""

import shutil
from pathlib import Path

import yaml

from v6.paths import Paths

ROOT = Path(__file__).resolve().parents[1]
DEFAULTS = ROOT / "config" / "default.yaml"
FULL_SCHEDULE = ROOT / "tests" / "scheduler" / "full_schedule.yaml"


def make_checkout(root: Path, home: Path) -> Paths:
    """Root and home apart; the scripts are empty files."""
    (root / "config").mkdir(parents=True)
    (root / "scripts").mkdir()
    (home / "config").mkdir(parents=True, exist_ok=True)
    shutil.copy(DEFAULTS, root / "config" / "default.yaml")
    for file in (DEFAULTS, FULL_SCHEDULE):
        for task in yaml.safe_load(file.read_text())["scheduler"]["tasks"].values():
            (root / task["script"]).touch()
    return Paths(root, home)
