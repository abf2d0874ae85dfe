"""The programs of Debian's packages prometheus and prometheus-node-exporter."""

import shutil

from v6.paths import ROOT


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=str(ROOT / ".venv-promtool"))
    assert found, f"{name} is missing: dev/setup.sh --for-tests"
    return found
