"""A home with a lake and a journal, at 18:30 on Friday 2026-11-20."""

import shutil
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
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """`collected`: three slots of Friday; `closed`: and the day is closed."""
    root = tmp_path_factory.mktemp("upkeep")
    with built(root / "closed") as desk:
        desk.collect()
        shutil.copytree(root / "closed", root / "collected")  # with the journal's write-ahead log
        close_day(desk.ctx, DAY)
    return {name: root / name for name in ("collected", "closed")}


@pytest.fixture
def collected(homes: dict[str, Path], home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UpkeepDesk]:
    made = copy_of(homes["collected"], home, monkeypatch)
    yield made
    made.ctx.journal.close()


@pytest.fixture
def closed(homes: dict[str, Path], home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UpkeepDesk]:
    made = copy_of(homes["closed"], home, monkeypatch)
    yield made
    made.ctx.journal.close()
