"""Any bytes at any moment of a connection: the simulator forgets the client and goes on."""

import socket
import struct

import psutil
import pytest
from fuzz_support import connection, drain, few, greeting, many, start
from hypothesis import given
from hypothesis import strategies as st
from raw_tws_client import framed

pytestmark = pytest.mark.integration

BEGINNINGS = {
    "before the handshake": b"",
    "in the prefix": b"AP",
    "in the length of the offer": b"API\0\0",
    "in the offer": b"API\0\0\0\0\x09v157..",
    "after the handshake": greeting("v157..178"),
    "after the start": greeting("v157..178") + start(),
    "in a frame": greeting("v157..178") + start() + b"\0\0\0\x10" + b"1\0" * 3,
}
LENGTHS = st.sampled_from([0, 1, 2, 255, 1 << 16, 1 << 20, (1 << 20) + 1, 1 << 24, 1 << 31, (1 << 32) - 1])
PIECES = st.one_of(
    st.binary(max_size=200),
    LENGTHS.map(lambda length: struct.pack(">I", length)),
    st.lists(st.sampled_from(["", "1", "9", "-1", "x", "\n"]), max_size=30).map(lambda fields: framed(*fields)),
    st.tuples(LENGTHS, st.binary(max_size=50)).map(lambda both: struct.pack(">I", both[0]) + both[1]),
    st.from_regex(rb"v\d{1,400}(\.\.\d{1,400})?( .*)?", fullmatch=True).map(
        lambda offer: struct.pack(">I", len(offer)) + offer
    ),
)
ENDS = st.sampled_from(["close", "reset", "half close"])
NONSENSE = (st.sampled_from(sorted(BEGINNINGS)), st.lists(PIECES, max_size=8).map(b"".join), ENDS)


def check(watch, beginning, nonsense, end):
    with connection(watch.tws.port) as opened:
        try:
            opened.sendall(BEGINNINGS[beginning] + nonsense)
            if end == "half close":
                opened.shutdown(socket.SHUT_WR)
                drain(opened)
            elif end == "reset":
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except ConnectionError:
            pass  # the simulator has ended it already, as it may
    watch.unharmed()


@few(150)
@given(*NONSENSE)
def test_bytes_that_are_no_protocol_harm_nobody(watch, beginning, nonsense, end):
    check(watch, beginning, nonsense, end)


@pytest.mark.soak
@many(5000)
@given(*NONSENSE)
def test_many_bytes_that_are_no_protocol_harm_nobody(watch, beginning, nonsense, end):
    check(watch, beginning, nonsense, end)


@pytest.mark.parametrize("announced", [(1 << 32) - 1, (1 << 20) + 1, 1 << 20])
def test_a_frame_that_is_announced_huge_takes_no_memory(watch, announced):
    before = psutil.Process().memory_info().rss
    opened = [connection(watch.tws.port) for _ in range(20)]
    for each in opened:
        each.sendall(greeting("v157..178") + start() + struct.pack(">I", announced) + b"1")
    watch.healthy.send(49, 1)
    watch.healthy.until(49)
    assert psutil.Process().memory_info().rss - before < 8 << 20
    for each in opened:
        each.close()
    watch.unharmed()


def test_a_frame_over_the_limit_is_cut_off_while_it_comes(watch):
    with connection(watch.tws.port) as opened:
        opened.sendall(greeting("v157..178") + start())
        opened.sendall(struct.pack(">I", 1 << 30))
        with pytest.raises(ConnectionError):
            opened.sendall(bytes(1 << 27))
    watch.unharmed()
