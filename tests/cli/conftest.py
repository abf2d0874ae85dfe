"""The command line as a user has it, in a home whose calendar and schedule are compiled once for all tests."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parent))  # pages, whatever the import mode
sys.path.insert(0, str(Path(__file__).parents[1] / "gateway"))  # gateway_support

from v6.cli import app
from v6.paths import ROOT, Paths


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which nothing but the compiled files is."""
    from v6.scheduler.compile import compile_all

    home = tmp_path_factory.mktemp("compiled")
    assert compile_all(Paths(ROOT, home)).error == ""
    return home


@pytest.fixture
def v6(home: Path, compiled: Path) -> Callable[..., Result]:
    """Run `v6 ...` in the test's home."""
    shutil.copytree(compiled / "var" / "compiled", home / "var" / "compiled")

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def answer(v6: Callable[..., Result]) -> Callable[..., Any]:
    """What `v6 ... --json` answers."""

    def run(*arguments: str, code: int = 0) -> Any:
        return json.loads(v6(*arguments, "--json", code=code).stdout)

    return run


@pytest.fixture
def command(home: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run `v6 ...` as a process of its own; settings of `ibkr` and others as in the environment, by name."""

    def run(*arguments: str, code: int = 0, **environ: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "v6.cli", *arguments],
            env=os.environ | environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run
