"""A home of each test's own, and a compiled checkout of toys for what starts processes."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # small_home, whatever the import mode

from small_home import Home


@pytest.fixture
def small(home: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    return Home(home, monkeypatch)
