"""verify finds what is written differently in a recording, each kind of it, and nothing where nothing differs."""

import copy
import json
import subprocess
import sys
from datetime import UTC, datetime

import published_messages as published
import pytest
from raw_tws_client import SPY, TUESDAY, RawClient, eventually
from recording_proxy import proxied

from v6.clock import NEW_YORK
from v6.simulator.recording.file import RecordingError, read
from v6.simulator.recording.moment import handshake_time, moment
from v6.simulator.recording.verify import main, verify
from v6.simulator.testing import simulated_tws

pytestmark = pytest.mark.integration

PLACE = published.fields(published.PLACE.replace("BUY|100", "SELL|1"))
FUTURE = (0, "ES", "FUT", "20261218", "0", "", "", "CME", "", "USD", "", "")


def conversation(client: RawClient) -> None:
    """Some of everything that is answered the same way twice."""
    client.send(9, 8, 1, *SPY, 0, "", "", "")
    client.until(52)
    client.send(78, 4, "SPY", "", "STK", 756733)
    client.until(76)
    client.send(1, 11, 5, *SPY, 0, "100,101", 0, 0, "")
    client.until(46)
    client.send(1, 11, 6, *SPY, 0, "", 1, 0, "")
    client.until(57)
    client.send(61, 1)
    client.until(62)
    client.send(62, 1, 9, "All", "NetLiquidation,Cushion")
    client.until(64)
    client.send(6, 2, 1, "DU9000001")
    client.until(54)
    client.send(20, 10, *SPY, 0, "", "5 mins", "1 D", 1, "TRADES", 1, 0, "")
    client.until(17)
    client.send(20, 11, *SPY, 0, "", "1 day", "5 D", 1, "TRADES", 1, 0, "")
    client.until(17)
    client.send(49, 1)
    client.until(49)
    client.send(3, 7, *FUTURE, "", "", *PLACE)
    client.until(59)
    client.send(5, 1)
    client.until(53)
    client.send(99, 0)
    client.until(102)
    client.send(9, 8, 13, 0, *SPY[1:9], "EUR", "", "", 0, "", "", "")
    client.error()


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """A recording of the simulator through the proxy, at 164 (157 to 178 differ only in what is gated)."""
    path = tmp_path_factory.mktemp("verify") / "recording.jsonl"
    with simulated_tws(fast=True, start_at=TUESDAY) as tws, proxied(tws.port, path) as (port, _):
        with RawClient(port, "v157..164", client_id=3) as client:
            conversation(client)
        assert eventually(lambda: '"ended"' in path.read_text())
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def differences(path, lines):
    return verify(read(write(path, lines)), patience=0.5).differences


def changed(lines, kind, change, marks=()):
    """A copy with `change(fields)` applied to every message of that kind from TWS that has these fields."""
    seeded = copy.deepcopy(lines)
    touched = 0
    for line in seeded:
        if line.get("d") == "<" and "f" in line and line["f"][0] == str(kind) and all(m in line["f"] for m in marks):
            touched += 1
            line["f"] = change(line["f"])
    assert touched, f"the recording has no message {kind}"
    return seeded


def at(place, value):
    def change(fields):
        return [*fields[:place], value(fields[place]) if callable(value) else value, *fields[place + 1 :]]

    return change


def without(place):
    return lambda fields: fields[:place] + fields[place + 1 :]


@pytest.mark.parametrize("version", [157, 163, 166, 170, 176, 177, 178])
def test_the_simulator_recorded_through_the_proxy_differs_in_nothing(tmp_path, version):
    path = tmp_path / "recording.jsonl"
    with simulated_tws(fast=True, start_at=TUESDAY) as tws, proxied(tws.port, path) as (port, _):
        with RawClient(port, f"v157..{version}", client_id=3) as client:
            client.send(9, 8, 1, *SPY, 0, "", "", *[""] * (version >= 176))
            client.until(52)
            client.send(61, 1)
            client.until(62)
            client.send(20, 10, *SPY, 0, "", "1 day", "5 D", 1, "TRADES", 1, 0, "")
            client.until(17)
        assert eventually(lambda: '"ended"' in path.read_text())
    found = verify(read(path))
    assert found.differences == []
    assert found.recorded[61] == found.ours[61] > 0


