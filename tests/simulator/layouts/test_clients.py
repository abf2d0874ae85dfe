"""The same table in the decoders and encoders of the other libraries, each in an environment of its own."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from layouts import stoqey
from layouts.case import VERSIONS
from layouts.check import decoded_complaints, reads
from layouts.instructions import CONTRACT, instruction, understood
from layouts.table import CASES

from v6.simulator.orders.read import read_order
from v6.simulator.wire import Fields

pytestmark = [pytest.mark.integration, pytest.mark.clients]

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
NODE = ("node", HERE / "decode.mjs", ROOT / "tests/clients/stoqey/node_modules")
PROGRAMS: dict[str, dict[str, tuple[Any, ...]]] = {
    "ib_async": {
        "decode": (ROOT / ".venv-ib_async/bin/python", HERE / "decode.py", "ib_async"),
        "encode": (ROOT / ".venv-ib_async/bin/python", HERE / "encode.py", "ib_async"),
    },
    "ibapi": {
        "decode": (ROOT / ".venv-ibapi/bin/python", HERE / "decode.py", "ibapi"),
        "encode": (ROOT / ".venv-ibapi/bin/python", HERE / "encode.py", "ibapi"),
    },
    "stoqey": {"decode": (*NODE, "decode"), "encode": (*NODE, "encode")},
}
NEGOTIATED = {
    "ib_async": VERSIONS,
    "ibapi": (157,),
    "stoqey": (170, 174, 176, 177, 178),  # its encoder is exact earlier than its decoder
}
WITHOUT = {  # what a benchmark order cannot say, and what ibapi 9.81 does not know
    "min_compete_size": None, "compete_against_best_offset": None, "mid_offset_at_whole": None,
    "mid_offset_at_half": None,
}  # fmt: skip


def answers(library: str, what: str, questions: list[Any]) -> list[Any]:
    """One line of JSON for every question, from the library's own program."""
    command = [str(part) for part in PROGRAMS[library][what]]
    asked = "".join(json.dumps(question) + "\n" for question in questions)
    done = subprocess.run(command, input=asked, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.split("\n") if line]
    assert len(lines) == len(questions), done.stderr
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("library", PROGRAMS)
def test_a_client_reads_in_every_message_what_was_meant(library):
    asked = [
        (case, version, case.fields(version))
        for case in CASES
        for version in case.versions
        if reads(case, library, version)
    ]
    assert {case.builder for case, *_ in asked} == {case.builder for case in CASES if case.decoded is not None}
    heard = answers(library, "decode", [(version, fields) for _, version, fields in asked])
    if library == "stoqey":
        heard = [stoqey.heard(calls) for calls in heard]
    complaints = {
        (str(case), version): found
        for (case, version, _), calls in zip(asked, heard, strict=True)
        if (found := decoded_complaints(case, library, version, calls))
    }
    assert not complaints


@pytest.mark.parametrize("alternating", [False, True])
@pytest.mark.parametrize("library", PROGRAMS)
def test_an_order_that_a_client_sends_is_understood_completely(library, alternating):
    contract, order = CONTRACT, instruction(library, alternating)
    if library == "stoqey":
        contract, order = stoqey.said(contract), stoqey.said(order)
    questions = [(version, contract, order) for version in NEGOTIATED[library]]
    for version, parts in zip(NEGOTIATED[library], answers(library, "encode", questions), strict=True):
        kind, *rest = parts
        assert kind == "3"
        order_id, spec, understood_order = read_order(Fields("".join(part + "\0" for part in rest).encode()), version)
        assert (order_id, spec.symbol, spec.exchange, spec.trading_class) == (77, "SPY,IBM", "IBKRATS", "COMB")
        assert understood_order == understood(library, version, alternating, **WITHOUT), version
