"""Rehearsals as a user starts them, with a universe small enough for many of them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from v6.paths import ROOT, Paths
from v6.rehearsal.stage import Quoted
from v6.scheduler.compile import compile_all

SMALL = {"symbols": ["SPY"], "min_dte": 20, "max_dte": 100, "strike_band": 0.02, "max_contracts": 12}
SMALL |= {"min_expiries": 2, "max_expiries": 3, "far_expiry_dte": 40}


@dataclass(frozen=True)
class Rehearsed:
    """One finished rehearsal: exit code, what `--json` said (empty when it was refused), its complaints, its home, its
    words (without `--json`)."""

    code: int
    said: dict[str, Any]
    errors: str
    home: Path
    words: str

    @property
    def trouble(self) -> str:
        """Why it is not what a test expected, in words."""
        return f"{self.errors}\nnot done: {self.said.get('not_done')}\nmissed: {self.said.get('misses')}"

    def outcomes(self, task: str) -> dict[str, int]:
        """Attempts by outcome."""
        return dict(self.said["runs"].get(task, {}))

    def turned_away(self, task: str) -> dict[str, int]:
        """Skips of the gate by reason."""
        return {skip["reason"]: skip["count"] for skip in self.said["gate_skips"] if skip["task"] == task}

    def verdicts(self, task: str) -> dict[str, str]:
        """Verdict of each slot, by New York wall time."""
        return {slot["slot"][11:16]: slot["verdict"] for slot in self.said["slots"] if slot["task"] == task}


def recording(folder: Path) -> Path:
    """A recorded chain of 2026-01-30 in which nothing is missing from 09:28 to 10:00 and nothing is before."""
    rows = []
    for minute in range(33):
        at = datetime(2026, 1, 30, 9, 28) + timedelta(minutes=minute)
        for strike, right in ((strike, right) for strike in (685.0, 690.0, 695.0) for right in "CP"):
            middle = 12.0 + (690 - strike) / 2 * (1 if right == "C" else -1)
            values = {"bid": middle - 0.05, "ask": middle + 0.05, "last": middle, "volume": minute, "open_interest": 9}
            greeks = {"iv": 0.15, "delta": 0.5 if right == "C" else -0.5, "gamma": 0.01, "theta": -0.1, "vega": 0.9}
            key = {"timestamp": at, "symbol": "SPY", "expiry": "20260320", "strike": strike, "right": right}
            rows.append({**key, **values, **greeks})
    folder.mkdir()
    pl.DataFrame(rows).write_parquet(folder / "2026-01-30.parquet")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., Path]:
    """A production.yaml with the small universe and only these tasks enabled; `changes` go on top. `pace`: settings of
    tasks, by name."""

    def write(*tasks: str, pace: Mapping[str, Mapping[str, Any]] | None = None, **changes: Any) -> Path:
        listed = yaml.safe_load((Path(__file__).parents[2] / "config" / "default.yaml").read_text(encoding="utf-8"))
        paces = pace or {}
        enabled = {name: {"enabled": name in tasks, **paces.get(name, {})} for name in listed["scheduler"]["tasks"]}
        path = tmp_path / "site.yaml"
        tree = {"universe": SMALL, "scheduler": {"tasks": enabled}, **changes}
        path.write_text(yaml.dump(tree, Dumper=Quoted), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """var/compiled of a host with nothing but defaults, its calendars made once."""
    paths = Paths(ROOT, tmp_path_factory.mktemp("host"))
    assert compile_all(paths).error == ""
    return paths.compiled


@pytest.fixture
def rehearse(tmp_path: Path, home: Path, compiled: Path) -> Callable[..., Rehearsed]:
    """Run `v6 rehearse ...` on that host to its end, in a folder of its own."""
    shutil.copytree(compiled, home / "var" / "compiled")

    def run(*arguments: str | Path, in_words: bool = False) -> Rehearsed:
        home = tmp_path / "stage"
        command = [sys.executable, "-m", "v6.cli", "rehearse", *map(str, arguments), "--home", str(home)]
        command += [] if in_words else ["--json"]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ, timeout=170, check=False)
        said = json.loads(done.stdout) if done.stdout.startswith("{") else {}
        return Rehearsed(done.returncode, said, done.stderr, home, done.stdout)

    return run
