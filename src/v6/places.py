"""The places under root and home as plain strings, for processes whose start counts in milliseconds: importing pathlib
would be a third of the supervisor's. Everything else uses `v6.paths`."""

import os
from collections.abc import Mapping

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))  # noqa: PTH120

STATE = {
    "var": "var",
    "journal": "var/v6.db",
    "compiled": "var/compiled",
    "schedule": "var/compiled/schedule.txt",
    "locks": "var/locks",
    "leases": "var/leases",
    "slots": "var/slots",
    "runs": "var/run",
    "state": "var/state",
    "dotenv": ".env",
}
"""Relative to home."""


def home(environ: Mapping[str, str]) -> str:
    """What this installation owns: `$V6_HOME`, by default the checkout."""
    return os.path.abspath(environ.get("V6_HOME") or ROOT)  # noqa: PTH100


def place(home: str, name: str) -> str:
    return f"{home}/{STATE[name]}"
