"""The event log: every message in and out, and whatever befell a connection, as JSON lines for debugging a client."""

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from v6.simulator.differs import DIFFERS
from v6.simulator.faults.model import Faults
from v6.simulator.faults.values import shown
from v6.simulator.message_names import INCOMING, OUTGOING, name

if TYPE_CHECKING:
    from v6.simulator.server import Server
    from v6.simulator.session import Session

MEGABYTE = 1 << 20


class Silence:
    """No event log: nothing is written. Ask `on` before a costly call."""

    on = False

    def received(self, session: "Session", fields: Sequence[str]) -> None: ...

    def sent(self, session: "Session", frame: bytes) -> None: ...

    def note(self, text: str, session: "Session | None" = None, **facts: Any) -> None: ...

    def faults(self, faults: Faults) -> None: ...

    def close(self) -> None: ...


class EventLog(Silence):
    """JSON lines of at most two files of `megabytes` each: FILE, and FILE.1 with what was before.

    Every line has `time` (New York, microseconds, the simulator's clock) and `event`: in, out or note. Messages have
    `connection`, `client`, `name` and `fields` (texts as on the wire). `differs`: real TWS may differ here.
    """

    on = True

    def __init__(self, path: Path, megabytes: float, server: "Server") -> None:
        """Raises OSError when the file cannot be written."""
        self._path, self._most, self._server = path, int(megabytes * MEGABYTE), server
        self._file: TextIO = path.open("a", encoding="utf-8", buffering=1)
        self._written = path.stat().st_size
        self._faults = Faults()

    def received(self, session: "Session", fields: Sequence[str]) -> None:
        called = name(INCOMING, fields[0]) if fields else ""
        self._write("in", session, {"name": called, "fields": list(fields)} | differs(called))

    def sent(self, session: "Session", frame: bytes) -> None:
        """One whole frame, with its length in front."""
        fields = frame[4:].decode(errors="backslashreplace").split("\0")[:-1]
        called = name(OUTGOING, fields[0]) if session.shaken else "handshake"
        self._write("out", session, {"name": called, "fields": fields})

    def note(self, text: str, session: "Session | None" = None, **facts: Any) -> None:
        """Anything else that explains what a client sees; `differs`: where real TWS may behave otherwise."""
        self._write("note", session, {"text": text} | facts)

    def faults(self, faults: Faults) -> None:
        """Note what is wrong from now on, when that has changed."""
        if faults == self._faults:
            return
        self._faults, default = replace(faults), Faults()
        wrong = {
            each.name: shown(value)
            for each in fields(Faults)
            if (value := getattr(faults, each.name)) != getattr(default, each.name)
        }
        self.note("faults from now on", faults=wrong)

    def _write(self, event: str, session: "Session | None", facts: dict[str, Any]) -> None:
        line: dict[str, Any] = {"time": self._server.now().isoformat(timespec="microseconds"), "event": event}
        if session is not None:
            line |= {"connection": session.number, "client": session.client_id}
        text = json.dumps(line | facts, default=str) + "\n"
        if self._written + len(text) > self._most:
            self._rotate()
        self._written += len(text)
        self._file.write(text)

    def _rotate(self) -> None:
        self._file.close()
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        self._file = self._path.open("w", encoding="utf-8", buffering=1)
        self._written = 0

    def close(self) -> None:
        self._file.close()


def differs(called: str) -> dict[str, str]:
    return {"differs": DIFFERS[called]} if called in DIFFERS else {}