def test_a_long_conversation_with_orders_differs_in_nothing(tmp_path, lines):
    assert differences(tmp_path / "recording.jsonl", lines) == []


SEEDS = {
    "a field dropped": (10, without(7), (), ("fields", "contractDetails", "")),
    "a field added": (61, lambda fields: [*fields, "1"], (), ("fields", "position", "")),
    "an order one field shorter": (5, without(20), (), ("fields", "openOrder", "")),
    "a counted part of another length": (17, lambda fields: [*fields, "1"], (), ("fields", "historicalData", "")),
    "whole numbers with .0": (61, at(14, lambda text: f"{text}.0"), ("STK",), ("format", "position", "position")),
    "another number of decimals": (63, at(5, lambda text: f"{text}0"), ("NetLiquidation",),
                                   ("format", "accountSummary", "value")),
    "an empty field": (10, at(9, ""), (), ("format", "contractDetails", "local_symbol")),
    "another right": (61, at(8, "?"), ("STK",), ("format", "position", "right")),
    "another unset marker": (59, at(6, "1.7976931348623157e+308"), (), ("format", "commissionReport", "yield")),
    "an exponent": (61, at(15, "1.5E+2"), ("STK",), ("format", "position", "average_cost")),
    "a date with another separator": (11, at(15, lambda text: text[:8] + "-" + text[8:].strip()), (),
                                      ("format", "execDetails", "time")),
    "a time without its zone": (17, at(2, "20261124 09:30:00"), ("14",), ("format", "historicalData", "start")),
    "an epoch instead of a date": (17, at(2, "1795534500"), (), ("format", "historicalData", "start")),
    "a boolean in words": (5, at(26, "false"), (), ("format", "openOrder", "outside_rth")),
    "another case of an enumeration": (5, at(13, str.lower), (), ("format", "openOrder", "action")),
    "trading hours of the old form": (10, at(26, "20261124:0930-1600"), (), ("format", "contractDetails",
                                                                            "trading_hours")),
    "a number where a word was": (58, at(3, "live"), (), ("format", "marketDataType", "data_type")),
}  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seeded_deviation_is_found(tmp_path, lines, seed):
    kind, change, marks, expected = SEEDS[seed]
    found = differences(tmp_path / "recording.jsonl", changed(lines, kind, change, marks))
    assert expected in {(each.what, each.message, each.field) for each in found}
    assert len({each.message for each in found}) == 1, "nothing else is touched"


def test_another_order_at_the_start_is_found(tmp_path, lines):
    seeded = copy.deepcopy(lines)
    first, second = (
        next(line for line in seeded if line.get("d") == "<" and line.get("f", [""])[0] == kind) for kind in ("15", "9")
    )
    first["f"], second["f"] = second["f"], first["f"]
    (found,) = differences(tmp_path / "recording.jsonl", seeded)
    assert (found.what, found.message) == ("order", "start-up")
    assert (found.recorded[:27], found.ours[:27]) == ("nextValidId, managedAccount", "managedAccounts, nextValidI")


def test_another_order_of_the_answers_to_a_request_is_found(tmp_path, lines):
    seeded = copy.deepcopy(lines)
    end, last = (next(line for line in seeded if line.get("d") == "<" and line.get("f", [""])[0] == kind)
                 for kind in ("58", "81"))  # fmt: skip
    end["f"], last["f"] = last["f"], end["f"]
    found = differences(tmp_path / "recording.jsonl", seeded)
    assert [(each.what, each.message) for each in found] == [("order", "reqMktData")]


def test_a_kind_of_message_that_we_never_send_is_found(tmp_path, lines):
    seeded = copy.deepcopy(lines)
    place = next(place for place, line in enumerate(seeded) if line.get("f", [""])[0] == "57")
    seeded.insert(place, seeded[place] | {"f": ["84", "6", "1795534500000", "BRFG", "BRFG$1", "headline", ""]})
    (found,) = differences(tmp_path / "recording.jsonl", seeded)
    assert (found.what, found.message, found.asked) == ("never sent", "tickNews", "reqMktData")


