"""docs/restart.md names what there is: every setting, window, task and metric, and only commands that exist."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from pages import page, require_commands

from v6.journal import database
from v6.metrics import restarts
from v6.paths import ROOT

PAGE = page("restart.md")
DEFAULTS: dict[str, Any] = yaml.safe_load((ROOT / "config" / "default.yaml").read_text())


def keys(section: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from keys(f"{section}.{name}", inner)
    else:
        yield section


@pytest.mark.parametrize("key", [key for name in ("restart", "tws", "metrics") for key in keys(name, DEFAULTS[name])])
def test_every_setting_around_restarts_is_named(key: str) -> None:
    assert f"`{key}`" in PAGE


@pytest.mark.parametrize("name", DEFAULTS["scheduler"]["restart_windows"])
def test_every_default_window_is_named_with_its_times(name: str) -> None:
    window = DEFAULTS["scheduler"]["restart_windows"][name]
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}`")]
    assert f"{window['start']}-{window['end']}" in row


def test_every_task_of_the_two_jobs_is_named() -> None:
    tasks = DEFAULTS["scheduler"]["tasks"]
    ours = [
        name for name, task in tasks.items() if task["script"] in ("scripts/pre_restart.py", "scripts/post_restart.py")
    ]
    assert len(ours) >= 5
    assert [name for name in ours if f"`{name}`" not in PAGE] == []


def test_every_metric_of_restarts_is_named(tmp_path: Path) -> None:
    with closing(database.connect(tmp_path / "v6.db")) as db:
        families = [(family.name, family.type) for family in restarts.collect(db)]
    names = [name + ("_total" if kind == "counter" else "") for name, kind in families if name.startswith("tws_")]
    assert len(names) >= 5
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_every_command_shown_exists() -> None:
    assert require_commands(PAGE) > 8


def test_the_picture_is_whole() -> None:
    picture = ET.parse(ROOT / "docs" / "restart.svg").getroot()
    assert "(restart.svg)" in PAGE
    assert picture.attrib["viewBox"]
