"""Subscriptions that repeat: at intervals, and soon after the books have changed."""

from collections.abc import Callable, Collection, Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from v6.simulator.session import Session


class Stream:
    """Calls `send` every so many seconds (0: never) and after changes, until it is stopped. The first call is not its.

    accounts: whose changes matter; for those of others nothing is sent.
    """

    def __init__(self, session: "Session", seconds: float, accounts: Collection[str], send: Callable[[], None]) -> None:
        self._session, self._seconds, self._accounts, self._send = session, seconds, accounts, send
        self._stopped = False
        self._unlisten = session.server.changes.listen(self._changed)
        self._wait()

    def _changed(self, account: str) -> None:
        if account in self._accounts:
            self._go()

    def _wait(self) -> None:
        if self._seconds > 0:
            self._session.server.wheel.after(self._seconds, self._tick)

    def _tick(self) -> None:
        if not self._stopped:
            self._go()
            self._wait()

    def _go(self) -> None:
        if not self._stopped and not self._session.muted:
            self._send()

    def stop(self) -> None:
        self._stopped = True
        self._send = _nothing  # the wheel holds this until its time has come: not also all that was sent
        self._unlisten()


def _nothing() -> None:
    pass


class Sent:
    """What a subscription has already been told."""

    def __init__(self) -> None:
        self._last: dict[Hashable, object] = {}

    def differs(self, key: Hashable, value: object) -> bool:
        """Whether that is news, remembering it."""
        if self._last.get(key) == value:
            return False
        self._last[key] = value
        return True

    def forget(self, key: Hashable) -> None:
        self._last.pop(key, None)
