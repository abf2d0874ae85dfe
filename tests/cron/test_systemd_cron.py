"""systemd-cron's own generator (of Debian's package, unpacked) and systemd-analyze look at what V6 renders."""

import os
import shutil
from pathlib import Path

import pytest

from v6.config.load import load
from v6.cron import acceptance, flavour, systemd_cron
from v6.cron.installed import wanted
from v6.cron.roots import Roots
from v6.paths import ROOT, Paths

GENERATOR = ROOT / ".venv-promtool" / "systemd-crontab-generator"

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not GENERATOR.exists() or os.geteuid() != 0 or shutil.which("systemd-analyze") is None,
        reason="root, systemd and the generator are needed: dev/setup.sh --for-tests",
    ),
]


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    """Of a host that has it."""
    folder = tmp_path / "systemd" / "system-generators"
    folder.mkdir(parents=True)
    (folder / GENERATOR.name).symlink_to(GENERATOR)
    roots = Roots(tmp_path / "etc", tmp_path / "proc", tmp_path / "spool", tmp_path / "kept", (tmp_path / "systemd",))
    roots.cron_d.mkdir(parents=True)
    roots.proc.mkdir()
    return roots


@pytest.mark.parametrize("user", [None, "root"])
def test_l01_what_v6_renders_becomes_a_timer_a_line(roots: Roots, home: Path, user: str | None) -> None:
    paths = Paths(ROOT, home)
    text = wanted(load(paths, {}), paths, "America/New_York", user, None, roots)
    found = flavour.find(roots)
    assert found.name == "systemd-cron"
    assert acceptance.refusals(text, found, user is not None, roots) == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("99 8 * * 1-5 root true", "0 timers of 1 lines"),
        ("0 8 * * root", "1 lines"),
        (r"0 8 * * 1-5 root date +\%F", r"\%"),
    ],
)
def test_l01_what_systemd_cron_would_leave_out_is_refused(roots: Roots, line: str, words: str) -> None:
    assert words in " ".join(systemd_cron.refusals(f"{line}\n", True, roots))