def test_a_kind_of_message_that_only_we_send_is_found(tmp_path, lines):
    seeded = [line for line in lines if line.get("d") != "<" or line.get("f", [""])[0] != "52"]
    (found,) = differences(tmp_path / "recording.jsonl", seeded)
    assert (found.what, found.message, found.asked) == ("only ours", "contractDetailsEnd", "reqContractDetails")


def test_other_values_are_no_finding(tmp_path, lines):
    seeded = changed(lines, 61, at(14, "12345"), ("STK",))
    seeded = changed(seeded, 17, at(6, "123.45"))
    seeded = changed(seeded, 5, at(20, "DU9000001"))
    seeded = changed(seeded, 4, at(4, "another text"))
    assert differences(tmp_path / "recording.jsonl", seeded) == []


def test_a_contract_the_simulator_does_not_know_is_not_compared_and_said(tmp_path, lines):
    seeded = copy.deepcopy(lines)
    for line in seeded:
        if line.get("d") == ">" and line.get("f", [""])[:3] == ["9", "8", "1"]:
            line["f"][3:5] = ["0", "ZZZZ"]
    found = verify(read(write(tmp_path / "recording.jsonl", seeded)), patience=0.5)
    assert found.differences == []
    assert found.not_compared == ["connection 1, request 2, reqContractDetails: the simulator has no such contract"]


@pytest.mark.parametrize("name", published.RECORDINGS)
def test_published_messages_of_real_tws_are_written_as_ours(tmp_path, name):
    path = tmp_path / "recording.jsonl"
    path.write_text(published.written(published.RECORDINGS[name]))
    found = verify(read(path), patience=1.0)
    known = published.STILL_DIFFERENT.get(name, set())
    assert {(each.what, each.message, each.field) for each in found.differences} <= known
    for kind in {answer.split("|")[0] for _, answers in published.RECORDINGS[name].exchanges for answer in answers}:
        assert found.ours[int(kind)], f"we sent no message {kind} to compare"


SATURDAY = datetime(2026, 11, 21, 16, 0, tzinfo=NEW_YORK)


def test_the_time_is_the_recorded_tws_s_own_whatever_the_recorder_s_clock_says(tmp_path):
    path = tmp_path / "recording.jsonl"
    with simulated_tws(fast=True, start_at=TUESDAY) as tws, proxied(tws.port, path, SATURDAY) as (port, _):
        with RawClient(port, "v157..164", client_id=3) as client:
            conversation(client)
        assert eventually(lambda: '"ended"' in path.read_text())
    ended = run("--patience", "0.5", path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "played at 2026-11-24 10:35 EST, by the handshake's clock\n" in ended.stdout


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("20261124 10:35:00 EST", "15:35"),
        ("20260724 10:35:00 EDT", "14:35"),
        ("20261124 10:35:00 Eastern Standard Time", "15:35"),
        ("20260724 10:35:00 British Summer Time", "09:35"),
        ("20261101 01:30:00 Eastern Standard Time", "06:30"),
        ("20261101 01:30:00 Eastern Daylight Time", "05:30"),
        ("20261124 10:35:00 America/Chicago", "16:35"),
        ("20261124 10:35:00 China Standard Time", "02:35"),
        ("20261124 10:35:00 GMT+05:30", "05:05"),
        ("20261124 10:35:00 GMT", "10:35"),
    ],
)
def test_the_zone_of_a_handshake_is_understood(text, utc):
    assert f"{handshake_time(text).astimezone(UTC):%H:%M}" == utc


@pytest.mark.parametrize("text", ["", "20261124 10:35:00", "20261124 10:35:00 America/", "20261324 10:35:00 EST",
                                  "20261124 10:35:00 Ours Time", "20261124 10:35:00 ../EST", "now"])  # fmt: skip
def test_a_handshake_that_is_not_understood_has_no_time(text):
    assert handshake_time(text) is None


