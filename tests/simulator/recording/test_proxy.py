"""The recording proxy changes nothing between a client and TWS, whatever is sent and however it ends."""

import json
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from raw_tws_client import SPY, RawClient, eventually, framed

pytestmark = pytest.mark.integration


@contextmanager
def upstream(serve):
    """A TWS of a test's own making: `serve(socket)` once for each connection, in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=serve, args=(connection,))
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(10)
        for thread in threads:
            thread.join(10)


def receive(connection):
    """Everything until the end. Raises ConnectionResetError."""
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def client_of(port):
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def test_what_a_client_hears_through_the_proxy_is_what_tws_said(tws, proxy, recording):
    port, _ = proxy(tws.port)
    with RawClient(tws.port, client_id=1) as direct, RawClient(port, client_id=2) as through:
        for client in (direct, through):
            client.send(9, 8, 1, *SPY, 0, "", "", "")
            client.until(52)
            client.send(78, 4, "SPY", "", "STK", 756733)
            client.until(76)
        assert through.seen == direct.seen
    assert eventually(lambda: "ended" in recording.read_text())
    recorded = [line["f"] for line in lines(recording) if line.get("d") == "<" and "f" in line]
    assert recorded == through.seen[1:], "nothing here is secret but the account, and DU9000001 is its pseudonym"


def test_bytes_that_are_no_tws_protocol_pass_in_both_directions(proxy, recording):
    noise = random.Random(7).randbytes(300_000)

    def echo(connection):
        with connection:
            connection.sendall(receive(connection)[::-1])

    with upstream(echo) as port:
        through, _ = proxy(port)
        with client_of(through) as client:
            client.sendall(noise)
            client.shutdown(socket.SHUT_WR)
            assert receive(client) == noise[::-1]
    assert eventually(lambda: "ended" in recording.read_text())
    notes = [line["note"] for line in lines(recording) if "note" in line]
    assert "not decoded from here on: the client does not begin with API" in notes


def test_a_half_closed_connection_stays_open_the_other_way(proxy):
    def answer_after_the_end(connection):
        with connection:
            connection.sendall(b"heard " + receive(connection))

    with upstream(answer_after_the_end) as port:
        through, _ = proxy(port)
        with client_of(through) as client:
            client.sendall(b"API\0")
            client.shutdown(socket.SHUT_WR)
            assert receive(client) == b"heard API\0"


def test_a_reset_by_tws_reaches_the_client_as_a_reset(proxy, recording):
    def reset(connection):
        connection.recv(4)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    with upstream(reset) as port:
        through, _ = proxy(port)
        with client_of(through) as client:
            client.sendall(b"API\0")
            with pytest.raises(ConnectionResetError):
                receive(client)
    assert eventually(lambda: lines(recording)[-1].get("ended") == "reset")


def test_a_reset_by_the_client_reaches_tws_as_a_reset(proxy):
    ends = []

    def note_the_end(connection):
        with connection:
            try:
                receive(connection)
                ends.append("closed")
            except ConnectionResetError:
                ends.append("reset")

    with upstream(note_the_end) as port:
        through, _ = proxy(port)
        client = client_of(through)
        client.sendall(b"API\0")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        assert eventually(lambda: ends == ["reset"])


def test_a_tws_that_is_not_there_is_a_reset_and_a_clear_line(proxy):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    through, said = proxy(port)
    with pytest.raises(ConnectionResetError), client_of(through) as client:
        receive(client)
    assert eventually(lambda: said)
    assert said == [f"connection 1: 127.0.0.1:{port} cannot be reached: Connection refused"]


def test_a_client_that_does_not_read_slows_tws_down_instead_of_filling_the_memory(proxy):
    sent = []

    def flood(connection):
        connection.settimeout(1.0)
        with connection:
            try:
                while len(sent) < 4000:
                    sent.append(connection.send(b"x" * 65536))
            except TimeoutError:
                sent.append(0)

    with upstream(flood) as port:
        through, _ = proxy(port)
        with client_of(through):
            assert eventually(lambda: 0 in sent, 15)
    assert sum(sent) < 64 << 20


def test_several_clients_are_recorded_apart(tws, proxy, recording):
    port, _ = proxy(tws.port)
    with RawClient(port, "v157..163", client_id=1) as old, RawClient(port, client_id=2) as new:
        for client in (new, old):
            client.send(49, 1)
            client.until(49)
    assert eventually(lambda: recording.read_text().count('"ended"') == 2)
    written = lines(recording)
    assert {line["c"]: line["negotiated"] for line in written if "negotiated" in line} == {1: 163, 2: 178}
    assert {line["c"] for line in written if line.get("f", [""])[0] == "49"} == {1, 2}


def test_a_huge_frame_is_passed_on_and_only_its_recording_is_given_up(proxy, recording):
    def hear(connection):
        with connection:
            connection.sendall(str(len(receive(connection))).encode())

    with upstream(hear) as port:
        through, _ = proxy(port)
        with client_of(through) as client:
            client.sendall(b"API\0" + struct.pack(">I", 0xFFFFFFFF) + b"x" * 100_000)
            client.shutdown(socket.SHUT_WR)
            assert receive(client) == b"100008"
    assert eventually(lambda: "a frame of 4294967295 bytes" in recording.read_text())


def test_protobuf_messages_are_passed_on_and_left_out_of_the_recording(proxy, recording):
    def speak_201(connection):
        with connection:
            connection.recv(1 << 16)
            connection.sendall(framed("201", "20261124 10:35:00 EST"))
            connection.sendall(struct.pack(">I", 12) + struct.pack(">I", 215) + b"U7654321")

    with upstream(speak_201) as port:
        through, _ = proxy(port)
        with client_of(through) as client:
            client.sendall(b"API\0" + struct.pack(">I", 9) + b"v100..222")
            assert receive(client).endswith(b"U7654321")
    assert eventually(lambda: "protobuf" in recording.read_text())
    assert "U7654321" not in recording.read_text()


def process(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "v6.simulator", "record", *map(str, arguments)], stderr=subprocess.PIPE, text=True
    )


def test_a_kill_leaves_every_line_written_so_far(tws, tmp_path, recording):
    port_file = tmp_path / "port"
    running = process("--upstream", f"127.0.0.1:{tws.port}", "--out", recording, "--port-file", port_file)
    try:
        assert eventually(port_file.exists, 20), running.communicate(timeout=5)
        with RawClient(int(port_file.read_text())) as client:
            client.send(49, 1)
            client.until(49)
            assert eventually(lambda: '["49","1","1' in recording.read_text())
            running.send_signal(signal.SIGKILL)
            running.wait(10)
    finally:
        running.kill()
        running.communicate()
    assert lines(recording)[0]["v6_recording"] == 1
    assert lines(recording)[-1]["f"][0] == "49"
    assert recording.stat().st_mode & 0o077 == 0, "only its owner reads it"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--upstream", "nowhere"), "--upstream nowhere: allowed HOST:PORT, a port from 1 to 65535"),
        (("--upstream", "127.0.0.1:0"), "--upstream 127.0.0.1:0: allowed HOST:PORT"),
        (("--upstream", "127.0.0.1:7497", "--host", "0.0.0.0"), "--host 0.0.0.0: only loopback, unless --public"),
        (("--upstream", "127.0.0.1:7497", "--port", "70000"), "--port 70000: allowed 0 to 65535"),
    ],
)
def test_nonsense_is_refused_by_name_with_exit_code_2(arguments, complaint, recording):
    running = process("--out", recording, *arguments)
    _, said = running.communicate(timeout=20)
    assert running.returncode == 2
    assert complaint in said
    assert not recording.exists()


def test_a_recording_is_never_overwritten(recording):
    recording.write_text("precious")
    running = process("--upstream", "127.0.0.1:7497", "--out", recording)
    _, said = running.communicate(timeout=20)
    assert running.returncode == 2
    assert "exists already, a recording is never overwritten" in said
    assert recording.read_text() == "precious"
