"""A spoilt environment is told from a whole one by what pip recorded, whatever order the packages came in (L34)."""

import base64
import hashlib
import sys
from pathlib import Path

import pytest

from v6.gateway import installation

pytestmark = pytest.mark.both_libraries

INSYNC = {"ib_insync/__init__.py": "insync"}
ASYNC = {"ib_async/__init__.py": "async"}
EVENTKIT = {"eventkit/__init__.py": "one", "eventkit/event.py": "one", "eventkit/ops/op.py": "the same"}
AEVENTKIT = {"eventkit/__init__.py": "two", "eventkit/event.py": "two", "eventkit/ops/op.py": "the same"}


def install(site: Path, name: str, version: str, files: dict[str, str]) -> None:
    """What pip leaves: the files, over those of others, and RECORD."""
    record = []
    for file, content in files.items():
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).write_text(content)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
        record.append(f"{file},sha256={digest},{len(content)}\n{file}c,,\n")
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (folder / "RECORD").write_text("".join(record))


def uninstall(site: Path, name: str) -> None:
    """What pip removes: every file that RECORD names."""
    (folder,) = site.glob(f"{name}-*.dist-info")
    for line in (folder / "RECORD").read_text().splitlines():
        (site / line.partition(",")[0]).unlink(missing_ok=True)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """An environment with ib_insync."""
    install(tmp_path, "ib_insync", "0.9.86", INSYNC)
    install(tmp_path, "eventkit", "1.0.3", EVENTKIT)
    return tmp_path


def add_ib_async(site: Path) -> None:
    install(site, "ib_async", "2.1.0", ASYNC)
    install(site, "aeventkit", "2.1.0", AEVENTKIT)


def defects(site: Path) -> list[str]:
    return list(installation.look([str(site)]).defects)


def test_one_library_with_its_own_event_package_is_whole(site: Path) -> None:
    assert installation.look([str(site)]) == installation.Installation({"ib_insync": "0.9.86"}, (), ())


def test_this_environment_is_whole_and_verified() -> None:
    found = installation.look()
    assert len(found.libraries) == 1
    assert (found.defects, found.unverified) == ((), ())


def test_a_process_looks_at_its_own_environment_once(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job asks at its beginning and again when it connects."""
    monkeypatch.setattr(sys, "path", [str(site)])
    assert installation.look().defects == ()
    (site / "eventkit" / "event.py").unlink()
    assert installation.look().defects == ()
    assert defects(site) == ["eventkit/event.py of eventkit 1.0.3 are not the files it installed"]


def test_both_event_packages_are_told_by_name(site: Path) -> None:
    add_ib_async(site)
    assert defects(site) == ["eventkit 1.0.3 and aeventkit 2.1.0 are both installed and overwrite each other's files"]


def test_after_one_library_was_added_and_removed_its_event_package_still_counts(site: Path) -> None:
    add_ib_async(site)
    uninstall(site, "ib_async")
    assert "are both installed" in defects(site)[0]


def test_removing_one_event_package_of_both_has_taken_the_others_files(site: Path) -> None:
    add_ib_async(site)
    uninstall(site, "ib_async")
    uninstall(site, "aeventkit")
    assert defects(site) == [
        "eventkit/__init__.py, eventkit/event.py, eventkit/ops/op.py of eventkit 1.0.3 are not the files it installed"
    ]


def test_files_overwritten_without_a_trace_of_who_did_it_are_told(site: Path) -> None:
    for file, content in AEVENTKIT.items():
        (site / file).write_text(content)
    assert defects(site) == ["eventkit/__init__.py, eventkit/event.py of eventkit 1.0.3 are not the files it installed"]


def test_a_library_without_its_event_package_is_told(site: Path) -> None:
    install(site, "ib_async", "2.1.0", ASYNC)
    assert defects(site) == ["ib_async 2.1.0 is installed without aeventkit"]


def test_the_wrong_event_package_is_told_by_what_is_missing(site: Path) -> None:
    uninstall(site, "eventkit")
    install(site, "aeventkit", "2.1.0", AEVENTKIT)
    assert defects(site) == ["ib_insync 0.9.86 is installed without eventkit"]


def test_a_package_without_hashes_is_neither_sound_nor_spoilt(site: Path) -> None:
    (site / "eventkit-1.0.3.dist-info" / "RECORD").unlink()
    assert installation.look([str(site)]).unverified == ("eventkit",)
    assert defects(site) == []


def test_an_empty_environment_has_no_library(tmp_path: Path) -> None:
    assert installation.look([str(tmp_path)]) == installation.Installation({}, (), ())
