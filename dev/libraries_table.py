"""Measure what works on each library and Python, and write it into docs/libraries.md.

    dev/libraries_table.py ENVIRONMENT...       (`make libraries-table` makes the six and passes them)

Each cell is a fresh process of that environment against a simulated TWS of its own:
tests/gateway/ways_of_use.py. Refuses to write while one of the six environments is missing.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "gateway"))

import libraries_tables as tables
import ways_of_use
from ways_of_use import APIS, WAYS

from v6.simulator.testing import simulated_tws

ROOT = Path(__file__).resolve().parents[1]
ASK = (
    "import sys; from v6.gateway import installation;"
    "print(installation.choose('auto')[0], '%d.%d' % sys.version_info[:2])"
)
AT_ONCE = 3


def environment_of(python: Path) -> tuple[str, str]:
    """(library, Python) of an interpreter."""
    name, version = subprocess.run([python, "-c", ASK], capture_output=True, text=True, check=True).stdout.split()
    return name, version


def measure(pythons: Sequence[Path]) -> dict[str, dict[tuple[str, str], dict[str, str]]]:
    """API -> (library, Python) -> way -> outcome."""
    environments = {environment_of(python): python for python in pythons}
    missing = [
        f"{name} on Python {version}" for name, version in tables.ENVIRONMENTS if (name, version) not in environments
    ]
    if missing:
        sys.exit(f"libraries_table: no environment of {', '.join(missing)}: the table is not written")
    cells = list(product(APIS, tables.ENVIRONMENTS, WAYS))
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(AT_ONCE) as at_once:

        def one(numbered: tuple[int, tuple[str, tuple[str, str], str]]) -> str:
            number, (api, environment, way) = numbered
            with simulated_tws() as tws:
                return ways_of_use.outcome(environments[environment], api, way, tws.port, Path(scratch) / str(number))

        outcomes = list(at_once.map(one, enumerate(cells)))
    found: dict[str, dict[tuple[str, str], dict[str, str]]] = {api: {} for api in APIS}
    for (api, environment, way), outcome in zip(cells, outcomes, strict=True):
        found[api].setdefault(environment, {})[way] = outcome
    return found


def main(folders: Sequence[str]) -> None:
    page = tables.PAGE
    measured = measure([ROOT / folder / "bin" / "python" for folder in folders])
    page.write_text(tables.written(page.read_text(encoding="utf-8"), measured), encoding="utf-8")
    sys.stdout.write(f"{page.relative_to(ROOT)} is written\n")


if __name__ == "__main__":
    main(sys.argv[1:])
