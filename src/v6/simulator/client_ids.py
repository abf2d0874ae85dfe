"""Which client ids are taken: by a connection, or still by one that has gone."""

from typing import TYPE_CHECKING

from v6 import clock

if TYPE_CHECKING:
    from v6.simulator.session import Session


class ClientIds:
    def __init__(self) -> None:
        self._taken: dict[int, Session] = {}
        self._occupied: dict[int, float] = {}
        self._known: set[int] = set()

    def take(self, session: "Session", client_id: int) -> bool:
        """Take it unless another connection has it, or had it a moment ago."""
        if client_id in self._taken or self._occupied.get(client_id, 0.0) > clock.monotonic():
            return False
        self._taken[client_id] = session
        self._known.add(client_id)
        return True

    def leave(self, session: "Session", seconds: float) -> None:
        """Give a session's id back, which stays occupied that long."""
        client_id = session.client_id
        if client_id is not None and self._taken.get(client_id) is session:
            del self._taken[client_id]
            self._occupied[client_id] = clock.monotonic() + seconds

    def free(self) -> None:
        """A TWS that has ended occupies none."""
        self._occupied.clear()

    def forget_known(self) -> frozenset[int]:
        """The ids of every client since the last time."""
        known = frozenset(self._known)
        self._known.clear()
        return known
