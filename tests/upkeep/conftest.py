"""A home with a lake and a journal, at 18:30 on Friday 2026-11-20."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from upkeep_desk import UpkeepDesk


@pytest.fixture
def desk(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UpkeepDesk]:
    made = UpkeepDesk(home, monkeypatch)
    yield made
    made.ctx.journal.close()
