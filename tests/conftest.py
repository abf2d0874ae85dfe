"""Every test lives in a private V6_HOME: production paths are unreachable."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
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
