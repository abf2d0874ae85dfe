"""The interpreter of the jobs and its libraries: asked in its own process, which may be another Python, or die."""

import os
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
from ward import Ward

from v6.doctor import environment, selftest
from v6.doctor.environment import Asked, canonical
from v6.paths import ROOT

pytestmark = pytest.mark.integration


def shadow(ward: Ward, name: str, text: str) -> None:
    """Put a spoilt module before the environment's own, for the interpreter of the jobs only."""
    src = ward.root / "src"
    if src.is_symlink():
        src.unlink()
        src.mkdir()
        (src / "v6").symlink_to(ROOT / "src" / "v6")
    (src / f"{name}.py").write_text(text)


def test_l34_every_library_does_what_is_needed_of_it(ward: Ward) -> None:
    found = ward.all_of("interpreter", "libraries", "self-test", "TWS library")
    assert {name: one.state for name, one in found.items()} == dict.fromkeys(found, "ok"), found
    assert found["self-test"].evidence == f"{len(selftest.PROOFS)} libraries did their work"


def test_every_library_of_pyproject_has_a_proof() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {canonical(line.partition(">=")[0]) for line in declared} - {"ib-insync"}
    assert names - {canonical(name) for name in selftest.PROOFS} == set()


def test_l34_libraries_that_are_missing_changed_or_end_the_process_are_each_named(ward: Ward) -> None:
    shadow(ward, "psutil", "def pid_exists(pid):\n    return False\n")
    shadow(ward, "duckdb", "raise ModuleNotFoundError(\"No module named 'duckdb'\")\n")
    shadow(ward, "pandas_market_calendars", "import os\nos.abort()\n")
    found = ward.ask("self-test")
    assert found.state == "failed"
    assert "psutil: AttributeError: module 'psutil' has no attribute 'Process'" in found.evidence
    assert "duckdb: ModuleNotFoundError: No module named 'duckdb'" in found.evidence
    assert "ended during pandas_market_calendars (signal 6)" in found.evidence
    assert "make fresh" in found.cure


def test_an_interpreter_that_is_gone_is_the_first_line_and_costs_no_other(ward: Ward) -> None:
    (ward.root / ".venv").unlink()
    found = ward.all_of("interpreter", "libraries", "self-test", "TWS library", "tzdata")
    assert found["interpreter"].state == "failed"
    assert f"{ward.root}/.venv/bin/python: no interpreter" in found["interpreter"].evidence
    assert "make setup" in found["interpreter"].cure
    assert found["libraries"].state == "could_not_check"
    assert found["tzdata"].state == "ok"


def test_an_interpreter_that_does_not_start_is_quoted(ward: Ward) -> None:
    python = ward.home / "python"
    python.write_text("#!/bin/sh\necho 'libpython3.11.so.1.0: cannot open shared object file' >&2\nexit 127\n")
    python.chmod(0o755)
    ward.environ["V6_PYTHON"] = str(python)
    assert "(exit code 127): libpython3.11.so.1.0: cannot open" in ward.ask("interpreter").evidence


def test_an_interpreter_that_has_another_v6_is_refused(ward: Ward) -> None:
    other = ward.root / "src"
    other.unlink()
    shutil.copytree(ROOT / "src" / "v6" / "doctor", other / "v6" / "doctor")
    python = ward.home / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT}/src exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    ward.environ["V6_PYTHON"] = str(python)
    found = ward.ask("interpreter")
    assert found.state == "failed"
    assert f"imports V6 from {ROOT}/src/v6/__init__.py" in found.evidence


def test_the_environment_is_compared_with_its_lock_file(ward: Ward) -> None:
    patient = ward.patient(quick=True)
    lock = ward.root / environment.lock_of(patient.environment)
    text = lock.read_text()
    lock.write_text(text.replace("\npolars==", "\npolars==9", 1).replace("\nloguru==", "\nlogurus==", 1))
    found = ward.ask("libraries", quick=True)
    assert found.state == "failed"
    assert f"polars is {patient.environment.installed['polars']}, {lock.name} has 9" in found.evidence
    assert "logurus" in found.evidence
    assert "is not installed" in found.evidence


def test_packages_of_other_systems_and_pythons_are_not_missed() -> None:
    conditional = [
        "colorama==0.4.6 ; sys_platform == 'win32' \\",
        "    --hash=x",
        "numpy==2.4.6 ; a < '3' \\",
        "numpy==2.5.5 ; b",
    ]
    text = "\n".join([*conditional, "abc==1", ""])
    assert environment.locked(text) == {
        "colorama": ({"0.4.6"}, False),
        "numpy": ({"2.4.6", "2.5.5"}, False),
        "abc": ({"1"}, True),
    }


@pytest.mark.parametrize(
    ("installed", "lock"),
    [({"ib-async": "2.1.0"}, "requirements-ib_async.lock"), ({"ib-insync": "0.9.86"}, "requirements.lock")],
)
def test_without_a_stamp_the_tws_library_tells_the_lock_file(
    tmp_path: Path, installed: dict[str, str], lock: str
) -> None:
    asked = Asked(tmp_path / "bin" / "python", installed=installed)
    assert environment.lock_of(asked) == lock
    (tmp_path / ".stamp").write_text("/opt/v6 Python 3.11 0123 requirements-other.lock")
    assert environment.lock_of(asked) == "requirements-other.lock"


def test_quick_leaves_the_work_out_but_not_the_versions(ward: Ward) -> None:
    found = ward.all_of("libraries", "self-test", "TWS library", quick=True)
    assert [one.state for one in found.values()] == ["ok", "could_not_check", "ok"]
    assert found["self-test"].evidence == "left out: --quick"


def test_a_library_that_the_settings_want_and_nobody_installed_is_refused(ward: Ward) -> None:
    absent = {"ib_insync": "ib_async", "ib_async": "ib_insync"}[installed_library()]
    ward.configure(ibkr={"library": absent})
    found = ward.ask("TWS library", quick=True)
    assert found.state == "failed"
    assert f"ibkr.library: {absent}: it is not installed" in found.evidence


def installed_library() -> str:
    from v6.gateway import installation

    return installation.choose("auto")[0]


def test_nothing_is_written_beside_the_code(ward: Ward) -> None:
    """An installation that belongs to root stays as it is."""
    (ward.root / "src").unlink()
    shutil.copytree(ROOT / "src", ward.root / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    ward.ask("libraries", quick=True)
    assert [folder for folder, _, _ in os.walk(ward.root / "src") if folder.endswith("__pycache__")] == []
