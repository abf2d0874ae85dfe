"""The `v6` command itself."""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version

from typer.testing import Result

from v6.paths import ROOT


def test_help_lists_every_command(v6: Callable[..., Result]) -> None:
    said = v6("--help").stdout

    for name in ("calendar", "schedule", "why", "runs", "slots", "simulator", "rehearse", "lake", "gateway", "status"):
        assert name in said


def test_help_imports_nothing_heavy() -> None:
    heavy = ("polars", "pandas", "deltalake", "ib_insync", "pydantic", "loguru", "sqlite3", "psutil")
    script = f"import sys, v6.cli; print([name for name in {heavy!r} if name in sys.modules])"

    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert said.strip() == "[]"


def test_it_says_which_v6_it_is(v6: Callable[..., Result]) -> None:
    assert v6("--version").stdout.startswith(f"v6 {version('v6')}, {ROOT}, Python 3.")


def test_an_unknown_command_is_refused(v6: Callable[..., Result]) -> None:
    assert "No such command" in v6("colect", code=2).stderr
