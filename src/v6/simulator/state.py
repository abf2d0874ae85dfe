"""What survives the simulator's own restart: orders, executions, positions, cash and ids, in one JSON file.

It is replaced whole (a temporary file, fsync, rename), so that whatever ends the process leaves the old or the new one.
"""

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from v6.model import V6Error
from v6.simulator.accounts.positions import Position
from v6.simulator.plain_values import PlainError, from_plain, to_plain
from v6.simulator.trading.archive import Done
from v6.simulator.trading.ids import Ids
from v6.simulator.trading.ticket import Ticket

if TYPE_CHECKING:
    from v6.simulator.server import Server

KIND, VERSION = "v6 simulator state", 1
SAVE_SECONDS = 0.05


class StateError(V6Error):
    """The state file is not one of ours, or of another version, seed or set of accounts."""


class StateFile:
    def __init__(self, path: Path, server: "Server") -> None:
        self._path, self._server = path, server
        self._waiting = self._changed = False

    def load(self) -> None:
        """Take up what the file holds; without a file nothing. Raises StateError."""
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
        books.traded = {
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
            "positions": [[*key, to_plain(position)] for key, position in books.traded.items()],
            "cash": [[*key, amount] for key, amount in books.cash.items()],
        }  # fmt: skip

    def changed(self) -> None:
        """Save soon."""
        self._changed = True
        if not self._waiting:
            self._waiting = True
            self._server.wheel.after(SAVE_SECONDS, self._save_now)

    def _save_now(self) -> None:
        self._waiting = False
        self.save()

    def save(self) -> None:
        """Replace the file, if anything has changed. Raises OSError when it cannot be written."""
        if not self._changed:
            return
        self._changed = False
        temporary = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        text = json.dumps(self.as_dict(), separators=(",", ":"), allow_nan=False)
        try:
            with temporary.open("w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
