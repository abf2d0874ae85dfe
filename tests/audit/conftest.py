"""A home with a lake and a journal, at 18:30 on Friday 2026-11-20."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from upkeep_desk import DAY, UpkeepDesk, built, copy_of
from v6.upkeep.closing import close_day


@pytest.fixture
def desk(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UpkeepDesk]:
    made = UpkeepDesk(home, monkeypatch)
    yield made
    made.ctx.journal.close()


@pytest.fixture(scope="session")
def closed_friday(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which Friday was collected and closed."""
    home = tmp_path_factory.mktemp("closed") / "home"
    with built(home) as desk:
        desk.collect()
        close_day(desk.ctx, DAY)
    return home


@pytest.fixture
def closed_desk(closed_friday: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UpkeepDesk]:
    made = copy_of(closed_friday, home, monkeypatch)
    yield made
    made.ctx.journal.close()
