"""docs/migration.md sends nobody to something that is not there."""

import re
from pathlib import Path

import pytest
import typer
import yaml

from v6.cli import app

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
DEFAULTS = yaml.safe_load((ROOT / "config" / "default.yaml").read_text(encoding="utf-8"))


def rows() -> list[list[str]]:
    """The cells of every row of a table, with escaped bars inside them."""
    lines = [line for line in GUIDE.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def new() -> str:
    """What is said of V6: the text around the tables, and the last column of each of their rows."""
    around = [line for line in GUIDE.splitlines() if not line.startswith("|")]
    return "\n".join([*around, *(row[-1] for row in rows())])


def in_code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def commands() -> dict[str, set[str]]:
    """Every `v6` command with its subcommands."""
    click = typer.main.get_command(app)
    return {name: set(getattr(command, "commands", {})) for name, command in click.commands.items()}  # type: ignore[attr-defined]


def settings(tree: object, above: str = "") -> set[str]:
    if not isinstance(tree, dict):
        return set()
    found = set()
    for key, value in tree.items():
        found |= {f"{above}{key}"} | settings(value, f"{above}{key}.")
    return found


def test_every_row_has_the_cells_of_its_table() -> None:
    assert len(rows()) > 100
    assert {len(row) for row in rows()} == {2, 3}
    assert all(row[-1] for row in rows())


def test_every_v6_command_exists() -> None:
    known, named = commands(), re.findall(r"`v6 ([a-z]+)(?: ([a-z]+))?", new())
    assert len(named) > 30
    for name, following in named:
        assert name in known, name
        if known[name]:
            assert following in known[name], f"v6 {name} {following}"


def test_every_script_and_page_exists() -> None:
    paths = set(re.findall(r"\b((?:scripts|docs|config)/[a-z0-9_.]+\.(?:py|sh|md|yaml))\b", new()))
    assert {"scripts/emergency_restart.py", "docs/connection.md"} <= paths
    made_by_the_user = {"config/production.yaml"}
    assert [path for path in sorted(paths - made_by_the_user) if not (ROOT / path).exists()] == []
    assert (ROOT / "install_scheduler.sh").exists()


def test_every_setting_exists() -> None:
    known = settings(DEFAULTS)
    sections = tuple(f"{name}." for name in DEFAULTS)
    named = {word.partition(":")[0] for word in in_code(new()) if word.startswith(sections)}
    assert "universe.symbols" in named
    assert sorted(named - known) == []


def test_every_task_with_a_log_exists() -> None:
    tasks = set(re.findall(r"logs/tasks/([a-z_0-9]+)-<date>", new()))
    assert len(tasks) > 10
    assert tasks <= set(DEFAULTS["scheduler"]["tasks"])


def test_every_variable_exists() -> None:
    from v6.config import environment

    known = {*environment.OVERRIDES, *environment.PLACE, *environment.switch_names({}), "V6_PYTHON", "V6_ALERT_URLS"}
    named = set(re.findall(r"\b((?:V6|IBKR|SCHEDULER)_[A-Z_]+[A-Z])\b", new()))
    assert {"IBKR_HOST", "V6_HOME"} <= named
    assert sorted(named - known) == []


@pytest.mark.parametrize(
    "word",
    [
        "START_TRADER.sh",
        "test_runner_connection.py",
        "/tmp/v6_*.log",
        "port 5555",
        "port 8765",
        "pkill -9 -f runner_async",
        "v6-trading.service",
        "/etc/cron.d/v6-trading",
        "run_production.py",
        "IBKR_FORCE_DISCONNECT",
        "PRODUCTION_IB_PORT",
    ],
)
def test_the_words_of_the_older_guides_are_on_the_left(word: str) -> None:
    assert any(word in row[0] for row in rows()), word


def test_the_schedule_told_is_the_one_configured() -> None:
    tasks = {task["script"].removeprefix("scripts/"): task for task in DEFAULTS["scheduler"]["tasks"].values()}
    told = {script: row[2] for row in rows() if len(row) == 3 for script in re.findall(r"`([a-z_0-9]+\.py)`", row[0])}
    assert len(told) == 15
    for script, words in told.items():
        task = tasks[script]
        expected = {
            "5min": "every 5 minutes",
            "15min": "every 15 minutes",
            "hourly": f"hourly at :{task.get('minute', 0):02d}",
        }.get(task["frequency"], task.get("time", ""))
        assert expected in words, script
        assert task.get("day", "").capitalize() in words, script
