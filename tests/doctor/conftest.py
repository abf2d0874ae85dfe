"""The ward: an installation of a test's own, before its first run and at work."""

import os
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # ward, whatever the import mode
sys.path.insert(0, str(Path(__file__).parents[1] / "cli"))  # pages

from ward import CRON_PID, USER, ZONE, ZONES, Ward

from v6 import clock
from v6.cron import installed
from v6.cron.roots import Roots
from v6.journal import missed
from v6.paths import ROOT


@pytest.fixture(scope="session")
def compiled_ward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root and a home, compiled once; every test has a copy of both."""
    base = tmp_path_factory.mktemp("ward")
    root, home = base / "root", base / "home"
    root.mkdir(mode=0o755)
    for folder in ("config", "scripts"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("production.yaml", "__pycache__"))
        (root / folder).chmod(0o755)
    for script in (root / "scripts").iterdir():
        script.chmod(0o755)
    (root / "src").symlink_to(ROOT / "src")
    for lock in ROOT.glob("requirements*.lock"):
        shutil.copy(lock, root)
    (home / "config").mkdir(parents=True)
    (home / "config" / "production.yaml").write_text("{}\n")
    (home / ".env").touch()
    first = Ward(root, home, Roots(), Path("/"))
    first.compile()
    (base / "crontab").write_text(installed.wanted(first.patient().config, first.paths, ZONE, USER))
    return base


@pytest.fixture
def ward(compiled_ward: Path, tmp_path: Path) -> Ward:
    """Before its first run: nothing is in the journal, nothing is installed, TWS is away."""
    base = tmp_path / "ward"
    shutil.copytree(compiled_ward, base, symlinks=True)
    for file in (base / "home" / "var" / "compiled").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes().replace(str(compiled_ward).encode(), str(base).encode()))
    (base / "root" / ".venv").symlink_to(Path(sys.prefix))
    home, host = base / "home", base / "host"
    (home / "var").chmod(0o700)
    (home / "config" / "production.yaml").chmod(0o600)
    (home / ".env").chmod(0o600)
    (host / "usr" / "share").mkdir(parents=True)
    (host / "usr" / "share" / "zoneinfo").symlink_to(ZONES)
    roots = Roots(etc=host / "etc", proc=host / "proc", spool=host / "spool", kept=host / "kept")
    roots.cron_d.mkdir(parents=True)
    (roots.spool / "crontabs").mkdir(parents=True)
    (roots.etc / "localtime").symlink_to(ZONES / ZONE)
    (roots.etc / "timezone").write_text(f"{ZONE}\n")
    daemon = roots.proc / str(CRON_PID)
    daemon.mkdir(parents=True)
    (daemon / "comm").write_text("cron\n")
    (daemon / "environ").write_bytes(b"LANG=C\0")
    (daemon / "root").symlink_to("/")
    return Ward(base / "root", home, roots, host, {"PATH": os.environ["PATH"]})


@pytest.fixture
def at_work(ward: Ward, compiled_ward: Path) -> Ward:
    """The same after hours of work: installed, firing, looked at for missed slots."""
    ward.install(compiled_ward)
    ward.fire()
    with ward.journal() as db:
        missed.set_looked_until(db, clock.now())
    return ward
