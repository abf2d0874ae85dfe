"""Every test lives in a private V6_HOME: production paths are unreachable."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
# examples where a test does not say how many: what is found once in a hundred is found by the soak
settings.register_profile("check", max_examples=40)
settings.register_profile("soak", max_examples=1000)
settings.load_profile("check")
OURS = ("V6_", "IBKR_", "SCHEDULER_", "FORCE_RUN", "TZ")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private, empty V6_HOME that the environment of the test and of its children points to."""
    import os

    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("V6_HOME", str(path))
    return path


_opened: list[sqlite3.Connection] = []


def _note(event: str, args: tuple[Any, ...]) -> None:
    if event == "sqlite3.connect/handle":
        _opened.append(args[0])


sys.addaudithook(_note)


@pytest.fixture(autouse=True)
def _databases_closed() -> Iterator[None]:
    """A context made by a test is closed by nobody, and 3.13 warns of each connection that it leaves."""
    yield
    while _opened:
        with suppress(sqlite3.ProgrammingError):  # another thread's, which closes it
            _opened.pop().close()
