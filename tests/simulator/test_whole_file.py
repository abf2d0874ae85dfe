"""A file that is replaced whole holds the old text or the new one."""

import os

import pytest

from v6.simulator.whole_file import write_whole


@pytest.fixture
def path(tmp_path):
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / "port"


@pytest.mark.parametrize("sync", [False, True])
def test_the_text_is_replaced_and_nothing_temporary_stays(path, sync):
    for text in ("7497\n", "7498\n"):
        write_whole(path, text, sync=sync)
        assert path.read_text() == text
    assert [each.name for each in path.parent.iterdir()] == ["port"]


def test_what_cannot_be_written_leaves_the_old_text_and_names_the_file(path, monkeypatch):
    write_whole(path, "7497\n")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        write_whole(path, "7498\n", sync=True)
    assert path.read_text() == "7497\n"
    assert [each.name for each in path.parent.iterdir()] == ["port"]
