"""A home with a lake, at 18:00 on Friday 2026-11-20."""

from pathlib import Path

import pytest

from statistics_desk import StatisticsDesk


@pytest.fixture
def desk(home: Path, monkeypatch: pytest.MonkeyPatch) -> StatisticsDesk:
    return StatisticsDesk(home, monkeypatch)
