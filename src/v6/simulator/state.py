"""What survives the simulator's own restart: orders, executions, positions, cash and ids, in one JSON file.

It is replaced whole (a temporary file, fsync, rename), so that whatever ends the process leaves the old or the new one.
One simulator has it at a time: a file beside it (.NAME.lock) is locked.
"""

import fcntl
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from v6.model import V6Error
from v6.simulator.accounts.positions import Position
from v6.simulator.plain_values import PlainError, from_plain, to_plain
from v6.simulator.trading.archive import Done
from v6.simulator.trading.ids import Ids
from v6.simulator.trading.ticket import Ticket
from v6.simulator.whole_file import write_whole

if TYPE_CHECKING:
    from v6.simulator.server import Server

KIND, VERSION = "v6 simulator state", 1
SAVE_SECONDS = 0.05
RETRY_SECONDS = 1.0


class StateError(V6Error):
    """The state file is not one of ours, of another version, seed or set of accounts, in use, or cannot be written."""


class StateFile:
    def __init__(self, path: Path, server: "Server") -> None:
        self._path, self._server = path.resolve(), server
        self._waiting = self._failing = False
        self._changed = True  # a first save shows at once whether it can be
        self._lock: int | None = None

    def open(self) -> None:
        """Have the file for oneself and take up what it holds; without one nothing. Raises StateError."""
        if not self._path.parent.is_dir():
            raise StateError(f"--state: folder {self._path.parent} does not exist")
        self._take_lock()
        try:
            self._load()
        except BaseException:
            self.release()
            raise

    def _take_lock(self) -> None:
        lock = self._path.with_name(f".{self._path.name}.lock")
        try:
            self._lock = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise StateError(f"--state: {self._path}: another simulator uses it") from None
        except OSError as error:
            self.release()
            raise StateError(f"--state: {lock}: {error.strerror or error}") from None

    def release(self) -> None:
        """Let another simulator have it. Safe to call twice."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def close(self) -> None:
        """Save what has not been, and release it. Raises StateError."""
        try:
            self.save()
        finally:
            self.release()

    def _load(self) -> None:
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise StateError(f"{self._path}: {error}") from None
        self._check_and_take(text)

    def _check_and_take(self, text: str) -> None:
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise StateError(f"{self._path}: not a state file of the simulator: {error}") from None
        if not isinstance(found, dict) or found.get("kind") != KIND:
            raise StateError(f"{self._path}: not a state file of the simulator")
        for name, value in self._marks().items():
            if found.get(name) != value:
                raise StateError(f"{self._path}: {name} {found.get(name)!r}, but this simulator has {value!r}")
        try:
            self._take(found)
        except (PlainError, KeyError, TypeError, ValueError) as error:
            raise StateError(f"{self._path}: cannot be read: {error}") from None

    def _marks(self) -> dict[str, Any]:
        options = self._server.options
        return {"kind": KIND, "version": VERSION, "seed": options.seed, "accounts": list(options.accounts)}

    def _take(self, found: dict[str, Any]) -> None:
        trading, books = self._server.trading, self._server.books
        ids = found["ids"]
        trading.ids = Ids(
            received={int(client): int(highest) for client, highest in ids["received"].items()},
            seen={int(client): int(highest) for client, highest in ids["received"].items()},
            last_perm=int(ids["last_perm"]), bound=int(ids["bound"]), executions=int(ids["executions"]),
        )  # fmt: skip
        trading.archive.orders = [from_plain(Ticket, each) for each in found["completed"]]
        trading.blotter.restore([*trading.archive.orders, *(from_plain(Ticket, each) for each in found["orders"])])
        trading.archive.executions = [from_plain(Done, each) for each in found["executions"]]
        books.held = {
            (str(account), str(model), int(con_id)): from_plain(Position, position)
            for account, model, con_id, position in found["positions"]
        }
        books.cash = {(str(account), str(model)): float(amount) for account, model, amount in found["cash"]}

    def as_dict(self) -> dict[str, Any]:
        """Orders that IB has not got are not part of it: a restart loses them."""
        trading, books = self._server.trading, self._server.books
        trading.archive.forget(self._server.epoch())
        ids = trading.ids
        return self._marks() | {
            "ids": {
                "received": {str(client): highest for client, highest in ids.received.items()},
                "last_perm": ids.last_perm, "bound": ids.bound, "executions": ids.executions,
            },
            "orders": [to_plain(each) for each in trading.blotter.open if each.received],
            "completed": [to_plain(each) for each in trading.archive.orders],
            "executions": [to_plain(each) for each in trading.archive.executions],
            "positions": [[*key, to_plain(position)] for key, position in books.held.items()],
            "cash": [[*key, amount] for key, amount in books.cash.items()],
        }  # fmt: skip

    def changed(self) -> None:
        """Save soon."""
        self._changed = True
        self._save_in(SAVE_SECONDS)

    def _save_in(self, seconds: float) -> None:
        if not self._waiting:
            self._waiting = True
            self._server.wheel.after(seconds, self._save_now)

    def _save_now(self) -> None:
        """What cannot be written (the disk is full) is tried again until it can."""
        self._waiting = False
        try:
            self.save()
        except StateError as error:
            self._save_in(RETRY_SECONDS)
            if not self._failing:
                self._say(f"{error}; tried again every second")
            self._failing = True
        else:
            if self._failing:
                self._say(f"--state: {self._path}: saved again")
            self._failing = False

    def _say(self, text: str) -> None:
        sys.stderr.write(f"simulator: {text}\n")
        sys.stderr.flush()
        with suppress(OSError):  # the event log's disk may be the same
            self._server.events.note(text)

    def save(self) -> None:
        """Replace the file, if anything has changed since. Raises StateError when it cannot be written."""
        if self._changed:
            try:
                text = json.dumps(self.as_dict(), separators=(",", ":"), allow_nan=False)
                write_whole(self._path, text + "\n", sync=True)
            except OSError as error:
                told = f"--state: {self._path}: {error.strerror or error}: orders and positions are not saved"
                raise StateError(told) from None
            self._changed = False
