"""The sockets of a port with their owners, from the kernel's own tables of real sockets; nothing connects (L27)."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from gateway_support import free_port, wait_until

from v6.gateway import client_ids, port_sockets
from v6.gateway.port_sockets import HIDDEN, PortSocket, PortSockets, far_end
from v6.gateway.port_sockets import port_sockets as look
from v6.gateway.sockets import PROC, CannotLook

pytestmark = pytest.mark.integration

ME = os.getpid()

CLIENT = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))):
    print(flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def port_of(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def states(found: PortSockets) -> list[tuple[str, str, int | None]]:
    return sorted((row.side, row.state, row.pid) for row in found.rows)


def test_both_ends_of_a_connection_are_counted_with_their_owners(listener: socket.socket) -> None:
    """LISTEN is never taken for ESTABLISHED."""
    alone = look("127.0.0.1", port_of(listener))
    assert (alone.count("LISTEN"), alone.count("ESTABLISHED"), alone.refuses) == (1, 0, False)

    with socket.create_connection(listener.getsockname()), listener.accept()[0]:
        found = look("127.0.0.1", port_of(listener))

    assert states(found) == [("client", "ESTABLISHED", ME), ("tws", "ESTABLISHED", ME)]
    assert found.listener is not None
    assert (found.listener.pid, found.queued) == (ME, 0)
    assert found.count("ESTABLISHED") == 2
    assert found.count("ESTABLISHED", "tws") == 1


def test_a_client_of_another_process_has_that_process_as_its_owner(listener: socket.socket) -> None:
    command = [sys.executable, "-c", CLIENT, str(port_of(listener))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        client.stdout.readline()
        [row] = [row for row in look("127.0.0.1", port_of(listener)).rows if row.side == "client"]
        assert (row.pid, row.task) == (client.pid, "")
        assert row.owner == f"{row.program} (pid {client.pid})"
        client.communicate("")


def test_a_run_of_ours_is_named_by_its_task_and_its_client_id(listener: socket.socket, leases: Path) -> None:
    with client_ids.take_one(leases, 17, "collect_option_snapshots"), socket.create_connection(listener.getsockname()):
        found = look("127.0.0.1", port_of(listener), leases)

    [row] = [row for row in found.rows if row.side == "client"]
    assert row.task == "collect_option_snapshots as client 17"
    assert row.owner.startswith("collect_option_snapshots as client 17 (")


def test_the_many_clients_of_one_run_are_named_in_a_few_words(listener: socket.socket, leases: Path) -> None:
    with ExitStack() as stack:
        for number in range(10, 50):
            stack.enter_context(client_ids.take_one(leases, number, f"task {number % 8}"))
        stack.enter_context(socket.create_connection(listener.getsockname()))
        words = look("127.0.0.1", port_of(listener), leases).words()

    assert "task 2 as client 10, 18, 26 and 2 more, task 3 as client " in words
    assert len(words) < 500


def test_a_listener_that_the_first_reading_of_the_table_skips_is_seen_by_the_second(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `sockets.listener`: a table that changes while it is read can skip a row."""
    readings = [[], *[port_sockets.all_rows(PROC)] * 2]
    monkeypatch.setattr(port_sockets, "all_rows", lambda _proc: readings.pop(0))

    assert look("127.0.0.1", port_of(listener)).listener is not None


def test_of_two_listeners_the_one_that_takes_a_connection_is_told() -> None:
    with closing(socket.socket(socket.AF_INET6)) as other, closing(socket.socket()) as ours:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("::", 0))
        other.listen()
        ours.bind(("0.0.0.0", port_of(other)))
        ours.listen()
        found = look("127.0.0.1", port_of(ours))
        with socket.create_connection(("127.0.0.1", port_of(ours))):
            ours.settimeout(20)
            ours.accept()[0].close()
        assert found.listener is not None
        assert found.listener.inode == os.fstat(ours.fileno()).st_ino


def test_connections_that_nobody_has_accepted_are_the_queue_and_nobodys_yet(listener: socket.socket) -> None:
    where = listener.getsockname()
    with socket.create_connection(where), socket.create_connection(where):
        found = look("127.0.0.1", port_of(listener))

    assert found.queued == 2
    assert [row.owner for row in found.rows if row.side == "tws"] == ["not accepted yet"] * 2
    assert "queue 2" in found.words()


def test_l27_a_client_that_has_left_shows_as_close_wait_of_the_program_that_keeps_it(listener: socket.socket) -> None:
    client = socket.create_connection(listener.getsockname())
    with listener.accept()[0]:
        client.close()
        assert wait_until(lambda: look("127.0.0.1", port_of(listener)).count("CLOSE_WAIT", "tws") == 1)
        counted = look("127.0.0.1", port_of(listener)).counts()

    [owner] = [owner for side, state, owner in counted if (side, state) == ("tws", "CLOSE_WAIT")]
    assert f"(pid {ME})" in owner


def test_the_far_end_of_a_connection_shows_whether_it_was_accepted_and_read(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()) as client:
        client.sendall(b"four")
        assert (end(listener, client).inode, end(listener, client).unread) == (0, 4)
        accepted, _ = listener.accept()
        with accepted:
            assert (end(listener, client).inode > 0, end(listener, client).unread) == (True, 4)
            accepted.recv(4)
            assert end(listener, client).unread == 0


def end(listener: socket.socket, client: socket.socket) -> PortSocket:
    found = far_end(port_of(listener), client.getsockname())
    assert found is not None
    return found


def test_a_closed_port_refuses() -> None:
    found = look("127.0.0.1", free_port())

    assert (found.listener, found.refuses, found.words()) == (None, True, "nobody listens")


def test_a_java_program_that_listens_on_all_addresses_of_both_families_is_seen() -> None:
    both = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    with closing(both), socket.create_connection(("127.0.0.1", port_of(both))), both.accept()[0]:
        found = look("127.0.0.1", port_of(both))

    assert found.listener is not None
    assert found.listener.pid == ME
    assert states(found) == [("client", "ESTABLISHED", ME), ("tws", "ESTABLISHED", ME)]


def test_l30_on_another_host_tws_own_side_is_said_not_to_be_visible() -> None:
    found = look("192.0.2.1", 7497)

    assert (found.listener, found.refuses) == (None, False)
    assert found.blind == "192.0.2.1 (192.0.2.1) is not this host"
    assert "TWS's side is not visible" in found.words()


def test_l30_owners_that_cannot_be_read_are_hidden_and_not_guessed(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_kind: str) -> None:
        raise PermissionError("/proc/1/fd")

    monkeypatch.setattr(port_sockets.psutil, "net_connections", denied)

    found = look("127.0.0.1", port_of(listener))

    assert found.owners_hidden == "owners cannot be read: /proc/1/fd"
    assert found.listener is not None
    assert (found.listener.pid, found.listener.owner) == (None, HIDDEN)


def test_l30_tables_that_cannot_be_read_are_neither_yes_nor_no(tmp_path: Path) -> None:
    with pytest.raises(CannotLook, match="No such file"):
        look("127.0.0.1", 7497, proc=tmp_path)


def test_all_of_it_can_be_written_as_json(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()), listener.accept()[0]:
        found = json.loads(json.dumps(look("127.0.0.1", port_of(listener)).as_dict()))

    assert found["listener"]["state"] == "LISTEN"
    assert sorted(row["number"] for row in found["counts"]) == [1, 1, 1]
    assert {row["state"] for row in found["rows"]} == {"ESTABLISHED"}
