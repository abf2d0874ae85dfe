"""`make setup` against what pip can do to an environment: a small checkout with the real dev/setup.sh and Makefile, and
four packages that overwrite each other's files as the real ones do. No index is asked."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "eventkit-1.0.3": {"eventkit/__init__.py": "one = 1\n"},
    "aeventkit-2.1.0": {"eventkit/__init__.py": "two = 2\n"},
    "ib_insync-0.9.86": {"ib_insync/__init__.py": ""},
    "ib_async-2.1.0": {"ib_async/__init__.py": ""},
}
NEEDS = {"ib_insync-0.9.86": "eventkit", "ib_async-2.1.0": "aeventkit"}
LOCKS = {
    "requirements.lock": ("eventkit-1.0.3", "ib_insync-0.9.86"),
    "requirements-ib_async.lock": ("aeventkit-2.1.0", "ib_async-2.1.0"),
}
BACKEND = """
import pathlib, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "v6-0.1.0-py3-none-any.whl"
    info = "v6-0.1.0.dist-info"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        wheel.writestr("v6.pth", str(pathlib.Path("src").absolute()))
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: v6\\nVersion: 0.1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""
PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "v6"
version = "0.1.0"
"""


def wheel(folder: Path, package: str) -> Path:
    name, _, version = package.partition("-")
    needs = f"Requires-Dist: {NEEDS[package]}\n" if package in NEEDS else ""
    info = f"{package}.dist-info"
    files = PACKAGES[package] | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{file},{recorded(content)},{len(content)}\n" for file, content in files.items()]
    path = folder / f"{package}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in files.items():
            archive.writestr(file, content)
        archive.writestr(f"{info}/RECORD", "".join(record) + f"{info}/RECORD,,\n")
    return path


def recorded(content: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()


class Checkout:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(root),
            "PYTHON": sys._base_executable,  # type: ignore[attr-defined]
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(root / "wheels"),
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }
        for folder in ("dev", "wheels"):
            (root / folder).mkdir()
        (root / "src").symlink_to(ROOT / "src")
        shutil.copy(ROOT / "dev" / "setup.sh", root / "dev" / "setup.sh")
        shutil.copy(ROOT / "Makefile", root / "Makefile")
        (root / "pyproject.toml").write_text(PROJECT)
        (root / "backend.py").write_text(BACKEND)
        for lock, packages in LOCKS.items():
            lines = [
                f"{package.replace('-', '==')} --hash=sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}\n"
                for package in packages
                for made in [wheel(root / "wheels", package)]
            ]
            (root / lock).write_text("".join(lines))

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command, cwd=self.root, env=self.environ, capture_output=True, text=True, check=False)

    def pip(self, *words: str) -> None:
        self.run(".venv/bin/python", "-m", "pip", *words).check_returncode()

    def libraries(self) -> list[str]:
        look = "from v6.gateway import installation; print(installation.choose('auto')[0])"
        done = self.run(".venv/bin/python", "-c", look)
        return done.stdout.split()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.timeout(900)  # a real pip, twice
def test_a_spoilt_environment_is_refused_and_the_cure_in_the_message_works(checkout: Checkout) -> None:
    """With the library that was chosen once, which stays."""
    made = checkout.run("make", "setup", "LIBRARY=ib_async")
    assert made.returncode == 0
    assert made.stdout.splitlines()[-1].startswith("ready: ib_async 2.1.0, Python 3.1")
    on_the_way = checkout.run("make", "setup-test")
    assert "make setup LIBRARY=ib_insync" in on_the_way.stderr
    assert "ready" not in on_the_way.stdout
    assert checkout.libraries() == ["ib_async"]

    checkout.pip("install", "-q", "ib_insync")
    both = checkout.run("make", "setup")
    assert "eventkit 1.0.3 and aeventkit 2.1.0 are both installed" in both.stderr
    assert both.returncode != 0

    checkout.pip("uninstall", "-q", "-y", "ib_insync", "eventkit")
    pieces = checkout.run("make", "setup")
    assert "eventkit/__init__.py of aeventkit 2.1.0 are not the files it installed" in pieces.stderr
    cure = pieces.stderr.splitlines()[0].rpartition("V6's folder: ")[2]
    assert checkout.run(*cure.split()).returncode == 0
    assert checkout.libraries() == ["ib_async"]


@pytest.mark.soak  # `make libraries` makes its environments so
def test_the_second_environment_is_made_from_the_first_without_its_library(checkout: Checkout) -> None:
    assert checkout.run("dev/setup.sh").returncode == 0
    second = ("dev/setup.sh", "--venv", ".venv-2", "--lock", "requirements-ib_async.lock", "--like", ".venv")
    done = checkout.run(*second)
    assert (done.returncode, done.stderr) == (0, "")
    assert checkout.libraries() == ["ib_insync"]
    shown = checkout.run(".venv-2/bin/python", "-c", "import eventkit, ib_async; print(eventkit.two)")
    assert shown.stdout == "2\n"


def test_an_unknown_library_is_refused_with_what_is_allowed(checkout: Checkout) -> None:
    assert "LIBRARY=ibapi: allowed: ib_insync, ib_async" in checkout.run("make", "setup", "LIBRARY=ibapi").stderr
    assert not (checkout.root / ".venv").exists()
