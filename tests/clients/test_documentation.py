"""docs/simulator.md: its examples run as they stand, and its options are the command's."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from client_programs import HERE, PYTHONS, ROOT, Simulator, environment, simulator_process

pytestmark = pytest.mark.integration

PAGE = (ROOT / "docs/simulator.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINES = 6
EXAMPLES = {  # what each prints, its lines sorted
    "ib_insync": r"Filled \d{3}\.\d+\n",
    "ib_async": r"(2026-11-24 \d\d:\d0:00-05:00 \d{3}\.\d+\n){3}",
    "ibapi": r"ES 1\.0\nQQQ -3\.0\nSPY 1[01]0\.0\nSPY 2\.0\n",
    "@stoqey/ib": r"ES 1\nQQQ -3\nSPY 1[01]0\nSPY 2\n",
}


def example(heading: str) -> str:
    """The first block of code after a heading."""
    text = PAGE.split(f" {heading}\n", 1)[1]
    found = BLOCK.search(text)
    assert found is not None
    return found[2]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory):
    with simulator_process(tmp_path_factory.mktemp("documented"), "--at", "2026-11-24 10:35") as running:
        yield running


def on(simulator: Simulator, text: str) -> str:
    """The example on this simulator's ports."""
    assert "7497" in text or "7498" in text
    return text.replace("7497", str(simulator.port)).replace("7498", str(simulator.control_port))


def run(command: list[str], text: str, folder: Path) -> str:
    ended = subprocess.run(
        command, input=text, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.clients
@pytest.mark.parametrize("library", EXAMPLES)
def test_the_example_of_each_library_runs_as_it_stands(library, simulator, environments, tmp_path):
    text = example(library)
    assert len(text.splitlines()) <= LINES
    if library in PYTHONS:
        said = run([str(PYTHONS[library]), "-"], on(simulator, text), tmp_path)
    else:
        said = run(["node", "--input-type=module", "-"], on(simulator, text), HERE / "stoqey")
    assert re.fullmatch(EXAMPLES[library], "".join(sorted(said.splitlines(keepends=True)))), said


def test_the_control_port_s_example_runs(simulator, tmp_path):
    said = run([sys.executable, "-"], on(simulator, example("Faults, scenarios, control port")), tmp_path)
    assert said.count('"ok": true') == 3


def test_every_command_of_the_page_is_obeyed(tmp_path):
    table = PAGE.split("## To see something happen", 1)[1].split("\n## ", 1)[0]
    commands = [json.loads(text) for text in re.findall(r"`(\{.+?\})`", table)]
    assert len(commands) > 8
    held = {"do": "manual_order", "symbol": "SPY", "action": "BUY", "quantity": 100, "limit": 600}
    with simulator_process(tmp_path, "--at", "2026-11-24 10:35") as running:
        for command in commands:
            if command["do"] in ("fill", "reject"):  # they name an order that must be there
                command["perm_id"] = running.control(held)["perm_id"]
                del command["client"], command["order"]
            assert running.control(command)["ok"]


def test_the_examples_of_tests_pass(tmp_path):
    text = "import socket\n\n\ndef connect_my_client(*place):\n    socket.create_connection(place).close()\n\n\n"
    (tmp_path / "test_mine.py").write_text(text + example("In tests"))
    said = run([sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider"], "", tmp_path)
    assert "3 passed" in said


def test_every_option_is_on_the_page_and_every_option_of_the_page_exists():
    wide = {**os.environ, "COLUMNS": "200"}
    texts = [
        subprocess.run(
            [sys.executable, "-m", "v6.simulator", *command, "--help"], env=wide, capture_output=True, text=True
        ).stdout
        for command in ((), ("record",), ("verify",))
    ]
    options = [set(re.findall(r"--[a-z][a-z-]+", text)) - {"--help"} for text in texts]
    page = re.sub(r"`v6 rehearse .*?`", "", PAGE)  # its options are not the simulator's
    on_page = set(re.findall(r"(?<!pip install )--[a-z][a-z-]+", page)) - {"--no-deps"}
    assert options[0] <= on_page, "not on the page"
    assert on_page <= set.union(*options), "not an option"
