"""All cases of layouts/cases/, a module a subject."""

import importlib
import importlib.util
from pathlib import Path

from layouts.case import Case

SUBJECTS = sorted(path.stem for path in (Path(__file__).parent / "cases").glob("[a-z]*.py"))
CASES: list[Case] = [
    case for subject in SUBJECTS for case in getattr(importlib.import_module(f"layouts.cases.{subject}"), "CASES", [])
]
LIBRARY = "ib_insync" if importlib.util.find_spec("ib_insync") else "ib_async"  # of this environment
