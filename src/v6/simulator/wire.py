"""Frames of the TWS protocol: a 4-byte big-endian length, then NUL-terminated text fields."""

import asyncio
import math
import struct
from collections.abc import Iterator

LARGEST_FRAME = 1 << 20
UNSET_DOUBLE = "1.7976931348623157E308"
UNSET_INTEGER = "2147483647"

Field = str | int | float | bool | None


class WireError(Exception):
    """The peer sent something that is not the TWS protocol."""


def text(value: Field) -> str:
    """One field as TWS writes it: booleans 1/0, floats by their shortest exact form, nothing for None."""
    if value.__class__ is float or value.__class__ is int:
        return repr(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return repr(value) if isinstance(value, float) else str(value)


def frame(*fields: Field) -> bytes:
    return framed("\0".join([field if field.__class__ is str else text(field) for field in fields]) + "\0")


def framed(payload: str) -> bytes:
    """A frame of text that already has its NULs: for the messages that are sent ten thousand times a second."""
    encoded = payload.encode()
    return len(encoded).to_bytes(4, "big") + encoded


def plain(value: float) -> str:
    """A number without needless decimals, as sizes and strikes travel: 100 and not 100.0."""
    return str(int(value)) if value == int(value) else repr(value)


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """The payload of the next frame. Raises asyncio.IncompleteReadError at the end, WireError for nonsense."""
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    if not 0 < length <= LARGEST_FRAME:
        raise WireError(f"a frame of {length} bytes")
    return await reader.readexactly(length)


class Fields:
    """The fields of one request, read from the left. Raises WireError for a missing or malformed one."""

    def __init__(self, payload: bytes) -> None:
        parts = payload.decode(errors="backslashreplace").split("\0")
        if parts and not parts[-1]:
            parts.pop()
        self.parts = parts
        self._next: Iterator[str] = iter(parts)

    def text(self) -> str:
        try:
            return next(self._next)
        except StopIteration:
            raise WireError("too few fields") from None

    def rest(self) -> list[str]:
        return list(self._next)

    def integer(self) -> int:
        value = self.text()
        try:
            return int(value) if value else 0
        except ValueError:
            raise WireError(f"{value!r} is not an integer") from None

    def number(self) -> float:
        value = self.text()
        try:
            number = float(value) if value else 0.0
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise WireError(f"{value!r} is not a number")
        return number

    def flag(self) -> bool:
        return self.text() in ("1", "true", "True")

    def skip(self, count: int) -> None:
        for _ in range(count):
            self.text()
