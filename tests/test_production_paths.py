"""L33: a suite that can reach the production's paths has closed its database before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from v6.paths import ROOT, Paths


def test_l33_the_home_of_a_test_is_its_own(home: Path, tmp_path: Path) -> None:
    paths = Paths.locate()
    assert paths.home == home
    assert home.parent == tmp_path
    for place in (paths.journal, paths.locks, paths.compiled, paths.production_config):
        assert place.is_relative_to(tmp_path)
        assert not place.is_relative_to(ROOT)


@pytest.mark.integration
def test_l33_so_is_that_of_the_programs_it_starts(home: Path) -> None:
    asked = "from v6.paths import Paths; print(Paths.locate().journal)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    assert Path(done.stdout.strip()).is_relative_to(home)


def test_l33_no_setting_of_the_caller_leaks_into_a_test() -> None:
    leaked = [name for name in os.environ if name.startswith(("IBKR_", "SCHEDULER_", "FORCE_RUN", "V6_"))]
    assert leaked == ["V6_HOME"]
