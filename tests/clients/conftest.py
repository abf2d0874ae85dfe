"""Each of the four programs runs once, all at the same time; the tests read what they reported."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # client_programs, whatever the import mode

from client_programs import PROGRAMS, Report, missing, run_program


@pytest.fixture(scope="session")
def environments() -> None:
    if absent := missing():
        pytest.fail("no environment for " + ", ".join(absent), pytrace=False)


@pytest.fixture(scope="session")
def reports(environments: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    folder = tmp_path_factory.mktemp("clients")
    with ThreadPoolExecutor(len(PROGRAMS)) as pool:
        running = {name: pool.submit(run_program, name, folder / name) for name in PROGRAMS}
        return {name: each.result() for name, each in running.items()}


@pytest.fixture(params=PROGRAMS)
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def report(client: str, reports: dict[str, Report]) -> Report:
    return reports[client]
