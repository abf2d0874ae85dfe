"""docs/libraries.md says what works on this library and Python, and it does: the gateway everywhere."""

import platform
import sys
from pathlib import Path

import libraries_tables
import pytest
from libraries_tables import ENVIRONMENTS, PAGE
from ways_of_use import APIS, WAYS, WORKS, outcome

from v6.gateway import installation
from v6.simulator.testing import SimulatedTWS

pytestmark = [pytest.mark.both_libraries, pytest.mark.integration]

HERE = (installation.choose("auto")[0], ".".join(platform.python_version_tuple()[:2]))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("api", APIS)
def test_a_way_of_use_ends_as_the_documents_table_says(api: str, way: str, tws: SimulatedTWS, leases: Path) -> None:
    told = libraries_tables.read(PAGE.read_text(encoding="utf-8"), api)[HERE][way]
    assert outcome(Path(sys.executable), api, way, tws.port, leases) == told


def test_the_gateway_works_in_every_way_on_both_libraries_and_every_python() -> None:
    table = libraries_tables.read(PAGE.read_text(encoding="utf-8"), "V6's gateway")
    assert table == {environment: dict.fromkeys(WAYS, WORKS) for environment in ENVIRONMENTS}
