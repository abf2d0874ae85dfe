"""Who wants to know that the books have changed."""

import asyncio
from collections.abc import Callable
from typing import Protocol

Listener = Callable[[str], None]


class Changing(Protocol):
    def subscribe(self, callback: Listener) -> None:
        """Call back with the account after every change."""


class Changes:
    """Tells every listener once a turn of the event loop which accounts have changed."""

    def __init__(self, books: Changing) -> None:
        self._listeners: dict[int, Listener] = {}
        self._next = 0
        self._pending: set[str] = set()
        books.subscribe(self._changed)

    @property
    def listeners(self) -> int:
        return len(self._listeners)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Gives the function that ends it."""
        number = self._next = self._next + 1
        self._listeners[number] = listener

        def end() -> None:
            self._listeners.pop(number, None)

        return end

    def _changed(self, account: str) -> None:
        if not self._pending:
            asyncio.get_running_loop().call_soon(self._tell)
        self._pending.add(account)

    def _tell(self) -> None:
        accounts, self._pending = sorted(self._pending), set()
        for account in accounts:
            for listener in list(self._listeners.values()):
                listener(account)
