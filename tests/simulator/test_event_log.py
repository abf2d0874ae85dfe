"""The event log: what a client saw, line by line."""

import json
import tracemalloc
from datetime import datetime

import pytest
from raw_tws_client import SPY, TUESDAY, RawClient, eventually

from v6.simulator.differs import DIFFERS
from v6.simulator.event_log import EventLog, Silence
from v6.simulator.message_names import INCOMING, OUTGOING
from v6.simulator.requests import HANDLERS
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "events.jsonl"


@pytest.fixture
def logged(log):
    with simulated_tws(fast=True, start_at=TUESDAY, event_log=log) as tws:
        yield tws


def test_the_log_is_exactly_what_the_client_saw(logged, log):
    client = RawClient(logged.port, client_id=42)
    client.send(9, 8, 5, *SPY, 0, "", "", "")
    client.until(52)
    client.send(1, 11, 9, *SPY, 0, "", 0, 0, "")
    client.until(1)
    client.send(2, 2, 9)
    client.send(1, 11, "nonsense")
    client.error()
    client.send(49, 1)
    client.until(49)
    client.close()
    logged.stop()
    events = lines(log)
    out = [line["fields"] for line in events if line["event"] == "out"]
    assert out == client.seen
    came = [(line["name"], line["fields"][0]) for line in events if line["event"] == "in"]
    assert came == [("startApi", "71"), ("reqContractDetails", "9"), ("reqMktData", "1"), ("cancelMktData", "2"),
                    ("reqMktData", "1"), ("reqCurrentTime", "49")]  # fmt: skip
    names = [line["name"] for line in events if line["event"] == "out"]
    assert names[:3] == ["handshake", "managedAccounts", "nextValidId"]
    assert {"tickPrice", "tickReqParams", "contractDetails", "error", "currentTime"} <= set(names)


def test_every_message_says_when_who_and_which_connection(logged, log):
    for number in (7, 8):
        client = RawClient(logged.port, client_id=number)
        client.send(49, 1)
        client.until(49)
        client.close()
    logged.stop()
    asked = [line for line in lines(log) if line.get("name") == "reqCurrentTime"]
    assert [(line["connection"], line["client"]) for line in asked] == [(1, 7), (2, 8)]
    at = datetime.fromisoformat(asked[0]["time"])
    assert at.utcoffset() == TUESDAY.utcoffset()
    assert abs((at - TUESDAY).total_seconds()) < 60
    assert len(asked[0]["time"].split(".")[1]) == len("123456-05:00")


def test_connects_ends_and_faults_are_noted(logged, log):
    client = RawClient(logged.port)
    logged.control({"do": "set", "faults": {"silent": ["SPY"]}})
    logged.control({"do": "half_close"})
    logged.drop_all()
    client.close()
    logged.stop()
    notes = [line["text"] for line in lines(log) if line["event"] == "note"]
    assert notes[:5] == ["connected", "faults set", "faults from now on", "half closed by TWS", "reset by TWS"]


def test_faults_are_noted_however_they_came(logged, log):
    logged.set(silent=frozenset({"SPY"}))
    logged.set(silent=frozenset())
    logged.stop()
    changes = [line["faults"] for line in lines(log) if line.get("text") == "faults from now on"]
    assert changes == [{"silent": ["SPY"]}, {}]


def test_who_ended_a_connection_can_be_read(logged, log):
    RawClient(logged.port).close()
    stranger = RawClient(logged.port, start=False, client_id=3)
    stranger.socket.sendall(b"\xff\xff\xff\xff")
    assert stranger.gone()
    stranger.close()
    assert eventually(lambda: logged.stats.clients == 0)
    logged.stop()
    ends = [line["how"] for line in lines(log) if line.get("text") == "disconnected"]
    assert len(ends) == 2
    assert "by the client" in ends[0]
    assert ends[1].startswith("not the TWS protocol: a frame of 4294967295 bytes")


def test_a_request_that_real_tws_may_answer_otherwise_says_so(logged, log):
    client = RawClient(logged.port)
    client.send(9, 8, 5, *SPY, 0, "", "", "")
    client.until(52)
    client.close()
    logged.stop()
    asked = next(line for line in lines(log) if line.get("name") == "reqContractDetails")
    assert asked["differs"] == DIFFERS["reqContractDetails"]


def test_the_log_never_fills_a_disk(log):
    with simulated_tws(fast=True, start_at=TUESDAY, event_log=log, event_log_mb=0.02) as tws:
        client = RawClient(tws.port)
        for _ in range(300):
            client.send(49, 1)
        for _ in range(300):
            client.until(49)
        client.close()
    sizes = [path.stat().st_size for path in sorted(log.parent.glob("events*"))]
    assert len(sizes) == 2
    assert max(sizes) <= 0.02 * 2**20
    assert all(isinstance(line, dict) for line in lines(log))


def test_without_a_log_nothing_is_built_or_written(tws):
    assert type(tws.server.events) is Silence
    client = RawClient(tws.port)
    session = next(iter(tws.server.sessions))
    assert session._log is None
    tracemalloc.start()
    try:
        client.send(49, 1)
        client.until(49)
        taken = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*event_log.py")])
    finally:
        tracemalloc.stop()
    assert not taken.statistics("filename")
    client.close()


def test_a_log_that_cannot_be_written_is_refused_at_the_start(tmp_path):
    with pytest.raises(OSError, match="Is a directory"), simulated_tws(event_log=tmp_path):
        pass


def test_every_request_that_is_known_has_a_name():
    assert HANDLERS.keys() <= INCOMING.keys()


def test_every_message_that_ib_insync_decodes_has_a_name():
    from ib_insync.decoder import Decoder
    from ib_insync.wrapper import Wrapper

    assert set(Decoder(Wrapper(None), 176).handlers) <= OUTGOING.keys()


def test_the_remarks_are_about_requests_that_exist():
    assert DIFFERS.keys() <= set(INCOMING.values())


def test_a_log_is_continued_by_the_next_simulator(log):
    for _ in range(2):
        with simulated_tws(fast=True, start_at=TUESDAY, event_log=log) as tws:
            RawClient(tws.port).close()
            assert isinstance(tws.server.events, EventLog)
    assert [line["text"] for line in lines(log) if line.get("text") == "connected"] == ["connected"] * 2
