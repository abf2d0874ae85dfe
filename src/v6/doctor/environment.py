"""The interpreter of the jobs and its libraries, asked in a process of its own: it may be another Python than ours, and
a library that is spoilt may end its process."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from v6.doctor.answer import Answer, judged, unknown, well, wrong
from v6.doctor.selftest import TWS_LIBRARY

if TYPE_CHECKING:
    from v6.doctor.patient import Patient

SUPPORTED = ((3, 11), (3, 13))
SECONDS = 90
LOCK, LOCK_ASYNC = "requirements.lock", "requirements-ib_async.lock"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)( *;)?", re.MULTILINE)


@dataclass
class Asked:
    """What the interpreter said. `died`: why it said no more, ""; `proofs`: name -> (passed, words)."""

    python: Path
    died: str = ""
    version: str = ""
    v6: str = ""
    installed: dict[str, str] = field(default_factory=dict)
    proofs: dict[str, tuple[bool, str]] = field(default_factory=dict)


def ask(patient: "Patient") -> Asked:
    """Start the self-test with the interpreter that the gate would start."""
    root = patient.paths.root
    asked = Asked(Path(patient.environ.get("V6_PYTHON") or root / ".venv" / "bin" / "python"))
    if not os.access(asked.python, os.X_OK) or asked.python.is_dir():
        asked.died = f"{asked.python}: no interpreter that can be executed"
        return asked
    command = [str(asked.python), "-m", "v6.doctor.selftest", _wanted_library(patient)]
    kept = {name: value for name, value in patient.environ.items() if not name.startswith("PYTHON")}
    begun = "its start"
    try:
        done = subprocess.run(
            command + (["--versions-only"] if patient.quick else []),
            env={**kept, "PYTHONPATH": str(root / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
        said, code, words = done.stdout, done.returncode, done.stderr
    except subprocess.TimeoutExpired as error:
        said = error.stdout.decode(errors="replace") if isinstance(error.stdout, bytes) else ""
        code, words = None, f"no end after {SECONDS} s"
    except OSError as error:
        said, code, words = "", None, str(error)
    for fact in _facts(said):
        begun = str(fact.get("begin", begun))
        _note(asked, fact)
        if fact.get("done"):
            return asked
    last = [line.strip() for line in words.splitlines() if line.strip()]
    how = "" if code is None else f" (exit code {code})" if code >= 0 else f" (signal {-code})"
    asked.died = f"{asked.python} ended during {begun}{how}: {last[-1] if last else 'without a word'}"
    return asked


def _wanted_library(patient: "Patient") -> str:
    from v6.doctor.answer import CannotTell

    try:
        return str(patient.config.settings.ibkr.library)
    except (CannotTell, ImportError):
        return "auto"


def _facts(said: str) -> list[dict[str, Any]]:
    """Lines that are not ours (a library may print at its import) are passed over."""
    found = []
    for line in said.splitlines():
        try:
            fact = json.loads(line)
        except ValueError:
            continue
        if isinstance(fact, dict):
            found.append(fact)
    return found


def _note(asked: Asked, fact: dict[str, Any]) -> None:
    if "python" in fact:
        asked.version, asked.v6 = str(fact["python"]), str(fact["v6"])
    if "installed" in fact:
        asked.installed = {canonical(name): str(version) for name, version in fact["installed"].items() if name}
    if "proof" in fact:
        asked.proofs[str(fact["proof"])] = (bool(fact["passed"]), str(fact["words"]))


def canonical(name: str) -> str:
    """As lock files write a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def interpreter(patient: "Patient") -> Answer:
    asked = patient.environment
    if not asked.version:
        return wrong(asked.died)
    numbers = tuple(int(part) for part in asked.version.split(".")[:2])
    if not SUPPORTED[0] <= numbers <= SUPPORTED[1]:
        return wrong(f"{asked.python} is Python {asked.version}, supported are 3.11 to 3.13")
    src = patient.paths.root / "src"
    if not Path(asked.v6).resolve().is_relative_to(src.resolve()):
        return wrong(f"{asked.python} imports V6 from {asked.v6}, not from {src}")
    ours = Path(sys.executable)
    other = "" if ours == asked.python or ours.resolve() == asked.python.resolve() else f"; this is {ours}"
    return well(f"{asked.python}: Python {asked.version}{other}")


def libraries(patient: "Patient") -> Answer:
    """Against the lock file. A package that the lock has for other systems only is not missed."""
    asked = patient.environment
    if not asked.installed:
        return unknown(f"nothing is known of them: {asked.died}")
    lock = patient.paths.root / lock_of(asked)
    try:
        pinned = locked(lock.read_text(encoding="utf-8"))
    except OSError as error:
        return unknown(f"{lock}: {error.strerror}")
    if not pinned:
        return unknown(f"{lock} pins nothing")
    problems = []
    for name, (versions, always) in pinned.items():
        have = asked.installed.get(name)
        if have is None and always:
            problems.append(f"{name} {' or '.join(sorted(versions))} is not installed")
        elif have is not None and have not in versions:
            problems.append(f"{name} is {have}, {lock.name} has {' or '.join(sorted(versions))}")
    return judged(problems, f"{len(pinned)} as in {lock.name}")


def lock_of(asked: Asked) -> str:
    """The lock file's name: what dev/setup.sh noted, else that of the TWS library that is installed."""
    stamp = asked.python.parent.parent / ".stamp"
    words = stamp.read_text(encoding="utf-8").split() if stamp.is_file() else []
    if words and words[-1].endswith(".lock"):
        return words[-1]
    return LOCK_ASYNC if "ib-async" in asked.installed and "ib-insync" not in asked.installed else LOCK


def locked(text: str) -> dict[str, tuple[set[str], bool]]:
    """Name -> (the versions it is pinned to, whether on every system)."""
    found: dict[str, tuple[set[str], bool]] = {}
    for name, version, condition in PINNED.findall(text):
        versions, always = found.get(canonical(name), (set(), False))
        found[canonical(name)] = (versions | {version}, always or not condition)
    return found


def self_test(patient: "Patient") -> Answer:
    if patient.quick:
        return unknown("left out: --quick")
    asked = patient.environment
    passed = {name: words for name, (good, words) in asked.proofs.items() if good and name != TWS_LIBRARY}
    problems = [f"{name}: {words}" for name, (good, words) in asked.proofs.items() if not good and name != TWS_LIBRARY]
    return judged([*problems, *([asked.died] if asked.died else [])], f"{len(passed)} libraries did their work")


def tws_library(patient: "Patient") -> Answer:
    asked = patient.environment
    proof = asked.proofs.get(TWS_LIBRARY)
    if proof is None:
        return unknown(f"nothing is known of it: {asked.died}")
    return well(proof[1]) if proof[0] else wrong(proof[1])
