"""A failed connect names its cause, at once where the wire shows it, and leaves no socket behind (L27)."""

import socket
import time
from collections.abc import Callable

import pytest
from gateway_support import HANDSHAKE, READY, frame, free_port, raw_tws, sockets

from v6.gateway.client import Gateway
from v6.gateway.errors import ConnectCause, ConnectFailed

pytestmark = [pytest.mark.integration, pytest.mark.both_libraries]
MUTE_SECONDS = 0.6
USED_ID = frame(4, 2, -1, 326, "Unable to connect as the client id is already in use.", "")


def listen_for_ever(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def says(*answers: bytes) -> Callable[[socket.socket], None]:
    """A TWS that gives these answers to the first messages it gets, falls silent, and never closes."""

    def talk(connection: socket.socket) -> None:
        for answer in answers:
            connection.recv(65536)
            connection.sendall(answer)
        listen_for_ever(connection)

    return talk


def hangs_up_after(*answers: bytes) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        for answer in answers:
            connection.recv(65536)
            connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    return talk


AT_ONCE = {
    "a proxy with nothing behind it": (hangs_up_after(), ConnectCause.CLOSED_AT_ONCE),
    "hung up after the handshake": (hangs_up_after(HANDSHAKE), ConnectCause.CLOSED_AFTER_HANDSHAKE),
    "an empty list of accounts": (says(HANDSHAKE, frame(15, 1, "") + frame(9, 1, 1)), ConnectCause.NO_ACCOUNT),
    "a TWS of 2013": (says(frame(100, "20130101 09:30:00 EST")), ConnectCause.VERSION),
    "a web server": (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), ConnectCause.NOT_TWS),
    "every client id in use": (says(HANDSHAKE, USED_ID), ConnectCause.CLIENT_ID_IN_USE),
}
IN_THE_END = {
    "mute from the start": (listen_for_ever, ConnectCause.MUTE_BEFORE_HANDSHAKE),
    "mute after the handshake": (says(HANDSHAKE), ConnectCause.MUTE_AFTER_HANDSHAKE),
    "an order id and no account": (says(HANDSHAKE, frame(9, 1, 1)), ConnectCause.NO_ACCOUNT),
}


def fail(gateway: Gateway) -> tuple[ConnectFailed, float]:
    started = time.monotonic()
    with pytest.raises(ConnectFailed) as caught, gateway:
        pass
    return caught.value, time.monotonic() - started


@pytest.mark.parametrize("case", AT_ONCE)
def test_a_cause_that_the_wire_shows_is_named_within_a_second(case: str, gateway: Callable[..., Gateway]) -> None:
    talk, cause = AT_ONCE[case]
    with raw_tws(talk) as tws:
        error, seconds = fail(gateway(tws.port))
        assert error.cause is cause
        assert error.seconds < 1.0
        assert seconds < 4.0, "the first use of the library imports it"
        assert str(tws.port) in str(error)
        assert sockets(tws.port) == []


@pytest.mark.parametrize("case", IN_THE_END)
def test_a_silent_tws_is_told_apart_when_the_time_is_over(case: str, gateway: Callable[..., Gateway]) -> None:
    talk, cause = IN_THE_END[case]
    with raw_tws(talk) as tws:
        error, _ = fail(gateway(tws.port, connect_timeout_seconds=MUTE_SECONDS))
        assert error.cause is cause
        assert MUTE_SECONDS <= error.seconds < MUTE_SECONDS + 1.0
        assert sockets(tws.port) == []


def test_nothing_listening_is_refused_at_once_also_by_name(gateway: Callable[..., Gateway]) -> None:
    for host in ("127.0.0.1", "localhost"):
        error, _ = fail(gateway(free_port(), host=host))
        assert error.cause is ConnectCause.REFUSED
        assert error.seconds < 1.0
        assert error.recoverable


def test_a_name_that_does_not_resolve_is_unreachable(gateway: Callable[..., Gateway]) -> None:
    error, _ = fail(gateway(7497, host="no-such-host.invalid"))
    assert error.cause is ConnectCause.UNREACHABLE
    assert "resolve" in error.evidence


def test_a_full_accept_queue_is_unreachable_when_the_time_is_over(gateway: Callable[..., Gateway]) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address):  # fills the queue: the kernel drops what comes next
            error, _ = fail(gateway(address[1], connect_timeout_seconds=MUTE_SECONDS))
    assert error.cause is ConnectCause.UNREACHABLE
    assert "or a TWS that is stuck" in error.evidence
    assert error.seconds < MUTE_SECONDS + 1.0


def test_a_wrong_version_is_not_worth_another_attempt(gateway: Callable[..., Gateway]) -> None:
    with raw_tws(AT_ONCE["a TWS of 2013"][0]) as tws:
        error, _ = fail(gateway(tws.port))
    assert not error.recoverable


def test_a_used_client_id_is_left_for_the_next_one(gateway: Callable[..., Gateway]) -> None:
    """TWS answers 326 once, then takes the next id; the library alone would wait for its whole time limit."""
    answers = [USED_ID, READY]

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(HANDSHAKE)
        connection.recv(65536)
        connection.sendall(answers.pop(0))
        listen_for_ever(connection)

    with raw_tws(talk) as tws:
        with gateway(tws.port) as gw:
            assert gw.client_id == 11
            assert gw.accounts == ["DU9000001"]
        assert sockets(tws.port) == []
        answers.append(READY)
        with gateway(tws.port) as gw:
            assert gw.client_id not in (10, 11), "10 is in quarantine, 11 has only just been used"


@pytest.mark.one_python
def test_fifty_failures_in_turn_leave_nothing_behind(gateway: Callable[..., Gateway]) -> None:
    kinds = [talk for talk, _ in AT_ONCE.values() if talk is not AT_ONCE["an empty list of accounts"][0]]
    for number in range(50):
        with raw_tws(kinds[number % len(kinds)]) as tws:
            fail(gateway(tws.port, last_client_id=999))
            assert sockets(tws.port) == []
