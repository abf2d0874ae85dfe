"""Jobs, schedule, scripts and crontab name the same things (L02)."""

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
JOBS = sorted(path.stem for path in (ROOT / "src" / "v6" / "jobs").glob("*.py") if path.name != "__init__.py")


@pytest.fixture(scope="module")
def wire() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wire", ROOT / "dev" / "wire.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_generated_file_is_what_make_wire_writes(wire: ModuleType) -> None:
    stale = [
        str(path.relative_to(ROOT))
        for path, text in wire.expected().items()
        if not path.exists() or path.read_text() != text
    ]
    assert stale == [], "run `make wire`"


def test_l02_every_scheduled_script_exists_and_can_be_executed() -> None:
    tasks = yaml.safe_load((ROOT / "config" / "default.yaml").read_text())["scheduler"]["tasks"]
    assert [name for name, task in tasks.items() if not os.access(ROOT / task["script"], os.X_OK)] == []


def test_every_script_is_of_a_job() -> None:
    assert sorted(path.stem for path in (ROOT / "scripts").glob("*.py")) == JOBS


@pytest.mark.parametrize("job", JOBS)
def test_a_job_is_scheduled_or_for_hands_only_and_never_both(job: str) -> None:
    tasks = yaml.safe_load((ROOT / "config" / "default.yaml").read_text())["scheduler"]["tasks"]
    scheduled = f"scripts/{job}.py" in {task["script"] for task in tasks.values()}
    hands_only = getattr(importlib.import_module(f"v6.jobs.{job}"), "HANDS_ONLY", False)
    assert scheduled is not hands_only


@pytest.mark.parametrize("job", JOBS)
def test_a_job_says_usage_needs_repeat_safety_and_exit_codes(job: str) -> None:
    text = (ROOT / "scripts" / f"{job}.py").read_text()
    assert [word for word in ("Usage:", "Needs:", "repeat is safe", "Exit codes:") if word not in text] == []


@pytest.mark.parametrize("job", JOBS)
def test_a_jobs_help_has_no_numbers_of_lessons_that_no_user_knows(job: str) -> None:
    assert re.findall(r"\bL[0-9]{2}\b", importlib.import_module(f"v6.jobs.{job}").__doc__ or "") == []


@pytest.mark.integration
@pytest.mark.parametrize("job", JOBS)
def test_every_script_answers_help(job: str) -> None:
    command = [sys.executable, str(ROOT / "scripts" / f"{job}.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert f"usage: {job}.py" in done.stdout
