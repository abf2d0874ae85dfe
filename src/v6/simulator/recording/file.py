"""A recording as JSON lines: a header, then what happened on the connections, each line whole or not there."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

FORMAT = 1
LONGEST_LINE = 64 << 20
TO_TWS, FROM_TWS = ">", "<"


class RecordingError(Exception):
    """Not a recording: the file, the line and what is wrong with it."""


class Writer:
    """Appends whole lines at once without a buffer, so that a kill leaves every line written so far."""

    def __init__(self, path: Path, instant: datetime, simulator: str) -> None:
        """Raises FileExistsError, OSError."""
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        self.lines = 0
        self.write(v6_recording=FORMAT, date=instant.isoformat(), simulator=simulator)

    def write(self, **line: Any) -> None:
        """Raises OSError."""
        whole = (json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n").encode()
        while whole:
            whole = whole[os.write(self._file, whole) :]
        self.lines += 1

    def close(self) -> None:
        os.close(self._file)


@dataclass(frozen=True)
class Message:
    """`at`: seconds since the recording began; `direction`: > to TWS, < from it; `masked`: it fitted no layout."""

    at: float
    connection: int
    direction: str
    fields: tuple[str, ...]
    masked: bool = False


@dataclass(frozen=True)
class Conversation:
    """One connection of a recording; `at`: when its handshake came, seconds since the recording began."""

    number: int
    version: int
    handshake: tuple[str, ...]
    messages: tuple[Message, ...]
    at: float = 0.0


@dataclass(frozen=True)
class Recording:
    date: datetime
    simulator: str
    conversations: tuple[Conversation, ...]
    notes: tuple[str, ...]


def read(path: Path) -> Recording:
    """Raises RecordingError. A last line without its end, as a kill may leave it, is passed over."""
    header: dict[str, Any] | None = None
    versions: dict[int, tuple[int, tuple[str, ...], float]] = {}
    messages: dict[int, list[Message]] = {}
    notes: list[str] = []
    for place, line in _lines(path):
        try:
            if header is None:
                header = _header(line)
            elif "f" in line:
                message = _message(line)
                messages.setdefault(message.connection, []).append(message)
            elif "negotiated" in line:
                said = _number(line, "negotiated"), _texts(line, "handshake"), _seconds(line)
                versions[_number(line, "c")] = said
            elif "note" in line:
                notes.append(str(line["note"]))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise RecordingError(f"{path}, line {place}: {what}") from None
    if header is None:
        raise RecordingError(f"{path}: empty, no header line")
    for connection in messages:
        if connection not in versions:
            raise RecordingError(f"{path}: connection {connection} has messages and no negotiated version")
    talks = tuple(Conversation(number, version, handshake, tuple(messages.get(number, ())), at)
                  for number, (version, handshake, at) in versions.items())  # fmt: skip
    return Recording(datetime.fromisoformat(header["date"]), str(header.get("simulator", "")), talks, tuple(notes))


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open("rb") as file:
            place = 0
            while raw := file.readline(LONGEST_LINE):
                place += 1
                if len(raw) == LONGEST_LINE:
                    raise RecordingError(f"{path}, line {place}: longer than {LONGEST_LINE} bytes")
                try:
                    line = json.loads(raw)
                except (ValueError, RecursionError) as error:
                    if not raw.endswith(b"\n") and place > 1:
                        return
                    raise RecordingError(f"{path}, line {place}: not JSON: {error}") from None
                if not isinstance(line, dict):
                    raise RecordingError(f"{path}, line {place}: not an object")
                yield place, line
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from None


def _header(line: dict[str, Any]) -> dict[str, Any]:
    if "v6_recording" not in line:
        raise ValueError("not a recording: no v6_recording in its first line")
    if line["v6_recording"] != FORMAT or isinstance(line["v6_recording"], bool):
        raise ValueError(f"format {line['v6_recording']!r}, this version reads {FORMAT}")
    if datetime.fromisoformat(line["date"]).tzinfo is None:
        raise ValueError("date has no zone")
    return line


def _message(line: dict[str, Any]) -> Message:
    at, direction, fields = _seconds(line), line["d"], _texts(line, "f")
    if direction not in (TO_TWS, FROM_TWS):
        raise ValueError(f"d is {direction!r}, allowed: {TO_TWS} {FROM_TWS}")
    if not fields or any("\0" in field for field in fields):
        raise ValueError("f has no field" if not fields else "f has a NUL within a field")
    return Message(at, _number(line, "c"), direction, fields, line.get("masked") is True)


def _seconds(line: dict[str, Any]) -> float:
    at = line["t"]
    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at < float("inf"):
        raise ValueError(f"t is {at!r}, not seconds")
    return float(at)


def _number(line: dict[str, Any], name: str) -> int:
    value = line[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}, not an integer")
    return value


def _texts(line: dict[str, Any], name: str) -> tuple[str, ...]:
    value: Sequence[Any] = line[name]
    if not isinstance(value, list) or not all(isinstance(field, str) for field in value):
        raise ValueError(f"{name} is not a list of texts")
    return tuple(value)
