"""docs/connection.md names what there is: every verdict, status, setting with its default, and only real commands."""

import re
from typing import Any

import pytest
import yaml
from pages import page, require_commands

from v6.checks.connection import Status
from v6.gateway.verdicts import TABLE
from v6.jobs import test_connection as job
from v6.paths import ROOT
from v6.runner.main import parser_of

PAGE = page("connection.md")
DEFAULTS: dict[str, Any] = yaml.safe_load((ROOT / "config" / "default.yaml").read_text())
OURS = (
    "persistent_connection",
    "force_disconnect",
    "connections_per_hour",
    "connections_per_day",
    "diagnose_client_id",
    "diagnose_every_seconds",
    "probe_seconds",
)
SETTINGS = [f"ibkr.{name}" for name in OURS] + [f"session.{name}" for name in DEFAULTS["session"]]
ROW = re.compile(r"^\| (`[a-z_.]+`(?:, `[a-z_.]+`)*) \| ([^|]+) \| [^|]+ \|$", re.MULTILINE)


def shown_defaults() -> dict[str, str]:
    """Setting -> the default that the page shows."""
    found = {}
    for names, values in ROW.findall(PAGE):
        keys = re.findall(r"[a-z_.]+", names)
        parts = re.split(r", (?![^\[]*\])", values) if len(keys) > 1 else [values]
        found.update(zip(keys, parts, strict=True) if "." in names else ())
    return found


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_of_connections_is_named(setting: str) -> None:
    assert f"`{setting}`" in PAGE


def test_every_default_shown_is_the_default() -> None:
    shown = shown_defaults()
    assert len(shown) >= len(SETTINGS)
    for setting, value in shown.items():
        section, _, name = setting.partition(".")
        default = DEFAULTS[section][name]
        words = f"[{', '.join(default)}]" if isinstance(default, list) else str(default).removesuffix(".0")
        assert value == (words.lower() if isinstance(default, bool) else words), setting


@pytest.mark.parametrize("verdict", list(TABLE))
def test_every_verdict_has_its_row_with_meaning_and_cure(verdict: str) -> None:
    """`make wire` writes them."""
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{verdict}` |")]
    known = TABLE[verdict]
    assert row.split(" | ")[1:] == [known.words, known.meaning, known.cure, f"{known.exit_code} |"]


@pytest.mark.parametrize("status", [str(status) for status in Status])
def test_every_status_is_explained(status: str) -> None:
    assert re.search(rf"^\| {re.escape(status)}( \([a-z]+\))? \| ", PAGE, re.MULTILINE)


def test_every_command_shown_exists() -> None:
    assert require_commands(PAGE) >= 6


def test_every_call_of_the_script_is_one_that_it_takes() -> None:
    calls = re.findall(r"^ +\.venv/bin/python scripts/test_connection\.py([^#\n]*)", PAGE, re.MULTILINE)
    parser = parser_of("test_connection", job)
    assert {parser.parse_args(call.split()).level for call in calls} == set(job.LEVELS)


def test_every_place_and_page_it_points_to_is_there() -> None:
    headings = {re.sub(r"[^a-z0-9 _-]", "", line.lstrip("# ").lower()).replace(" ", "-")
                for line in PAGE.splitlines() if line.startswith("#")}  # fmt: skip
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings
    pages = set(re.findall(r"docs/[a-z_]+\.md", PAGE))
    assert pages
    assert [name for name in sorted(pages) if not (ROOT / name).exists()] == []
