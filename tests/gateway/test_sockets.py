"""Who listens, from real kernel tables of real sockets. L27: nothing connects. L30: "cannot look" is an answer."""

import os
import socket
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from v6 import clock
from v6.gateway import sockets
from v6.gateway.sockets import LISTEN, CannotLook, Listener, Row
from v6.simulator.testing import simulated_tws

HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
NOBODY = 65534
NOWHERE = ip_address("0.0.0.0")

ANOTHER_PROCESS = """
import socket, sys
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
sys.stdin.read()
"""


def inode_of(listening: socket.socket) -> int:
    return os.fstat(listening.fileno()).st_ino


def port_of(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def found(host: str, port: int) -> Listener:
    answer = sockets.listener(host, port)
    assert answer is not None
    return answer


@pytest.fixture
def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return port_of(listening)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc of the test's own, nobody listening, to be spoilt."""
    place = tmp_path / "proc"
    (place / "net").mkdir(parents=True)
    (place / "net" / "tcp").write_text(HEADER)
    (place / "net" / "tcp6").write_text(HEADER)
    return place


def test_a_listener_is_found_with_its_inode_and_its_process() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        answer = found("127.0.0.1", port_of(listening))
        assert (answer.inode, answer.pid, answer.uid) == (inode_of(listening), os.getpid(), os.getuid())
    assert answer.started_at is not None
    assert clock.now() - timedelta(hours=12) < answer.started_at < clock.now()


def test_nobody_listens_on_a_closed_port(free_port: int) -> None:
    assert sockets.listener("127.0.0.1", free_port) is None


def test_an_established_connection_is_no_listener() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    with listening, socket.create_connection(listening.getsockname()) as client, listening.accept()[0]:
        assert sockets.listener("127.0.0.1", port_of(client)) is None


def test_connections_that_nobody_accepts_are_counted() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    where = listening.getsockname()
    with listening, socket.create_connection(where), socket.create_connection(where):
        assert found("127.0.0.1", port_of(listening)).queued == 2


def test_the_owner_is_the_process_that_listens_and_not_the_one_that_started_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ANOTHER_PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        assert found("127.0.0.1", port).pid == child.pid
        child.communicate("")


def test_a_child_that_inherited_the_socket_is_not_the_owner() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        heir = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
        with subprocess.Popen(
            heir, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[listening.fileno()], text=True
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()
            assert found("127.0.0.1", port_of(listening)).pid == os.getpid()
            child.communicate("")


@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0"])
def test_a_port_bound_to_all_addresses_serves_loopback_too(bound: str) -> None:
    with closing(socket.create_server((bound, 0))) as listening:
        assert found("127.0.0.1", port_of(listening)).inode == inode_of(listening)


def test_a_port_bound_to_another_address_serves_nobody_here() -> None:
    with closing(socket.create_server(("127.0.0.2", 0))) as listening:
        assert sockets.listener("127.0.0.1", port_of(listening)) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_java_program_listens_on_the_ipv6_wildcard_for_both_families(host: str) -> None:
    with closing(socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)) as listening:
        assert found(host, port_of(listening)).inode == inode_of(listening)


def test_an_ipv6_loopback_listener_does_not_serve_ipv4() -> None:
    with closing(socket.create_server(("::1", 0), family=socket.AF_INET6)) as listening:
        assert found("::1", port_of(listening)).inode == inode_of(listening)
        assert sockets.listener("127.0.0.1", port_of(listening)) is None


def test_an_ipv4_address_written_as_ipv6_is_the_same_address() -> None:
    with closing(
        socket.create_server(("::ffff:127.0.0.1", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    ) as listening:
        assert found("127.0.0.1", port_of(listening)).inode == inode_of(listening)


def test_of_two_listeners_the_one_bound_to_the_very_address_is_reached() -> None:
    with closing(socket.socket(socket.AF_INET6)) as wide, closing(socket.socket()) as narrow:
        wide.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        wide.bind(("::", 0))
        wide.listen()
        narrow.bind(("127.0.0.1", port_of(wide)))
        narrow.listen()
        assert found("127.0.0.1", port_of(wide)).inode == inode_of(narrow)


@pytest.mark.parametrize(
    ("bound", "wanted", "which"),
    [
        (["0.0.0.0", "127.0.0.1"], ["127.0.0.1"], "127.0.0.1"),
        (["::", "0.0.0.0"], ["127.0.0.1"], "0.0.0.0"),
        (["::", "127.0.0.1"], ["::1", "127.0.0.1"], "::"),
        (["127.0.0.1", "::"], ["127.0.0.1", "::1"], "127.0.0.1"),
        (["0.0.0.0", "::1"], ["127.0.0.2", "::1"], "0.0.0.0"),
        (["0.0.0.0"], ["::1"], None),
        (["::", "::"], ["127.0.0.1"], "::"),
    ],
    ids=lambda of: ", ".join(of) if isinstance(of, list) else str(of),
)
def test_of_several_listeners_the_first_address_then_the_nearest_binding_decides(
    bound: list[str], wanted: list[str], which: str | None
) -> None:
    rows = [Row(ip_address(each), 7497, LISTEN, 0, 0, inode, NOWHERE, 0) for inode, each in enumerate(bound, 1)]
    others = [rows[0]._replace(state="01", inode=8), rows[0]._replace(port=7496, inode=9)]
    answer = sockets.reached(others + rows, 7497, [ip_address(each) for each in wanted])
    assert (answer and (str(answer.address), answer.inode)) == (which and (which, bound.index(which) + 1))


def test_localhost_by_name_is_found_in_either_family() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        assert found("localhost", port_of(listening)).inode == inode_of(listening)


@pytest.mark.integration
def test_a_restart_of_tws_shows_as_another_socket() -> None:
    with simulated_tws() as tws:
        port = tws.port
        before = found("127.0.0.1", port)
        assert found("127.0.0.1", port).same_as(before)
    assert sockets.listener("127.0.0.1", port) is None
    with simulated_tws(port=port):
        assert not found("127.0.0.1", port).same_as(before)


@pytest.mark.parametrize("host", ["192.0.2.7", "x" * 64])
def test_another_host_cannot_be_looked_at(host: str) -> None:
    with pytest.raises(CannotLook, match=host):
        sockets.listener(host, 7497)


@pytest.mark.parametrize("name", ["tcp", "tcp6"])
def test_an_unreadable_table_is_neither_open_nor_closed(proc: Path, name: str) -> None:
    table = proc / "net" / name
    table.unlink()
    table.mkdir()
    with pytest.raises(CannotLook, match=f"net/{name}: Is a directory"):
        sockets.listener("127.0.0.1", 7497, proc=proc)


def test_without_a_table_there_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(CannotLook, match="net/tcp: No such file"):
        sockets.listener("127.0.0.1", 7497, proc=tmp_path)


@pytest.mark.parametrize("text", ["", "a web page\n", f"{HEADER}   0: 0100007F:1D49 00000000:0000 0A\n"])
def test_a_table_that_is_none_gives_no_answer(proc: Path, text: str) -> None:
    (proc / "net" / "tcp").write_text(text)
    with pytest.raises(CannotLook, match="net/tcp"):
        sockets.listener("127.0.0.1", 7497, proc=proc)


def test_a_host_without_ipv6_has_no_second_table(proc: Path) -> None:
    (proc / "net" / "tcp6").unlink()
    assert sockets.listener("127.0.0.1", 7497, proc=proc) is None


def test_in_wsl_a_port_without_a_listener_may_be_one_of_windows(proc: Path) -> None:
    (proc / "sys" / "kernel").mkdir(parents=True)
    (proc / "sys" / "kernel" / "osrelease").write_text("5.15.167.4-microsoft-standard-WSL2\n")
    with pytest.raises(CannotLook, match="Windows may"):
        sockets.listener("127.0.0.1", 7497, proc=proc)


@pytest.mark.integration
def test_a_process_of_another_user_is_seen_without_its_pid() -> None:
    if os.getuid() != 0:
        pytest.skip("only root can start a process of another user")
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        look = f"sockets.listener('127.0.0.1', {port_of(listening)})"
        become = f"import os; from v6.gateway import sockets; {look}; os.setuid({NOBODY})"  # imports while it may
        done = subprocess.run(
            [sys.executable, "-c", f"{become}; print({look}.words())"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stdout.strip() == f"inode {inode_of(listening)}"


def test_the_journal_gives_back_what_was_written() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        answer = found("127.0.0.1", port_of(listening))
    again = Listener.parse(answer.words())
    assert again.same_as(answer)
    assert again.words() == answer.words()
    assert Listener.parse("inode 41234") == Listener(41234)
    with pytest.raises(ValueError, match="not a listener"):
        Listener.parse("could not check")


def test_the_same_inode_of_another_process_is_another_listener() -> None:
    assert not Listener(41234, pid=812).same_as(Listener(41234, pid=4711))
    assert Listener(41234, pid=812).same_as(Listener(41234))
