"""A desk per test, its calendar and schedule compiled once."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # desk, whatever the import mode

from desk import Desk


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """var/compiled of a home with nothing but defaults."""
    home = tmp_path_factory.mktemp("compiled")
    command = [sys.executable, "-m", "v6.scheduler.compile"]
    subprocess.run(command, env=os.environ | {"V6_HOME": str(home)}, check=True, capture_output=True)
    return home / "var" / "compiled"


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def desk_without_tws(home: Path, compiled: Path, free_port: int) -> Desk:
    shutil.copytree(compiled, home / "var" / "compiled")
    return Desk(home, free_port)
