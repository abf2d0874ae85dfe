"""`v6 schedule render --for windows`."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from v6.cli import app
from v6.paths import ROOT

NAMES = ["v6-prepare.xml", "v6-restart.xml", "v6-tws.bat", "v6-validate.xml"]


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["schedule", "render", "--for", "windows", "--zone", "Asia/Tokyo", *arguments])
    assert result.exit_code == 2
    return result.output


def test_the_files_are_written_into_the_folder(v6: Callable[..., Result], tmp_path: Path) -> None:
    folder = tmp_path / "windows"
    shown = v6("schedule", "render", "--for", "windows", "--zone", "Europe/Berlin", "--out", str(folder)).stdout
    assert sorted(path.name for path in folder.iterdir()) == NAMES
    assert sorted(shown.split()) == [str(folder / name) for name in NAMES]
    for path in folder.glob("*.xml"):
        assert ET.parse(path).getroot().tag.endswith("}Task")


def test_without_a_folder_they_are_shown(v6: Callable[..., Result]) -> None:
    shown = v6("schedule", "render", "--for", "windows", "--zone", "Europe/Berlin").stdout
    assert [line.split()[1] for line in shown.splitlines() if line.startswith("----- ")] == [
        NAMES[2],
        NAMES[0],
        *NAMES[1::2],
    ]
    assert "<StartBoundary>" in shown


def test_what_is_not_said_is_this_wsl(v6: Callable[..., Result], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WSL_DISTRO_NAME", "Ubuntu-24.04")
    (home / "config").mkdir()
    (home / "config" / "production.yaml").write_text("ibkr: {port: 4001}\ntws: {java_heap: 6g}\n")
    shown = v6("schedule", "render", "--for", "windows", "--zone", "Asia/Tokyo", "--user", "trader").stdout
    assert f"wsl.exe -d Ubuntu-24.04 -u trader -- env V6_HOME={home} {ROOT}/scripts/cron_wrapper.sh" in shown
    assert 'set "PORT=4001"' in shown
    assert "-Xmx6g" in shown


def test_everything_can_be_said(v6: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    said = (
        "--distro",
        "Debian",
        "--linux-path",
        "/opt/v6",
        "--windows-folder",
        r"D:\V6",
        "--tws",
        r"D:\IBC\StartTWS.bat",
    )
    shown = v6("schedule", "render", "--for", "windows", "--zone", "Asia/Tokyo", *said).stdout
    assert f"wsl.exe -d Debian -- env V6_HOME={home} /opt/v6/scripts/cron_wrapper.sh" in shown
    assert r"<WorkingDirectory>D:\V6</WorkingDirectory>" in shown
    assert r"D:\IBC\StartTWS.bat" in shown


def test_what_windows_would_misread_is_refused_by_name(home: Path) -> None:
    assert r"--tws: 'tws.exe': allowed: a path such as C:\Jts\tws.exe" in refused("--tws", "tws.exe")
    assert "--distro: 'my linux': allowed: a name as `wsl.exe --list` shows it" in refused("--distro", "my linux")


def test_cron_is_still_what_is_rendered_unless_said_otherwise(v6: Callable[..., Result]) -> None:
    assert "scripts/cron_wrapper.sh" in v6("schedule", "render", "--zone", "Asia/Tokyo").stdout
    assert "# V6 on a host in Asia/Tokyo." in v6("schedule", "render", "--zone", "Asia/Tokyo", "--for", "cron").stdout
