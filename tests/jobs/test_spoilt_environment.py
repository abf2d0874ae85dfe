"""A job whose environment has both event packages says so at its start and ends for a person, without a retry (L34)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A folder of packages before the environment's own, with what pip leaves of both."""
    for name in ("eventkit-1.0.3", "aeventkit-2.1.0"):
        package, _, version = name.partition("-")
        folder = tmp_path / "packages" / f"{name}.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    return tmp_path / "packages"


def test_it_is_told_at_the_start_and_is_fatal_where_tws_is_needed(packages: Path, home: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "validate_ib_connection.py"],
        env=os.environ | {"V6_HOME": str(home), "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    words = (
        "eventkit 1.0.3 and aeventkit 2.1.0 are both installed and overwrite each other's files: make the environment"
    )
    told = [line for line in done.stderr.splitlines() if words in line]
    assert "TWS cannot be reached from this environment" in done.stderr.splitlines()[0]
    assert "fatal: " in told[-1]
    assert done.returncode == 2