def test_without_a_handshake_s_time_the_answer_to_reqcurrenttime_tells_it_and_at_last_the_recorder(tmp_path, lines):
    seeded = copy.deepcopy(lines)
    shaken = next(line for line in seeded if "negotiated" in line)
    shaken["handshake"][1] = "20261124 10:35:00 Zeit"
    told = moment(read(write(tmp_path / "told.jsonl", seeded)))
    assert (f"{told.at:%m-%d %H:%M %Z}", told.by) == ("11-24 10:35 EST", "by reqCurrentTime's clock")
    seeded[0]["date"] = SATURDAY.isoformat()
    silent = [line for line in seeded if line.get("f", [""])[0] != "49"]
    untold = moment(read(write(tmp_path / "untold.jsonl", silent)))
    assert (untold.at, untold.by, untold.closed) == (SATURDAY, "by the recorder's own clock", True)


def test_what_is_not_filled_because_the_market_is_closed_is_no_difference(tmp_path, lines):
    path = write(tmp_path / "recording.jsonl", lines)
    ended = run("--patience", "0.2", "--at", "2026-11-21 16:00", path)
    assert "played at 2026-11-21 16:00 EST, as --at says (market closed)" in ended.stdout
    assert (
        "not compared: commissionReport, unasked: comes while the market is open, and it is closed then" in ended.stdout
    )
    assert "never sent" not in ended.stdout
    assert ended.returncode == 0, ended.stdout


EXECUTION = ["11", "21", "5", "756733", "SPY", "STK", "", "0.0", "", "", "ISLAND", "USD", "SPY", "SPY", "0001.01.01",
             "20261124  09:31:00", "DU9000001", "ISLAND", "BOT", "1", "600.1", "77", "3", "0", "1", "600.1", "", "", "",
             "", "2"]  # fmt: skip
UNSET = "1.7976931348623157E308"


def asking_for_executions(lines, client_id, execution):
    """The recording with a request for the executions of that client, an answer and the end."""
    said = [(">", ["7", "3", "21", client_id, "", "", "", "", "", ""]), ("<", execution), ("<", ["55", "1", "21"])]
    late = max(line.get("t", 0) for line in lines) + 1
    return [*lines, *({"t": late, "c": 1, "d": direction, "f": fields} for direction, fields in said)]


def test_trades_from_before_the_recording_are_not_compared_and_said(tmp_path, lines):
    first = next(place for place, line in enumerate(lines) if line.get("f", [""])[0] == "9" and line["d"] == ">")
    seeded = asking_for_executions(lines[:first], "0", EXECUTION)
    seeded.append(seeded[-1] | {"f": ["59", "1", EXECUTION[14], "1.0", "USD", UNSET, UNSET, "", ""]})
    found = verify(read(write(tmp_path / "recording.jsonl", seeded)), patience=0.3)
    assert found.differences == []
    reason = "of orders from before the recording, which the simulator cannot know"
    assert set(found.not_compared) == {f"execDetails, reqExecutions: {reason}", f"commissionReport, unasked: {reason}"}


def test_an_execution_of_an_order_that_was_placed_while_recording_must_come(tmp_path, lines):
    filled = next(line["f"] for line in lines if line.get("f", [""])[0] == "11")
    seeded = asking_for_executions(lines, "999", ["11", "21", *filled[2:]])  # for 999 we answer that there is none
    (found,) = differences(tmp_path / "recording.jsonl", seeded)
    assert (found.what, found.message, found.asked) == ("never sent", "execDetails", "reqExecutions")


def test_positions_are_compared_only_where_both_have_some(tmp_path, lines):
    seeded = [line for line in lines if line.get("d") != "<" or line.get("f", [""])[0] != "61"]
    found = verify(read(write(tmp_path / "recording.jsonl", seeded)), patience=0.5)
    assert found.differences == []
    assert found.not_compared == [
        "position, reqPositions: what was held before the recording is not known to the simulator"
    ]


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "v6.simulator", "verify", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_command_says_so_and_ends_with_0_when_nothing_differs(tmp_path, lines):
    ended = run(write(tmp_path / "recording.jsonl", lines))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "nothing differs" in ended.stdout
    assert "contractDetails" in ended.stdout


