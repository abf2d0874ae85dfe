"""Scenario and recording files of any content: read, or refused with their place, never a traceback."""

import json
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from fuzz_support import few, many
from hypothesis import given
from hypothesis import strategies as st
from raw_tws_client import TUESDAY

from v6.simulator.faults.model import Faults
from v6.simulator.faults.scenario import Scenario, ScenarioError
from v6.simulator.faults.values import FAULTS
from v6.simulator.recording.file import RecordingError, read
from v6.simulator.recording.proxy import Notebook, Tap
from v6.simulator.recording.redact import Redactor
from v6.simulator.recording.verify import main

pytestmark = pytest.mark.integration

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.dates(), st.datetimes(),
    st.sampled_from(["10:05", "25:00", "9:30", "", "*", "SPY", 1e308, -1, "2026-11-24", "all", "nan"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=5,
)
EVENTS = st.dictionaries(
    st.sampled_from(["fault", "value", "at", "for_seconds", "date", "other"]),
    st.one_of(st.sampled_from(sorted(FAULTS)), VALUES),
    max_size=5,
)
SOUND_EVENTS = st.fixed_dictionaries(
    {"fault": st.sampled_from(sorted(FAULTS))},
    optional={"value": VALUES, "at": st.sampled_from(["10:05", "10:35:01", "23:59:59"]),
              "for_seconds": st.one_of(st.integers(), st.floats(), st.just(60))},
)  # fmt: skip
SCENARIOS = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode(errors="replace")),
    st.fixed_dictionaries(
        {"events": st.one_of(VALUES, st.lists(st.one_of(EVENTS, SOUND_EVENTS), max_size=4))},
        optional={"imitates": VALUES, "source": VALUES, "other": VALUES},
    ).map(lambda content: yaml.safe_dump(content, allow_unicode=True).encode(errors="replace")),
)


def check_scenario(content):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scenario.yaml"
        path.write_bytes(content)
        try:
            scenario = Scenario.load(path)
        except ScenarioError as refused:
            said = str(refused)
            assert said.startswith(str(path))
            return
    for minutes in (0, 1, 60, 60 * 24):
        scenario.at(TUESDAY + timedelta(minutes=minutes), Faults())
    scenario.from_now(TUESDAY, 1000.0).at(TUESDAY, Faults())


@few(300)
@given(SCENARIOS)
def test_a_scenario_of_any_content_is_read_or_refused_with_its_place(content):
    check_scenario(content)


@pytest.mark.soak
@many(20_000)
@given(SCENARIOS)
def test_many_scenarios_of_any_content_are_read_or_refused_with_their_place(content):
    check_scenario(content)


HEADER = {"v6_recording": 1, "date": "2026-11-24T10:35:00-05:00", "simulator": "test"}
NEGOTIATED = {"t": 0, "c": 1, "negotiated": 178, "handshake": ["178", "20261124 10:35:00 EST"]}
USUAL = st.sampled_from(["1", "9", "71", "2", "", "DU9000001", "SPY", "61", "15", "-1", "9" * 30])
FIELDS = st.lists(st.one_of(USUAL, st.text(alphabet=st.characters(exclude_characters="\0"), max_size=6)), max_size=8)
NUMBERS = st.one_of(st.integers(150, 210), VALUES)
LINES = st.one_of(
    st.fixed_dictionaries({
        "t": st.one_of(st.floats(), st.integers(), VALUES), "c": st.one_of(st.just(1), VALUES),
        "d": st.sampled_from([">", "<", "?"]), "f": st.one_of(FIELDS, VALUES),
    }),
    st.fixed_dictionaries({"t": st.just(1.0), "c": st.just(1), "d": st.sampled_from("<>"), "f": FIELDS}),
    st.fixed_dictionaries({"c": st.just(2), "negotiated": NUMBERS, "handshake": FIELDS}),
    st.dictionaries(st.sampled_from(["t", "c", "d", "f", "note", "ended", "negotiated", "date"]), VALUES),
    VALUES,
)  # fmt: skip


def lines_of(objects):
    return b"".join(json.dumps(line, default=str).encode() + b"\n" for line in objects)


RECORDINGS = st.one_of(
    st.binary(max_size=300),
    st.tuples(
        st.one_of(st.just(HEADER), st.dictionaries(st.sampled_from([*HEADER]), VALUES)), st.lists(LINES, max_size=6)
    ).map(lambda both: lines_of([both[0], NEGOTIATED, *both[1]])),
)


def check_recording(content, *, play):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "recording.jsonl"
        path.write_bytes(content)
        try:
            read(path)
        except RecordingError as refused:
            said = str(refused)
            assert said.startswith(str(path))
            return
        if play:
            assert main([str(path), "--json", "--patience", "0.05"]) in (0, 1, 2)


@few(300)
@given(RECORDINGS)
def test_a_recording_of_any_content_is_read_or_refused_with_its_place(content):
    check_recording(content, play=False)


@few(30)
@given(RECORDINGS)
def test_a_recording_of_any_content_can_be_compared(content):
    check_recording(content, play=True)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@many(1000)
@given(RECORDINGS)
def test_many_recordings_of_any_content_can_be_compared(content):
    check_recording(content, play=True)


class Written:
    """Stands where the file of a recording stands."""

    def __init__(self):
        self.lines = []

    def write(self, **line):
        self.lines.append(json.dumps(line))


CHUNKS = st.lists(
    st.one_of(
        st.binary(max_size=100),
        FIELDS.map(lambda fields: ("\0".join(fields) + "\0").encode(errors="replace")).map(
            lambda payload: len(payload).to_bytes(4, "big") + payload
        ),
    ),
    max_size=8,
)


def check_tap(prefix, chunks, cuts):
    notebook = Notebook(Written(), Redactor(), [].append)
    client = Tap(notebook, 1, ">")
    for tap, first in ((client, prefix), (Tap(notebook, 1, "<", client), b"\0\0\0\x06178\0t\0")):
        stream = first + b"".join(chunks)
        for start in range(0, len(stream), cuts):
            tap.feed(stream[start : start + cuts])


@few(200)
@given(st.sampled_from([b"", b"API\0", b"API\0\0\0\0\x09v157..178"]), CHUNKS, st.integers(1, 50))
def test_the_recorder_reads_any_bytes_in_any_pieces(prefix, chunks, cuts):
    check_tap(prefix, chunks, cuts)


@pytest.mark.soak
@many(20_000)
@given(st.sampled_from([b"", b"API\0", b"API\0\0\0\0\x09v157..178"]), CHUNKS, st.integers(1, 50))
def test_the_recorder_reads_many_bytes_in_any_pieces(prefix, chunks, cuts):
    check_tap(prefix, chunks, cuts)
