"""Nonsense on the wire, one kind a name: how a broken proxy, a truncated stream or a bad byte look to a client."""

from typing import TYPE_CHECKING

from v6.simulator.wire import frame

if TYPE_CHECKING:
    from v6.simulator.session import Session

_ERROR = frame(4, 2, -1, 2104, "Market data farm connection is OK:usfarm", "")
_BYTES = bytes(range(128, 192))

GARBAGE = {
    "bytes": _BYTES,
    "absurd_length": b"\x7f\xff\xff\xff" + _BYTES,
    "empty_frame": b"\0\0\0\0",
    "short_length": (10).to_bytes(4, "big") + _ERROR[4:],
    "not_utf8": len(_ERROR[4:]).to_bytes(4, "big") + _ERROR[4:].replace(b"usfarm", b"\xff\xfe\xc3\x28us"[:6]),
    "unknown_message": frame(999, 1, "never heard of"),
    "no_fields": frame(4),
    "cut_frame": _ERROR[: len(_ERROR) // 2],
}
# after these the connection ends: the rest of the frame never comes
ENDS = frozenset({"cut_frame"})


def send_garbage(session: "Session", kind: str) -> None:
    session.send_raw(GARBAGE[kind])
    session.server.events.note(f"garbage sent: {kind}", session, bytes=GARBAGE[kind].hex())
    if kind in ENDS:
        session.finish()