def test_the_command_ends_with_1_and_lists_the_differences_as_json(tmp_path, lines):
    seeded = changed(lines, 61, at(8, "?"), ("STK",))
    ended = run("--json", "--patience", "0.5", write(tmp_path / "recording.jsonl", seeded))
    assert ended.returncode == 1
    said = json.loads(ended.stdout)
    assert [(each["what"], each["message"], each["field"]) for each in said["differences"]] == [
        ("format", "position", "right")
    ]
    (positions,) = (each for each in said["messages"] if each["name"] == "position")
    assert (positions["id"], positions["recorded"]) == (61, positions["ours"])


HEADER = '{"v6_recording":1,"date":"2026-11-24T10:35:00-05:00","simulator":"test"}\n'
NEGOTIATED = '{"t":0,"c":1,"negotiated":178,"handshake":["178","20261124 10:35:00 EST"]}\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty, no header line"),
        ("{}\n", "line 1: not a recording: no v6_recording in its first line"),
        ("nonsense\n", "line 1: not JSON"),
        ("[1]\n", "line 1: not an object"),
        ('{"v6_recording":2,"date":"2026-11-24T10:35:00-05:00"}\n', "line 1: format 2, this version reads 1"),
        ('{"v6_recording":1,"date":"2026-11-24T10:35:00"}\n', "line 1: date has no zone"),
        ('{"v6_recording":1}\n', "line 1: no 'date'"),
        (HEADER + "{\n", "line 2: not JSON"),
        (HEADER + '{"t":0,"c":1,"d":"<","f":["1"]}\n', "connection 1 has messages and no negotiated version"),
        (HEADER + NEGOTIATED + '{"t":-1,"c":1,"d":"<","f":["1"]}\n', "line 3: t is -1, not seconds"),
        (HEADER + NEGOTIATED + '{"t":0,"c":1,"d":"?","f":["1"]}\n', "line 3: d is '?', allowed: > <"),
        (HEADER + NEGOTIATED + '{"t":0,"c":"1","d":"<","f":["1"]}\n', "line 3: c is '1', not an integer"),
        (HEADER + NEGOTIATED + '{"t":0,"c":1,"d":"<","f":[1]}\n', "line 3: f is not a list of texts"),
        (HEADER + NEGOTIATED + '{"t":0,"c":1,"d":"<","f":[]}\n', "line 3: f has no field"),
        (HEADER + NEGOTIATED.replace('"t":0', '"t":1e300'), "cannot be played: "),
        (HEADER + NEGOTIATED.replace("178", "201"), "speaks version 201; the simulator speaks 157 to 178"),
    ],
)
def test_an_unreadable_recording_is_refused_with_its_place(tmp_path, capsys, text, complaint):
    path = tmp_path / "recording.jsonl"
    path.write_text(text)
    assert main([str(path)]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--at", "noon", 'verify: --at noon: allowed a New York time such as "2026-11-24 10:35"'),
        ("--calendar", "nowhere.txt", "nowhere.txt: No such file or directory"),
    ],
)
def test_a_wrong_option_is_refused_with_its_value(tmp_path, capsys, option, value, complaint):
    path = tmp_path / "recording.jsonl"
    path.write_text(HEADER + NEGOTIATED)
    assert main([str(path), option, value]) == 2
    assert complaint in capsys.readouterr().err


def test_a_last_line_that_a_kill_has_cut_is_passed_over(tmp_path):
    path = tmp_path / "recording.jsonl"
    path.write_text(
        HEADER + NEGOTIATED + '{"t":0,"c":1,"d":"<","f":["15","1","DU9000001"]}\n{"t":0.1,"c":1,"d":"<","f":["9"'
    )
    (talk,) = read(path).conversations
    assert [message.fields[0] for message in talk.messages] == ["15"]


def test_a_folder_or_a_missing_file_is_no_recording(tmp_path):
    with pytest.raises(RecordingError, match="Is a directory"):
        read(tmp_path)
    with pytest.raises(RecordingError, match="No such file"):
        read(tmp_path / "none")
